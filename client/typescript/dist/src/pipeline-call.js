/**
 * One call of an append pipeline. It sends queued appends, receives results, and ends when nothing has been
 * unanswered for a short time, so that an idle pipeline holds neither a stream of the server nor the process.
 */
import { status as Code } from "@grpc/grpc-js";
import { bidirectional, METHODS } from "./call.js";
import { DeadlineExceededError } from "./errors.js";
/** Idle time after which a call is ended, in milliseconds. */
const IDLE_MS = 100;
/**
 * One call of a pipeline, with one message in transit at a time: appends that queue up meanwhile form the next
 * message.
 */
export class PipelineCall {
    /** Resolves when the call has ended normally. */
    done;
    /** Whether the client ended it, because there was nothing to send. */
    idled = false;
    #call;
    #hooks;
    #sending = false;
    /** Whether no more messages may be sent. */
    #sendClosed = false;
    /** Whether the call is over; later messages are ignored. */
    #settled = false;
    #timer;
    constructor(picked, hooks) {
        this.#hooks = hooks;
        const call = bidirectional(picked, METHODS.appendPipeline);
        this.#call = call;
        this.done = new Promise((resolve, reject) => {
            const settle = (error) => {
                clearTimeout(this.#timer);
                this.#sendClosed = true;
                this.#settled = true;
                if (error === undefined) {
                    resolve();
                }
                else {
                    reject(error);
                }
            };
            call.on("data", (message) => {
                if (this.#settled) {
                    return;
                }
                try {
                    hooks.answered(message.results);
                    this.#watch(settle);
                }
                catch (thrown) {
                    settle(thrown);
                    call.cancel();
                }
            });
            call.on("error", (error) => {
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
    wake() {
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
    end() {
        if (!this.#sendClosed) {
            this.#sendClosed = true;
            this.idled = true;
            this.#call.end();
        }
    }
    /** Sets the timer that fails the call at its deadline, or ends it if it is idle. */
    #watch(settle) {
        clearTimeout(this.#timer);
        const idle = this.#hooks.idle();
        const wait = idle ? IDLE_MS : Math.max(this.#hooks.deadline() - Date.now(), 0);
        this.#timer = setTimeout(() => {
            if (this.#hooks.idle()) {
                this.end();
            }
            else if (Date.now() < this.#hooks.deadline()) {
                this.#watch(settle);
            }
            else {
                settle(new DeadlineExceededError(wait));
                this.#call.cancel();
            }
        }, wait);
    }
}
//# sourceMappingURL=pipeline-call.js.map