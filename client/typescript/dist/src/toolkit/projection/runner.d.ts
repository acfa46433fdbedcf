/**
 * A running projection: its live build, and a rebuild beside it, if any.
 *
 * A rebuild is a second build with its own tables, from the beginning of the log. When it has caught up with the live
 * build, it replaces that in one transaction: readers see either the old tables or the new ones. It is started by
 * `rebuild`, or at the start if the live build has an older version than this program; that build is then no longer
 * updated.
 */
import type { Client } from "../../client.js";
import type { CallOptions } from "../../options.js";
import type { Projection } from "./definition.js";
import { type DeadLetter, type ProjectionStore } from "./store.js";
import { type ProjectionOptions } from "./worker.js";
/** The status of a projection. */
export interface ProjectionStatus {
    readonly name: string;
    /**
     * `"rebuilding"`: its version is newer than that of the live build, which readers see until the rebuild has caught
     * up. `"retrying"`: it waits because of `problem`. `"failed"`: retrying does not help; `problem` states what does.
     */
    readonly state: "running" | "rebuilding" | "retrying" | "failed" | "stopped";
    /** The build that readers see. */
    readonly generation: number;
    /** The position up to which everything was processed. */
    readonly position: number;
    /** The progress of a rebuild, if one is running. */
    readonly rebuilding: {
        readonly generation: number;
        readonly position: number;
    } | undefined;
    /** The last error; undefined if there is none. */
    readonly problem: unknown;
}
/** How far a projection is behind the log. */
export interface ProjectionLag {
    /** Number of events of the log, of any type, that were not processed yet. */
    readonly events: number;
    /** Age of the first of them, in seconds; 0 if there is none. */
    readonly seconds: number;
}
/** A running projection, created by Projections. */
export declare class RunningProjection<Tx> {
    #private;
    private readonly client;
    private readonly store;
    private readonly projection;
    private readonly options;
    constructor(client: Client, store: ProjectionStore<Tx>, projection: Projection<Tx>, options: ProjectionOptions);
    /** The current status. */
    get status(): ProjectionStatus;
    /** Returns how far the projection is behind the log. Calls the server. */
    lag(options?: CallOptions): Promise<ProjectionLag>;
    /**
     * Waits until everything up to a position was processed, so that a command's caller reads its own write. With 0,
     * waits until the projection has begun and its tables exist in the version of this program. If the projection
     * handles none of the events up to the position, this may take up to a second longer.
     *
     * @throws ProjectionError if it has failed or was stopped, or after `timeoutMs` (10,000 unless given).
     */
    waitFor(position: number, { timeoutMs, signal }?: CallOptions): Promise<void>;
    /**
     * Rebuilds the projection beside the live build; resolves when the new build is live. Readers see the old one until
     * that moment. If the program is stopped, the rebuild continues at the next start.
     */
    rebuild(): Promise<void>;
    /** Returns the events that could not be handled. */
    deadLetters(): Promise<readonly DeadLetter[]>;
    /**
     * Retries the dead letters in order, each in its own transaction, and removes those that succeed. Their events are
     * then handled after later ones: if handlers depend on the order, rebuild instead. Returns the number that
     * succeeded.
     *
     * @throws ProjectionError while the live build has an older version.
     */
    retryDeadLetters(): Promise<number>;
    /** Stops the projection after its current batch. */
    stop(): Promise<void>;
}
//# sourceMappingURL=runner.d.ts.map