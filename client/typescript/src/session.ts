/**
 * A pipelined append session: many appends in flight on one call, judged and answered in order.
 *
 * 1. Appends are sent in the order in which `append` took them, and answered in that order.
 * 2. `ready` waits while too many are unanswered (SessionLimits): awaited before each append, it bounds the memory.
 * 3. If the call breaks, or the server refuses an append for a passing reason, everything unanswered is sent again from
 *    there on, in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
 * 4. If nothing is answered for the client's timeout although appends wait, all of them fail and the session is over.
 * 5. An append that is too large for the server fails alone; the others are sent again, on a new call.
 * 6. A call on which nothing happens is ended after a moment and begun again when there is something to send, so that an
 *    idle session keeps neither a server's stream nor the process alive.
 *
 * Limit of 3: appends behind one that was refused for a passing reason may have been written by then, if they did not
 * expect an exact revision; they then stand before it.
 */
import {
  type Appended,
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
import { StreamCall } from "./stream-call.js";
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
import type { AppendRequest, AppendToStreamRequest, SessionResult } from "./generated/annals/v1/append_pb.js";
import { type Shared, sleep, type Tries } from "./retry.js";
import { fromResult } from "./status.js";
import type { Time } from "./timestamp.js";

/** How much of a session may be unanswered before `ready` waits. */
export interface SessionLimits {
  /** The most appends, 1 or more. 4,096 unless given. */
  readonly appendsMax?: number;
  /** The most bytes in them; a single larger append is still taken, alone. 32 MiB unless given. */
  readonly bytesMax?: number;
}

type Result = Appended | AppendedToMany;

/** An append that was taken and is not answered yet. */
interface Waiting extends Encoded {
  /** Whether it is to many streams. */
  readonly toMany: boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * An open append session; made by Client.appendSession.
 *
 * @example
 * const session = client.appendSession();
 * const results = [];
 * for (const reading of readings) {
 *   await session.ready();
 *   results.push(session.append("sensor-1", "any", [newEvent("Measured", reading)]));
 * }
 * await Promise.all(results);
 */
export class AppendSession {
  readonly #shared: Shared;
  readonly #timeoutMs: number;
  readonly #limits: Required<SessionLimits>;
  /** Taken and not answered, in order. */
  #unanswered: Waiting[] = [];
  #unansweredBytes = 0;
  /** How many of these, from the front, were sent on the call that is open. */
  #sent = 0;
  #call: StreamCall | undefined;
  /** Whether a call is open, or being opened again. */
  #driven = false;
  #closed = false;
  /** When an answer came last, or appends began to wait. */
  #progressAt = 0;
  readonly #tries: Tries;
  #room: (() => void)[] = [];

  constructor(shared: Shared, timeoutMs: number, limits: SessionLimits) {
    this.#shared = shared;
    this.#timeoutMs = timeoutMs;
    this.#limits = { appendsMax: limits.appendsMax ?? 4_096, bytesMax: limits.bytesMax ?? 32 * 1_024 * 1_024 };
    this.#tries = shared.tries();
  }

  /** How many appends are unanswered. */
  get unanswered(): number {
    return this.#unanswered.length;
  }

  /** Whether it takes no more appends: it was closed, or has failed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Waits while too much is unanswered. */
  async ready(): Promise<void> {
    while (this.#full()) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  /**
   * Hands an append to the session; resolves when it is answered. Fails as Client.append, and with a ClosedError
   * if the session is over.
   *
   * @param recordedAt When the events were recorded, if they are moved from another store (--accept-recorded-times).
   */
  append(
    stream: string,
    expected: ExpectedRevision,
    events: Iterable<NewEvent>,
    recordedAt?: Time,
  ): Promise<Appended> {
    return this.#take(() => toPbAppend(stream, expected, events, recordedAt)) as Promise<Appended>;
  }

  /** The same for an append to many streams. Fails as Client.appendToMany. */
  appendToMany(writes: Iterable<Write>, checks: Iterable<Check> = [], recordedAt?: Time): Promise<AppendedToMany> {
    return this.#take(() => toPbAppendToMany(writes, checks, recordedAt)) as Promise<AppendedToMany>;
  }

  /** Takes no more appends, and resolves when those that were taken are answered. */
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

  #take(make: () => AppendToStreamRequest | AppendRequest): Promise<Result> {
    if (this.#closed) {
      return Promise.reject(new ClosedError("the append session has ended; open a new one"));
    }
    return new Promise((resolve, reject) => {
      const append = make();
      const message = encodeAppend(append);
      if (this.#unanswered.length === 0) {
        this.#progressAt = Date.now();
      }
      this.#unanswered.push({ message, toMany: append.$typeName === "annals.v1.AppendRequest", resolve, reject });
      this.#unansweredBytes += message.length;
      if (!this.#driven) {
        this.#driven = true;
        void this.#drive();
      } else {
        this.#call?.wake();
      }
    });
  }

  /** Holds calls, one after the other, for as long as anything is unanswered. */
  async #drive(): Promise<void> {
    // What is appended in the same turn goes into the first message.
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
    const call: StreamCall = new StreamCall(picked, {
      next: () => {
        this.#shared.connection.probePreferred();
        if (this.#shared.connection.returns === returns) {
          return this.#nextMessage();
        }
        // The client has gone back to its first endpoint: when what was sent is answered, the rest follows there.
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
        throw new UnreachableError(picked.name, "the server ended the session");
      }
    } catch (thrown) {
      throw await this.#shared.failed(picked, thrown);
    } finally {
      this.#call = undefined;
    }
  }

  /**
   * Fails the append whose message was too large for the server, if that is what has ended the call. The server answers what
   * came before such a message and reads nothing after it: so it is the first that is unanswered, and had the message to itself.
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

  /** Waits before a new call; false if there is to be none. */
  async #pauseAfter(error: Error): Promise<boolean> {
    const retryable = error instanceof AnnalsError && error.retryable && !(error instanceof DeadlineExceededError);
    const pause = retryable ? this.#tries.afterFailure() : undefined;
    if (pause === undefined || Date.now() + pause >= this.#progressAt + this.#timeoutMs) {
      return false;
    }
    await sleep(pause);
    return true;
  }

  /** The session is over: nothing behind an append that could not be delivered may be delivered. */
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

  /** The next message: what was not sent yet on this call; undefined if there is nothing. */
  #nextMessage(): Buffer | undefined {
    const from = this.#sent;
    this.#sent += nextInMessage(this.#unanswered, from);
    return this.#sent === from ? undefined : messageOf(this.#unanswered.slice(from, this.#sent));
  }

  /** Takes the results of a message. Throws at the first that is worth sending again, with the rest still unanswered. */
  #answered(results: SessionResult[], picked: Picked): void {
    let taken = 0;
    try {
      for (const result of results) {
        const waiting = this.#unanswered[taken];
        if (waiting === undefined || taken >= this.#sent) {
          throw new ProtocolError("a session result without an append");
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

  /** So many appends, from the front, are answered. */
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

function decode({ result }: SessionResult, waiting: Waiting): Result | AnnalsError {
  switch (result.case) {
    case "appended":
      return waiting.toMany
        ? new ProtocolError("a session result of another kind of append")
        : fromPbAppended(result.value);
    case "appendedToMany":
      return waiting.toMany
        ? fromPbAppendedToMany(result.value)
        : new ProtocolError("a session result of another kind of append");
    case "error":
      return fromResult(result.value);
    case undefined:
      return new ProtocolError("an empty session result");
  }
}
