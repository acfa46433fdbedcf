/** The base class of all errors. */
/**
 * Base class of every error that this package throws. The reason of an aborted AbortSignal is thrown unchanged
 * instead.
 */
export class AnnalsError extends Error {
    /**
     * Whether the same request may succeed later: the server could not be reached or could not serve at the moment.
     * Retrying is safe for appends too, if the same events (with the same ids) are sent.
     */
    retryable = false;
    /**
     * Whether another client changed the data that the decision depends on. Read again, and make a new decision.
     */
    conflict = false;
    constructor(message, options) {
        super(message, options);
        this.name = new.target.name;
    }
}
//# sourceMappingURL=base.js.map