import type { NewEvent } from "./events.js";
import type { CallOptions } from "./options.js";
import type { AppendPipeline } from "./append-pipeline.js";
/** Counts the appends of a client that are in flight, and chooses how to send each. */
export declare class AppendBatcher {
    #private;
    private readonly timeoutMs;
    private readonly open;
    constructor(timeoutMs: number, open: () => AppendPipeline);
    /** Appends by a separate call, or in the shared pipeline if enough appends are in flight. */
    append<T>(events: readonly NewEvent[], options: CallOptions, single: () => Promise<T>, shared: (pipeline: AppendPipeline) => Promise<T>): Promise<T>;
}
//# sourceMappingURL=append-batcher.d.ts.map