/**
 * An append pipeline: many appends in flight on one call, evaluated and answered in order.
 *
 * 1. Appends are sent in the order of the calls of `append`, and answered in that order.
 * 2. `ready` waits while too many appends are unanswered (PipelineLimits): await it before each append to bound the
 *    memory.
 * 3. If the call breaks, or the server refuses an append for a transient reason, all unanswered appends from there on
 *    are resent in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
 * 4. If waiting appends get no answer within the client's timeout, all of them fail and the pipeline ends.
 * 5. An append that is too large for the server fails on its own; the others are resent on a new call.
 * 6. An idle call is ended after a short time and reopened for the next append, so an idle pipeline holds neither a
 *    stream of the server nor the process.
 *
 * Limitation of rule 3: appends after one that was refused for a transient reason may already have been written, if
 * they did not expect an exact revision. They then precede it in the log.
 */
import {
  type Appended,
  type AppendedState,
  type AppendedToMany,
  type Check,
  type ExpectedRevision,
  fromPbAppended,
  fromPbAppendedToMany,
  toPbAppend,
  toPbAppendToMany,
  type Write,
} from "./append.js";
import type { Picked } from "./connection.js";
import { type Encoded, encodeAppend, MESSAGE_BYTES_MAX, messageOf, nextInMessage } from "./encoded.js";
import {
  AnnalsError,
  ClosedError,
  DeadlineExceededError,
  ProtocolError,
  TooLargeError,
  UnreachableError,
} from "./errors.js";
import type { NewEvent } from "./events.js";
import type { AppendToManyRequest, AppendToStreamRequest, PipelinedResult } from "./generated/annals/v1/append_pb.js";
import { PipelineCall } from "./pipeline-call.js";
import { type Shared, sleep, type Tries } from "./retry.js";
import { fromResult } from "./status.js";
import type { Time } from "./timestamp.js";

/** How much of a pipeline may be unanswered before `ready` waits. */
export interface PipelineLimits {
  /** Maximum number of appends, at least 1. 4,096 unless given. */
  readonly appendsMax?: number;
  /** Maximum bytes of the appends; a single larger append is still accepted. 32 MiB unless given. */
  readonly bytesMax?: number;
}

type Result = Appended | AppendedToMany;

/** An unanswered append. */
interface Waiting extends Encoded {
  /** Whether it is an append to several streams. */
  readonly toMany: boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * An open append pipeline, created by Client.appendPipeline.
 *
 * @example
 * const pipeline = client.appendPipeline();
 * const results = [];
 * for (const reading of readings) {
 *   await pipeline.ready();
 *   results.push(pipeline.append("sensor-1", "any", [newEvent("Measured", reading)]));
 * }
 * await Promise.all(results);
 */
export class AppendPipeline {
  readonly #shared: Shared;
  readonly #timeoutMs: number;
  readonly #limits: Required<PipelineLimits>;
  /** Unanswered appends, in order. */
  #unanswered: Waiting[] = [];
  #unansweredBytes = 0;
  /** How many of the unanswered appends, from the first, were sent on the open call. */
  #sent = 0;
  #call: PipelineCall | undefined;
  /** Whether a call is open, or is being reopened. */
  #driven = false;
  #closed = false;
  /** The time of the last answer, or of the first append after everything was answered. */
  #progressAt = 0;
  readonly #tries: Tries;
  #room: (() => void)[] = [];

  constructor(shared: Shared, timeoutMs: number, limits: PipelineLimits) {
    this.#shared = shared;
    this.#timeoutMs = timeoutMs;
    this.#limits = { appendsMax: limits.appendsMax ?? 4_096, bytesMax: limits.bytesMax ?? 32 * 1_024 * 1_024 };
    this.#tries = shared.tries();
  }

  /** The number of unanswered appends. */
  get unanswered(): number {
    return this.#unanswered.length;
  }

  /** Whether the pipeline accepts no more appends: it was closed, or has failed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Waits while too many appends are unanswered. */
  async ready(): Promise<void> {
    while (this.#full()) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  /**
   * Sends an append; resolves with its result. Fails under the conditions of Client.append, and with a ClosedError if
   * the pipeline has ended.
   *
   * @param recordedAt The time at which the events were recorded, if they are moved from another store
   *   (--accept-recorded-times).
   */
  append(
    stream: string,
    expected: ExpectedRevision,
    events: Iterable<NewEvent>,
    recordedAt?: Time,
  ): Promise<Appended> {
    return this.#take(() => toPbAppend(stream, expected, events, recordedAt)) as Promise<Appended>;
  }

  /**
   * Sends an append to several streams. Fails under the conditions of Client.appendToMany, and with a ClosedError if
   * the pipeline has ended.
   */
  appendToMany(
    writes: Iterable<Write>,
    checks: Iterable<Check> = [],
    recordedAt?: Time,
    state: AppendedState = {},
  ): Promise<AppendedToMany> {
    return this.#take(() => toPbAppendToMany(writes, checks, state, recordedAt)) as Promise<AppendedToMany>;
  }

  /** Stops accepting appends, and resolves when all accepted ones are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#unanswered.length > 0) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    this.#call?.end();
  }

  #full(): boolean {
    return (
      this.#unanswered.length >= this.#limits.appendsMax ||
      (this.#unanswered.length > 0 && this.#unansweredBytes >= this.#limits.bytesMax)
    );
  }

  #take(make: () => AppendToStreamRequest | AppendToManyRequest): Promise<Result> {
    if (this.#closed) {
      return Promise.reject(new ClosedError("the append pipeline has ended; open a new one"));
    }
    return new Promise((resolve, reject) => {
      const append = make();
      const message = encodeAppend(append);
      if (this.#unanswered.length === 0) {
        this.#progressAt = Date.now();
      }
      const toMany = append.$typeName === "annals.v1.AppendToManyRequest";
      this.#unanswered.push({ message, toMany, resolve, reject });
      this.#unansweredBytes += message.length;
      if (!this.#driven) {
        this.#driven = true;
        void this.#drive();
      } else {
        this.#call?.wake();
      }
    });
  }

  /** Runs calls, one after the other, while appends are unanswered. */
  async #drive(): Promise<void> {
    // Appends of the same turn of the event loop go into the first message.
    await Promise.resolve();
    while (this.#unanswered.length > 0) {
      try {
        await this.#runCall();
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (!this.#refuseOversized(error) && !(await this.#pauseAfter(error))) {
          this.#fail(error);
        }
      }
    }
    this.#driven = false;
  }

  async #runCall(): Promise<void> {
    const picked = this.#shared.connection.pick();
    const { returns } = this.#shared.connection;
    this.#sent = 0;
    const call: PipelineCall = new PipelineCall(picked, {
      next: () => {
        this.#shared.connection.probePreferred();
        if (this.#shared.connection.returns === returns) {
          return this.#nextMessage();
        }
        // The client has returned to its first endpoint: once everything sent is answered, the rest is sent there.
        call.end();
        return undefined;
      },
      answered: (results) => {
        this.#answered(results, picked);
      },
      idle: () => this.#unanswered.length === 0,
      deadline: () => this.#progressAt + this.#timeoutMs,
    });
    this.#call = call;
    try {
      await call.done;
      if (this.#unanswered.length > 0 && !call.idled) {
        this.#shared.connection.failOver(picked);
        throw new UnreachableError(picked.name, "the server ended the pipeline");
      }
    } catch (thrown) {
      throw await this.#shared.failed(picked, thrown);
    } finally {
      this.#call = undefined;
    }
  }

  /**
   * Fails the append whose message was too large for the server, if that ended the call. The server answers
   * everything before such a message and reads nothing after it, so the append is the first unanswered one, and had a
   * message of its own.
   */
  #refuseOversized(error: Error): boolean {
    const [first] = this.#unanswered;
    if (
      !(error instanceof TooLargeError) ||
      first === undefined ||
      this.#sent === 0 ||
      first.message.length <= MESSAGE_BYTES_MAX
    ) {
      return false;
    }
    first.reject(error);
    this.#forget(1);
    return true;
  }

  /** Waits before a new call; false if there is none. */
  async #pauseAfter(error: Error): Promise<boolean> {
    const retryable = error instanceof AnnalsError && error.retryable && !(error instanceof DeadlineExceededError);
    const pause = retryable ? this.#tries.afterFailure() : undefined;
    if (pause === undefined || Date.now() + pause >= this.#progressAt + this.#timeoutMs) {
      return false;
    }
    await sleep(pause);
    return true;
  }

  /** Ends the pipeline: no append after one that could not be delivered may be delivered. */
  #fail(error: Error): void {
    this.#closed = true;
    const failed = this.#unanswered;
    this.#unanswered = [];
    this.#unansweredBytes = 0;
    failed.forEach((waiting) => {
      waiting.reject(error);
    });
    this.#makeRoom();
  }

  /** Returns the next message, with appends not sent yet on this call; undefined if there are none. */
  #nextMessage(): Buffer | undefined {
    const from = this.#sent;
    this.#sent += nextInMessage(this.#unanswered, from);
    return this.#sent === from ? undefined : messageOf(this.#unanswered.slice(from, this.#sent));
  }

  /**
   * Processes the results of a message. Throws at the first one that is retryable, and leaves the rest unanswered.
   */
  #answered(results: PipelinedResult[], picked: Picked): void {
    let taken = 0;
    try {
      for (const result of results) {
        const waiting = this.#unanswered[taken];
        if (waiting === undefined || taken >= this.#sent) {
          throw new ProtocolError("a pipeline result without an append");
        }
        const answer = decode(result, waiting);
        if (answer instanceof AnnalsError && answer.retryable) {
          this.#shared.connection.failOver(picked);
          throw answer;
        }
        taken += 1;
        if (answer instanceof AnnalsError) {
          waiting.reject(answer);
        } else {
          waiting.resolve(answer);
        }
      }
    } finally {
      this.#forget(taken);
    }
  }

  /** Removes this many answered appends from the front. */
  #forget(answered: number): void {
    if (answered > 0) {
      const gone = this.#unanswered.splice(0, answered);
      this.#unansweredBytes -= gone.reduce((sum, { message }) => sum + message.length, 0);
      this.#sent -= answered;
      this.#progressAt = Date.now();
      this.#tries.reset();
      this.#makeRoom();
    }
  }

  #makeRoom(): void {
    const waiting = this.#room;
    this.#room = [];
    waiting.forEach((resolve) => {
      resolve();
    });
  }
}

function decode({ result }: PipelinedResult, waiting: Waiting): Result | AnnalsError {
  switch (result.case) {
    case "appendedToStream":
      return waiting.toMany
        ? new ProtocolError("a pipeline result of another kind of append")
        : fromPbAppended(result.value);
    case "appendedToMany":
      return waiting.toMany
        ? fromPbAppendedToMany(result.value)
        : new ProtocolError("a pipeline result of another kind of append");
    case "error":
      return fromResult(result.value);
    case undefined:
      return new ProtocolError("an empty pipeline result");
  }
}
