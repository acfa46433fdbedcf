/**
 * Iterators over the responses of a server. An abandoned iterator ends its call promptly.
 *
 * 1. Leaving a loop (break, return, an exception) ends the call before anything else happens.
 * 2. So does calling `return` while a `next` is pending. An async generator would process it only when the next event
 *    arrives, which may be never. The pending `next` then reports the end.
 * 3. So does garbage collection, once nothing refers to the read or subscription and its iterators.
 */
import { ClosedError } from "./errors.js";
/** Ends the calls of reads and subscriptions that were garbage-collected. */
const collected = new FinalizationRegistry((source) => {
    source.cancel();
});
/** Cancels the source when nothing refers to its owner any more. */
export function cancelWhenCollected(owner, source) {
    collected.register(owner, source);
}
const DONE = { done: true, value: undefined };
/** Iterates the batches of a source. */
export class Batches {
    owner;
    source;
    /** The last request for a batch; the next one waits for it. */
    #last = Promise.resolve();
    #done = false;
    /** @param owner Kept alive while this iterator is in use. */
    constructor(owner, source) {
        this.owner = owner;
        this.source = source;
    }
    next() {
        const next = this.#last.then(() => this.#next());
        this.#last = next.catch(() => undefined);
        return next;
    }
    async #next() {
        if (this.#done) {
            return DONE;
        }
        try {
            const batch = await this.source.pull();
            this.#done ||= batch === undefined;
            return batch === undefined || this.#done ? DONE : { done: false, value: batch };
        }
        catch (error) {
            if (this.#done) {
                return DONE;
            }
            this.#end();
            throw error;
        }
    }
    return() {
        this.#end();
        return Promise.resolve(DONE);
    }
    throw(error) {
        this.#end();
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    [Symbol.asyncIterator]() {
        return this;
    }
    async [Symbol.asyncDispose]() {
        await this.return();
    }
    #end() {
        this.#done = true;
        this.source.cancel();
    }
}
/** Iterates the elements of batches, one by one. Cheaper than a generator, which costs as much as the event. */
export class Flattened {
    batches;
    #batch = [];
    #taken = 0;
    constructor(batches) {
        this.batches = batches;
    }
    next() {
        if (this.#taken < this.#batch.length) {
            return Promise.resolve(this.#take());
        }
        return this.#nextBatch();
    }
    async #nextBatch() {
        const { done, value } = await this.batches.next();
        if (done === true) {
            return DONE;
        }
        // If several calls waited for a batch at once, the first one has already set it.
        this.#batch = this.#taken < this.#batch.length ? [...this.#batch.slice(this.#taken), ...value] : value;
        this.#taken = 0;
        return this.#take();
    }
    #take() {
        const value = this.#batch[this.#taken];
        this.#taken += 1;
        return { done: false, value };
    }
    async return() {
        this.#batch = [];
        await this.batches.return();
        return DONE;
    }
    async throw(error) {
        this.#batch = [];
        await this.batches.throw(error);
        return DONE;
    }
    [Symbol.asyncIterator]() {
        return this;
    }
    async [Symbol.asyncDispose]() {
        await this.return();
    }
}
/** Rejects pending operations after cancel. Created once, because its stack trace is not used. */
const GIVEN_UP = new ClosedError("the read or subscription was closed");
/** The lifetime of a read or subscription: until it is ended, or the caller's signal is aborted. */
export class Lifetime {
    caller;
    /** Aborted in both cases. */
    signal;
    /** Whether it was ended, or is complete. */
    over = false;
    #controller = new AbortController();
    #aborted = () => {
        this.#controller.abort(this.caller?.reason);
    };
    constructor(caller) {
        this.caller = caller;
        this.signal = this.#controller.signal;
        if (caller?.aborted === true)
            this.#aborted();
        else
            caller?.addEventListener("abort", this.#aborted, { once: true });
    }
    end() {
        this.over = true;
        this.caller?.removeEventListener("abort", this.#aborted);
        this.#controller.abort(GIVEN_UP);
    }
}
//# sourceMappingURL=iteration.js.map