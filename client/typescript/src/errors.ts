/**
 * What can go wrong, sorted by what the caller does about it: a class each, all of them AnnalsErrors.
 *
 * The server names the reason of every failure (`annals/v1/errors.proto`); status.ts turns that into these classes. What
 * may safely be tried again was tried again, within the call's deadline, before an error is seen: see `retryable`.
 */
import type { ExpectedRevision } from "./append.js";
import type { Timestamp } from "./timestamp.js";

/** The base of every error that this package throws, but for the reason of an AbortSignal, which is thrown as it is. */
export abstract class AnnalsError extends Error {
  /**
   * Whether trying again may help without anything being decided anew: the server could not be reached or could not
   * serve for the moment. Safe for appends too, if the same events (with the same ids) are sent.
   */
  readonly retryable: boolean = false;
  /** Whether the append was refused because of what is in the store already. Read again, and decide anew. */
  readonly conflict: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An endpoint is no URI such as `http://127.0.0.1:2113`, or none was given. Mend the configuration. */
export class InvalidEndpointError extends AnnalsError {
  constructor(
    /** What was given. */
    readonly endpoint: string,
    reason: string,
  ) {
    super(`endpoint ${JSON.stringify(endpoint)} can't be used: ${reason}`);
  }
}

/** A value has no JSON form, or an event's bytes are not the JSON that was asked for. Mend the type. */
export class JsonError extends AnnalsError {}

/** One field that the server refused. */
export interface FieldViolation {
  /** The field's path in the request: `events[3].type`. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** The server refused fields of the request: missing, too long or malformed. Mend the request. */
export class InvalidFieldError extends AnnalsError {
  constructor(
    /** The fields; at least one. */
    readonly violations: readonly FieldViolation[],
  ) {
    super(listed(violations));
  }
}

/** An event or an append is larger than the server takes (see Client.serverInfo). Split it, or keep the large part elsewhere. */
export class TooLargeError extends AnnalsError {
  constructor(
    /** What is too large; at least one. */
    readonly violations: readonly FieldViolation[],
  ) {
    super(`too large: ${listed(violations)}`);
  }
}

/** The stream is not at the expected revision: somebody else appended. Read it again, and decide anew. */
export class RevisionConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The stream. */
    readonly stream: string,
    /** What the append expected. */
    readonly expected: ExpectedRevision,
    /** The stream's last revision; undefined if it has no events. */
    readonly actual: number | undefined,
  ) {
    super(`stream ${JSON.stringify(stream)} is not as expected: expected ${expectedText(expected)}, but it ${actualText(actual)}`);
  }
}

/**
 * The id of the append's first event was already appended, but not as part of this same append. If this is a retry, send
 * exactly what was sent first; otherwise use a new id.
 */
export class EventIdConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The id. */
    readonly id: string,
    /** The stream in which it was recorded. */
    readonly stream: string,
    /** The revision at which it was recorded. */
    readonly revision: number,
    /** The position at which it was recorded. */
    readonly position: number,
  ) {
    super(
      `event id ${id} was already appended to stream ${JSON.stringify(stream)} at revision ${revision} (position ${position}), ` +
        "by an append that was not this one; use a new id, or send exactly what was sent then",
    );
  }
}

/** A check of an append that does not hold. */
export type FailedCheck =
  | {
      /** Which of the append's checks, counted from 0. */
      readonly index: number;
      /** A stream is not as expected. */
      readonly stream: { readonly stream: string; readonly expected: ExpectedRevision; readonly actual: number | undefined };
    }
  | {
      /** Which of the append's checks, counted from 0. */
      readonly index: number;
      /** An event matches, at `position`, and none should after `after`. */
      readonly match: { readonly after: number; readonly position: number };
    };

/** Checks of the append do not hold: somebody else changed what it rests on. Read that again, and decide anew. */
export class ChecksFailedError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The first of them, in the order of the append's checks; at least one. */
    readonly failed: readonly FailedCheck[],
    /** How many there are. */
    readonly count: number,
  ) {
    super(`checks of the append do not hold (${count}): ${failed.map(failedText).join("; ")}`);
  }
}

/** The stream was deleted for ever. Use another name. */
export class StreamTombstonedError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
  ) {
    super(`stream ${JSON.stringify(stream)} was deleted for ever; use another name`);
  }
}

/** What is kept of the stream was changed since. Look at it again, and decide anew. */
export class VersionConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The stream. */
    readonly stream: string,
    /** The version that was expected. */
    readonly expected: number,
    /** The version that it has. */
    readonly actual: number,
  ) {
    super(`what is kept of stream ${JSON.stringify(stream)} was expected to be version ${expected}, but it is at version ${actual}; look at it again`);
  }
}

/** The stream has no such snapshot. Begin with its first event. (Client.loadSnapshot answers undefined instead.) */
export class SnapshotNotFoundError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
  ) {
    super(`stream ${JSON.stringify(stream)} has no such snapshot`);
  }
}

/** The append says when its events were recorded, and the server was not started with --accept-recorded-times. */
export class RecordedTimeNotAcceptedError extends AnnalsError {}

/** The append says that its events were recorded before the log's last event, or after now. */
export class RecordedTimeOutOfRangeError extends AnnalsError {
  constructor(
    /** The time that was given. */
    readonly recordedAt: Timestamp,
    /** When the log's last event was recorded; undefined if it is empty. */
    readonly earliest: Timestamp | undefined,
    /** The server's now. */
    readonly latest: Timestamp,
  ) {
    super(
      `events recorded at ${recordedAt.toString()} can't be next in the log: they must not be before ` +
        `${earliest?.toString() ?? "anything"}, nor after the server's clock, ${latest.toString()}`,
    );
  }
}

/** Nothing was ever appended to the stream, or nothing since it was deleted. Check the name, or take it as empty. */
export class StreamNotFoundError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
  ) {
    super(`stream ${JSON.stringify(stream)} has no events`);
  }
}

/**
 * The position has not been given to an event yet. A checkpoint that leads here is of another store, or of one that was
 * restored from an older backup: rebuild the projection.
 */
export class PositionBeyondHeadError extends AnnalsError {
  constructor(
    /** The position that was asked for. */
    readonly position: number,
    /** The log's last position; 0 if it is empty. */
    readonly head: number,
  ) {
    super(`position ${position} is beyond the head of the log, ${head}`);
  }
}

/** The same for a revision in a stream. */
export class RevisionBeyondEndError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
    /** The revision that was asked for. */
    readonly revision: number,
    /** The stream's last revision; undefined if it has no events. */
    readonly lastRevision: number | undefined,
  ) {
    super(`revision ${revision} is beyond the end of stream ${JSON.stringify(stream)}, which ${actualText(lastRevision)}`);
  }
}

/**
 * No endpoint answered, or the connection broke. Already retried; try again later. An append may have been written:
 * append the same events (they keep their ids) to find out.
 */
export class UnreachableError extends AnnalsError {
  override readonly retryable = true;
  constructor(
    /** The endpoint tried last. */
    readonly endpoint: string,
    message: string,
  ) {
    super(`${endpoint} can't be reached: ${message}`);
  }
}

/** Why a server that was reached can't serve. */
export type Unavailability = "shutting-down" | "engine" | "storage-failed" | "unknown";

/** The server answered that it can't serve for the moment. As UnreachableError otherwise. */
export class UnavailableError extends AnnalsError {
  override readonly retryable = true;
  constructor(
    /** Why. */
    readonly reason: Unavailability,
    message: string,
  ) {
    super(`the server can't serve for the moment (${reason}): ${message}`);
  }
}

/** A bound of the server (subscriptions, appends that wait) is reached. Already retried; slow down. */
export class OverloadedError extends AnnalsError {
  override readonly retryable = true;
}

/** The call did not finish within its deadline. An append may have been written: append the same events to find out. */
export class DeadlineExceededError extends AnnalsError {
  override readonly retryable = true;
  constructor(
    /** The time that the call was given, in milliseconds. */
    readonly afterMs: number,
    /** What the last try within it failed with, if one did. */
    readonly last?: AnnalsError,
  ) {
    const told = last === undefined ? "" : `; the last try: ${last.message}`;
    super(`no answer within ${afterMs} ms${told}`, last === undefined ? undefined : { cause: last });
  }
}

/** What the server read from its disk is not what can have been written. An operator must look; its log says where. */
export class CorruptError extends AnnalsError {}

/** A fault of the server itself. Report it with the server's log. */
export class InternalError extends AnnalsError {}

/** The server is older than this client and does not know the call. Update the server. */
export class UnimplementedError extends AnnalsError {}

/**
 * The append session, or the client, was closed, or an earlier append of the session could not be delivered in time. Open
 * a new one, and append again, in order, what was not answered.
 */
export class ClosedError extends AnnalsError {}

/** The answer breaks the protocol: the other side is no Annals server, or a faulty or much newer one. Report it. */
export class ProtocolError extends AnnalsError {
  constructor(message: string) {
    super(`the answer breaks the protocol: ${message}`);
  }
}

/** Any other gRPC status: something between client and server answered, or the server is of another kind. */
export class StatusError extends AnnalsError {
  constructor(
    /** The gRPC code, a number of `google.rpc.Code`. */
    readonly code: number,
    message: string,
  ) {
    super(`gRPC status ${code}: ${message}`);
  }
}

function listed(violations: readonly FieldViolation[]): string {
  return violations.map(({ field, description }) => (field === "" ? description : `${field}: ${description}`)).join("; ");
}

function expectedText(expected: ExpectedRevision): string {
  return typeof expected === "number" ? `revision ${expected}` : expected;
}

function actualText(actual: number | undefined): string {
  return actual === undefined ? "has no events" : `is at revision ${actual}`;
}

function failedText(failed: FailedCheck): string {
  if ("match" in failed) {
    return `check ${failed.index}: the event at position ${failed.match.position} matches, and none should after ${failed.match.after}`;
  }
  const { stream, expected, actual } = failed.stream;
  return `check ${failed.index}: stream ${JSON.stringify(stream)} was expected to be ${expectedText(expected)}, but it ${actualText(actual)}`;
}
