/**
 * One build of a projection at work: follows the log from its checkpoint, and takes events in batches.
 *
 * 1. A batch and its checkpoint are one transaction: what was handled is handled once, whatever is killed when.
 * 2. Nobody else's work is repeated: a transaction whose checkpoint is not where this worker left it writes nothing, and
 *    the worker goes on from there.
 * 3. An event whose handler throws is tried again alone, with growing pauses, then kept as a dead letter, with the reason;
 *    those before it are not held up, those behind it wait until then.
 * 4. Failures of the store or the server that pass are waited for without end, and blamed on no event.
 */
import type { Client } from "../../client.js";
import { AnnalsError, PositionBeyondHeadError } from "../../errors.js";
import type { RecordedEvent } from "../../events.js";
import { sleep } from "../../retry.js";
import type { SubscriptionItem } from "../../subscription.js";
import { refuseForeignStore } from "./builds.js";
import type { Projection, Target } from "./definition.js";
import { type Checkpoint, ProjectionError, type ProjectionStore, tableOf } from "./store.js";

/** How projections work. */
export interface ProjectionOptions {
  /** The most events in a transaction, 1 or more. 500 unless given. */
  readonly batchEvents?: number;
  /** How often an event is tried before it is a dead letter, 1 or more. 5 unless given. */
  readonly triesMax?: number;
  /** The pause after an event's first failure in milliseconds, twice as long each time after, less a random half. 100 unless given. */
  readonly pauseFirstMs?: number;
  /** The longest pause in milliseconds. 10,000 unless given. */
  readonly pauseMaxMs?: number;
  /** Is told of every failure, those that are tried again included. Nothing unless given. */
  readonly onError?: (problem: ProjectionProblem) => void;
  /** Is told of every transaction with events, once it is written. Nothing unless given. */
  readonly onBatch?: (batch: ProjectionBatch) => void;
}

/** What a projection has taken in one transaction. */
export interface ProjectionBatch {
  /** The projection. */
  readonly projection: string;
  /** Which build of it. */
  readonly generation: number;
  /** How many events it took; without dead letters. */
  readonly events: number;
  /** Everything up to this position was taken. */
  readonly position: number;
  /** How long that took, in milliseconds. */
  readonly tookMs: number;
}

/** What went wrong in a projection. */
export interface ProjectionProblem {
  /** The projection. */
  readonly projection: string;
  /** What was thrown. */
  readonly error: unknown;
  /** The event whose handler threw; undefined if it was something else. */
  readonly event?: RecordedEvent;
  /** What happens now. */
  readonly then: "retry" | "dead-letter" | "stop";
}

/** How a worker tells of itself. */
export interface WorkerEvents {
  /** Everything up to here was taken. */
  progress(position: number): void;
  /** It has come to the end of the log, or taken more behind it. */
  caughtUp(): Promise<void>;
  /** It takes events (undefined), or waits because of an error. */
  problem(error: unknown): void;
}

/** The checkpoint is not where it was: somebody else runs the same build, or it was replaced. */
class CheckpointMoved extends Error {}

/** A handler threw. */
class HandlerFailed extends Error {
  constructor(
    readonly event: RecordedEvent,
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super(`the handler failed at position ${event.position}`);
  }
}

/** A build at work. */
export class Worker<Tx> {
  /** Everything up to this position was taken. */
  position = 0;
  readonly #batchEvents: number;
  readonly #triesMax: number;

  constructor(
    private readonly client: Client,
    private readonly store: ProjectionStore<Tx>,
    private readonly projection: Projection<Tx>,
    private readonly options: ProjectionOptions,
    readonly generation: number,
    private readonly events: WorkerEvents,
  ) {
    this.#batchEvents = options.batchEvents ?? 500;
    this.#triesMax = options.triesMax ?? 5;
  }

  /** Works until the signal; returns before if the build is gone. Throws what no waiting helps against. */
  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      const before = this.position;
      try {
        const checkpoint = await this.#checkpoint();
        if (checkpoint === undefined) {
          return;
        }
        await this.#follow(checkpoint, signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!(error instanceof CheckpointMoved)) {
          this.#throwIfPermanent(error);
          this.events.problem(error);
          this.options.onError?.({ projection: this.projection.name, error, then: "retry" });
        }
        failures = this.position > before ? 0 : failures;
        await this.#pause(failures, signal);
      }
    }
  }

  /** Where the build is; undefined if it is gone. */
  async #checkpoint(): Promise<Checkpoint | undefined> {
    const found = await this.store.transaction((tx) => this.#find(tx));
    if (found !== undefined) {
      const { storeId } = await this.client.serverInfo();
      refuseForeignStore(this.projection.name, found, storeId);
      this.#moved(found.position);
    }
    return found;
  }

  async #find(tx: Tx): Promise<Checkpoint | undefined> {
    return (await this.store.checkpoints(tx, this.projection.name)).find(
      ({ generation }) => generation === this.generation,
    );
  }

  async #follow(checkpoint: Checkpoint, signal: AbortSignal): Promise<void> {
    const { query } = this.projection;
    const subscription = this.client.subscribeAll({
      after: checkpoint.position,
      signal,
      ...(query !== undefined && { query }),
    });
    let caughtUp = false;
    for await (const items of subscription.batches()) {
      this.events.problem(undefined);
      await this.#take(items, signal);
      caughtUp ||= items.some(({ kind }) => kind === "caught-up");
      if (caughtUp) {
        await this.events.caughtUp();
      }
    }
  }

  async #take(items: SubscriptionItem[], signal: AbortSignal): Promise<void> {
    const events = items.flatMap((item) => (item.kind === "event" ? [item.event] : []));
    for (let from = 0; from < events.length; from += this.#batchEvents) {
      await this.#takeEvents(events.slice(from, from + this.#batchEvents), signal);
    }
    const looked = Math.max(0, ...items.map((item) => (item.kind === "event" ? 0 : item.position)));
    if (looked > this.position) {
      await this.#commit(looked);
    }
  }

  async #takeEvents(events: RecordedEvent[], signal: AbortSignal): Promise<void> {
    let left = events;
    while (left.length > 0) {
      signal.throwIfAborted();
      try {
        await this.#handleAll(left);
        return;
      } catch (error) {
        if (!(error instanceof HandlerFailed)) {
          throw error;
        }
        const done = left.slice(0, error.index);
        if (done.length > 0) {
          // They were undone together with the one that failed.
          await this.#handleAll(done);
        }
        await this.#handleAlone(error, signal);
        left = left.slice(error.index + 1);
      }
    }
  }

  /** Handles events, and moves the checkpoint behind the last. */
  async #handleAll(events: RecordedEvent[]): Promise<void> {
    const last = events.at(-1);
    if (last === undefined) {
      return;
    }
    const begun = performance.now();
    if (this.projection.effects === true) {
      const target = this.#target(undefined as Tx);
      for (const [index, event] of events.entries()) {
        await this.#handle(event, index, target);
        await this.#commit(event.position);
      }
    } else {
      await this.#commit(last.position, async (tx) => {
        const target = this.#target(tx);
        for (const [index, event] of events.entries()) {
          await this.#handle(event, index, target);
        }
      });
    }
    const tookMs = performance.now() - begun;
    this.options.onBatch?.({
      projection: this.projection.name,
      generation: this.generation,
      events: events.length,
      position: last.position,
      tookMs,
    });
  }

  async #handle(event: RecordedEvent, index: number, target: Target<Tx>): Promise<void> {
    try {
      await this.projection.handle(event, target);
    } catch (error) {
      if (this.store.isPassing(error) || (error instanceof AnnalsError && error.retryable)) {
        throw error;
      }
      throw new HandlerFailed(event, index, error);
    }
  }

  /** Tries an event that failed once again, alone, and gives it up at last. */
  async #handleAlone(first: HandlerFailed, signal: AbortSignal): Promise<void> {
    let failed = first;
    const { event } = first;
    const { name } = this.projection;
    for (let tries = 1; tries < this.#triesMax; tries += 1) {
      this.events.problem(failed.cause);
      this.options.onError?.({ projection: name, error: failed.cause, event, then: "retry" });
      await this.#pause(tries - 1, signal);
      try {
        await this.#handleAll([event]);
        this.events.problem(undefined);
        return;
      } catch (error) {
        if (!(error instanceof HandlerFailed)) {
          throw error;
        }
        failed = error;
      }
    }
    this.options.onError?.({ projection: name, error: failed.cause, event, then: "dead-letter" });
    const { cause } = failed;
    await this.#commit(event.position, (tx) =>
      this.store.saveDeadLetter(tx, {
        projection: name,
        generation: this.generation,
        position: event.position,
        eventId: event.id,
        stream: event.stream,
        revision: event.revision,
        type: event.type,
        reason: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
        tries: this.#triesMax,
        failedAt: new Date().toISOString(),
      }),
    );
  }

  /** One transaction: what the body writes, and the checkpoint. */
  async #commit(position: number, body?: (tx: Tx) => Promise<void>): Promise<void> {
    await this.store.transaction(async (tx) => {
      const found = await this.#find(tx);
      if (found?.position !== this.position) {
        throw new CheckpointMoved();
      }
      await body?.(tx);
      await this.store.saveCheckpoint(tx, this.projection.name, { ...found, position });
    });
    this.#moved(position);
  }

  #moved(position: number): void {
    this.position = position;
    this.events.progress(position);
  }

  #target(tx: Tx): Target<Tx> {
    return { tx, generation: this.generation, table: (name) => tableOf(name, this.generation) };
  }

  #throwIfPermanent(error: unknown): void {
    if (error instanceof ProjectionError) {
      throw error;
    }
    if (error instanceof PositionBeyondHeadError) {
      throw new ProjectionError(
        `projection ${JSON.stringify(this.projection.name)} is at position ${error.position}, but the log ends at ${error.head}: ` +
          "the store was restored from an older backup; rebuild the projection",
        { cause: error },
      );
    }
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const { pauseFirstMs = 100, pauseMaxMs = 10_000 } = this.options;
    const nominal = Math.min(pauseFirstMs * 2 ** Math.min(failures, 20), pauseMaxMs);
    await sleep(nominal * (0.5 + Math.random() / 2), signal);
  }
}
