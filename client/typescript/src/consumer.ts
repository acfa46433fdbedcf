/**
 * Consumers of groups: handle the deliveries of a group and settle them, over any number of connections.
 *
 * 1. A delivery is settled on the connection on which it came, or not at all: what a broken connection held, the server
 *    returns to the group.
 * 2. Queued deliveries are extended, and handled ones are not, so that a handler that hangs exceeds the ack timeout.
 *    While hanging handlers take all of the concurrency, queued ones are not extended either: others get them.
 * 3. After an ack timeout the server sends nothing more before it has heard of the consumer. It does once a handler can
 *    be started.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

import { ConsumerCall } from "./consumer-call.js";
import type { Picked } from "./connection.js";
import { type DeliveryHandler, type Outcome, outcomeOf, outcomeOfError } from "./delivery.js";
import { DeliveryQueue, type Held, type Ordering } from "./delivery-queue.js";
import { type Duration, fromPbDuration, toMilliseconds } from "./duration.js";
import { type AnnalsError, InvalidFieldError, ProtocolError, UnreachableError } from "./errors.js";
import { fromPbEvent } from "./events.js";
import { type ConsumeResponse, type Withdrawal, WithdrawalReason } from "./generated/annals/v1/group_pb.js";
import { fromPbMode } from "./group.js";
import { toBigInt } from "./numbers.js";
import { reasonOf, type Shared, sleep, type Tries } from "./retry.js";
import { Settlements } from "./settlements.js";
import { wellFormed } from "./text.js";

const PERMITS_MIN = 16;
/** The most permits of a consumer, from the protocol. */
const PERMITS_MAX = 4_096;
/** The shortest ack timeout, from the protocol. */
const ACK_TIMEOUT_MS_MIN = 1_000;
/** How often queued deliveries are extended in the ack timeout. */
const EXTENSIONS_PER_TIMEOUT = 3;
/**
 * A delivery that has waited for more than this part of the ack timeout is extended when it is started, so that its
 * handler has about the whole timeout.
 */
const WAITED_MAX = 1 / 20;

/** Options of a consumer. */
export interface ConsumeOptions {
  /**
   * The name of the consumer, which is shown to operators. If a consumer of this name is connected, this one replaces
   * it. The name of the host, the process id and a random part unless given.
   */
  readonly consumer?: string;
  /** How many events are processed at a time. 1 unless given. */
  readonly concurrency?: number;
  /**
   * How many deliveries the consumer holds at most, queued or processed: 1 to 4,096. Twice the concurrency unless
   * given, and at least 16.
   */
  readonly permits?: number;
  /** How long the consumer tries to reconnect before it fails. Unlimited unless given. */
  readonly reconnectTimeout?: Duration;
  /**
   * Aborts the consumer: `ended` fails with the signal's reason, and all deliveries return to the group, also those
   * that are being processed. See `stop` for a graceful end.
   */
  readonly signal?: AbortSignal;
}

/** A running consumer of a group, created by Client.consume. */
export class Consumer implements AsyncDisposable {
  /** The name of the consumer. */
  readonly name: string;
  /** Resolves when the consumer was stopped, and rejects when it has failed. */
  readonly ended: Promise<void>;
  readonly #permits: number;
  readonly #concurrency: number;
  readonly #reconnectTimeoutMs: number;
  readonly #tries: Tries;
  readonly #queue = new DeliveryQueue();
  /** Handlers that run, by their deliveries. */
  readonly #running = new Map<Held, Promise<void>>();
  /** Aborted by the caller's signal. */
  readonly #halted = new AbortController();
  #settlements = new Settlements();
  #call: ConsumerCall | undefined;
  #ordering: Ordering = { mode: "ordered", orderByTagPrefix: "" };
  #ackTimeoutMs = 0;
  #extending: NodeJS.Timeout | undefined;
  /** Whether a delivery exceeded the ack timeout and the server has not heard of the consumer since. */
  #isSilent = false;
  #stopping = false;
  /** Ends the pause before the next connection. */
  #wakeUp: (() => void) | undefined;
  /** Whether the call is ended gracefully, because the client has returned to its first endpoint. */
  #moving = false;
  /** The time since which no connection has returned a message. */
  #lostAt: number | undefined;

  /** Called by Client.consume. */
  constructor(
    private readonly shared: Shared,
    private readonly group: string,
    private readonly handler: DeliveryHandler,
    private readonly options: ConsumeOptions,
  ) {
    const { concurrency = 1, reconnectTimeout } = options;
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      const description = `must be a whole number from 1, not ${String(concurrency)}`;
      throw new InvalidFieldError([{ field: "concurrency", description }]);
    }
    this.name = wellFormed(options.consumer ?? defaultName(), "consumer");
    wellFormed(group, "group");
    this.#concurrency = concurrency;
    this.#permits = options.permits ?? Math.min(Math.max(2 * concurrency, PERMITS_MIN), PERMITS_MAX);
    toBigInt(this.#permits, "permits");
    this.#reconnectTimeoutMs =
      reconnectTimeout === undefined
        ? Number.POSITIVE_INFINITY
        : toMilliseconds(reconnectTimeout, "reconnectTimeout");
    this.#tries = shared.tries();
    this.ended = this.#run();
    // A caller that only stops the consumer learns of the failure from stop.
    this.ended.catch(() => undefined);
  }

  /**
   * Stops the consumer gracefully: starts no further event, waits until those that are being processed are settled, and
   * returns the others to the group. Fails with the error with which the consumer has ended, if any.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#advance();
    this.#wakeUp?.();
    await this.ended;
  }

  /** Stops the consumer gracefully, like stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Consumes until the consumer is stopped. Throws permanent errors. */
  async #run(): Promise<void> {
    const { signal } = this.options;
    const aborted = () => {
      this.#halted.abort();
      this.#call?.cancel();
    };
    signal?.addEventListener("abort", aborted, { once: true });
    try {
      // Not before the caller has the consumer.
      await Promise.resolve();
      while (!this.#stopping) {
        signal?.throwIfAborted();
        await this.#connect();
      }
      await this.#drain();
    } catch (error) {
      throw signal?.aborted === true ? reasonOf(signal) : error;
    } finally {
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** Waits for handlers that run since a connection broke, except those that exceeded the ack timeout and may hang. */
  async #drain(): Promise<void> {
    const left = [...this.#running].flatMap(([held, ran]) => (held.overdue ? [] : [ran]));
    const aborted = new Promise<never>((_, reject) => {
      this.#halted.signal.addEventListener("abort", reject, { once: true });
    });
    await Promise.race([Promise.all(left), aborted]);
  }

  /** Makes one call, until it ends. Waits before the next one if it has failed. */
  async #connect(): Promise<void> {
    const { connection } = this.shared;
    connection.probePreferred();
    const picked = connection.pick();
    let error: AnnalsError;
    try {
      const call = this.#open(picked);
      await call.done;
      if (call.ended) {
        return;
      }
      // A server that shuts down may end its consumers normally.
      connection.failOver(picked);
      error = new UnreachableError(picked.name, "the server ended the consumer");
    } catch (thrown) {
      this.options.signal?.throwIfAborted();
      error = await this.shared.failed(picked, thrown);
    } finally {
      this.#close();
    }
    await this.#pauseAfter(error);
  }

  #open(picked: Picked): ConsumerCall {
    const { returns } = this.shared.connection;
    const open = { group: this.group, consumer: this.name, permits: BigInt(this.#permits) };
    const call = new ConsumerCall(picked, open, {
      next: () => this.#settlements.next((id) => this.#queue.isHeld(id)),
      sent: () => {
        this.#advance();
      },
      received: (response) => {
        this.#tries.reset();
        this.#lostAt = undefined;
        this.#receive(response);
        this.#follow(picked, returns);
        this.#advance();
      },
    });
    this.#call = call;
    return call;
  }

  /** Forgets the call and its deliveries. */
  #close(): void {
    this.#call = undefined;
    clearInterval(this.#extending);
    this.#extending = undefined;
    this.#queue.clear();
    this.#settlements = new Settlements();
    this.#isSilent = false;
    this.#moving = false;
  }

  #receive({ content }: ConsumeResponse): void {
    switch (content.case) {
      case "opened": {
        const { mode, orderByTagPrefix, ackTimeout } = content.value;
        this.#ordering = { mode: fromPbMode(mode), orderByTagPrefix };
        this.#ackTimeoutMs = Math.max(fromPbDuration(ackTimeout), ACK_TIMEOUT_MS_MIN);
        this.#extendEvery(this.#ackTimeoutMs / EXTENSIONS_PER_TIMEOUT);
        break;
      }
      case "deliveries":
        for (const { id, attempt, event } of content.value.deliveries) {
          if (event === undefined) {
            throw new ProtocolError("the event of a delivery is missing");
          }
          this.#queue.add({ id, attempt, event: fromPbEvent(event), since: performance.now() }, this.#ordering);
        }
        break;
      case "withdrawal":
        this.#withdraw(content.value);
        break;
      case undefined:
        // A kind of message that this client does not know.
        break;
    }
  }

  #withdraw({ deliveries, reason }: Withdrawal): void {
    const isOverdue = reason === WithdrawalReason.ACK_TIMEOUT;
    this.#queue.withdraw(deliveries, isOverdue);
    this.#isSilent ||= isOverdue;
  }

  /** Ends the call gracefully, if the client has returned to its first endpoint since. */
  #follow(picked: Picked, returns: number): void {
    const { connection } = this.shared;
    connection.probePreferred();
    this.#moving ||= !connection.isCurrent(picked) && connection.returns !== returns;
  }

  #extendEvery(ms: number): void {
    clearInterval(this.#extending);
    this.#extending = setInterval(() => {
      const isHanging = this.#running.size >= this.#concurrency && !this.#queue.isHandling;
      if (!isHanging) {
        this.#settlements.extend(this.#queue.extend(performance.now()));
        this.#call?.wake();
      }
    }, ms);
  }

  /** Starts what can be started, sends what can be sent, and ends the call when it is time. */
  #advance(): void {
    const isEnding = this.#stopping || this.#moving;
    while (!isEnding && this.#running.size < this.#concurrency) {
      const held = this.#queue.start();
      if (held === undefined) {
        break;
      }
      if (performance.now() - held.since > this.#ackTimeoutMs * WAITED_MAX) {
        this.#settlements.extend([held.id]);
      }
      this.#running.set(held, this.#handle(held));
    }
    if (this.#isSilent && !isEnding && this.#running.size < this.#concurrency) {
      this.#isSilent = false;
      this.#settlements.showAlive();
    }
    this.#call?.wake();
    if (isEnding && !this.#queue.isHandling && this.#settlements.isEmpty) {
      this.#call?.end();
    }
  }

  /** Handles a delivery, and settles it. Never throws. */
  async #handle(held: Held): Promise<void> {
    const { event, attempt } = held;
    let outcome: Outcome;
    try {
      // In a microtask, so that the delivery is registered before its handler ends.
      await Promise.resolve();
      outcome = outcomeOf(await this.handler({ event, attempt }));
    } catch (thrown) {
      outcome = outcomeOfError(thrown);
    }
    this.#running.delete(held);
    const isNacked = !held.withdrawn && this.#settlements.settle(held.id, outcome);
    this.#queue.finish(held, isNacked);
    this.#advance();
  }

  /** Waits before reconnecting, or throws the error if it is permanent or the time is up. */
  async #pauseAfter(error: AnnalsError): Promise<void> {
    this.#lostAt ??= Date.now();
    const pause = this.#tries.afterFailureWithoutEnd();
    if (!error.retryable || Date.now() - this.#lostAt + pause >= this.#reconnectTimeoutMs) {
      throw error;
    }
    if (!this.#stopping) {
      const stopped = new AbortController();
      this.#wakeUp = () => {
        stopped.abort();
      };
      await sleep(pause, AbortSignal.any([this.#halted.signal, stopped.signal])).catch(() => undefined);
      this.#wakeUp = undefined;
    }
  }
}

function defaultName(): string {
  // The name of a host can't be longer than 253 bytes, but that of a consumer has room for 256.
  return `${hostname().slice(0, 200)}-${process.pid}-${randomBytes(4).toString("hex")}`;
}
