/** What all errors of this package are. */
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
