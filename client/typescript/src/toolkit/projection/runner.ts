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
import { sleep } from "../../retry.js";
import { beginBuild, findBuilds, switchTo, versionOf } from "./builds.js";
import type { Projection } from "./definition.js";
import { type Checkpoint, type DeadLetter, ProjectionError, type ProjectionStore, tableOf } from "./store.js";
import { Waiters } from "./waiters.js";
import { type ProjectionOptions, Worker } from "./worker.js";

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
  readonly rebuilding: { readonly generation: number; readonly position: number } | undefined;
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

/** A running build. */
interface Build<Tx> {
  readonly worker: Worker<Tx>;
  readonly abort: AbortController;
  /** Resolves when it has ended, and rejects with a permanent error. */
  readonly ran: Promise<void>;
}

/** A running projection, created by Projections. */
export class RunningProjection<Tx> {
  readonly #abort = new AbortController();
  readonly #waiters: Waiters;
  /** Running builds, by generation. */
  readonly #builds = new Map<number, Build<Tx>>();
  #live: Worker<Tx> | undefined;
  /** The live build, while it has an older version and is being replaced. */
  #outdated: Checkpoint | undefined;
  #building: Worker<Tx> | undefined;
  #state: ProjectionStatus["state"] = "running";
  #problem: unknown;
  readonly #switched = new Map<number, () => void>();
  readonly #ran: Promise<void>;

  constructor(
    private readonly client: Client,
    private readonly store: ProjectionStore<Tx>,
    private readonly projection: Projection<Tx>,
    private readonly options: ProjectionOptions,
  ) {
    this.#waiters = new Waiters(projection.name);
    this.#ran = this.#run();
  }

  /** The current status. */
  get status(): ProjectionStatus {
    const building = this.#building;
    return {
      name: this.projection.name,
      state: this.#state,
      generation: this.#seen?.generation ?? 0,
      position: this.#seen?.position ?? 0,
      rebuilding:
        building === undefined ? undefined : { generation: building.generation, position: building.position },
      problem: this.#problem,
    };
  }

  /** The build that readers see. */
  get #seen(): Worker<Tx> | Checkpoint | undefined {
    return this.#live ?? this.#outdated;
  }

  /** Returns how far the projection is behind the log. Calls the server. */
  async lag(options: CallOptions = {}): Promise<ProjectionLag> {
    const position = this.#seen?.position ?? 0;
    const { head } = await this.client.serverInfo(options);
    if (head <= position) {
      return { events: 0, seconds: 0 };
    }
    const [next] = await this.client.readAll({ ...options, from: position + 1, limit: 1 }).toArray();
    const seconds =
      next === undefined ? 0 : Math.max(0, (Date.now() - next.recordedAt.epochMicroseconds / 1_000) / 1_000);
    return { events: head - position, seconds };
  }

  /**
   * Waits until everything up to a position was processed, so that a command's caller reads its own write. With 0,
   * waits until the projection has begun and its tables exist in the version of this program. If the projection
   * handles none of the events up to the position, this may take up to a second longer.
   *
   * @throws ProjectionError if it has failed or was stopped, or after `timeoutMs` (10,000 unless given).
   */
  waitFor(position: number, { timeoutMs = 10_000, signal }: CallOptions = {}): Promise<void> {
    return this.#waiters.wait(position, timeoutMs, signal);
  }

  /**
   * Rebuilds the projection beside the live build; resolves when the new build is live. Readers see the old one until
   * that moment. If the program is stopped, the rebuild continues at the next start.
   */
  async rebuild(): Promise<void> {
    if (this.#live === undefined || this.#building !== undefined) {
      throw new ProjectionError(
        `projection ${JSON.stringify(this.projection.name)} ` +
          (this.#building === undefined ? "is not running yet" : "is being rebuilt already"),
      );
    }
    const { storeId } = await this.client.serverInfo();
    const generation = await beginBuild(this.store, this.projection, storeId);
    const { ran } = this.#start(generation, true);
    // If it ends before it is live, it was stopped.
    const switched = new Promise<void>((resolve) => this.#switched.set(generation, resolve));
    const ended = ran.then(() => {
      if (this.#building?.generation === generation) {
        throw new ProjectionError(
          `projection ${JSON.stringify(this.projection.name)} was stopped; its rebuild continues when it is ` +
            "started again",
        );
      }
    });
    await Promise.race([switched, ended]);
  }

  /** Returns the events that could not be handled. */
  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.store.transaction((tx) => this.store.deadLetters(tx, this.projection.name, this.status.generation));
  }

  /**
   * Retries the dead letters in order, each in its own transaction, and removes those that succeed. Their events are
   * then handled after later ones: if handlers depend on the order, rebuild instead. Returns the number that
   * succeeded.
   *
   * @throws ProjectionError while the live build has an older version.
   */
  async retryDeadLetters(): Promise<number> {
    if (this.#outdated !== undefined) {
      throw new ProjectionError(
        `projection ${JSON.stringify(this.projection.name)} is being rebuilt for version ` +
          `${versionOf(this.projection)}; dead letters are retried by the rebuild`,
      );
    }
    let well = 0;
    for (const letter of await this.deadLetters()) {
      const [event] = await this.client.readAll({ from: letter.position, limit: 1 }).toArray();
      try {
        await this.store.transaction(async (tx) => {
          if (event?.position === letter.position) {
            await this.projection.handle(event, {
              tx,
              generation: letter.generation,
              table: (name) => tableOf(name, letter.generation),
            });
          }
          await this.store.dropDeadLetter(tx, letter);
        });
        well += 1;
      } catch (error) {
        this.options.onError?.({
          projection: this.projection.name,
          error,
          ...(event !== undefined && { event }),
          then: "dead-letter",
        });
      }
    }
    return well;
  }

  /** Stops the projection after its current batch. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ran;
  }

  /** Runs until it is stopped or has failed. Never throws. */
  async #run(): Promise<void> {
    await this.#work();
    await Promise.allSettled([...this.#builds.values()].map(({ ran }) => ran));
  }

  /** Runs the live build, or the build that replaces it. */
  async #work(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const main = await this.#prepare();
        failures = 0;
        this.#settle();
        await main.ran;
      } catch (error) {
        if (error instanceof ProjectionError) {
          this.#end("failed", error);
          return;
        }
        if (!this.#abort.signal.aborted) {
          this.#problem = error;
          this.#state = "retrying";
          this.options.onError?.({ projection: this.projection.name, error, then: "retry" });
          await sleep(Math.min(100 * 2 ** Math.min(failures, 20), 10_000), signal).catch(() => undefined);
        }
      }
    }
    this.#end("stopped", new ProjectionError(`projection ${JSON.stringify(this.projection.name)} was stopped`));
  }

  /** Starts the existing builds. Returns the live one or, if that has an older version, its replacement. */
  async #prepare(): Promise<Build<Tx>> {
    await this.store.prepare();
    const { storeId } = await this.client.serverInfo();
    const { live, building } = await findBuilds(this.store, this.projection, storeId);
    const rebuild =
      building === undefined
        ? undefined
        : (this.#builds.get(building.generation) ?? this.#start(building.generation, true));
    if (rebuild !== undefined && live.version < versionOf(this.projection)) {
      this.#live = undefined;
      this.#outdated = live;
      this.#state = "rebuilding";
      return rebuild;
    }
    const main = this.#builds.get(live.generation) ?? this.#start(live.generation, false);
    this.#promote(main.worker);
    return main;
  }

  /** Makes this the live build. */
  #promote(live: Worker<Tx>): void {
    this.#live = live;
    this.#outdated = undefined;
    if (this.#building === live) {
      this.#building = undefined;
    }
    if (this.#state === "rebuilding") {
      this.#state = "running";
    }
    this.#switched.get(live.generation)?.();
    this.#switched.delete(live.generation);
  }

  /** Starts a build. */
  #start(generation: number, building: boolean): Build<Tx> {
    const abort = new AbortController();
    const worker: Worker<Tx> = new Worker<Tx>(this.client, this.store, this.projection, this.options, generation, {
      isLive: (): boolean => this.#live === worker,
      progress: () => {
        this.#settle();
      },
      caughtUp: async () => {
        // If the live build is slightly ahead, the switch is tried again after the next events.
        if (this.#building === worker) await this.#switchTo(worker);
      },
      problem: (error) => {
        if (this.#live === worker || this.#live === undefined) {
          this.#problem = error;
          this.#state = error !== undefined ? "retrying" : this.#live === undefined ? "rebuilding" : "running";
        }
      },
    });
    const ran = worker
      .run(AbortSignal.any([abort.signal, this.#abort.signal]))
      .finally(() => this.#builds.delete(generation));
    // For a rebuild there may be no caller that awaits it.
    ran.catch(() => undefined);
    const build = { worker, abort, ran };
    this.#builds.set(generation, build);
    if (building) {
      this.#building = worker;
    }
    return build;
  }

  /** Replaces the live build with a rebuild, if that has caught up. */
  async #switchTo(worker: Worker<Tx>): Promise<void> {
    if (await switchTo(this.store, this.projection, worker.generation)) {
      const before = this.#live;
      this.#promote(worker);
      this.#settle();
      if (before !== undefined) {
        this.#builds.get(before.generation)?.abort.abort();
      }
    }
  }

  #end(state: "failed" | "stopped", error: ProjectionError): void {
    this.#state = state;
    if (state === "failed") {
      this.#problem = error;
      this.options.onError?.({ projection: this.projection.name, error, then: "stop" });
    }
    this.#waiters.end(error);
  }

  #settle(): void {
    // Before the projection has begun, there are no tables to read.
    if (this.#live !== undefined) {
      this.#waiters.reached(this.#live.position);
    }
  }
}
