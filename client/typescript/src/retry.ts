/**
 * Trying again: when, how often, how long after.
 *
 * 1. Only what is `retryable` is tried again, and only within the call's deadline.
 * 2. A try that failed moves the client on to the next endpoint; only when all were tried is there a pause.
 * 3. Pauses grow exponentially and are jittered (half to all of the nominal pause), so that clients that lost the same
 *    server do not come back in step. What is tried without end (subscriptions) waits up to the first pause even before
 *    the next endpoint: nobody waits for its answer, and there may be thousands of them.
 * 4. Progress makes the pauses short again, but does not do away with them: endpoints that accept and then fail can't make
 *    a client go round them without a pause.
 */
import type { ServiceError } from "@grpc/grpc-js";

import { Connection, type Picked } from "./connection.js";
import { AnnalsError, DeadlineExceededError, InvalidEndpointError } from "./errors.js";
import type { CallOptions, RetryPolicy, Settings } from "./options.js";
import { fromServiceError } from "./status.js";
import { answersHttp1, isForeign } from "./wire.js";

/** The tries of one call, or of one stretch without progress. */
export class Tries {
  #failed = 0;

  constructor(
    private readonly policy: Required<RetryPolicy>,
    private readonly endpoints: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Counts a failure. Returns how many milliseconds to wait before the next try; undefined if there is to be none. */
  afterFailure(): number | undefined {
    const pause = this.#countFailure();
    return this.#failed >= this.policy.triesMax ? undefined : pause;
  }

  /** The same for what is tried without end. */
  afterFailureWithoutEnd(): number {
    const pause = this.#countFailure();
    return pause === 0 ? this.policy.pauseFirstMs * this.random() : pause;
  }

  /** Starts anew after progress, except that it still goes round all endpoints before it would pause. */
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

/** One try of a call. */
export type Attempt<T> = (picked: Picked, deadline: Deadline) => Promise<T>;

/** Until when a call may last. */
export interface Deadline {
  /** How long it was given, in milliseconds. */
  readonly afterMs: number;
  /** When it ends, in milliseconds since 1970. */
  readonly at: number;
  readonly signal: AbortSignal | undefined;
}

/** What all calls of a client share. */
export class Shared {
  readonly connection: Connection;

  constructor(readonly settings: Settings) {
    this.connection = new Connection(settings);
  }

  /** The deadline of a call that begins now. */
  deadline(options: CallOptions): Deadline {
    const afterMs = options.timeoutMs ?? this.settings.timeoutMs;
    return { afterMs, at: Date.now() + afterMs, signal: options.signal };
  }

  tries(): Tries {
    return new Tries(this.settings.retry, this.connection.length);
  }

  /** Calls until an answer, an error that is not to be retried, or the end of the deadline. */
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

  /** What a call to that endpoint failed with; moves on from it if another could have served. */
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

/** The error of an endpoint that is not one of gRPC; undefined if it is. */
async function foreign({ name, address }: Picked, thrown: ServiceError): Promise<InvalidEndpointError | undefined> {
  if (!isForeign(thrown) || !(await answersHttp1(address))) {
    return undefined;
  }
  const what =
    "answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port (2113 by default)";
  return new InvalidEndpointError(name, `${JSON.stringify(name)} ${what}`);
}

/** Waits. Fails with the signal's reason when it is aborted. */
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

/** Why a signal was aborted, as an Error. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(`aborted: ${String(reason)}`);
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && "code" in thrown && "details" in thrown && "metadata" in thrown;
}
