/** The source of a read or a subscription. It must not refer to the read or subscription, which owns it. */
export interface Source<T> {
    /**
     * Returns the next batch, which is not empty; undefined at the end, or after cancel. It is not called again before
     * it has settled.
     */
    pull(): Promise<T[] | undefined>;
    /** Ends the call. A pending pull then settles. */
    cancel(): void;
}
/** Cancels the source when nothing refers to its owner any more. */
export declare function cancelWhenCollected(owner: object, source: Source<unknown>): void;
/** Iterates the batches of a source. */
export declare class Batches<T> implements AsyncGenerator<T[], undefined, undefined> {
    #private;
    readonly owner: object;
    private readonly source;
    /** @param owner Kept alive while this iterator is in use. */
    constructor(owner: object, source: Source<T>);
    next(): Promise<IteratorResult<T[], undefined>>;
    return(): Promise<IteratorResult<T[], undefined>>;
    throw(error: unknown): Promise<IteratorResult<T[], undefined>>;
    [Symbol.asyncIterator](): this;
    [Symbol.asyncDispose](): Promise<void>;
}
/** Iterates the elements of batches, one by one. Cheaper than a generator, which costs as much as the event. */
export declare class Flattened<T> implements AsyncGenerator<T, undefined, undefined> {
    #private;
    private readonly batches;
    constructor(batches: Batches<T>);
    next(): Promise<IteratorResult<T, undefined>>;
    return(): Promise<IteratorResult<T, undefined>>;
    throw(error: unknown): Promise<IteratorResult<T, undefined>>;
    [Symbol.asyncIterator](): this;
    [Symbol.asyncDispose](): Promise<void>;
}
/** The lifetime of a read or subscription: until it is ended, or the caller's signal is aborted. */
export declare class Lifetime {
    #private;
    private readonly caller;
    /** Aborted in both cases. */
    readonly signal: AbortSignal;
    /** Whether it was ended, or is complete. */
    over: boolean;
    constructor(caller: AbortSignal | undefined);
    end(): void;
}
//# sourceMappingURL=iteration.d.ts.map