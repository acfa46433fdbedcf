import { AnnalsError } from "./base.js";
/**
 * No endpoint answered, or the connection broke. Already retried; try again later. An append may have been written:
 * append the same events (they keep their ids) to find out.
 */
export declare class UnreachableError extends AnnalsError {
    /** The endpoint tried last. */
    readonly endpoint: string;
    readonly retryable = true;
    constructor(
    /** The endpoint tried last. */
    endpoint: string, message: string);
}
/** Why a reachable server can't serve. */
export type Unavailability = "shutting-down" | "engine" | "storage-failed" | "unknown";
/**
 * The server reported that it can't serve at the moment. Already retried; try again later. An append may have been
 * written: append the same events to find out.
 */
export declare class UnavailableError extends AnnalsError {
    readonly reason: Unavailability;
    readonly retryable = true;
    constructor(reason: Unavailability, message: string);
}
/** A limit of the server (subscriptions, waiting appends) is reached. Already retried; slow down. */
export declare class OverloadedError extends AnnalsError {
    readonly retryable = true;
    constructor(message: string);
}
/**
 * The call did not finish within its deadline. An append may have been written: append the same events to find out.
 */
export declare class DeadlineExceededError extends AnnalsError {
    /** The deadline of the call, in milliseconds. */
    readonly afterMs: number;
    /** The error of the last failed attempt, if any. */
    readonly last?: AnnalsError | undefined;
    readonly retryable = true;
    constructor(
    /** The deadline of the call, in milliseconds. */
    afterMs: number, 
    /** The error of the last failed attempt, if any. */
    last?: AnnalsError | undefined);
}
/** The server found corrupt data on its disk. An operator must act; the server's log has the location. */
export declare class CorruptError extends AnnalsError {
    constructor(message: string);
}
/** A bug in the server. Report it with the server's log. */
export declare class InternalError extends AnnalsError {
    constructor(message: string);
}
/** The server is older than this client and does not support the call. Update the server. */
export declare class UnimplementedError extends AnnalsError {
}
/**
 * The append pipeline or the client was closed, or an earlier append of the pipeline could not be delivered in time.
 * Open a new one, and append the unanswered appends again, in order.
 */
export declare class ClosedError extends AnnalsError {
}
/** The response violates the protocol: the peer is not an Annals server, or a faulty or much newer one. Report it. */
export declare class ProtocolError extends AnnalsError {
    constructor(message: string);
}
/** Any other gRPC status: it comes from something between client and server, or from another kind of server. */
export declare class StatusError extends AnnalsError {
    /** The gRPC code, as a number of `google.rpc.Code`. */
    readonly code: number;
    constructor(
    /** The gRPC code, as a number of `google.rpc.Code`. */
    code: number, message: string);
}
//# sourceMappingURL=service.d.ts.map