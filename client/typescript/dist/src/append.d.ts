import { type NewEvent } from "./events.js";
import { type AppendToManyRequest, type AppendToManyResponse, type AppendToStreamRequest, type AppendToStreamResponse, type ExpectedRevision as PbExpectedRevision } from "./generated/annals/v1/append_pb.js";
import { type Query } from "./query.js";
import { type Time, type Timestamp } from "./timestamp.js";
/**
 * The state in which a stream must be for an append to be written. A number: its last event has this revision;
 * `"no-stream"`: it has no events; `"stream-exists"`: it has at least one event; `"any"`: any state.
 *
 * With any of these, an append whose result was lost can be retried with the same events: it then returns the result
 * of the first attempt (`alreadyAppended`), whether or not its events still exist.
 */
export type ExpectedRevision = number | "no-stream" | "stream-exists" | "any";
/** The result of an append to one stream. Its events have consecutive revisions and positions. */
export interface Appended {
    /** Revision of the first event. */
    readonly firstRevision: number;
    /** Revision of the last event. */
    readonly lastRevision: number;
    /** Position of the first event. */
    readonly firstPosition: number;
    /** Position of the last event. */
    readonly lastPosition: number;
    /** The time at which the events were recorded. */
    readonly recordedAt: Timestamp;
    /** Whether an earlier append with the same ids had already written the events, so that this one wrote nothing. */
    readonly alreadyAppended: boolean;
}
/** Events for one stream, as part of an append to several streams. A stream may occur in several writes. */
export interface Write {
    readonly stream: string;
    /** At least one event, in order. */
    readonly events: readonly NewEvent[];
    /**
     * The state in which the stream must be before the append: short for a check of this stream. Any unless given. If
     * the stream occurs in several writes, at most one of them has it.
     */
    readonly expected?: ExpectedRevision;
}
/** A condition of an append to several streams. */
export type Check = {
    /** The stream to check, whether or not the append writes to it. */
    readonly stream: string;
    /** The state in which it must be. */
    readonly expected: ExpectedRevision;
} | {
    /**
     * The query, which no event after a position may match. It may name types, streams and tags, but no prefixes.
     */
    readonly noMatch: Query;
    /** The position: the head of the read that the decision depends on. With 0, no event at all may match. */
    readonly after: number;
};
/** The result of an append to several streams. */
export interface AppendedToMany {
    /** Position of the first event. */
    readonly firstPosition: number;
    /** Position of the last event. */
    readonly lastPosition: number;
    /** The time at which the events were recorded. */
    readonly recordedAt: Timestamp;
    /** Whether an earlier append with the same ids had already written the events, so that this one wrote nothing. */
    readonly alreadyAppended: boolean;
    /** The revisions of the events in each stream, in the order in which the streams first occur. */
    readonly streams: readonly {
        readonly stream: string;
        readonly firstRevision: number;
        readonly lastRevision: number;
    }[];
}
/** Converts to the protocol. Throws an InvalidFieldError that lists the valid values. */
export declare function toPbExpected(expected: ExpectedRevision): PbExpectedRevision;
/** Converts from the protocol. */
export declare function fromPbExpected(message: PbExpectedRevision | undefined): ExpectedRevision;
/** Creates the request of an append to one stream. */
export declare function toPbAppend(stream: string, expected: ExpectedRevision, events: Iterable<NewEvent>, recordedAt?: Time): AppendToStreamRequest;
/** Creates the request of an append to several streams. */
export declare function toPbAppendToMany(writes: Iterable<Write>, checks: Iterable<Check>, recordedAt?: Time): AppendToManyRequest;
/** Converts from the protocol. */
export declare function fromPbAppended(response: AppendToStreamResponse): Appended;
/** Converts from the protocol. */
export declare function fromPbAppendedToMany(response: AppendToManyResponse): AppendedToMany;
//# sourceMappingURL=append.d.ts.map