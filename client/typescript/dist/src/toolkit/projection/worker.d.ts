/**
 * A running build of a projection: follows the log from its checkpoint, and handles events in batches.
 *
 * 1. A batch and its checkpoint are one transaction: every event is handled exactly once, even across crashes.
 * 2. No work of another process is repeated: if the checkpoint was moved by another process, the transaction writes
 *    nothing, and the worker continues from the new checkpoint.
 * 3. An event whose handler throws is retried alone, with growing pauses, and then stored as a dead letter with the
 *    error. Earlier events are not delayed; later ones wait until then.
 * 4. Transient failures of the store or the server are retried without limit, and are not attributed to an event.
 */
import type { Client } from "../../client.js";
import type { RecordedEvent } from "../../events.js";
import type { Projection } from "./definition.js";
import { type ProjectionStore } from "./store.js";
/** Options of projections. */
export interface ProjectionOptions {
    /** Maximum number of events in a transaction, at least 1. 500 unless given. */
    readonly batchEvents?: number;
    /** Number of attempts before an event becomes a dead letter, at least 1. 5 unless given. */
    readonly triesMax?: number;
    /**
     * The pause after an event's first failure in milliseconds. It doubles each time and is jittered (50 % to 100 %).
     * 100 unless given.
     */
    readonly pauseFirstMs?: number;
    /** Maximum pause in milliseconds. 10,000 unless given. */
    readonly pauseMaxMs?: number;
    /** Called for every failure, including those that are retried. */
    readonly onError?: (problem: ProjectionProblem) => void;
    /** Called for every committed transaction with events. */
    readonly onBatch?: (batch: ProjectionBatch) => void;
}
/** The events that a projection has handled in one transaction. */
export interface ProjectionBatch {
    readonly projection: string;
    /** The number of its build. */
    readonly generation: number;
    /** Number of events handled, without dead letters. */
    readonly events: number;
    /** The position up to which everything was processed. */
    readonly position: number;
    /** Duration in milliseconds. */
    readonly tookMs: number;
}
/** A failure in a projection. */
export interface ProjectionProblem {
    readonly projection: string;
    /** The error thrown. */
    readonly error: unknown;
    /** The event whose handler threw; undefined for other failures. */
    readonly event?: RecordedEvent;
    /** The consequence of the failure. */
    readonly then: "retry" | "dead-letter" | "stop";
}
/** Callbacks of a worker. */
export interface WorkerEvents {
    /** Everything up to this position was processed. */
    progress(position: number): void;
    /** The worker has reached the end of the log, or has processed further events since. */
    caughtUp(): Promise<void>;
    /** The worker handles events (undefined), or waits because of an error. */
    problem(error: unknown): void;
}
/** A running build. */
export declare class Worker<Tx> {
    #private;
    private readonly client;
    private readonly store;
    private readonly projection;
    private readonly options;
    readonly generation: number;
    private readonly events;
    /** The position up to which everything was processed. */
    position: number;
    constructor(client: Client, store: ProjectionStore<Tx>, projection: Projection<Tx>, options: ProjectionOptions, generation: number, events: WorkerEvents);
    /** Runs until the signal is aborted; returns early if the build was removed. Throws permanent errors. */
    run(signal: AbortSignal): Promise<void>;
}
//# sourceMappingURL=worker.d.ts.map