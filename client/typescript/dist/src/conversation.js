/**
 * One call of an append session: sends while there is something to send, hears the answers, and ends when nothing has been
 * unanswered for a moment, so that an idle session keeps neither a server's stream nor the process alive.
 */
import { status as Code } from "@grpc/grpc-js";
import { bidirectional, METHODS } from "./call.js";
import { DeadlineExceededError } from "./errors.js";
/** After how long without anything unanswered a call is ended. */
const IDLE_MS = 100;
/** One call of a session, with one message on its way at a time: what queues up meanwhile makes the next one. */
export class Conversation {
    /** Resolves when the call has ended in good order. */
    held;
    /** Whether it was ended from this side, because there was nothing to send. */
    idled = false;
    #call;
    #talk;
    #sending = false;
    /** Whether no more is sent on it. */
    #ended = false;
    /** Whether it is over: nothing that still comes belongs to what is unanswered then. */
    #over = false;
    #timer;
    constructor(picked, talk) {
        this.#talk = talk;
        const call = bidirectional(picked, METHODS.appendSession);
        this.#call = call;
        this.held = new Promise((resolve, reject) => {
            const over = (error) => {
                clearTimeout(this.#timer);
                this.#ended = true;
                this.#over = true;
                if (error === undefined) {
                    resolve();
                }
                else {
                    reject(error);
                }
            };
            call.on("data", (message) => {
                if (this.#over) {
                    return;
                }
                try {
                    talk.answered(message.results);
                    this.#watch(over);
                }
                catch (thrown) {
                    over(thrown);
                    call.cancel();
                }
            });
            call.on("error", (error) => {
                // What was appended is answered; how the call then ends does not matter.
                over(talk.idle() ? undefined : error);
            });
            call.on("status", ({ code }) => {
                if (code === Code.OK) {
                    over();
                }
            });
            this.#watch(over);
        });
        this.wake();
    }
    /** Sends what there is. */
    wake() {
        if (this.#sending || this.#ended) {
            return;
        }
        const message = this.#talk.next();
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
    end() {
        if (!this.#ended) {
            this.#ended = true;
            this.idled = true;
            this.#call.end();
        }
    }
    /** Sets the time after which the call is given up, or, if it is idle, ended. */
    #watch(over) {
        clearTimeout(this.#timer);
        const idle = this.#talk.idle();
        const wait = idle ? IDLE_MS : Math.max(this.#talk.deadline() - Date.now(), 0);
        this.#timer = setTimeout(() => {
            if (this.#talk.idle()) {
                this.end();
            }
            else if (Date.now() < this.#talk.deadline()) {
                this.#watch(over);
            }
            else {
                over(new DeadlineExceededError(wait));
                this.#call.cancel();
            }
        }, wait);
    }
}
//# sourceMappingURL=conversation.js.map