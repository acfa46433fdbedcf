/**
 * Retries: conditions, number and pauses.
 *
 * 1. Only errors that are `retryable` are retried, and only within the call's deadline.
 * 2. A failed attempt fails over to the next endpoint. Only after all of them have failed is there a pause.
 * 3. Pauses grow exponentially and are jittered (50 % to 100 % of the nominal pause), so that clients that lost the
 *    same server do not return in step. Unlimited retries (subscriptions) pause up to the first pause even before the
 *    next endpoint: no caller waits for a response, and there may be thousands of subscriptions.
 * 4. Progress makes the pauses short again, but does not remove them: endpoints that accept and then fail can't make
 *    a client cycle through them without a pause.
 */
import type { ServiceError } from "@grpc/grpc-js";

import { Connection, type Picked } from "./connection.js";
import { AnnalsError, DeadlineExceededError, InvalidEndpointError } from "./errors.js";
import type { CallOptions, RetryPolicy, Settings } from "./options.js";
import { fromServiceError } from "./status.js";
import { answersHttp1, isForeign } from "./wire.js";

/** The attempts of one call, or of one period without progress. */
export class Tries {
  #failed = 0;

  constructor(
    private readonly policy: Required<RetryPolicy>,
    private readonly endpoints: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Counts a failure. Returns the milliseconds to wait before the next attempt; undefined if there is none. */
  afterFailure(): number | undefined {
    const pause = this.#countFailure();
    return this.#failed >= this.policy.triesMax ? undefined : pause;
  }

  /** Counts a failure of an operation that is retried without limit. Returns the milliseconds to wait. */
  afterFailureWithoutEnd(): number {
    const pause = this.#countFailure();
    return pause === 0 ? this.policy.pauseFirstMs * this.random() : pause;
  }

  /** Resets the pauses after progress; the position in the cycle of endpoints is kept. */
  reset(): void {
    this.#failed %= this.endpoints;
  }

  #countFailure(): number {
    this.#failed += 1;
    if (this.#failed % this.endpoints !== 0) {
      return 0;
    }
    const round = this.#failed / this.endpoints - 1;
    const nominal = Math.min(this.policy.pauseFirstMs * 2 ** Math.min(round, 20), this.policy.pauseMaxMs);
    return nominal * (0.5 + this.random() / 2);
  }
}

/** One attempt of a call. */
export type Attempt<T> = (picked: Picked, deadline: Deadline) => Promise<T>;

/** The deadline of a call. */
export interface Deadline {
  /** The duration of the deadline, in milliseconds. */
  readonly afterMs: number;
  /** The end of the deadline, in milliseconds since 1970. */
  readonly at: number;
  readonly signal: AbortSignal | undefined;
}

/** The state that all calls of a client share. */
export class Shared {
  readonly connection: Connection;

  constructor(readonly settings: Settings) {
    this.connection = new Connection(settings);
  }

  /** Returns the deadline of a call that starts now. */
  deadline(options: CallOptions): Deadline {
    const afterMs = options.timeoutMs ?? this.settings.timeoutMs;
    return { afterMs, at: Date.now() + afterMs, signal: options.signal };
  }

  tries(): Tries {
    return new Tries(this.settings.retry, this.connection.length);
  }

  /** Calls until there is a response, an error that is not retried, or the deadline ends. */
  async call<T>(options: CallOptions, attempt: Attempt<T>): Promise<T> {
    const deadline = this.deadline(options);
    const tries = this.tries();
    let last: AnnalsError | undefined;
    for (;;) {
      options.signal?.throwIfAborted();
      const picked = this.connection.pick();
      let error: AnnalsError;
      try {
        return await attempt(picked, deadline);
      } catch (thrown) {
        options.signal?.throwIfAborted();
        error = await this.failed(picked, thrown);
      }
      if (Date.now() >= deadline.at && error.retryable) {
        this.connection.failOver(picked);
        throw error instanceof DeadlineExceededError && last === undefined
          ? error
          : new DeadlineExceededError(deadline.afterMs, last ?? error);
      }
      const pause = error.retryable ? tries.afterFailure() : undefined;
      if (pause === undefined || Date.now() + pause >= deadline.at) {
        throw error;
      }
      await sleep(pause, options.signal);
      last = error;
    }
  }

  /**
   * Converts the failure of a call to an endpoint to an error. Fails over if another endpoint could have served the
   * call.
   */
  async failed(picked: Picked, thrown: unknown): Promise<AnnalsError> {
    const error = isServiceError(thrown)
      ? ((await foreign(picked, thrown)) ?? fromServiceError(thrown, picked.name))
      : thrown;
    if (!(error instanceof AnnalsError)) {
      throw error;
    }
    if (error.retryable || error instanceof InvalidEndpointError) {
      this.connection.failOver(picked);
    }
    return error;
  }
}

/** Returns the error of an endpoint that does not speak gRPC; undefined if it does. */
async function foreign({ name, address }: Picked, thrown: ServiceError): Promise<InvalidEndpointError | undefined> {
  if (!isForeign(thrown) || !(await answersHttp1(address))) {
    return undefined;
  }
  const what =
    "answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port (2113 by default)";
  return new InvalidEndpointError(name, `${JSON.stringify(name)} ${what}`);
}

/** Waits. Fails with the signal's reason when that is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const aborted = () => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** Returns the reason of an aborted signal as an Error. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(`aborted: ${String(reason)}`);
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && "code" in thrown && "details" in thrown && "metadata" in thrown;
}
