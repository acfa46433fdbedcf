import { Client } from "../client.js";
import type { ClientOptions } from "../options.js";
/** Options of a test server. */
export interface TestServerOptions {
    /** The path of the server's binary. */
    readonly binary?: string;
    /**
     * `"memory"` unless given: nothing is kept when the process ends. `"embedded"` keeps the data across `kill` and
     * `start`.
     */
    readonly engine?: "memory" | "embedded";
    /** Further command-line options. */
    readonly options?: readonly string[];
}
/**
 * A running server.
 *
 * @example
 * await using server = await TestServer.start();
 * const client = server.client();
 */
export declare class TestServer implements AsyncDisposable {
    #private;
    private readonly options;
    private readonly folder;
    private constructor();
    /** Starts a server, and waits until it listens. */
    static start(options?: TestServerOptions): Promise<TestServer>;
    /** The endpoint: `http://127.0.0.1:…`. */
    get endpoint(): string;
    /** The endpoint for health and metrics (`/metrics`): `http://127.0.0.1:…`. It changes at each restart. */
    get httpEndpoint(): string;
    /** Creates a client for this server. It is closed together with the server. */
    client(options?: Omit<ClientOptions, "endpoints">): Client;
    /** Starts the server again after `kill` or `stop`, on the same port. */
    start(): Promise<void>;
    /** Kills the process with SIGKILL, to simulate a power failure. */
    kill(): Promise<void>;
    /** Shuts the server down gracefully. */
    stop(): Promise<void>;
    /** Suspends the process, to simulate a hanging machine: its connections stay open, and it answers nothing. */
    freeze(): void;
    /** Resumes a suspended process. */
    thaw(): void;
    /** Ends the process, and removes its data. */
    [Symbol.asyncDispose](): Promise<void>;
}
//# sourceMappingURL=server.d.ts.map