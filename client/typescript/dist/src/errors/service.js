/** Errors of the server or the connection. Transient ones have already been retried. */
import { durationText } from "../duration-text.js";
import { AnnalsError } from "./base.js";
/**
 * No endpoint answered, or the connection broke. Already retried; try again later. An append may have been written:
 * append the same events (they keep their ids) to find out.
 */
export class UnreachableError extends AnnalsError {
    endpoint;
    retryable = true;
    constructor(
    /** The endpoint tried last. */
    endpoint, message) {
        super(`${endpoint} is not reachable: ${message}`);
        this.endpoint = endpoint;
    }
}
const REASONS = {
    "shutting-down": "shutting down",
    engine: "its engine does not answer",
    "storage-failed": "its storage failed",
    unknown: "no reason given",
};
/**
 * The server reported that it can't serve at the moment. Already retried; try again later. An append may have been
 * written: append the same events to find out.
 */
export class UnavailableError extends AnnalsError {
    reason;
    retryable = true;
    constructor(reason, message) {
        super(`the server is not available (${REASONS[reason]}): ${message}`);
        this.reason = reason;
    }
}
/** A limit of the server (subscriptions, waiting appends) is reached. Already retried; slow down. */
export class OverloadedError extends AnnalsError {
    retryable = true;
    constructor(message) {
        super(`the server is overloaded: ${message}`);
    }
}
/**
 * The call did not finish within its deadline. An append may have been written: append the same events to find out.
 */
export class DeadlineExceededError extends AnnalsError {
    afterMs;
    last;
    retryable = true;
    constructor(
    /** The deadline of the call, in milliseconds. */
    afterMs, 
    /** The error of the last failed attempt, if any. */
    last) {
        const attempt = last === undefined ? "" : `; the last attempt: ${last.message}`;
        super(`no answer within ${durationText(afterMs)}${attempt}`, last === undefined ? undefined : { cause: last });
        this.afterMs = afterMs;
        this.last = last;
    }
}
/** The server found corrupt data on its disk. An operator must act; the server's log has the location. */
export class CorruptError extends AnnalsError {
    constructor(message) {
        super(`the server found corrupt data: ${message}`);
    }
}
/** A bug in the server. Report it with the server's log. */
export class InternalError extends AnnalsError {
    constructor(message) {
        super(`internal error of the server: ${message}`);
    }
}
/** The server is older than this client and does not support the call. Update the server. */
export class UnimplementedError extends AnnalsError {
}
/**
 * The append pipeline or the client was closed, or an earlier append of the pipeline could not be delivered in time.
 * Open a new one, and append the unanswered appends again, in order.
 */
export class ClosedError extends AnnalsError {
}
/** The response violates the protocol: the peer is not an Annals server, or a faulty or much newer one. Report it. */
export class ProtocolError extends AnnalsError {
    constructor(message) {
        super(`the response violates the annals.v1 protocol: ${message}`);
    }
}
/** Any other gRPC status: it comes from something between client and server, or from another kind of server. */
export class StatusError extends AnnalsError {
    code;
    constructor(
    /** The gRPC code, as a number of `google.rpc.Code`. */
    code, message) {
        super(`${CODES[code] ?? `Code(${code})`}: ${message}`);
        this.code = code;
    }
}
/** Names of the gRPC codes, by number. */
const CODES = [
    "Ok",
    "Cancelled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];
//# sourceMappingURL=service.js.map