/** Runs several projections independently over one store of read models: one that fails does not stop the others. */
import type { Client } from "../../client.js";
import type { CallOptions } from "../../options.js";
import type { Projection } from "./definition.js";
import { RunningProjection } from "./runner.js";
import { type ProjectionStore } from "./store.js";
import type { ProjectionOptions } from "./worker.js";
/**
 * Projections that run until they are stopped.
 *
 * @example
 * await using projections = new Projections(client, new PostgresStore(pool), [orderList, statistics]);
 * const { position } = await orders.execute("42", ship);
 * await projections.waitFor(position);
 */
export declare class Projections<Tx> implements AsyncDisposable {
    #private;
    /** @throws ProjectionError if two have the same name, or if a name or version is invalid. */
    constructor(client: Client, store: ProjectionStore<Tx>, projections: readonly Projection<Tx>[], options?: ProjectionOptions);
    /**
     * Returns the projection with this name.
     *
     * @throws ProjectionError if there is none.
     */
    get(name: string): RunningProjection<Tx>;
    /** Returns all projections. */
    all(): readonly RunningProjection<Tx>[];
    /**
     * Waits until all projections have processed everything up to a position, if one is given. See
     * RunningProjection.waitFor.
     */
    waitFor(position: number | undefined, options?: CallOptions): Promise<void>;
    /** Stops all projections. */
    stop(): Promise<void>;
    /** Stops all projections, like stop. */
    [Symbol.asyncDispose](): Promise<void>;
}
/**
 * Waits until a projection that runs in another process has processed everything up to a position. It polls the
 * checkpoint every `pollMs`, 50 unless given. The other process need not have started yet, and the database may be
 * busy or unavailable temporarily.
 *
 * @throws ProjectionError if it has not within `timeoutMs`, 10,000 unless given; its cause is the last error of the
 *   database, if any.
 */
export declare function waitForProjection<Tx>(store: ProjectionStore<Tx>, projection: string, position: number, { timeoutMs, pollMs, signal }?: CallOptions & {
    readonly pollMs?: number;
}): Promise<void>;
//# sourceMappingURL=projections.d.ts.map