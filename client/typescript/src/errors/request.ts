/** Errors of what was asked: mend the request, or the configuration. */
import type { Timestamp } from "../timestamp.js";
import { AnnalsError } from "./base.js";

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

/** The append says when its events were recorded, and the server was not started with --accept-recorded-times. */
export class RecordedTimeNotAcceptedError extends AnnalsError {}

/** A log can't be moved to this store, which holds something else. Move it to an empty store. */
export class MoveRefusedError extends AnnalsError {}

/** A log is being moved to this store, and not all of it has come. Import the rest, or begin again with an empty store. */
export class MoveUnfinishedError extends AnnalsError {}

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

function listed(violations: readonly FieldViolation[]): string {
  return violations.map(({ field, description }) => (field === "" ? description : `${field}: ${description}`)).join("; ");
}
