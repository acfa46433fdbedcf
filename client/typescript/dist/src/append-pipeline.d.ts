/**
 * An append pipeline: many appends in flight on one call, evaluated and answered in order.
 *
 * 1. Appends are sent in the order of the calls of `append`, and answered in that order.
 * 2. `ready` waits while too many appends are unanswered (PipelineLimits): await it before each append to bound the
 *    memory.
 * 3. If the call breaks, or the server refuses an append for a transient reason, all unanswered appends from there on
 *    are resent in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
 * 4. If waiting appends get no answer within the client's timeout, all of them fail and the pipeline ends.
 * 5. An append that is too large for the server fails on its own; the others are resent on a new call.
 * 6. An idle call is ended after a short time and reopened for the next append, so an idle pipeline holds neither a
 *    stream of the server nor the process.
 *
 * Limitation of rule 3: appends after one that was refused for a transient reason may already have been written, if
 * they did not expect an exact revision. They then precede it in the log.
 */
import { type Appended, type AppendedToMany, type Check, type ExpectedRevision, type Write } from "./append.js";
import type { NewEvent } from "./events.js";
import { type Shared } from "./retry.js";
import type { Time } from "./timestamp.js";
/** How much of a pipeline may be unanswered before `ready` waits. */
export interface PipelineLimits {
    /** Maximum number of appends, at least 1. 4,096 unless given. */
    readonly appendsMax?: number;
    /** Maximum bytes of the appends; a single larger append is still accepted. 32 MiB unless given. */
    readonly bytesMax?: number;
}
/**
 * An open append pipeline, created by Client.appendPipeline.
 *
 * @example
 * const pipeline = client.appendPipeline();
 * const results = [];
 * for (const reading of readings) {
 *   await pipeline.ready();
 *   results.push(pipeline.append("sensor-1", "any", [newEvent("Measured", reading)]));
 * }
 * await Promise.all(results);
 */
export declare class AppendPipeline {
    #private;
    constructor(shared: Shared, timeoutMs: number, limits: PipelineLimits);
    /** The number of unanswered appends. */
    get unanswered(): number;
    /** Whether the pipeline accepts no more appends: it was closed, or has failed. */
    get closed(): boolean;
    /** Waits while too many appends are unanswered. */
    ready(): Promise<void>;
    /**
     * Sends an append; resolves with its result. Fails under the conditions of Client.append, and with a ClosedError if
     * the pipeline has ended.
     *
     * @param recordedAt The time at which the events were recorded, if they are moved from another store
     *   (--accept-recorded-times).
     */
    append(stream: string, expected: ExpectedRevision, events: Iterable<NewEvent>, recordedAt?: Time): Promise<Appended>;
    /**
     * Sends an append to several streams. Fails under the conditions of Client.appendToMany, and with a ClosedError if
     * the pipeline has ended.
     */
    appendToMany(writes: Iterable<Write>, checks?: Iterable<Check>, recordedAt?: Time): Promise<AppendedToMany>;
    /** Stops accepting appends, and resolves when all accepted ones are answered. */
    close(): Promise<void>;
}
//# sourceMappingURL=append-pipeline.d.ts.map