import { type Duration } from "./duration.js";
import { type Endpoint } from "./endpoint.js";
/** TLS settings for `https://` endpoints. Each file is PEM, given as a string or bytes, or as the URL of a file. */
export interface TlsOptions {
    /** The trusted certificate authorities. Those of Node.js unless given. */
    readonly rootCertificates?: string | Uint8Array | URL;
    /**
     * The client's certificate with its chain, for servers that require one. Must be given together with privateKey.
     */
    readonly certificateChain?: string | Uint8Array | URL;
    /** The private key of certificateChain. */
    readonly privateKey?: string | Uint8Array | URL;
    /** The name that the server's certificate must have. The endpoint's host unless given. */
    readonly serverName?: string;
}
/** How calls that fail for a transient reason are retried. */
export interface RetryPolicy {
    /** Pause after the first failure of all endpoints, in milliseconds. 50 unless given. */
    readonly pauseFirstMs?: number;
    /** Maximum pause, in milliseconds. 2,000 unless given. */
    readonly pauseMaxMs?: number;
    /** Maximum number of attempts of a call; 1 disables retries. Limited only by the call's deadline unless given. */
    readonly triesMax?: number;
}
/** Options of a client. */
export interface ClientOptions {
    /**
     * The servers, all of the same store: `http://127.0.0.1:2113`, or `https://…` with TLS. The scheme defaults to
     * `http`, the port to 2113; a path, a query and user information are rejected. All calls go to one of them while it
     * works. When it can't be reached or can't serve, calls go to the next, in a cycle, and back to the first when that
     * answers again.
     */
    readonly endpoints: string | readonly string[];
    /**
     * Whether to use the endpoints in a random order for each client. True unless given. With false, the client tries
     * them in the given order, for an endpoint that is closer than the others; if many clients do this, they all fail
     * over to the second endpoint at once.
     */
    readonly shuffleEndpoints?: boolean;
    /**
     * The deadline of every call in milliseconds, including retries and pauses. For reads it applies to the first
     * response and to the wait for each further one. 10,000 unless given. Every call takes its own `timeoutMs`.
     */
    readonly timeoutMs?: number;
    /**
     * How long a server with open calls may send nothing at all, not even the reply to a ping, before it counts as
     * dead. `{ seconds: 5 }` unless given, at least 100 ms. A call that merely takes long does not count, because the
     * server still answers pings.
     */
    readonly keepaliveTimeout?: Duration;
    /**
     * The mean pause, in milliseconds, after which a client that has left its first endpoint probes whether that
     * answers again, in order to return to it. Probes repeat after the same pause, and less often if the endpoint fails
     * again soon after a return. 10,000 unless given; 0 disables returning.
     */
    readonly returnAfterMs?: number;
    readonly retry?: RetryPolicy;
    readonly tls?: TlsOptions;
}
/** Options of every call. */
export interface CallOptions {
    /**
     * The deadline of the call in milliseconds, including retries and pauses. The client's `timeoutMs` unless given.
     */
    readonly timeoutMs?: number;
    /** Aborts the call, which then fails with the signal's reason. */
    readonly signal?: AbortSignal;
}
/** Options with defaults filled in. */
export interface Settings {
    readonly endpoints: readonly Endpoint[];
    readonly timeoutMs: number;
    readonly keepaliveTimeoutMs: number;
    readonly returnAfterMs: number;
    readonly retry: Required<RetryPolicy>;
    readonly tls: TlsOptions;
}
/** Fills in defaults. Throws an InvalidEndpointError or an InvalidFieldError. */
export declare function resolveOptions(given: string | readonly string[] | ClientOptions): Settings;
/** Returns PEM as bytes. */
export declare function pem(given: string | Uint8Array | URL | undefined): Buffer | null;
//# sourceMappingURL=options.d.ts.map