/**
 * Iterators over the responses of a server. An abandoned iterator ends its call promptly.
 *
 * 1. Leaving a loop (break, return, an exception) ends the call before anything else happens.
 * 2. So does calling `return` while a `next` is pending. An async generator would process it only when the next event
 *    arrives, which may be never. The pending `next` then reports the end.
 * 3. So does garbage collection, once nothing refers to the read or subscription and its iterators.
 */
import { ClosedError } from "./errors.js";

/** The source of a read or a subscription. It must not refer to the read or subscription, which owns it. */
export interface Source<T> {
  /**
   * Returns the next batch, which is not empty; undefined at the end, or after cancel. It is not called again before
   * it has settled.
   */
  pull(): Promise<T[] | undefined>;
  /** Ends the call. A pending pull then settles. */
  cancel(): void;
}

/** Ends the calls of reads and subscriptions that were garbage-collected. */
const collected = new FinalizationRegistry<Source<unknown>>((source) => {
  source.cancel();
});

/** Cancels the source when nothing refers to its owner any more. */
export function cancelWhenCollected(owner: object, source: Source<unknown>): void {
  collected.register(owner, source);
}

const DONE = { done: true, value: undefined } as const;

/** Iterates the batches of a source. */
export class Batches<T> implements AsyncGenerator<T[], undefined, undefined> {
  /** The last request for a batch; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  #done = false;

  /** @param owner Kept alive while this iterator is in use. */
  constructor(
    readonly owner: object,
    private readonly source: Source<T>,
  ) {}

  next(): Promise<IteratorResult<T[], undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #next(): Promise<IteratorResult<T[], undefined>> {
    if (this.#done) {
      return DONE;
    }
    try {
      const batch = await this.source.pull();
      this.#done ||= batch === undefined;
      return batch === undefined || this.#done ? DONE : { done: false, value: batch };
    } catch (error) {
      if (this.#done) {
        return DONE;
      }
      this.#end();
      throw error;
    }
  }

  return(): Promise<IteratorResult<T[], undefined>> {
    this.#end();
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<IteratorResult<T[], undefined>> {
    this.#end();
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #end(): void {
    this.#done = true;
    this.source.cancel();
  }
}

/** Iterates the elements of batches, one by one. Cheaper than a generator, which costs as much as the event. */
export class Flattened<T> implements AsyncGenerator<T, undefined, undefined> {
  #batch: T[] = [];
  #taken = 0;

  constructor(private readonly batches: Batches<T>) {}

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#taken < this.#batch.length) {
      return Promise.resolve(this.#take());
    }
    return this.#nextBatch();
  }

  async #nextBatch(): Promise<IteratorResult<T, undefined>> {
    const { done, value } = await this.batches.next();
    if (done === true) {
      return DONE;
    }
    // If several calls waited for a batch at once, the first one has already set it.
    this.#batch = this.#taken < this.#batch.length ? [...this.#batch.slice(this.#taken), ...value] : value;
    this.#taken = 0;
    return this.#take();
  }

  #take(): IteratorResult<T, undefined> {
    const value = this.#batch[this.#taken] as T;
    this.#taken += 1;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#batch = [];
    await this.batches.return();
    return DONE;
  }

  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#batch = [];
    await this.batches.throw(error);
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** Rejects pending operations after cancel. Created once, because its stack trace is not used. */
const GIVEN_UP = new ClosedError("the read or subscription was closed");

/** The lifetime of a read or subscription: until it is ended, or the caller's signal is aborted. */
export class Lifetime {
  /** Aborted in both cases. */
  readonly signal: AbortSignal;
  /** Whether it was ended, or is complete. */
  over = false;
  readonly #controller = new AbortController();
  readonly #aborted = () => {
    this.#controller.abort(this.caller?.reason);
  };

  constructor(private readonly caller: AbortSignal | undefined) {
    this.signal = this.#controller.signal;
    if (caller?.aborted === true) this.#aborted();
    else caller?.addEventListener("abort", this.#aborted, { once: true });
  }

  end(): void {
    this.over = true;
    this.caller?.removeEventListener("abort", this.#aborted);
    this.#controller.abort(GIVEN_UP);
  }
}
