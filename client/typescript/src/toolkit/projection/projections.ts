/** Several projections over one store of read models, each on its own: one that fails does not stop the others. */
import type { Client } from "../../client.js";
import { durationText } from "../../duration-text.js";
import type { CallOptions } from "../../options.js";
import { sleep } from "../../retry.js";
import { versionOf } from "./builds.js";
import type { Projection } from "./definition.js";
import { RunningProjection } from "./runner.js";
import { identifier, ProjectionError, projectionName, type ProjectionStore } from "./store.js";
import type { ProjectionOptions } from "./worker.js";

/**
 * Projections that run from now on, until they are stopped.
 *
 * @example
 * await using projections = new Projections(client, new PostgresStore(pool), [orderList, statistics]);
 * const { position } = await orders.execute("42", ship);
 * await projections.waitFor(position);
 */
export class Projections<Tx> implements AsyncDisposable {
  readonly #running: ReadonlyMap<string, RunningProjection<Tx>>;

  /** @throws ProjectionError if two have the same name, or a name or a version can't be used. */
  constructor(
    client: Client,
    store: ProjectionStore<Tx>,
    projections: readonly Projection<Tx>[],
    options: ProjectionOptions = {},
  ) {
    projections.flatMap(({ tables = [] }) => tables).forEach(identifier);
    projections.forEach(versionOf);
    if (new Set(projections.map(({ name }) => projectionName(name))).size < projections.length) {
      throw new ProjectionError("two projections have the same name; rename one of them");
    }
    this.#running = new Map(projections.map((one) => [one.name, new RunningProjection(client, store, one, options)]));
  }

  /** The projection of this name. @throws ProjectionError if there is none. */
  get(name: string): RunningProjection<Tx> {
    const running = this.#running.get(name);
    if (running === undefined) {
      throw new ProjectionError(`projection ${JSON.stringify(name)} is not one of these: ${[...this.#running.keys()].join(", ")}`);
    }
    return running;
  }

  /** All of them. */
  all(): readonly RunningProjection<Tx>[] {
    return [...this.#running.values()];
  }

  /** Waits until all of them have taken everything up to this position, if it is one. See RunningProjection.waitFor. */
  async waitFor(position: number | undefined, options: CallOptions = {}): Promise<void> {
    if (position !== undefined) {
      await Promise.all(this.all().map((running) => running.waitFor(position, options)));
    }
  }

  /** Stops them all. */
  async stop(): Promise<void> {
    await Promise.all(this.all().map((running) => running.stop()));
  }

  /** As stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Waits until a projection that runs in another process has taken everything up to this position: looks at its checkpoint
 * every `pollMs`, 50 unless given. That process need not have started yet, and the database may be busy or away meanwhile.
 *
 * @throws ProjectionError, if it has not within `timeoutMs`, 10,000 unless given; what the database then failed with, if it
 *   did, is its cause.
 */
export async function waitForProjection<Tx>(
  store: ProjectionStore<Tx>,
  projection: string,
  position: number,
  { timeoutMs = 10_000, pollMs = 50, signal }: CallOptions & { readonly pollMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let at: number | undefined;
    let cause: unknown;
    try {
      at = await store.livePosition(projection);
    } catch (error) {
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
      const is =
        cause !== undefined ? "has an unknown position" : at === undefined ? "was never started" : `is at position ${at}`;
      throw new ProjectionError(`${name} ${is}, not yet at ${position}, after ${durationText(timeoutMs)}`, {
        cause,
      });
    }
    await sleep(pollMs, signal);
  }
}
