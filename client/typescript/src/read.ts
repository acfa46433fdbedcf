/**
 * Reads: a bounded range of one stream or of the whole log.
 *
 * 1. The range of a read is fixed when it begins: it returns each event once, in order, and none that was appended
 *    later.
 * 2. A read whose connection breaks continues after the last event received, on any endpoint, and ends where it would
 *    have ended.
 * 3. A read that makes no progress for the duration of its deadline fails, however often it was resumed.
 *
 * Events arrive and are decoded in messages with many of them. They are returned one by one, or as they arrive by
 * `batches`.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";

import { type Answers, METHODS, requestOf, serverStream } from "./call.js";
import type { Picked } from "./connection.js";
import { type AnnalsError, DeadlineExceededError, ProtocolError } from "./errors.js";
import { fromPbEvent, type RecordedEvent } from "./events.js";
import type { RecordedEvent as PbRecordedEvent } from "./generated/annals/v1/event_pb.js";
import {
  type ReadAllRequestSchema,
  type ReadAllResponse,
  type ReadStreamRequestSchema,
  type ReadStreamResponse,
} from "./generated/annals/v1/event_store_pb.js";
import { Direction } from "./generated/annals/v1/query_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import type { CallOptions } from "./options.js";
import { type Query, toPbQuery } from "./query.js";
import { Batches, cancelWhenCollected, Lifetime, Flattened, type Source } from "./iteration.js";
import { type Deadline, type Shared, sleep, type Tries } from "./retry.js";
import { type Time, toPbTime } from "./timestamp.js";

/** Selects the events to read. */
export interface ReadOptions extends CallOptions {
  /** Reads the newest event first. */
  readonly backwards?: boolean;
  /**
   * The first event to return: a revision of the stream, or a position of the log; at most one after the last. The
   * first event, or the last when reading backwards, unless given.
   */
  readonly from?: number;
  /** Maximum number of events, at least 1. Unlimited unless given. */
  readonly limit?: number;
  /** Returns only events that match. All unless given. */
  readonly query?: Query;
  /** Reads the stream or log as it was when this was its last revision or position. It must exist. */
  readonly until?: number;
  /** Reads the stream or log as it was at this time. Can't be combined with `until`. */
  readonly untilTime?: Time;
}

/** Facts about a read from its first response. */
export interface ReadBeginning {
  /**
   * The log's last position when the read began. Pass it as `after` to a check that nothing has changed since the
   * read.
   */
  readonly head: number;
  /** The stream's last revision when the read began (or at `until`, if given); undefined for the whole log. */
  readonly lastRevision: number | undefined;
}

/**
 * A read, which begins when it is first used: iterate it, or convert it to an array. It can be used once.
 *
 * @example
 * for await (const event of client.readStream("order-42")) {
 *   console.log(event.revision, event.type, event.json());
 * }
 */
export class Read implements AsyncIterable<RecordedEvent>, Disposable {
  readonly #feed: Feed;
  #beginning: ReadBeginning | undefined;

  /** Called by Client.readStream and Client.readAll. */
  constructor(shared: Shared, stream: string | undefined, options: ReadOptions) {
    this.#feed = new Feed(shared, stream, options);
    cancelWhenCollected(this, this.#feed);
  }

  /**
   * Begins the read. Fails under the conditions of Client.readStream and Client.readAll; without this call, the first
   * event does. The call is open from then on: read the events, or close the read.
   */
  async begin(): Promise<ReadBeginning> {
    this.#beginning = await this.#feed.begin();
    return this.#beginning;
  }

  /** Returns all remaining events. Limit the read to bound the memory. */
  async toArray(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const batch of this.batches()) {
      events.push(...batch);
    }
    return events;
  }

  /** Iterates the events in the batches in which they arrive. A batch is never empty. */
  batches(): AsyncGenerator<RecordedEvent[], void, undefined> {
    return new Batches(this, this.#feed);
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordedEvent, undefined> {
    return new Flattened(new Batches(this, this.#feed));
  }

  /** Ends the read. Leaving a loop over it does the same. */
  close(): void {
    this.#feed.cancel();
  }

  /** Ends the read, like close. */
  [Symbol.dispose](): void {
    this.close();
  }
}

type Part = ReadAllResponse | ReadStreamResponse;

/** The state of a read, with its current call. */
class Feed implements Source<RecordedEvent> {
  readonly #shared: Shared;
  readonly #stream: string | undefined;
  readonly #options: ReadOptions;
  readonly #lifetime: Lifetime;
  readonly #timeoutMs: number;
  readonly #tries: Tries;
  #beginning: Promise<ReadBeginning> | undefined;
  /** The start and limit of the remaining range. */
  #from: number | undefined;
  #limit: number | undefined;
  /** The log's last position, or the stream's last revision, when the read began. */
  #last = 0;
  /**
   * Whether all events were received. The call is still read to its end, so that the server does not count it as
   * cancelled.
   */
  #complete = false;
  #live: { answers: Answers<Part>; picked: Picked } | undefined;
  #received: RecordedEvent[] | undefined;
  /** The time since which no call has returned events. */
  #lostAt: number | undefined;

  constructor(shared: Shared, stream: string | undefined, options: ReadOptions) {
    this.#shared = shared;
    this.#stream = stream;
    this.#lifetime = new Lifetime(options.signal);
    this.#options = { ...options, signal: this.#lifetime.signal };
    this.#timeoutMs = options.timeoutMs ?? shared.settings.timeoutMs;
    this.#tries = shared.tries();
    this.#from = options.from;
    this.#limit = options.limit;
  }

  begin(): Promise<ReadBeginning> {
    this.#beginning ??= this.#begin();
    return this.#beginning;
  }

  async #begin(): Promise<ReadBeginning> {
    const first = await this.#open();
    const head = toNumber(first.head);
    const lastRevision = "lastRevision" in first ? toNumber(first.lastRevision) : undefined;
    this.#last = lastRevision ?? head;
    if (
      this.#options.backwards === true &&
      this.#options.until === undefined &&
      this.#options.untilTime === undefined
    ) {
      // Events appended before the read is resumed are not part of it.
      this.#from ??= this.#last;
    }
    this.#received = this.#take(first.events);
    return { head, lastRevision };
  }

  async pull(): Promise<RecordedEvent[] | undefined> {
    try {
      await this.begin();
      let events: RecordedEvent[] | undefined;
      do {
        events = this.#lifetime.over ? undefined : await this.#next();
      } while (events?.length === 0);
      if (events === undefined) {
        this.cancel();
      }
      return events;
    } catch (error) {
      if (this.#lifetime.over) {
        return undefined;
      }
      this.cancel();
      throw error;
    }
  }

  /** Returns the events of the next message, possibly none; undefined at the end. */
  async #next(): Promise<RecordedEvent[] | undefined> {
    const received = this.#received;
    if (received !== undefined) {
      this.#received = undefined;
      return received;
    }
    for (;;) {
      if (this.#live === undefined) {
        return this.#complete ? undefined : this.#take((await this.#open()).events);
      }
      const { answers, picked } = this.#live;
      let error: AnnalsError;
      try {
        const part = await answers.next(this.#timeoutMs);
        if (part === undefined) {
          this.#live = undefined;
          this.#complete = true;
          return undefined;
        }
        return this.#take(part.events);
      } catch (thrown) {
        this.#options.signal?.throwIfAborted();
        error = await this.#shared.failed(picked, thrown);
      }
      this.#live = undefined;
      if (!this.#complete) {
        await this.#pauseAfter(error);
      }
    }
  }

  cancel(): void {
    this.#lifetime.end();
    this.#leave();
  }

  /** Cancels the call and completes the read. */
  #leave(): void {
    this.#live?.answers.cancel();
    this.#live = undefined;
    this.#complete = true;
  }

  /** Starts a call, and waits for its first message; there is always one. */
  #open(): Promise<Part> {
    return this.#shared.call(this.#options, async (picked: Picked, deadline: Deadline) => {
      const answers = this.#ask(picked);
      const first = await answers.next(Math.max(deadline.at - Date.now(), 1));
      if (first === undefined) {
        throw new ProtocolError("a read ended before it began");
      }
      this.#live = { answers, picked };
      return first;
    });
  }

  #ask(picked: Picked): Answers<Part> {
    const { until, untilTime, signal, backwards } = this.#options;
    const direction = backwards === true ? Direction.BACKWARDS : Direction.FORWARDS;
    const query = toPbQuery(this.#options.query);
    const from = this.#from === undefined ? undefined : toBigInt(this.#from, "from");
    const common = {
      direction,
      ...(this.#limit !== undefined && { limit: toBigInt(this.#limit, "limit") }),
      ...(query !== undefined && { query }),
    };
    if (this.#stream === undefined) {
      const request: MessageInitShape<typeof ReadAllRequestSchema> = { ...common };
      if (from !== undefined) request.fromPosition = from;
      if (until !== undefined) request.until = { case: "untilPosition", value: toBigInt(until, "until") };
      else if (untilTime !== undefined) request.until = { case: "untilTime", value: toPbTime(untilTime) };
      return serverStream(picked, METHODS.readAll, requestOf(METHODS.readAll, request), signal);
    }
    const request: MessageInitShape<typeof ReadStreamRequestSchema> = { ...common, stream: this.#stream };
    if (from !== undefined) request.fromRevision = from;
    if (until !== undefined) request.until = { case: "untilRevision", value: toBigInt(until, "until") };
    else if (untilTime !== undefined) request.until = { case: "untilTime", value: toPbTime(untilTime) };
    return serverStream(picked, METHODS.readStream, requestOf(METHODS.readStream, request), signal);
  }

  /** Waits before the read is resumed, or throws the error if it can't be. */
  async #pauseAfter(error: AnnalsError): Promise<void> {
    // A call that returned nothing for the whole timeout has used all of the time.
    const pause =
      error.retryable && !(error instanceof DeadlineExceededError) ? this.#tries.afterFailure() : undefined;
    this.#lostAt ??= Date.now();
    if (pause === undefined || Date.now() - this.#lostAt + pause >= this.#timeoutMs) {
      throw error;
    }
    await sleep(pause, this.#options.signal);
  }

  /** Advances by the events of a message. */
  #take(came: PbRecordedEvent[]): RecordedEvent[] {
    const byRevision = this.#stream !== undefined;
    const place = (event: RecordedEvent) => (byRevision ? event.revision : event.position);
    let events = came.map(fromPbEvent);
    const latest = events.at(-1);
    if (latest === undefined) {
      return events;
    }
    if (place(latest) > this.#last && this.#options.backwards !== true) {
      events = events.filter((event) => place(event) <= this.#last);
      // All later events of the call are newer than the end of the read.
      this.#leave();
      if (events.length === 0) {
        return events;
      }
    }
    this.#lostAt = undefined;
    this.#tries.reset();
    const at = place(events.at(-1) ?? latest);
    if (this.#limit !== undefined) {
      this.#limit -= Math.min(events.length, this.#limit);
    }
    const beginning = byRevision ? 0 : 1;
    this.#from = this.#options.backwards === true ? at - 1 : at + 1;
    this.#complete ||=
      this.#limit === 0 || this.#from < beginning || (this.#options.backwards !== true && at >= this.#last);
    return events;
  }
}
