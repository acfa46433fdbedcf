/**
 * Reads: a bounded stretch of one stream or of the whole log.
 *
 * 1. What a read sees was fixed when it began: each event once, in order, none that was appended later.
 * 2. One whose connection breaks is resumed behind the last event that came, on any endpoint, and still ends where it would
 *    have ended.
 * 3. A read that gets no further for its deadline, however often it is resumed, fails.
 *
 * Events come and are decoded in messages of many, and are handed out one by one (or as they came, by `batches`).
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

/** Which events to read. */
export interface ReadOptions extends CallOptions {
  /** Reads newest first. */
  readonly backwards?: boolean;
  /**
   * The first to return: a revision of the stream, or a position of the log; at most one after the last. The first there
   * is, or when reading backwards the last, unless given.
   */
  readonly from?: number;
  /** The most events to return, 1 or more. All unless given. */
  readonly limit?: number;
  /** Returns only the events that match. All unless given. */
  readonly query?: Query;
  /** Reads as it was when this was its last revision (of a stream) or position (of the log); which it must have reached. */
  readonly until?: number;
  /** Reads as it was at this time. Not together with `until`. */
  readonly untilTime?: Time;
}

/** What a read knows from its first answer on. */
export interface ReadBeginning {
  /** The log's last position when the read began. Given as `after` to a check, it stands for all this read could see. */
  readonly head: number;
  /** The stream's last revision when the read began (or as it was, if `until` is given); undefined for the whole log. */
  readonly lastRevision: number | undefined;
}

/**
 * A read, which begins when it is first asked for something: iterate it, or take it as an array. To be used once.
 *
 * @example
 * for await (const event of client.readStream("order-42")) {
 *   console.log(event.revision, event.type, event.json());
 * }
 */
export class Read implements AsyncIterable<RecordedEvent>, Disposable {
  readonly #feed: Feed;
  #beginning: ReadBeginning | undefined;

  /** Made by Client.readStream and Client.readAll. */
  constructor(shared: Shared, stream: string | undefined, options: ReadOptions) {
    this.#feed = new Feed(shared, stream, options);
    cancelWhenCollected(this, this.#feed);
  }

  /**
   * Begins the read. Fails as Client.readStream says; so does the first event, if it is not called. The call is open from then
   * on: take the events, or close the read.
   */
  async begin(): Promise<ReadBeginning> {
    this.#beginning = await this.#feed.begin();
    return this.#beginning;
  }

  /** All events that are left. Mind the memory: give the read a limit. */
  async toArray(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const batch of this.batches()) {
      events.push(...batch);
    }
    return events;
  }

  /** The events as they come, many at a time: never an empty array. */
  batches(): AsyncGenerator<RecordedEvent[], void, undefined> {
    return new Batches(this, this.#feed);
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordedEvent, undefined> {
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

type Part = ReadAllResponse | ReadStreamResponse;

/** A read with the call it has at the moment. */
class Feed implements Source<RecordedEvent> {
  readonly #shared: Shared;
  readonly #stream: string | undefined;
  readonly #options: ReadOptions;
  readonly #lifetime: Lifetime;
  readonly #timeoutMs: number;
  readonly #tries: Tries;
  #beginning: Promise<ReadBeginning> | undefined;
  /** What is left, as it would be asked for now. */
  #from: number | undefined;
  #limit: number | undefined;
  /** The log's last position, or the stream's last revision, when the read began. */
  #last = 0;
  /** Whether every event came. The call is still heard to its end, so that the server does not see it given up. */
  #complete = false;
  #live: { answers: Answers<Part>; picked: Picked } | undefined;
  #received: RecordedEvent[] | undefined;
  /** Since when there has been no call that yielded events. */
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
      // What is appended before it could be resumed is not in it.
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

  /** The events of the next message, maybe none; undefined at the end. */
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

  /** Ends the call, of which nothing more is wanted. */
  #leave(): void {
    this.#live?.answers.cancel();
    this.#live = undefined;
    this.#complete = true;
  }

  /** Begins a call, and waits for its first message, of which there is at least one. */
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

  /** Waits before the read is resumed, or throws the error if it is not to be. */
  async #pauseAfter(error: AnnalsError): Promise<void> {
    // A call that says nothing for so long was given all the time there is.
    const pause =
      error.retryable && !(error instanceof DeadlineExceededError) ? this.#tries.afterFailure() : undefined;
    this.#lostAt ??= Date.now();
    if (pause === undefined || Date.now() - this.#lostAt + pause >= this.#timeoutMs) {
      throw error;
    }
    await sleep(pause, this.#options.signal);
  }

  /** Moves on by what a message holds. */
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
      // The rest of the call is newer still.
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
