/**
 * Appends that are made at once: few of them are calls of their own, and many share a session, whose messages carry many. A
 * large one is always a call of its own: it would gain nothing in a session, and hold the others up.
 */
import { DeadlineExceededError } from "./errors.js";
import { MESSAGE_BYTES_MAX } from "./encoded.js";
import { reasonOf } from "./retry.js";
/** From how many appends in flight on, further ones share a session. */
const SESSION_FROM_APPENDS = 4;
/** The appends of a client that are in flight. */
export class Crowd {
    timeoutMs;
    open;
    #inFlight = 0;
    #session;
    constructor(timeoutMs, open) {
        this.timeoutMs = timeoutMs;
        this.open = open;
    }
    /** Makes an append, alone or in the session, whichever there is need for. */
    async pass(events, options, alone, together) {
        this.#inFlight += 1;
        try {
            return this.#inFlight > SESSION_FROM_APPENDS && !isLarge(events) ? await this.#within(options, together(this.#shared())) : await alone();
        }
        finally {
            this.#inFlight -= 1;
        }
    }
    /** The session; a new one, if the last has failed. */
    #shared() {
        if (this.#session === undefined || this.#session.closed) {
            this.#session = this.open();
        }
        return this.#session;
    }
    /** The result of an append of a session, if it comes before the call's own deadline or abortion. */
    #within({ signal, timeoutMs = this.timeoutMs }, result) {
        return new Promise((resolve, reject) => {
            const aborted = () => {
                over();
                reject(reasonOf(signal));
            };
            const timer = setTimeout(() => {
                over();
                reject(new DeadlineExceededError(timeoutMs));
            }, timeoutMs);
            const over = () => {
                clearTimeout(timer);
                signal?.removeEventListener("abort", aborted);
            };
            signal?.addEventListener("abort", aborted, { once: true });
            result.finally(over).then(resolve, reject);
        });
    }
}
/** Whether the events alone make a message of their own. Tags are not counted: the session knows the exact size. */
function isLarge(events) {
    return events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0) > MESSAGE_BYTES_MAX;
}
//# sourceMappingURL=crowd.js.map