/** Callers that wait until a projection has processed everything up to a position. */
import { reasonOf } from "../../retry.js";
import { durationText } from "../../duration-text.js";
import { ProjectionError } from "./store.js";
/** The callers that wait for one projection. */
export class Waiters {
    projection;
    #waiting = new Set();
    /** The projection's position; undefined before it has begun. */
    #position;
    /** The error with which the projection ended. */
    #ended;
    constructor(projection) {
        this.projection = projection;
    }
    /** Resolves at the position; rejects with a ProjectionError after the timeout, or if the projection ends. */
    wait(position, timeoutMs, signal) {
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
                reject: (error) => {
                    ended();
                    reject(error);
                },
            };
            const aborted = () => {
                waiter.reject(reasonOf(signal));
            };
            const timer = setTimeout(() => {
                waiter.reject(new ProjectionError(`projection ${JSON.stringify(this.projection)} is at position ${this.#position ?? 0}, ` +
                    `not yet at ${position}, after ${durationText(timeoutMs)}`));
            }, timeoutMs);
            signal?.addEventListener("abort", aborted, { once: true });
            this.#waiting.add(waiter);
            this.#settle();
        });
    }
    /** Records that everything up to a position was processed. */
    reached(position) {
        this.#position = position;
        this.#settle();
    }
    /** Records that the projection has ended. */
    end(error) {
        this.#ended = error;
        this.#settle();
    }
    #settle() {
        for (const waiter of this.#waiting) {
            if (this.#position !== undefined && waiter.position <= this.#position) {
                waiter.resolve();
            }
            else if (this.#ended !== undefined) {
                waiter.reject(this.#ended);
            }
        }
    }
}
//# sourceMappingURL=waiters.js.map