import { type Client, type NewEvent } from "../../src/index.js";
import type { TestServer } from "../../src/testing/index.js";
/** Creates `count` events, numbered from `from`, each tagged with its number. */
export declare function numbered(from: number, count: number, type?: (n: number) => string): NewEvent[];
/** Returns the number of open calls at the server, from its metrics. */
export declare function openCalls(server: TestServer): Promise<number>;
/** Waits until this many calls are open at the server. */
export declare function untilOpen(server: TestServer, calls: number): Promise<void>;
/** Appends more than fits into the buffers of a call that is not read: 24 MiB. */
export declare function appendMuch(client: Client, stream: string): Promise<void>;
//# sourceMappingURL=fixtures.d.ts.map