/**
 * Subscriptions: return existing events, then new ones, each once and in order, over any number of connections.
 *
 * 1. **Once, in order, without gaps.** After a broken connection the subscription resumes after the last event or
 *    notice (caught-up, fell-behind, checkpoint) received, on any endpoint. Positions that do not increase are a
 *    ProtocolError, and are never returned.
 * 2. **A fixed start.** "From the end" is resolved to a position before the first subscription call, so that a
 *    connection that breaks before the first event loses nothing.
 * 3. **Bounded.** The client buffers a few messages; the rest stays at the server.
 *
 * A subscription to the log resumes by position, one to a stream by revision; notices have both.
 */
import { type Answers, METHODS, requestOf, serverStream, unary } from "./call.js";
import type { Picked } from "./connection.js";
import { Cursor, type Message } from "./cursor.js";
import { StreamNotFoundError } from "./errors.js";
import type { RecordedEvent } from "./events.js";
import { Feed, type FeedOptions, type Followed } from "./feed.js";
import { Batches, cancelWhenCollected, Flattened, type Source } from "./iteration.js";
import { toBigInt, toNumber } from "./numbers.js";
import type { CallOptions } from "./options.js";
import { type Query, toPbQuery } from "./query.js";
import type { Shared } from "./retry.js";

/** An item of a subscription. */
export type SubscriptionItem =
  | {
      /** The next event. */
      readonly kind: "event";
      readonly event: RecordedEvent;
    }
  | {
      /**
       * All existing events were sent; later ones are sent as they are appended. Reported once, again after each
       * `fell-behind`, and again after a reconnect.
       */
      readonly kind: "caught-up";
      /** The position up to which the log was scanned; it is safe to resume a subscription to the log after it. */
      readonly position: number;
      /**
       * The stream's last revision at that position; it is safe to resume a subscription to the stream after it.
       * Undefined in a subscription to the log, or if the stream has no events.
       */
      readonly revision: number | undefined;
    }
  | {
      /** The subscriber lags behind the appends, and events come from storage again. Nothing is lost. */
      readonly kind: "fell-behind";
      /** The position up to which the log was scanned; it is safe to resume a subscription to the log after it. */
      readonly position: number;
      /** The stream's last revision at that position, as for `caught-up`. */
      readonly revision: number | undefined;
      /** The log's last position. */
      readonly head: number;
    }
  | {
      /**
       * The log was scanned up to here, and no matching event is unsent. Store it, so that a filtered subscription
       * need not scan the same events again. It only increases.
       */
      readonly kind: "checkpoint";
      /** The position; it is safe to resume a subscription to the log after it. */
      readonly position: number;
      /** The stream's last revision at that position, as for `caught-up`. */
      readonly revision: number | undefined;
    };

/**
 * Selects the events of a subscription, and its start. `timeoutMs` applies to the first connection; reconnecting is
 * limited by `reconnectTimeout`.
 */
export interface SubscribeOptions extends FeedOptions {
  /**
   * Starts after this position of the log, or after this revision of a stream: the last one processed. With `"end"`,
   * starts after the last event at the moment. At the beginning unless given.
   */
  readonly after?: number | "end";
  /** Returns only events that match. All unless given. */
  readonly query?: Query;
}

/**
 * A subscription, which begins when it is first used, and ends only with an error: to end it, leave the loop, or
 * abort its signal. It can be used once.
 *
 * @example
 * for await (const item of client.subscribeAll({ after: checkpoint })) {
 *   if (item.kind === "event") console.log(item.event.position, item.event.type);
 * }
 */
export class Subscription implements AsyncIterable<SubscriptionItem>, Disposable {
  readonly #feed: Feed<Message, SubscriptionItem>;

  /** Called by Client.subscribeAll and Client.subscribeStream. */
  constructor(shared: Shared, stream: string | undefined, options: SubscribeOptions) {
    this.#feed = new Feed(shared, options, new EventsFollowed(shared, stream, options));
    cancelWhenCollected(this, this.#feed);
  }

  /** Iterates only the events. */
  events(): AsyncGenerator<RecordedEvent, void, undefined> {
    return new Flattened(new Batches(this, new EventsOnly(this.#feed)));
  }

  /** Iterates the items in the batches in which they arrive. A batch is never empty. */
  batches(): AsyncGenerator<SubscriptionItem[], void, undefined> {
    return new Batches(this, this.#feed);
  }

  [Symbol.asyncIterator](): AsyncIterator<SubscriptionItem, undefined> {
    return new Flattened(new Batches(this, this.#feed));
  }

  /** Ends the subscription. Leaving a loop over it does the same. */
  close(): void {
    this.#feed.cancel();
  }

  /** Ends the subscription, like close. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The events of a subscription, without its other items. */
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

/** What a subscription to events asks for, and how far it has come. */
class EventsFollowed implements Followed<Message, SubscriptionItem> {
  #cursor: Cursor;

  constructor(
    private readonly shared: Shared,
    private readonly stream: string | undefined,
    private readonly options: SubscribeOptions,
  ) {
    this.#cursor = new Cursor(stream !== undefined, typeof options.after === "number" ? options.after : undefined);
  }

  async begin(signal: AbortSignal): Promise<void> {
    if (this.options.after === "end") {
      this.#cursor = new Cursor(this.stream !== undefined, await this.#end({ ...this.options, signal }));
    }
  }

  take(message: Message): SubscriptionItem[] {
    return this.#cursor.take(message);
  }

  open(picked: Picked, signal: AbortSignal): Answers<Message> {
    const after = this.#cursor.after === undefined ? undefined : toBigInt(this.#cursor.after, "after");
    const query = toPbQuery(this.options.query);
    const filter = query !== undefined && { query };
    if (this.stream === undefined) {
      const start = after !== undefined && { start: { case: "after" as const, value: after } };
      const request = requestOf(METHODS.subscribeAll, { ...filter, ...start });
      return serverStream(picked, METHODS.subscribeAll, request, signal);
    }
    const start = after !== undefined && { start: { case: "afterRevision" as const, value: after } };
    const request = requestOf(METHODS.subscribeStream, { stream: this.stream, ...filter, ...start });
    return serverStream(picked, METHODS.subscribeStream, request, signal);
  }

  /** Returns the current end, as a position or revision to start after. */
  async #end(options: CallOptions): Promise<number | undefined> {
    const stream = this.stream;
    if (stream === undefined) {
      const request = requestOf(METHODS.getServerInfo, {});
      const info = await this.shared.call(options, (picked, deadline) =>
        unary(picked, METHODS.getServerInfo, request, deadline),
      );
      return toNumber(info.head);
    }
    const request = requestOf(METHODS.getStream, { stream });
    try {
      const answer = await this.shared.call(options, (picked, deadline) =>
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
}
