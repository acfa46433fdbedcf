/** Appends: the expected state, the checks, and the results. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";

import { InvalidFieldError, ProtocolError } from "./errors.js";
import { type NewEvent, toPbEvent } from "./events.js";
import {
  type AppendToManyRequest,
  AppendToManyRequestSchema,
  type AppendToManyResponse,
  type AppendToStreamRequest,
  AppendToStreamRequestSchema,
  type AppendToStreamResponse,
  type CheckSchema,
  type ExpectedRevision as PbExpectedRevision,
  ExpectedRevisionSchema,
} from "./generated/annals/v1/append_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import { type Query, toPbQuery } from "./query.js";
import { type StateChange, type StateCheck, toPbStateChange, toPbStateCheck } from "./state.js";
import { wellFormed } from "./text.js";
import { fromPbTime, type Time, type Timestamp, toPbTime } from "./timestamp.js";

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
export type Check =
  | {
      /** The stream to check, whether or not the append writes to it. */
      readonly stream: string;
      /** The state in which it must be. */
      readonly expected: ExpectedRevision;
    }
  | {
      /**
       * The query, which no event after a position may match. It may name types, streams and tags, but no prefixes.
       */
      readonly noMatch: Query;
      /** The position: the head of the read that the decision depends on. With 0, no event at all may match. */
      readonly after: number;
    };

/** State that changes together with an append to several streams. */
export interface AppendedState {
  /** Changes of state, written in the same transaction as the events: at most 1,000, of different entries. */
  readonly stateChanges?: Iterable<StateChange>;
  /** Checks of state, which must hold like the append's other checks: at most 1,000, of different entries. */
  readonly stateChecks?: Iterable<StateCheck>;
}

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
  /**
   * The versions that the entries got, one for each of `stateChanges`, in order. 0: the entry that was to be deleted
   * did not exist. Empty in the result of a retry more than a day after the append.
   */
  readonly stateVersions: readonly number[];
}

/** Converts to the protocol. Throws an InvalidFieldError that lists the valid values. */
export function toPbExpected(expected: ExpectedRevision): PbExpectedRevision {
  const init = (): MessageInitShape<typeof ExpectedRevisionSchema> => {
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
          const description =
            `must be a revision (a whole number from 0), "no-stream", "stream-exists" or "any", not ` + shown;
          throw new InvalidFieldError([{ field: "expected", description }]);
        }
        return { expected: { case: "revision", value: BigInt(expected) } };
    }
  };
  return create(ExpectedRevisionSchema, init());
}

/** Converts from the protocol. */
export function fromPbExpected(message: PbExpectedRevision | undefined): ExpectedRevision {
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
export function toPbAppend(
  stream: string,
  expected: ExpectedRevision,
  events: Iterable<NewEvent>,
  recordedAt?: Time,
): AppendToStreamRequest {
  return create(AppendToStreamRequestSchema, {
    stream: wellFormed(stream, "stream"),
    expected: toPbExpected(expected),
    events: Array.from(events, toPbEvent),
    ...(recordedAt !== undefined && { recordedAt: toPbTime(recordedAt) }),
  });
}

/** Creates the request of an append to several streams. */
export function toPbAppendToMany(
  writes: Iterable<Write>,
  checks: Iterable<Check>,
  { stateChanges = [], stateChecks = [] }: AppendedState = {},
  recordedAt?: Time,
): AppendToManyRequest {
  return create(AppendToManyRequestSchema, {
    writes: Array.from(writes, ({ stream, events, expected }) => ({
      stream: wellFormed(stream, "stream"),
      events: events.map(toPbEvent),
      ...(expected !== undefined && { expected: toPbExpected(expected) }),
    })),
    checks: Array.from(checks, toPbCheck),
    stateChanges: Array.from(stateChanges, toPbStateChange),
    stateChecks: Array.from(stateChecks, toPbStateCheck),
    ...(recordedAt !== undefined && { recordedAt: toPbTime(recordedAt) }),
  });
}

/** Converts from the protocol. */
export function fromPbAppended(response: AppendToStreamResponse): Appended {
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
export function fromPbAppendedToMany(response: AppendToManyResponse): AppendedToMany {
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
    stateVersions: response.stateVersions.map(toNumber),
  };
}

function toPbCheck(check: Check): MessageInitShape<typeof CheckSchema> {
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
