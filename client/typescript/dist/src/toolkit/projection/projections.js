import { durationText } from "../../duration-text.js";
import { sleep } from "../../retry.js";
import { versionOf } from "./builds.js";
import { RunningProjection } from "./runner.js";
import { identifier, ProjectionError, projectionName } from "./store.js";
/**
 * Projections that run until they are stopped.
 *
 * @example
 * await using projections = new Projections(client, new PostgresStore(pool), [orderList, statistics]);
 * const { position } = await orders.execute("42", ship);
 * await projections.waitFor(position);
 */
export class Projections {
    #running;
    /** @throws ProjectionError if two have the same name, or if a name or version is invalid. */
    constructor(client, store, projections, options = {}) {
        projections.flatMap(({ tables = [] }) => tables).forEach(identifier);
        projections.forEach(versionOf);
        if (new Set(projections.map(({ name }) => projectionName(name))).size < projections.length) {
            throw new ProjectionError("two projections have the same name; rename one of them");
        }
        this.#running = new Map(projections.map((one) => [one.name, new RunningProjection(client, store, one, options)]));
    }
    /**
     * Returns the projection with this name.
     *
     * @throws ProjectionError if there is none.
     */
    get(name) {
        const running = this.#running.get(name);
        if (running === undefined) {
            throw new ProjectionError(`projection ${JSON.stringify(name)} is not one of these: ${[...this.#running.keys()].join(", ")}`);
        }
        return running;
    }
    /** Returns all projections. */
    all() {
        return [...this.#running.values()];
    }
    /**
     * Waits until all projections have processed everything up to a position, if one is given. See
     * RunningProjection.waitFor.
     */
    async waitFor(position, options = {}) {
        if (position !== undefined) {
            await Promise.all(this.all().map((running) => running.waitFor(position, options)));
        }
    }
    /** Stops all projections. */
    async stop() {
        await Promise.all(this.all().map((running) => running.stop()));
    }
    /** Stops all projections, like stop. */
    async [Symbol.asyncDispose]() {
        await this.stop();
    }
}
/**
 * Waits until a projection that runs in another process has processed everything up to a position. It polls the
 * checkpoint every `pollMs`, 50 unless given. The other process need not have started yet, and the database may be
 * busy or unavailable temporarily.
 *
 * @throws ProjectionError if it has not within `timeoutMs`, 10,000 unless given; its cause is the last error of the
 *   database, if any.
 */
export async function waitForProjection(store, projection, position, { timeoutMs = 10_000, pollMs = 50, signal } = {}) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        let at;
        let cause;
        try {
            at = await store.livePosition(projection);
        }
        catch (error) {
            if (!store.isPassing(error)) {
                throw error;
            }
            cause = error;
        }
        if (at !== undefined && at >= position) {
            return;
        }
        if (Date.now() + pollMs > deadline) {
            const name = `projection ${JSON.stringify(projection)}`;
            const is = cause !== undefined
                ? "has an unknown position"
                : at === undefined
                    ? "was never started"
                    : `is at position ${at}`;
            throw new ProjectionError(`${name} ${is}, not yet at ${position}, after ${durationText(timeoutMs)}`, {
                cause,
            });
        }
        await sleep(pollMs, signal);
    }
}
//# sourceMappingURL=projections.js.map