/** Errors of a request or of the configuration, which the caller must correct. */
import type { Timestamp } from "../timestamp.js";
import { AnnalsError } from "./base.js";
/**
 * An endpoint is missing, is not of the form `http://127.0.0.1:2113`, or is the port for health and metrics. Correct
 * the configuration.
 */
export declare class InvalidEndpointError extends AnnalsError {
    /** The endpoint as given. */
    readonly endpoint: string;
    constructor(
    /** The endpoint as given. */
    endpoint: string, message: string);
}
/**
 * The bytes of an event or a snapshot are not JSON, are not declared as JSON by their content type, or contain a
 * number that a JavaScript number can't hold. Use another decoder.
 */
export declare class JsonError extends AnnalsError {
}
/** A value can't be represented in JSON without changing it. Convert the value at the reported place. */
export declare class InvalidValueError extends AnnalsError {
    /** The owner of the value: `an event of type "OrderPlaced"`. */
    readonly subject: string;
    /** The path of the value: `data.items[3].price`. */
    readonly place: string;
    constructor(
    /** The owner of the value: `an event of type "OrderPlaced"`. */
    subject: string, 
    /** The path of the value: `data.items[3].price`. */
    place: string, problem: string, options?: ErrorOptions);
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
export declare class InvalidFieldError extends AnnalsError {
    /** The rejected fields; at least one. */
    readonly violations: readonly FieldViolation[];
    /** Whether the client rejected them before sending, or the server. */
    readonly rejectedBy: "client" | "server";
    constructor(
    /** The rejected fields; at least one. */
    violations: readonly FieldViolation[], 
    /** Whether the client rejected them before sending, or the server. */
    rejectedBy?: "client" | "server");
}
/**
 * An event or an append exceeds the server's limit (see Client.serverInfo). Split the append, or store the large part
 * elsewhere.
 */
export declare class TooLargeError extends AnnalsError {
    /** The fields that are too large; at least one. */
    readonly violations: readonly FieldViolation[];
    constructor(
    /** The fields that are too large; at least one. */
    violations: readonly FieldViolation[]);
}
/**
 * The append sets the time at which its events were recorded, and the server does not accept that from clients. Start
 * it with `--accept-recorded-times` while a log is being moved to it.
 */
export declare class RecordedTimeNotAcceptedError extends AnnalsError {
    constructor(message: string);
}
/** The log can't be moved to this store, which has other content. Move it to an empty store. */
export declare class MoveRefusedError extends AnnalsError {
    constructor(message: string);
}
/**
 * A log is being moved to this store, and the move is incomplete. Import the rest, or start over with an empty store.
 */
export declare class MoveUnfinishedError extends AnnalsError {
}
/** The recorded time of the append is before that of the log's last event, or in the future. */
export declare class RecordedTimeOutOfRangeError extends AnnalsError {
    /** The recorded time given. */
    readonly recordedAt: Timestamp;
    /** The recorded time of the log's last event; undefined if the log is empty. */
    readonly earliest: Timestamp | undefined;
    /** The server's current time. */
    readonly latest: Timestamp;
    constructor(
    /** The recorded time given. */
    recordedAt: Timestamp, 
    /** The recorded time of the log's last event; undefined if the log is empty. */
    earliest: Timestamp | undefined, 
    /** The server's current time. */
    latest: Timestamp);
}
//# sourceMappingURL=request.d.ts.map