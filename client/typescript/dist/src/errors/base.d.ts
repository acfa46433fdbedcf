/** The base class of all errors. */
/**
 * Base class of every error that this package throws. The reason of an aborted AbortSignal is thrown unchanged
 * instead.
 */
export declare abstract class AnnalsError extends Error {
    /**
     * Whether the same request may succeed later: the server could not be reached or could not serve at the moment.
     * Retrying is safe for appends too, if the same events (with the same ids) are sent.
     */
    readonly retryable: boolean;
    /**
     * Whether another client changed the data that the decision depends on. Read again, and make a new decision.
     */
    readonly conflict: boolean;
    constructor(message: string, options?: ErrorOptions);
}
//# sourceMappingURL=base.d.ts.map