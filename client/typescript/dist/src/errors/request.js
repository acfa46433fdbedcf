import { AnnalsError } from "./base.js";
/**
 * An endpoint is missing, is not of the form `http://127.0.0.1:2113`, or is the port for health and metrics. Correct
 * the configuration.
 */
export class InvalidEndpointError extends AnnalsError {
    endpoint;
    constructor(
    /** The endpoint as given. */
    endpoint, message) {
        super(message);
        this.endpoint = endpoint;
    }
}
/**
 * The bytes of an event or a snapshot are not JSON, are not declared as JSON by their content type, or contain a
 * number that a JavaScript number can't hold. Use another decoder.
 */
export class JsonError extends AnnalsError {
}
/** A value can't be represented in JSON without changing it. Convert the value at the reported place. */
export class InvalidValueError extends AnnalsError {
    subject;
    place;
    constructor(
    /** The owner of the value: `an event of type "OrderPlaced"`. */
    subject, 
    /** The path of the value: `data.items[3].price`. */
    place, problem, options) {
        super(`${subject} can't be stored as JSON: ${place} ${problem}`, options);
        this.subject = subject;
        this.place = place;
    }
}
/**
 * One or more fields of the request are missing, too long or malformed. The client or the server rejected them.
 * Correct the request.
 */
export class InvalidFieldError extends AnnalsError {
    violations;
    rejectedBy;
    constructor(
    /** The rejected fields; at least one. */
    violations, 
    /** Whether the client rejected them before sending, or the server. */
    rejectedBy = "client") {
        super(rejectedBy === "server" ? `the server rejected the request: ${listed(violations)}` : listed(violations));
        this.violations = violations;
        this.rejectedBy = rejectedBy;
    }
}
/**
 * An event or an append exceeds the server's limit (see Client.serverInfo). Split the append, or store the large part
 * elsewhere.
 */
export class TooLargeError extends AnnalsError {
    violations;
    constructor(
    /** The fields that are too large; at least one. */
    violations) {
        super(`larger than the server takes: ${listed(violations)}`);
        this.violations = violations;
    }
}
/**
 * The append sets the time at which its events were recorded, and the server does not accept that from clients. Start
 * it with `--accept-recorded-times` while a log is being moved to it.
 */
export class RecordedTimeNotAcceptedError extends AnnalsError {
    constructor(message) {
        super(`the server does not accept recorded times: ${message}`);
    }
}
/** The log can't be moved to this store, which has other content. Move it to an empty store. */
export class MoveRefusedError extends AnnalsError {
    constructor(message) {
        super(`the log can't be moved here: ${message}`);
    }
}
/**
 * A log is being moved to this store, and the move is incomplete. Import the rest, or start over with an empty store.
 */
export class MoveUnfinishedError extends AnnalsError {
}
/** The recorded time of the append is before that of the log's last event, or in the future. */
export class RecordedTimeOutOfRangeError extends AnnalsError {
    recordedAt;
    earliest;
    latest;
    constructor(
    /** The recorded time given. */
    recordedAt, 
    /** The recorded time of the log's last event; undefined if the log is empty. */
    earliest, 
    /** The server's current time. */
    latest) {
        super(`events recorded at ${recordedAt.toString()} can't be next in the log: its last event was recorded at ` +
            `${earliest?.toString() ?? "none, as the log is empty"}, and the server's clock is at ${latest.toString()}`);
        this.recordedAt = recordedAt;
        this.earliest = earliest;
        this.latest = latest;
    }
}
function listed(violations) {
    return violations
        .map(({ field, description }) => (field === "" ? description : `${field}: ${description}`))
        .join("; ");
}
//# sourceMappingURL=request.js.map