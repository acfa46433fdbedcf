/**
 * Iterators over what a server sends, whose call ends as soon as they are given up.
 *
 * 1. A loop that is left (break, return, an exception) ends the call before anything else happens.
 * 2. So does `return` while a `next` is pending, which an async generator would only look at afterwards: when the next event
 *    comes, maybe never. The pending `next` then says that there is nothing more.
 * 3. So does the garbage collector, if nothing refers to the read or subscription and its iterators any more.
 */
import { ClosedError } from "./errors.js";

/** What a server sends, as a read or a subscription has it. It must not refer to that, which owns it. */
export interface Source<T> {
  /** The next batch, which is not empty; undefined at the end, or when it was given up. Not called again before it has settled. */
  pull(): Promise<T[] | undefined>;
  /** Ends the call. What is pending then settles. */
  cancel(): void;
}

/** Ends the calls of reads and subscriptions that were collected. */
const collected = new FinalizationRegistry<Source<unknown>>((source) => {
  source.cancel();
});

/** Has the source cancelled when nothing refers to its owner any more. */
export function cancelWhenCollected(owner: object, source: Source<unknown>): void {
  collected.register(owner, source);
}

const DONE = { done: true, value: undefined } as const;

/** The batches of a source. */
export class Batches<T> implements AsyncGenerator<T[], undefined, undefined> {
  /** What was asked for last, after which the next is asked for. */
  #last: Promise<unknown> = Promise.resolve();
  #done = false;

  /** @param owner Is kept from being collected while this is in use. */
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

/** What comes in batches, one by one. Cheaper than a generator, which costs as much as the event. */
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
    // Of several that waited for a batch at once, the first has brought this one.
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

/** What waits in something that was given up. Made once: nobody sees where. */
const GIVEN_UP = new ClosedError("the read or subscription was given up");

/** For how long something may go on: until it is given up, or the caller's signal is aborted. */
export class Lifetime {
  /** Is aborted by both. */
  readonly signal: AbortSignal;
  /** Whether it was given up, or is complete. */
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

  /** Gives it up. */
  end(): void {
    this.over = true;
    this.caller?.removeEventListener("abort", this.#aborted);
    this.#controller.abort(GIVEN_UP);
  }
}
