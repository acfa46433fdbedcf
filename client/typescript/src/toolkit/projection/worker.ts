/**
 * A running build of a projection: follows the log from its checkpoint, and handles events in batches.
 *
 * 1. A batch and its checkpoint are one transaction: every event is handled exactly once, even across crashes.
 * 2. No work of another process is repeated: if the checkpoint was moved by another process, the transaction writes
 *    nothing, and the worker continues from the new checkpoint.
 * 3. An event whose handler throws is retried alone, with growing pauses, and then stored as a dead letter with the
 *    error. Earlier events are not delayed; later ones wait until then.
 * 4. A batch whose changes do not fit into a transaction is divided.
 * 5. With a group, the live build gets its events from that. A projection skips events at or before its checkpoint, and
 *    reads what the group has done without it. Its failures do not count as attempts of the group.
 * 6. Transient failures of the store or the server are retried without limit, and are not attributed to an event.
 */
import type { Client } from "../../client.js";
import { AnnalsError, PositionBeyondHeadError } from "../../errors.js";
import { type DeliveryHandler, Release } from "../../delivery.js";
import type { RecordedEvent } from "../../events.js";
import { sleep } from "../../retry.js";
import type { SubscriptionItem } from "../../subscription.js";
import { refuseForeignStore } from "./builds.js";
import type { Projection, Target } from "./definition.js";
import { prepareGroup } from "./group.js";
import { type Checkpoint, ProjectionError, type ProjectionStore, RejectedTransactionError, tableOf } from "./store.js";

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
  /** How many events a process manager with a group reacts to at a time. 1 unless given. */
  readonly concurrency?: number;
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
  /** Whether readers see the build. */
  isLive(): boolean;
  /** Everything up to this position was processed. */
  progress(position: number): void;
  /** The worker has reached the end of the log, or has processed further events since. */
  caughtUp(): Promise<void>;
  /** The worker handles events (undefined), or waits because of an error. */
  problem(error: unknown): void;
}

/** How often the progress of a group is read, in milliseconds. */
const GROUP_PROGRESS_MS = 1_000;

/** Another process moved the checkpoint or replaced the build. */
class CheckpointMoved extends Error {}

/** A handler threw an error. */
class HandlerFailed extends Error {
  constructor(
    readonly event: RecordedEvent,
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super(`the handler failed at position ${event.position}`);
  }
}

/** A running build. */
export class Worker<Tx> {
  /** The position up to which everything was processed. */
  position = 0;
  readonly #batchEvents: number;
  readonly #triesMax: number;
  /** The last transaction of a build with a group; the next one waits for it. */
  #turn: Promise<unknown> = Promise.resolve();

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

  /** Runs until the signal is aborted; returns early if the build was removed. Throws permanent errors. */
  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      const before = this.position;
      try {
        const checkpoint = await this.#checkpoint();
        if (checkpoint === undefined) {
          return;
        }
        await (this.#hasGroup() ? this.#consume(signal) : this.#follow(checkpoint, signal));
        if (signal.aborted) {
          return;
        }
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

  /** Returns the checkpoint of the build; undefined if the build was removed. */
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
        if (this.#hasGroup()) {
          return;
        }
      }
    }
  }

  /** Whether the build gets its events from a group. One that is not live begins before the group. */
  #hasGroup(): boolean {
    return this.projection.group !== undefined && this.events.isLive();
  }

  /** Handles the events of the projection's group. */
  async #consume(signal: AbortSignal): Promise<void> {
    const { group = "", effects = false } = this.projection;
    await prepareGroup(this.client, this.projection, this.position);
    await this.#followGroup(group, signal);
    let failure: unknown;
    const failed = (error: unknown) => {
      failure ??= error;
      ended.abort();
    };
    const ended = new AbortController();
    const apply: DeliveryHandler = ({ event }) =>
      this.#inTurn(() => this.#apply(event, signal)).catch((error: unknown) => {
        failed(error);
        return new Release();
      });
    const react: DeliveryHandler = ({ event }) => this.#react(event);
    const consumer = this.client.consume(group, effects ? react : apply, {
      concurrency: effects ? (this.options.concurrency ?? 1) : 1,
    });
    consumer.ended.catch(failed);
    const stopped = AbortSignal.any([signal, ended.signal]);
    const wait = () => sleep(GROUP_PROGRESS_MS, stopped).then(() => true, () => false);
    while (await wait()) {
      await this.#inTurn(() => this.#followGroup(group, signal)).catch((error: unknown) => {
        // The one that has moved it follows the group as well.
        if (!(error instanceof CheckpointMoved)) failed(error);
      });
    }
    await consumer.stop();
    if (failure !== undefined) throw failure as Error;
  }

  /** Handles an event of a group, unless its checkpoint is after it. */
  async #apply(event: RecordedEvent, signal: AbortSignal): Promise<void> {
    while (event.position > this.position) {
      try {
        await this.#takeEvents([event], signal);
        this.events.problem(undefined);
      } catch (error) {
        // A process that stands by moves the checkpoint over positions without events of the group.
        if (!(error instanceof CheckpointMoved) || (await this.#checkpoint()) === undefined) {
          throw error;
        }
      }
    }
  }

  /** Advances to what the group has done, which other processes may have done, or which may match no event. */
  async #followGroup(group: string, signal: AbortSignal): Promise<void> {
    const { query = [], effects = false } = this.projection;
    const { donePosition } = await this.client.describeGroup(group);
    // Read after the group's progress: what another process has applied meanwhile is not applied again.
    if ((await this.#checkpoint()) === undefined) {
      throw new CheckpointMoved();
    }
    if (donePosition <= this.position) {
      return;
    }
    if (!effects) {
      const from = this.position + 1;
      for await (const events of this.client.readAll({ from, until: donePosition, query, signal }).batches()) {
        await this.#takeEvents(events, signal);
      }
    }
    if (donePosition > this.position) {
      await this.#commit(donePosition);
    }
  }

  /** Reacts to an event of a group, which retries it if that fails. */
  async #react(event: RecordedEvent): Promise<void> {
    const begun = performance.now();
    const projection = this.projection.name;
    try {
      await this.projection.handle(event, this.#target(undefined as Tx));
      this.events.problem(undefined);
    } catch (error) {
      this.events.problem(error);
      this.options.onError?.({ projection, error, event, then: "retry" });
      throw error;
    }
    const tookMs = performance.now() - begun;
    this.options.onBatch?.({
      projection,
      generation: this.generation,
      events: 1,
      position: this.position,
      tookMs,
    });
  }

  #inTurn<R>(body: () => Promise<R>): Promise<R> {
    const result = this.#turn.then(body);
    this.#turn = result.catch(() => undefined);
    return result;
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
    let size = events.length;
    while (left.length > 0) {
      signal.throwIfAborted();
      const batch = left.slice(0, size);
      try {
        await this.#handleAll(batch);
        left = left.slice(batch.length);
      } catch (error) {
        if (error instanceof RejectedTransactionError && batch.length > 1) {
          size = Math.ceil(batch.length / 2);
          continue;
        }
        if (!(error instanceof HandlerFailed)) {
          throw error;
        }
        // The failed event's transaction also rolled back the events before it.
        await this.#takeEvents(batch.slice(0, error.index), signal);
        await this.#handleAlone(error, signal);
        left = left.slice(error.index + 1);
      }
    }
  }

  /** Handles events, and moves the checkpoint to the last one. */
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
      const handled = this.#commit(last.position, async (tx) => {
        const target = this.#target(tx);
        for (const [index, event] of events.entries()) {
          await this.#handle(event, index, target);
        }
      });
      await handled.catch((error: unknown) => {
        // Only a batch of several events can be divided.
        const caused = error instanceof RejectedTransactionError && events.length === 1;
        throw caused ? new HandlerFailed(last, 0, error) : error;
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
      // The effects of a handler are not part of the batch's transaction.
      const isRejected = error instanceof RejectedTransactionError && this.projection.effects !== true;
      if (isRejected || this.store.isPassing(error) || (error instanceof AnnalsError && error.retryable)) {
        throw error;
      }
      throw new HandlerFailed(event, index, error);
    }
  }

  /** Retries a failed event alone, and stores it as a dead letter after the last attempt. */
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

  /** Commits one transaction: the writes of the body, and the checkpoint. */
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
        `projection ${JSON.stringify(this.projection.name)} is at position ${error.position}, ` +
          `but the log ends at ${error.head}: ` +
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
