/**
 * One call of an append session: sends while there is something to send, hears the answers, and ends when nothing has been
 * unanswered for a moment, so that an idle session keeps neither a server's stream nor the process alive.
 */
import { type ClientDuplexStream, status as Code } from "@grpc/grpc-js";

import { bidirectional, METHODS } from "./call.js";
import type { Picked } from "./connection.js";
import { DeadlineExceededError } from "./errors.js";
import type { AppendSessionResponse, SessionResult } from "./generated/annals/v1/append_pb.js";

/** After how long without anything unanswered a call is ended. */
const IDLE_MS = 100;

/** What a conversation is about. */
export interface StreamCallHooks {
  /** The next message, encoded; undefined if there is nothing to send. */
  readonly next: () => Buffer | undefined;
  /** Takes results; what it throws ends the call. */
  readonly answered: (results: SessionResult[]) => void;
  /** Whether nothing is unanswered. */
  readonly idle: () => boolean;
  /** When the call is given up, in milliseconds since 1970, if nothing is answered before. */
  readonly deadline: () => number;
}

/** One call of a session, with one message on its way at a time: what queues up meanwhile makes the next one. */
export class StreamCall {
  /** Resolves when the call has ended in good order. */
  readonly done: Promise<void>;
  /** Whether it was ended from this side, because there was nothing to send. */
  idled = false;
  readonly #call: ClientDuplexStream<Buffer, AppendSessionResponse>;
  readonly #hooks: StreamCallHooks;
  #sending = false;
  /** Whether no more is sent on it. */
  #sendClosed = false;
  /** Whether it is over: nothing that still comes belongs to what is unanswered then. */
  #settled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(picked: Picked, hooks: StreamCallHooks) {
    this.#hooks = hooks;
    const call = bidirectional(picked, METHODS.appendSession);
    this.#call = call;
    this.done = new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(this.#timer);
        this.#sendClosed = true;
        this.#settled = true;
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      };
      call.on("data", (message: AppendSessionResponse) => {
        if (this.#settled) {
          return;
        }
        try {
          hooks.answered(message.results);
          this.#watch(settle);
        } catch (thrown) {
          settle(thrown as Error);
          call.cancel();
        }
      });
      call.on("error", (error: Error) => {
        // What was appended is answered; how the call then ends does not matter.
        settle(hooks.idle() ? undefined : error);
      });
      call.on("status", ({ code }) => {
        if (code === Code.OK) {
          settle();
        }
      });
      this.#watch(settle);
    });
    this.wake();
  }

  /** Sends what there is. */
  wake(): void {
    if (this.#sending || this.#sendClosed) {
      return;
    }
    const message = this.#hooks.next();
    if (message === undefined) {
      return;
    }
    this.#sending = true;
    this.#call.write(message, () => {
      this.#sending = false;
      this.wake();
    });
  }

  /** Ends the call when what was sent is answered. */
  end(): void {
    if (!this.#sendClosed) {
      this.#sendClosed = true;
      this.idled = true;
      this.#call.end();
    }
  }

  /** Sets the time after which the call is given up, or, if it is idle, ended. */
  #watch(settle: (error: Error) => void): void {
    clearTimeout(this.#timer);
    const idle = this.#hooks.idle();
    const wait = idle ? IDLE_MS : Math.max(this.#hooks.deadline() - Date.now(), 0);
    this.#timer = setTimeout(() => {
      if (this.#hooks.idle()) {
        this.end();
      } else if (Date.now() < this.#hooks.deadline()) {
        this.#watch(settle);
      } else {
        settle(new DeadlineExceededError(wait));
        this.#call.cancel();
      }
    }, wait);
  }
}
