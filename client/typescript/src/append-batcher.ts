/**
 * Appends that are made at once: few of them are calls of their own, and many share a session, whose messages carry many. A
 * large one is always a call of its own: it would gain nothing in a session, and hold the others up.
 */
import { DeadlineExceededError } from "./errors.js";
import { MESSAGE_BYTES_MAX } from "./encoded.js";
import type { NewEvent } from "./events.js";
import type { CallOptions } from "./options.js";
import { reasonOf } from "./retry.js";
import type { AppendSession } from "./session.js";

/** From how many appends in flight on, further ones share a session. */
const SESSION_FROM_APPENDS = 4;

/** The appends of a client that are in flight. */
export class AppendBatcher {
  #inFlight = 0;
  #session: AppendSession | undefined;

  constructor(
    private readonly timeoutMs: number,
    private readonly open: () => AppendSession,
  ) {}

  /** Makes an append, single or in the session, whichever there is need for. */
  async append<T>(
    events: readonly NewEvent[],
    options: CallOptions,
    single: () => Promise<T>,
    shared: (session: AppendSession) => Promise<T>,
  ): Promise<T> {
    this.#inFlight += 1;
    try {
      return this.#inFlight > SESSION_FROM_APPENDS && !isLarge(events)
        ? await this.#withDeadline(options, shared(this.#sessionInUse()))
        : await single();
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** The session; a new one, if the last has failed. */
  #sessionInUse(): AppendSession {
    if (this.#session === undefined || this.#session.closed) {
      this.#session = this.open();
    }
    return this.#session;
  }

  /** The result of an append of a session, if it comes before the call's own deadline or abortion. */
  #withDeadline<T>({ signal, timeoutMs = this.timeoutMs }: CallOptions, result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        ended();
        reject(reasonOf(signal));
      };
      const timer = setTimeout(() => {
        ended();
        reject(new DeadlineExceededError(timeoutMs));
      }, timeoutMs);
      const ended = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
      };
      signal?.addEventListener("abort", aborted, { once: true });
      result.finally(ended).then(resolve, reject);
    });
  }
}

/** Whether the events single make a message of their own. Tags are not counted: the session knows the exact size. */
function isLarge(events: readonly NewEvent[]): boolean {
  return events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0) > MESSAGE_BYTES_MAX;
}
