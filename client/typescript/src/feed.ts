/** The connections of a subscription: one at a time, each of which begins where the one before it ended. */
import type { Answers } from "./call.js";
import type { Picked } from "./connection.js";
import { type Duration, toMilliseconds } from "./duration.js";
import { type AnnalsError, UnreachableError } from "./errors.js";
import { Lifetime, type Source } from "./iteration.js";
import type { CallOptions } from "./options.js";
import { type Shared, sleep, type Tries } from "./retry.js";

/** Options of every subscription. */
export interface FeedOptions extends CallOptions {
  /** How long a subscription tries to reconnect before it fails. Unlimited unless given. */
  readonly reconnectTimeout?: Duration;
}

/** What a subscription asks the server for, and how far it has come. */
export interface Followed<M, T> {
  /** Prepares the first call. Called once. */
  begin(signal: AbortSignal): Promise<void>;
  /** Opens a call after everything that was taken. */
  open(picked: Picked, signal: AbortSignal): Answers<M>;
  /** Returns the items of a message, possibly none. */
  take(message: M): T[];
}

/** The state of a subscription, with its current connection. */
export class Feed<M, T> implements Source<T> {
  readonly #shared: Shared;
  readonly #followed: Followed<M, T>;
  readonly #lifetime: Lifetime;
  readonly #reconnectTimeoutMs: number;
  readonly #tries: Tries;
  #begun = false;
  #live: { answers: Answers<M>; picked: Picked; returns: number } | undefined;
  /** The time since which no connection has returned a message. */
  #lostAt: number | undefined;

  constructor(shared: Shared, options: FeedOptions, followed: Followed<M, T>) {
    this.#shared = shared;
    this.#followed = followed;
    this.#lifetime = new Lifetime(options.signal);
    this.#reconnectTimeoutMs =
      options.reconnectTimeout === undefined
        ? Number.POSITIVE_INFINITY
        : toMilliseconds(options.reconnectTimeout, "reconnectTimeout");
    this.#tries = shared.tries();
  }

  async pull(): Promise<T[] | undefined> {
    try {
      if (!this.#begun) {
        await this.#followed.begin(this.#lifetime.signal);
        this.#begun = true;
      }
      let items: T[] | undefined;
      do {
        items = this.#lifetime.over ? undefined : await this.#next();
      } while (items?.length === 0);
      return items;
    } catch (error) {
      if (this.#lifetime.over) {
        return undefined;
      }
      this.cancel();
      throw error;
    }
  }

  cancel(): void {
    this.#lifetime.end();
    this.#leave();
  }

  /** Returns the items of the next message, possibly none. */
  async #next(): Promise<T[]> {
    const { signal } = this.#lifetime;
    for (;;) {
      signal.throwIfAborted();
      this.#follow();
      const { answers, picked } = (this.#live ??= this.#open());
      let error: AnnalsError;
      try {
        const message = await answers.next();
        if (message !== undefined) {
          this.#tries.reset();
          this.#lostAt = undefined;
          return this.#followed.take(message);
        }
        // A server that shuts down may end its subscriptions normally.
        this.#shared.connection.failOver(picked);
        error = new UnreachableError(picked.name, "the server ended the subscription");
      } catch (thrown) {
        signal.throwIfAborted();
        error = await this.#shared.failed(picked, thrown);
      }
      this.#leave();
      await this.#pauseAfter(error);
    }
  }

  /** Ends the current call. */
  #leave(): void {
    this.#live?.answers.cancel();
    this.#live = undefined;
  }

  /** Ends the current call, if the client has returned to its first endpoint since. */
  #follow(): void {
    const { connection } = this.#shared;
    connection.probePreferred();
    if (
      this.#live !== undefined &&
      !connection.isCurrent(this.#live.picked) &&
      connection.returns !== this.#live.returns
    ) {
      this.#leave();
    }
  }

  #open(): { answers: Answers<M>; picked: Picked; returns: number } {
    const picked = this.#shared.connection.pick();
    const { returns } = this.#shared.connection;
    return { picked, returns, answers: this.#followed.open(picked, this.#lifetime.signal) };
  }

  /** Waits before reconnecting, or throws the error if it is permanent or the time is up. */
  async #pauseAfter(error: AnnalsError): Promise<void> {
    this.#lostAt ??= Date.now();
    const pause = this.#tries.afterFailureWithoutEnd();
    if (!error.retryable || Date.now() - this.#lostAt + pause >= this.#reconnectTimeoutMs) {
      throw error;
    }
    await sleep(pause, this.#lifetime.signal);
  }
}
