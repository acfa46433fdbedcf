import { ProjectionError } from "./store.js";
/** The callers that wait for one projection. */
export declare class Waiters {
    #private;
    private readonly projection;
    constructor(projection: string);
    /** Resolves at the position; rejects with a ProjectionError after the timeout, or if the projection ends. */
    wait(position: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<void>;
    /** Records that everything up to a position was processed. */
    reached(position: number): void;
    /** Records that the projection has ended. */
    end(error: ProjectionError): void;
}
//# sourceMappingURL=waiters.d.ts.map