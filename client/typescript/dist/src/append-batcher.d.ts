import type { NewEvent } from "./events.js";
import type { CallOptions } from "./options.js";
import type { AppendSession } from "./session.js";
/** Counts the appends of a client that are in flight, and chooses how to send each. */
export declare class AppendBatcher {
    #private;
    private readonly timeoutMs;
    private readonly open;
    constructor(timeoutMs: number, open: () => AppendSession);
    /** Appends by a separate call, or in the shared session if enough appends are in flight. */
    append<T>(events: readonly NewEvent[], options: CallOptions, single: () => Promise<T>, shared: (session: AppendSession) => Promise<T>): Promise<T>;
}
//# sourceMappingURL=append-batcher.d.ts.map