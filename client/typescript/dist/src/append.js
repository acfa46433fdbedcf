/** Appends: the expected state, the checks, and the results. */
import { create } from "@bufbuild/protobuf";
import { InvalidFieldError, ProtocolError } from "./errors.js";
import { toPbEvent } from "./events.js";
import { AppendToManyRequestSchema, AppendToStreamRequestSchema, ExpectedRevisionSchema, } from "./generated/annals/v1/append_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import { toPbQuery } from "./query.js";
import { wellFormed } from "./text.js";
import { fromPbTime, toPbTime } from "./timestamp.js";
/** Converts to the protocol. Throws an InvalidFieldError that lists the valid values. */
export function toPbExpected(expected) {
    const init = () => {
        switch (expected) {
            case "no-stream":
                return { expected: { case: "noStream", value: {} } };
            case "stream-exists":
                return { expected: { case: "streamExists", value: {} } };
            case "any":
                return { expected: { case: "any", value: {} } };
            default:
                if (!Number.isSafeInteger(expected) || expected < 0) {
                    const shown = typeof expected === "string" ? JSON.stringify(expected) : String(expected);
                    const description = `must be a revision (a whole number from 0), "no-stream", "stream-exists" or "any", not ` + shown;
                    throw new InvalidFieldError([{ field: "expected", description }]);
                }
                return { expected: { case: "revision", value: BigInt(expected) } };
        }
    };
    return create(ExpectedRevisionSchema, init());
}
/** Converts from the protocol. */
export function fromPbExpected(message) {
    const expected = message?.expected;
    switch (expected?.case) {
        case "revision":
            return toNumber(expected.value);
        case "noStream":
            return "no-stream";
        case "streamExists":
            return "stream-exists";
        default:
            return "any";
    }
}
/** Creates the request of an append to one stream. */
export function toPbAppend(stream, expected, events, recordedAt) {
    return create(AppendToStreamRequestSchema, {
        stream: wellFormed(stream, "stream"),
        expected: toPbExpected(expected),
        events: Array.from(events, toPbEvent),
        ...(recordedAt !== undefined && { recordedAt: toPbTime(recordedAt) }),
    });
}
/** Creates the request of an append to several streams. */
export function toPbAppendToMany(writes, checks, recordedAt) {
    return create(AppendToManyRequestSchema, {
        writes: Array.from(writes, ({ stream, events, expected }) => ({
            stream: wellFormed(stream, "stream"),
            events: events.map(toPbEvent),
            ...(expected !== undefined && { expected: toPbExpected(expected) }),
        })),
        checks: Array.from(checks, toPbCheck),
        ...(recordedAt !== undefined && { recordedAt: toPbTime(recordedAt) }),
    });
}
/** Converts from the protocol. */
export function fromPbAppended(response) {
    return {
        firstRevision: toNumber(response.firstRevision),
        lastRevision: toNumber(response.lastRevision),
        firstPosition: toNumber(response.firstPosition),
        lastPosition: toNumber(response.lastPosition),
        recordedAt: fromPbTime(response.recordedAt, "recorded_at"),
        alreadyAppended: response.alreadyAppended,
    };
}
/** Converts from the protocol. */
export function fromPbAppendedToMany(response) {
    if (response.streams.length === 0) {
        throw new ProtocolError("an append without streams");
    }
    return {
        firstPosition: toNumber(response.firstPosition),
        lastPosition: toNumber(response.lastPosition),
        recordedAt: fromPbTime(response.recordedAt, "recorded_at"),
        alreadyAppended: response.alreadyAppended,
        streams: response.streams.map(({ stream, firstRevision, lastRevision }) => ({
            stream,
            firstRevision: toNumber(firstRevision),
            lastRevision: toNumber(lastRevision),
        })),
    };
}
function toPbCheck(check) {
    if ("stream" in check) {
        return {
            check: {
                case: "stream",
                value: { stream: wellFormed(check.stream, "stream"), expected: toPbExpected(check.expected) },
            },
        };
    }
    const query = toPbQuery(check.noMatch) ?? { items: [] };
    return { check: { case: "noMatch", value: { query, after: toBigInt(check.after, "after") } } };
}
//# sourceMappingURL=append.js.map