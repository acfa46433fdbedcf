export declare class Door {
    #private;
    private readonly endpoint;
    /** Bytes that have gone through, in both directions. */
    bytes: number;
    /** @param endpoint Where it leads. */
    constructor(endpoint: string);
    get name(): string;
    open(): Promise<void>;
    shut(): Promise<void>;
}
//# sourceMappingURL=door.d.ts.map