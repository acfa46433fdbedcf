export declare class TcpProxy {
    #private;
    private readonly endpoint;
    /** Bytes transferred in both directions. */
    bytes: number;
    /** @param endpoint The endpoint of the server. */
    constructor(endpoint: string);
    get name(): string;
    open(): Promise<void>;
    shut(): Promise<void>;
}
//# sourceMappingURL=tcp-proxy.d.ts.map