/**
 * A projection that runs: its live build, and the rebuild beside it, if there is one.
 *
 * A rebuild is a second build with tables of its own, from the beginning of the log. When it has come as far as the live
 * one, it takes its place in one transaction: readers see the old tables or the new ones, never none and never half. It is
 * begun by `rebuild`, or at the start if the live build is of an older version than this program; that one is then not
 * followed any more.
 */
import type { Client } from "../../client.js";
import type { CallOptions } from "../../options.js";
import { sleep } from "../../retry.js";
import { beginBuild, findBuilds, switchTo, versionOf } from "./builds.js";
import type { Projection } from "./definition.js";
import { type Checkpoint, type DeadLetter, ProjectionError, type ProjectionStore, tableOf } from "./store.js";
import { Waiters } from "./waiters.js";
import { type ProjectionOptions, Worker } from "./worker.js";

/** How a projection is. */
export interface ProjectionStatus {
  /** Its name. */
  readonly name: string;
  /**
   * `"rebuilding"`: its version is newer than that of the live build, which readers see until the rebuild has caught up.
   * `"retrying"`: it waits because of `problem`. `"failed"`: no waiting helps; `problem` says what does.
   */
  readonly state: "running" | "rebuilding" | "retrying" | "failed" | "stopped";
  /** Which build readers see. */
  readonly generation: number;
  /** Everything up to this position was taken. */
  readonly position: number;
  /** How far a rebuild is, if one runs. */
  readonly rebuilding: { readonly generation: number; readonly position: number } | undefined;
  /** What was thrown last; undefined if all is well. */
  readonly problem: unknown;
}

/** How far a projection is behind the log. */
export interface ProjectionLag {
  /** Events of the log, of any type, that were not looked at yet. */
  readonly events: number;
  /** How long ago the first of them was recorded, in seconds; 0 if there is none. */
  readonly seconds: number;
}

/** A build at work. */
interface Build<Tx> {
  readonly worker: Worker<Tx>;
  readonly abort: AbortController;
  /** Resolves when it has ended, and rejects with what no waiting helps against. */
  readonly ran: Promise<void>;
}

/** A projection that runs. Made by Projections. */
export class RunningProjection<Tx> {
  readonly #abort = new AbortController();
  readonly #waiters: Waiters;
  /** Builds at work, by generation. */
  readonly #builds = new Map<number, Build<Tx>>();
  #live: Worker<Tx> | undefined;
  /** The live build, while it is of an older version and another is built in its place. */
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

  /** How it is. */
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

  /** How far it is behind the log. Asks the server. */
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
   * Waits until everything up to this position was taken, so that a command's caller reads what it wrote; for 0, until the
   * projection has begun, and its tables are there, in the version of this program. Where nothing that the projection takes was appended, that may be a
   * second later.
   *
   * @throws ProjectionError, if it can't go on or was stopped, or not within `timeoutMs` (10,000 unless given).
   */
  waitFor(position: number, { timeoutMs = 10_000, signal }: CallOptions = {}): Promise<void> {
    return this.#waiters.wait(position, timeoutMs, signal);
  }

  /**
   * Builds the projection anew beside the live one, and switches to it when it has come as far; resolves then. Readers see
   * the live one until that moment. The program may be stopped meanwhile: the rebuild goes on with the next start.
   */
  async rebuild(): Promise<void> {
    if (this.#live === undefined || this.#building !== undefined) {
      throw new ProjectionError(
        `projection ${JSON.stringify(this.projection.name)} ${this.#building === undefined ? "is not running yet" : "is being rebuilt already"}`,
      );
    }
    const { storeId } = await this.client.serverInfo();
    const generation = await beginBuild(this.store, this.projection, storeId);
    const { ran } = this.#start(generation, true);
    // When it ends before it was switched to, it was stopped.
    const switched = new Promise<void>((resolve) => this.#switched.set(generation, resolve));
    const ended = ran.then(() => {
      if (this.#building?.generation === generation) {
        throw new ProjectionError(
          `projection ${JSON.stringify(this.projection.name)} was stopped; its rebuild continues when it is started again`,
        );
      }
    });
    await Promise.race([switched, ended]);
  }

  /** Events that it could not take. */
  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.store.transaction((tx) => this.store.deadLetters(tx, this.projection.name, this.status.generation));
  }

  /**
   * Handles the dead letters again, in order, each in a transaction of its own, and forgets those that went well. Their
   * events then come after later ones: for handlers that mind, rebuild instead. Returns how many went well.
   *
   * @throws ProjectionError while the live build is of an older version.
   */
  async retryDeadLetters(): Promise<number> {
    if (this.#outdated !== undefined) {
      throw new ProjectionError(
        `projection ${JSON.stringify(this.projection.name)} is being rebuilt for version ${versionOf(this.projection)}; dead letters are retried by the rebuild`,
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

  /** Stops it, after the batch that is being taken. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ran;
  }

  /** Works until it is stopped or has failed. Never throws. */
  async #run(): Promise<void> {
    await this.#work();
    await Promise.allSettled([...this.#builds.values()].map(({ ran }) => ran));
  }

  /** Runs the live build; when another takes its place, that one. */
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

  /** Sets the builds to work that there are. Returns the live one, or if that is of an older version, the one in its place. */
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

  /** This is the live build from now on. */
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

  /** Sets a build to work. */
  #start(generation: number, building: boolean): Build<Tx> {
    const abort = new AbortController();
    const worker = new Worker<Tx>(this.client, this.store, this.projection, this.options, generation, {
      progress: () => {
        this.#settle();
      },
      caughtUp: async () => {
        // The live one may be ahead by a moment; then the next events are waited for.
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
    // Of a rebuild, nobody may wait for it.
    ran.catch(() => undefined);
    const build = { worker, abort, ran };
    this.#builds.set(generation, build);
    if (building) {
      this.#building = worker;
    }
    return build;
  }

  /** Puts a rebuild in the place of the live build, if it is as far. */
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
    // Before it has begun, there are no tables to read.
    if (this.#live !== undefined) {
      this.#waiters.reached(this.#live.position);
    }
  }
}
