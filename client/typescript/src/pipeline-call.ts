/**
 * One call of an append pipeline. It sends queued appends, receives results, and ends when nothing has been
 * unanswered for a short time, so that an idle pipeline holds neither a stream of the server nor the process.
 */
import { type ClientDuplexStream, status as Code } from "@grpc/grpc-js";

import { bidirectional, METHODS } from "./call.js";
import type { Picked } from "./connection.js";
import { DeadlineExceededError } from "./errors.js";
import type { AppendPipelineResponse, PipelinedResult } from "./generated/annals/v1/append_pb.js";

/** Idle time after which a call is ended, in milliseconds. */
const IDLE_MS = 100;

/** The pipeline's side of a call. */
export interface PipelineCallHooks {
  /** Returns the next message, encoded; undefined if there is nothing to send. */
  readonly next: () => Buffer | undefined;
  /** Processes results. An error that it throws ends the call. */
  readonly answered: (results: PipelinedResult[]) => void;
  /** Whether nothing is unanswered. */
  readonly idle: () => boolean;
  /** Returns the time at which the call fails if nothing is answered before, in milliseconds since 1970. */
  readonly deadline: () => number;
}

/**
 * One call of a pipeline, with one message in transit at a time: appends that queue up meanwhile form the next
 * message.
 */
export class PipelineCall {
  /** Resolves when the call has ended normally. */
  readonly done: Promise<void>;
  /** Whether the client ended it, because there was nothing to send. */
  idled = false;
  readonly #call: ClientDuplexStream<Buffer, AppendPipelineResponse>;
  readonly #hooks: PipelineCallHooks;
  #sending = false;
  /** Whether no more messages may be sent. */
  #sendClosed = false;
  /** Whether the call is over; later messages are ignored. */
  #settled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(picked: Picked, hooks: PipelineCallHooks) {
    this.#hooks = hooks;
    const call = bidirectional(picked, METHODS.appendPipeline);
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
      call.on("data", (message: AppendPipelineResponse) => {
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
        // If all appends are answered, an error at the end of the call does not matter.
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

  /** Sends the next message, if there is one. */
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

  /** Ends the call once everything sent is answered. */
  end(): void {
    if (!this.#sendClosed) {
      this.#sendClosed = true;
      this.idled = true;
      this.#call.end();
    }
  }

  /** Sets the timer that fails the call at its deadline, or ends it if it is idle. */
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
