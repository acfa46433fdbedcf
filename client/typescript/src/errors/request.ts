/** Errors of a request or of the configuration, which must be fixed. */
import type { Timestamp } from "../timestamp.js";
import { AnnalsError } from "./base.js";

/**
 * An endpoint is not one such as `http://127.0.0.1:2113`, or is the port for health and metrics, or none was given. Correct the
 * configuration.
 */
export class InvalidEndpointError extends AnnalsError {
  constructor(
    /** What was given. */
    readonly endpoint: string,
    message: string,
  ) {
    super(message);
  }
}

/** The bytes of an event or a snapshot are not JSON, or have a number that a JavaScript number can't hold. Decode them otherwise. */
export class JsonError extends AnnalsError {}

/** A value can't be stored as JSON without being changed. Convert the place that is named. */
export class InvalidValueError extends AnnalsError {
  constructor(
    /** What the value is of: `event "OrderPlaced"`. */
    readonly subject: string,
    /** Where in the value: `data.items[3].price`. */
    readonly place: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${subject} can't be stored as JSON: ${place} ${problem}`, options);
  }
}

/** One field that the server refused. */
export interface FieldViolation {
  /** The field's path in the request: `events[3].type`. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** Fields of the request are missing, too long or malformed: the server, or the client before it sent them, refused them. */
export class InvalidFieldError extends AnnalsError {
  constructor(
    /** The fields; at least one. */
    readonly violations: readonly FieldViolation[],
    /** Who rejected them. */
    readonly rejectedBy: "client" | "server" = "client",
  ) {
    super(rejectedBy === "server" ? `the server rejected the request: ${listed(violations)}` : listed(violations));
  }
}

/** An event or an append is larger than the server takes (see Client.serverInfo). Split it, or keep the large part elsewhere. */
export class TooLargeError extends AnnalsError {
  constructor(
    /** What is too large; at least one. */
    readonly violations: readonly FieldViolation[],
  ) {
    super(`larger than the server takes: ${listed(violations)}`);
  }
}

/** The append says when its events were recorded, and the server was not started with --accept-recorded-times. */
export class RecordedTimeNotAcceptedError extends AnnalsError {
  constructor(message: string) {
    super(`the server does not accept recorded times: ${message}`);
  }
}

/** A log can't be moved to this store, which holds something else. Move it to an empty store. */
export class MoveRefusedError extends AnnalsError {
  constructor(message: string) {
    super(`the log can't be moved here: ${message}`);
  }
}

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
      `events recorded at ${recordedAt.toString()} can't be next in the log: its last event was recorded at ` +
        `${earliest?.toString() ?? "none, as the log is empty"}, and the server's clock is at ${latest.toString()}`,
    );
  }
}

function listed(violations: readonly FieldViolation[]): string {
  return violations
    .map(({ field, description }) => (field === "" ? description : `${field}: ${description}`))
    .join("; ");
}
