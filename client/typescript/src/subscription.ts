/**
 * Subscriptions: what there is, then what comes, each event once and in order, over as many connections as it takes.
 *
 * 1. **Once, in order, without gaps.** After a broken connection the subscription resumes after the last event or
 *    checkpoint that was received, on any endpoint. Positions that do not grow are a ProtocolError, never passed on.
 * 2. **A fixed beginning.** "From the end" is turned into a position before the first connection is opened for events, so
 *    that a connection that breaks before the first event loses nothing.
 * 3. **Bounded.** A few messages of the server are held; the rest waits there.
 *
 * Checkpoints are positions of the log. A subscription to one stream resumes by revision, so that its checkpoints are only
 * told, not used.
 */
import { type Answers, METHODS, requestOf, serverStream, unary } from "./call.js";
import type { Picked } from "./connection.js";
import { Cursor, type Message } from "./cursor.js";
import { type Duration, toMilliseconds } from "./duration.js";
import { type AnnalsError, StreamNotFoundError, UnreachableError } from "./errors.js";
import type { RecordedEvent } from "./events.js";
import { Batches, cancelWhenCollected, Lifetime, Flattened, type Source } from "./iteration.js";
import { toBigInt, toNumber } from "./numbers.js";
import type { CallOptions } from "./options.js";
import { type Query, toPbQuery } from "./query.js";
import { type Shared, sleep, type Tries } from "./retry.js";

/** What a subscription yields. */
export type SubscriptionItem =
  | {
      /** The next event. */
      readonly kind: "event";
      readonly event: RecordedEvent;
    }
  | {
      /**
       * Everything there is was sent; what follows is sent as it is appended. Comes once, again after each
       * `fell-behind`, and again after a connection was lost and resumed.
       */
      readonly kind: "caught-up";
      /** The position up to which the log was looked at; resuming after it is safe. */
      readonly position: number;
    }
  | {
      /** Events were taken more slowly than they were appended, and come from storage again. Nothing is lost. */
      readonly kind: "fell-behind";
      /** The position up to which the log was looked at; resuming after it is safe. */
      readonly position: number;
      /** The log's last position. */
      readonly head: number;
    }
  | {
      /**
       * Everything up to here was looked at, and nothing that matches is unsent. Worth storing, so that a filtered
       * subscription need not look at the same events again. Only grows.
       */
      readonly kind: "checkpoint";
      /** The position; resuming after it is safe. */
      readonly position: number;
    };

/** Which events to follow, and from where. `timeoutMs` is that of the first connection; the others are tried for ever. */
export interface SubscribeOptions extends CallOptions {
  /**
   * Begins after this position (of the log) or revision (of a stream): the last that was handled; or after the last event
   * there is now, with `"end"`. At the beginning unless given.
   */
  readonly after?: number | "end";
  /** Yields only the events that match. All unless given. */
  readonly query?: Query;
  /** Fails if a connection that was lost can't be resumed for so many milliseconds. Never unless given. */
  readonly reconnectTimeout?: Duration;
}

/**
 * A subscription, which begins when it is first asked for something, and ends only with an error: leave the loop, or abort
 * its signal, to end it. To be used once.
 *
 * @example
 * for await (const item of client.subscribeAll({ after: checkpoint })) {
 *   if (item.kind === "event") console.log(item.event.position, item.event.type);
 * }
 */
export class Subscription implements AsyncIterable<SubscriptionItem>, Disposable {
  readonly #feed: Feed;

  /** Made by Client.subscribeAll and Client.subscribeStream. */
  constructor(shared: Shared, stream: string | undefined, options: SubscribeOptions) {
    this.#feed = new Feed(shared, stream, options);
    cancelWhenCollected(this, this.#feed);
  }

  /** Only the events. */
  events(): AsyncGenerator<RecordedEvent, void, undefined> {
    return new Flattened(new Batches(this, new EventsOnly(this.#feed)));
  }

  /** The items as they come, many at a time: never an empty array. */
  batches(): AsyncGenerator<SubscriptionItem[], void, undefined> {
    return new Batches(this, this.#feed);
  }

  [Symbol.asyncIterator](): AsyncIterator<SubscriptionItem, undefined> {
    return new Flattened(new Batches(this, this.#feed));
  }

  /** Ends it. To leave a loop over it does the same. */
  close(): void {
    this.#feed.cancel();
  }

  /** As close. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The events of a subscription, without what else it says. */
class EventsOnly implements Source<RecordedEvent> {
  constructor(private readonly items: Source<SubscriptionItem>) {}

  async pull(): Promise<RecordedEvent[] | undefined> {
    for (let items = await this.items.pull(); items !== undefined; items = await this.items.pull()) {
      const events = items.flatMap((item) => (item.kind === "event" ? [item.event] : []));
      if (events.length > 0) {
        return events;
      }
    }
    return undefined;
  }

  cancel(): void {
    this.items.cancel();
  }
}

/** A subscription with the connection it has at the moment. */
class Feed implements Source<SubscriptionItem> {
  readonly #shared: Shared;
  readonly #stream: string | undefined;
  readonly #options: SubscribeOptions;
  readonly #lifetime: Lifetime;
  readonly #reconnectTimeoutMs: number;
  #begun = false;
  readonly #tries: Tries;
  #cursor: Cursor;
  #live: { answers: Answers<Message>; picked: Picked; returns: number } | undefined;
  /** Since when there has been no connection that yielded anything. */
  #lostAt: number | undefined;

  constructor(shared: Shared, stream: string | undefined, options: SubscribeOptions) {
    this.#shared = shared;
    this.#stream = stream;
    this.#lifetime = new Lifetime(options.signal);
    this.#options = { ...options, signal: this.#lifetime.signal };
    this.#reconnectTimeoutMs =
      options.reconnectTimeout === undefined
        ? Number.POSITIVE_INFINITY
        : toMilliseconds(options.reconnectTimeout, "reconnectTimeout");
    this.#tries = shared.tries();
    this.#cursor = new Cursor(stream !== undefined, typeof options.after === "number" ? options.after : undefined);
  }

  async pull(): Promise<SubscriptionItem[] | undefined> {
    try {
      await this.#begin();
      let items: SubscriptionItem[] | undefined;
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

  async #begin(): Promise<void> {
    if (!this.#begun && this.#options.after === "end") {
      this.#cursor = new Cursor(this.#stream !== undefined, await this.#end());
    }
    this.#begun = true;
  }

  /** The items of the next message, maybe none. */
  async #next(): Promise<SubscriptionItem[]> {
    for (;;) {
      this.#options.signal?.throwIfAborted();
      this.#follow();
      const { answers, picked } = (this.#live ??= this.#open());
      let error: AnnalsError;
      try {
        const message = await answers.next();
        if (message !== undefined) {
          this.#tries.reset();
          this.#lostAt = undefined;
          return this.#cursor.take(message);
        }
        // A server that stops may end its subscriptions in good order.
        this.#shared.connection.failOver(picked);
        error = new UnreachableError(picked.name, "the server ended the subscription");
      } catch (thrown) {
        this.#options.signal?.throwIfAborted();
        error = await this.#shared.failed(picked, thrown);
      }
      this.#leave();
      await this.#pauseAfter(error);
    }
  }

  /** Ends the connection. */
  #leave(): void {
    this.#live?.answers.cancel();
    this.#live = undefined;
  }

  /** Leaves an endpoint, if the client has gone back to its first one since. */
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

  #open(): { answers: Answers<Message>; picked: Picked; returns: number } {
    const picked = this.#shared.connection.pick();
    const { returns } = this.#shared.connection;
    const { signal } = this.#options;
    const after = this.#cursor.after === undefined ? undefined : toBigInt(this.#cursor.after, "after");
    const query = toPbQuery(this.#options.query);
    const filter = query !== undefined && { query };
    if (this.#stream === undefined) {
      const start = after !== undefined && { start: { case: "after" as const, value: after } };
      const request = requestOf(METHODS.subscribeAll, { ...filter, ...start });
      return { picked, returns, answers: serverStream(picked, METHODS.subscribeAll, request, signal) };
    }
    const start = after !== undefined && { start: { case: "afterRevision" as const, value: after } };
    const request = requestOf(METHODS.subscribeStream, { stream: this.#stream, ...filter, ...start });
    return { picked, returns, answers: serverStream(picked, METHODS.subscribeStream, request, signal) };
  }

  /** Where the end is now, as something to begin after. */
  async #end(): Promise<number | undefined> {
    const stream = this.#stream;
    if (stream === undefined) {
      const request = requestOf(METHODS.getServerInfo, {});
      const info = await this.#shared.call(this.#options, (picked, deadline) =>
        unary(picked, METHODS.getServerInfo, request, deadline),
      );
      return toNumber(info.head);
    }
    const request = requestOf(METHODS.getStream, { stream });
    try {
      const answer = await this.#shared.call(this.#options, (picked, deadline) =>
        unary(picked, METHODS.getStream, request, deadline),
      );
      return toNumber(answer.stream?.lastRevision ?? 0n);
    } catch (error) {
      if (error instanceof StreamNotFoundError) {
        return undefined;
      }
      throw error;
    }
  }

  /** Waits before a connection is tried, or throws the error if there is to be none. */
  async #pauseAfter(error: AnnalsError): Promise<void> {
    this.#lostAt ??= Date.now();
    const pause = this.#tries.afterFailureWithoutEnd();
    if (!error.retryable || Date.now() - this.#lostAt + pause >= this.#reconnectTimeoutMs) {
      throw error;
    }
    await sleep(pause, this.#options.signal);
  }
}
