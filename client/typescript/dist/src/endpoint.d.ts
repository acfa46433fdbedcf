/** The address of a server. */
export interface Endpoint {
    /** The endpoint as given. */
    readonly name: string;
    /** `host:port`. */
    readonly address: string;
    readonly secure: boolean;
}
/** Parses an endpoint. Throws an InvalidEndpointError that states the problem. */
export declare function parseEndpoint(name: string): Endpoint;
//# sourceMappingURL=endpoint.d.ts.map