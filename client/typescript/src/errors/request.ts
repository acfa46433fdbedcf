/** Errors of a request or of the configuration, which the caller must correct. */
import type { Timestamp } from "../timestamp.js";
import { AnnalsError } from "./base.js";

/**
 * An endpoint is missing, is not of the form `http://127.0.0.1:2113`, or is the port for health and metrics. Correct
 * the configuration.
 */
export class InvalidEndpointError extends AnnalsError {
  constructor(
    /** The endpoint as given. */
    readonly endpoint: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The bytes of an event, a snapshot or an entry of state are not JSON, or contain a number that a JavaScript number
 * can't hold, or those of an event are not declared as JSON by its content type. Use another decoder.
 */
export class JsonError extends AnnalsError {}

/** A value can't be represented in JSON without changing it. Convert the value at the reported place. */
export class InvalidValueError extends AnnalsError {
  constructor(
    /** The owner of the value: `an event of type "OrderPlaced"`. */
    readonly subject: string,
    /** The path of the value: `data.items[3].price`. */
    readonly place: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${subject} can't be stored as JSON: ${place} ${problem}`, options);
  }
}

/** A field that was rejected. */
export interface FieldViolation {
  /** The field's path in the request: `events[3].type`. */
  readonly field: string;
  /** The problem with it. */
  readonly description: string;
}

/**
 * One or more fields of the request are missing, too long or malformed. The client or the server rejected them.
 * Correct the request.
 */
export class InvalidFieldError extends AnnalsError {
  constructor(
    /** The rejected fields; at least one. */
    readonly violations: readonly FieldViolation[],
    /** Whether the client rejected them before sending, or the server. */
    readonly rejectedBy: "client" | "server" = "client",
  ) {
    super(rejectedBy === "server" ? `the server rejected the request: ${listed(violations)}` : listed(violations));
  }
}

/**
 * An event, an append or a write of state exceeds the server's limit (see Client.serverInfo). Split it, or store the
 * large part elsewhere.
 */
export class TooLargeError extends AnnalsError {
  constructor(
    /** The fields that are too large; at least one. */
    readonly violations: readonly FieldViolation[],
  ) {
    super(`larger than the server takes: ${listed(violations)}`);
  }
}

/**
 * The append sets the time at which its events were recorded, and the server does not accept that from clients. Start
 * it with `--accept-recorded-times` while a log is being moved to it.
 */
export class RecordedTimeNotAcceptedError extends AnnalsError {
  constructor(message: string) {
    super(`the server does not accept recorded times: ${message}`);
  }
}

/** The log can't be moved to this store, which has other content. Move it to an empty store. */
export class MoveRefusedError extends AnnalsError {
  constructor(message: string) {
    super(`the log can't be moved here: ${message}`);
  }
}

/**
 * A log is being moved to this store, and the move is incomplete. Import the rest, or start over with an empty store.
 */
export class MoveUnfinishedError extends AnnalsError {}

/** The recorded time of the append is before that of the log's last event, or in the future. */
export class RecordedTimeOutOfRangeError extends AnnalsError {
  constructor(
    /** The recorded time given. */
    readonly recordedAt: Timestamp,
    /** The recorded time of the log's last event; undefined if the log is empty. */
    readonly earliest: Timestamp | undefined,
    /** The server's current time. */
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
