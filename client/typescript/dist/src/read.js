import { METHODS, requestOf, serverStream } from "./call.js";
import { DeadlineExceededError, ProtocolError } from "./errors.js";
import { fromPbEvent } from "./events.js";
import {} from "./generated/annals/v1/event_store_pb.js";
import { Direction } from "./generated/annals/v1/query_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import { toPbQuery } from "./query.js";
import { Batches, cancelWhenCollected, Lifetime, Flattened } from "./iteration.js";
import { sleep } from "./retry.js";
import { toPbTime } from "./timestamp.js";
/**
 * A read, which begins when it is first used: iterate it, or convert it to an array. It can be used once.
 *
 * @example
 * for await (const event of client.readStream("order-42")) {
 *   console.log(event.revision, event.type, event.json());
 * }
 */
export class Read {
    #feed;
    #beginning;
    /** Called by Client.readStream and Client.readAll. */
    constructor(shared, stream, options) {
        this.#feed = new Feed(shared, stream, options);
        cancelWhenCollected(this, this.#feed);
    }
    /**
     * Begins the read. Fails under the conditions of Client.readStream and Client.readAll; without this call, the first
     * event does. The call is open from then on: read the events, or close the read.
     */
    async begin() {
        this.#beginning = await this.#feed.begin();
        return this.#beginning;
    }
    /** Returns all remaining events. Limit the read to bound the memory. */
    async toArray() {
        const events = [];
        for await (const batch of this.batches()) {
            events.push(...batch);
        }
        return events;
    }
    /** Iterates the events in the batches in which they arrive. A batch is never empty. */
    batches() {
        return new Batches(this, this.#feed);
    }
    [Symbol.asyncIterator]() {
        return new Flattened(new Batches(this, this.#feed));
    }
    /** Ends the read. Leaving a loop over it does the same. */
    close() {
        this.#feed.cancel();
    }
    /** Ends the read, like close. */
    [Symbol.dispose]() {
        this.close();
    }
}
/** The state of a read, with its current call. */
class Feed {
    #shared;
    #stream;
    #options;
    #lifetime;
    #timeoutMs;
    #tries;
    #beginning;
    /** The start and limit of the remaining range. */
    #from;
    #limit;
    /** The log's last position, or the stream's last revision, when the read began. */
    #last = 0;
    /**
     * Whether all events were received. The call is still read to its end, so that the server does not count it as
     * cancelled.
     */
    #complete = false;
    #live;
    #received;
    /** The time since which no call has returned events. */
    #lostAt;
    constructor(shared, stream, options) {
        this.#shared = shared;
        this.#stream = stream;
        this.#lifetime = new Lifetime(options.signal);
        this.#options = { ...options, signal: this.#lifetime.signal };
        this.#timeoutMs = options.timeoutMs ?? shared.settings.timeoutMs;
        this.#tries = shared.tries();
        this.#from = options.from;
        this.#limit = options.limit;
    }
    begin() {
        this.#beginning ??= this.#begin();
        return this.#beginning;
    }
    async #begin() {
        const first = await this.#open();
        const head = toNumber(first.head);
        const lastRevision = "lastRevision" in first ? toNumber(first.lastRevision) : undefined;
        this.#last = lastRevision ?? head;
        if (this.#options.backwards === true &&
            this.#options.until === undefined &&
            this.#options.untilTime === undefined) {
            // Events appended before the read is resumed are not part of it.
            this.#from ??= this.#last;
        }
        this.#received = this.#take(first.events);
        return { head, lastRevision };
    }
    async pull() {
        try {
            await this.begin();
            let events;
            do {
                events = this.#lifetime.over ? undefined : await this.#next();
            } while (events?.length === 0);
            if (events === undefined) {
                this.cancel();
            }
            return events;
        }
        catch (error) {
            if (this.#lifetime.over) {
                return undefined;
            }
            this.cancel();
            throw error;
        }
    }
    /** Returns the events of the next message, possibly none; undefined at the end. */
    async #next() {
        const received = this.#received;
        if (received !== undefined) {
            this.#received = undefined;
            return received;
        }
        for (;;) {
            if (this.#live === undefined) {
                return this.#complete ? undefined : this.#take((await this.#open()).events);
            }
            const { answers, picked } = this.#live;
            let error;
            try {
                const part = await answers.next(this.#timeoutMs);
                if (part === undefined) {
                    this.#live = undefined;
                    this.#complete = true;
                    return undefined;
                }
                return this.#take(part.events);
            }
            catch (thrown) {
                this.#options.signal?.throwIfAborted();
                error = await this.#shared.failed(picked, thrown);
            }
            this.#live = undefined;
            if (!this.#complete) {
                await this.#pauseAfter(error);
            }
        }
    }
    cancel() {
        this.#lifetime.end();
        this.#leave();
    }
    /** Cancels the call and completes the read. */
    #leave() {
        this.#live?.answers.cancel();
        this.#live = undefined;
        this.#complete = true;
    }
    /** Starts a call, and waits for its first message; there is always one. */
    #open() {
        return this.#shared.call(this.#options, async (picked, deadline) => {
            const answers = this.#ask(picked);
            const first = await answers.next(Math.max(deadline.at - Date.now(), 1));
            if (first === undefined) {
                throw new ProtocolError("a read ended before it began");
            }
            this.#live = { answers, picked };
            return first;
        });
    }
    #ask(picked) {
        const { until, untilTime, signal, backwards } = this.#options;
        const direction = backwards === true ? Direction.BACKWARDS : Direction.FORWARDS;
        const query = toPbQuery(this.#options.query);
        const from = this.#from === undefined ? undefined : toBigInt(this.#from, "from");
        const common = {
            direction,
            ...(this.#limit !== undefined && { limit: toBigInt(this.#limit, "limit") }),
            ...(query !== undefined && { query }),
        };
        if (this.#stream === undefined) {
            const request = { ...common };
            if (from !== undefined)
                request.fromPosition = from;
            if (until !== undefined)
                request.until = { case: "untilPosition", value: toBigInt(until, "until") };
            else if (untilTime !== undefined)
                request.until = { case: "untilTime", value: toPbTime(untilTime) };
            return serverStream(picked, METHODS.readAll, requestOf(METHODS.readAll, request), signal);
        }
        const request = { ...common, stream: this.#stream };
        if (from !== undefined)
            request.fromRevision = from;
        if (until !== undefined)
            request.until = { case: "untilRevision", value: toBigInt(until, "until") };
        else if (untilTime !== undefined)
            request.until = { case: "untilTime", value: toPbTime(untilTime) };
        return serverStream(picked, METHODS.readStream, requestOf(METHODS.readStream, request), signal);
    }
    /** Waits before the read is resumed, or throws the error if it can't be. */
    async #pauseAfter(error) {
        // A call that returned nothing for the whole timeout has used all of the time.
        const pause = error.retryable && !(error instanceof DeadlineExceededError) ? this.#tries.afterFailure() : undefined;
        this.#lostAt ??= Date.now();
        if (pause === undefined || Date.now() - this.#lostAt + pause >= this.#timeoutMs) {
            throw error;
        }
        await sleep(pause, this.#options.signal);
    }
    /** Advances by the events of a message. */
    #take(came) {
        const byRevision = this.#stream !== undefined;
        const place = (event) => (byRevision ? event.revision : event.position);
        let events = came.map(fromPbEvent);
        const latest = events.at(-1);
        if (latest === undefined) {
            return events;
        }
        if (place(latest) > this.#last && this.#options.backwards !== true) {
            events = events.filter((event) => place(event) <= this.#last);
            // All later events of the call are newer than the end of the read.
            this.#leave();
            if (events.length === 0) {
                return events;
            }
        }
        this.#lostAt = undefined;
        this.#tries.reset();
        const at = place(events.at(-1) ?? latest);
        if (this.#limit !== undefined) {
            this.#limit -= Math.min(events.length, this.#limit);
        }
        const beginning = byRevision ? 0 : 1;
        this.#from = this.#options.backwards === true ? at - 1 : at + 1;
        this.#complete ||=
            this.#limit === 0 || this.#from < beginning || (this.#options.backwards !== true && at >= this.#last);
        return events;
    }
}
//# sourceMappingURL=read.js.map