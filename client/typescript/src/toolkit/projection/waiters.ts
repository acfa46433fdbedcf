/** Those who wait until a projection has taken everything up to a position. */
import { reasonOf } from "../../retry.js";
import { durationText } from "../../duration-text.js";
import { ProjectionError } from "./store.js";

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait for one projection. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();
  /** Where it is; undefined before it has begun. */
  #position: number | undefined;
  /** Why it goes no further. */
  #ended: ProjectionError | undefined;

  constructor(private readonly projection: string) {}

  /** Resolves when it is there; rejects with a ProjectionError after so many milliseconds, or if it goes no further. */
  wait(position: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const ended = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        this.#waiting.delete(waiter);
      };
      const waiter = {
        position,
        resolve: () => {
          ended();
          resolve();
        },
        reject: (error: Error) => {
          ended();
          reject(error);
        },
      };
      const aborted = () => {
        waiter.reject(reasonOf(signal));
      };
      const timer = setTimeout(() => {
        waiter.reject(
          new ProjectionError(
            `projection ${JSON.stringify(this.projection)} is at position ${this.#position ?? 0}, not yet at ${position}, ` +
              `after ${durationText(timeoutMs)}`,
          ),
        );
      }, timeoutMs);
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiting.add(waiter);
      this.#settle();
    });
  }

  /** It has taken everything up to here. */
  reached(position: number): void {
    this.#position = position;
    this.#settle();
  }

  /** It goes no further. */
  end(error: ProjectionError): void {
    this.#ended = error;
    this.#settle();
  }

  #settle(): void {
    for (const waiter of this.#waiting) {
      if (this.#position !== undefined && waiter.position <= this.#position) {
        waiter.resolve();
      } else if (this.#ended !== undefined) {
        waiter.reject(this.#ended);
      }
    }
  }
}
