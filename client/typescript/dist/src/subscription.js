/**
 * Subscriptions: return existing events, then new ones, each once and in order, over any number of connections.
 *
 * 1. **Once, in order, without gaps.** After a broken connection the subscription resumes after the last event or
 *    notice (caught-up, fell-behind, checkpoint) received, on any endpoint. Positions that do not increase are a
 *    ProtocolError, and are never returned.
 * 2. **A fixed start.** "From the end" is resolved to a position before the first subscription call, so that a
 *    connection that breaks before the first event loses nothing.
 * 3. **Bounded.** The client buffers a few messages; the rest stays at the server.
 *
 * A subscription to the log resumes by position, one to a stream by revision; notices have both.
 */
import { METHODS, requestOf, serverStream, unary } from "./call.js";
import { Cursor } from "./cursor.js";
import { toMilliseconds } from "./duration.js";
import { StreamNotFoundError, UnreachableError } from "./errors.js";
import { Batches, cancelWhenCollected, Lifetime, Flattened } from "./iteration.js";
import { toBigInt, toNumber } from "./numbers.js";
import { toPbQuery } from "./query.js";
import { sleep } from "./retry.js";
/**
 * A subscription, which begins when it is first used, and ends only with an error: to end it, leave the loop, or
 * abort its signal. It can be used once.
 *
 * @example
 * for await (const item of client.subscribeAll({ after: checkpoint })) {
 *   if (item.kind === "event") console.log(item.event.position, item.event.type);
 * }
 */
export class Subscription {
    #feed;
    /** Called by Client.subscribeAll and Client.subscribeStream. */
    constructor(shared, stream, options) {
        this.#feed = new Feed(shared, stream, options);
        cancelWhenCollected(this, this.#feed);
    }
    /** Iterates only the events. */
    events() {
        return new Flattened(new Batches(this, new EventsOnly(this.#feed)));
    }
    /** Iterates the items in the batches in which they arrive. A batch is never empty. */
    batches() {
        return new Batches(this, this.#feed);
    }
    [Symbol.asyncIterator]() {
        return new Flattened(new Batches(this, this.#feed));
    }
    /** Ends the subscription. Leaving a loop over it does the same. */
    close() {
        this.#feed.cancel();
    }
    /** Ends the subscription, like close. */
    [Symbol.dispose]() {
        this.close();
    }
}
/** The events of a subscription, without its other items. */
class EventsOnly {
    items;
    constructor(items) {
        this.items = items;
    }
    async pull() {
        for (let items = await this.items.pull(); items !== undefined; items = await this.items.pull()) {
            const events = items.flatMap((item) => (item.kind === "event" ? [item.event] : []));
            if (events.length > 0) {
                return events;
            }
        }
        return undefined;
    }
    cancel() {
        this.items.cancel();
    }
}
/** The state of a subscription, with its current connection. */
class Feed {
    #shared;
    #stream;
    #options;
    #lifetime;
    #reconnectTimeoutMs;
    #begun = false;
    #tries;
    #cursor;
    #live;
    /** The time since which no connection has returned a message. */
    #lostAt;
    constructor(shared, stream, options) {
        this.#shared = shared;
        this.#stream = stream;
        this.#lifetime = new Lifetime(options.signal);
        this.#options = { ...options, signal: this.#lifetime.signal };
        this.#reconnectTimeoutMs =
            options.reconnectTimeout === undefined
                ? Number.POSITIVE_INFINITY
                : toMilliseconds(options.reconnectTimeout, "reconnectTimeout");
        this.#tries = shared.tries();
        this.#cursor = new Cursor(stream !== undefined, typeof options.after === "number" ? options.after : undefined);
    }
    async pull() {
        try {
            await this.#begin();
            let items;
            do {
                items = this.#lifetime.over ? undefined : await this.#next();
            } while (items?.length === 0);
            return items;
        }
        catch (error) {
            if (this.#lifetime.over) {
                return undefined;
            }
            this.cancel();
            throw error;
        }
    }
    cancel() {
        this.#lifetime.end();
        this.#leave();
    }
    async #begin() {
        if (!this.#begun && this.#options.after === "end") {
            this.#cursor = new Cursor(this.#stream !== undefined, await this.#end());
        }
        this.#begun = true;
    }
    /** Returns the items of the next message, possibly none. */
    async #next() {
        for (;;) {
            this.#options.signal?.throwIfAborted();
            this.#follow();
            const { answers, picked } = (this.#live ??= this.#open());
            let error;
            try {
                const message = await answers.next();
                if (message !== undefined) {
                    this.#tries.reset();
                    this.#lostAt = undefined;
                    return this.#cursor.take(message);
                }
                // A server that shuts down may end its subscriptions normally.
                this.#shared.connection.failOver(picked);
                error = new UnreachableError(picked.name, "the server ended the subscription");
            }
            catch (thrown) {
                this.#options.signal?.throwIfAborted();
                error = await this.#shared.failed(picked, thrown);
            }
            this.#leave();
            await this.#pauseAfter(error);
        }
    }
    /** Ends the current call. */
    #leave() {
        this.#live?.answers.cancel();
        this.#live = undefined;
    }
    /** Ends the current call, if the client has returned to its first endpoint since. */
    #follow() {
        const { connection } = this.#shared;
        connection.probePreferred();
        if (this.#live !== undefined &&
            !connection.isCurrent(this.#live.picked) &&
            connection.returns !== this.#live.returns) {
            this.#leave();
        }
    }
    #open() {
        const picked = this.#shared.connection.pick();
        const { returns } = this.#shared.connection;
        const { signal } = this.#options;
        const after = this.#cursor.after === undefined ? undefined : toBigInt(this.#cursor.after, "after");
        const query = toPbQuery(this.#options.query);
        const filter = query !== undefined && { query };
        if (this.#stream === undefined) {
            const start = after !== undefined && { start: { case: "after", value: after } };
            const request = requestOf(METHODS.subscribeAll, { ...filter, ...start });
            return { picked, returns, answers: serverStream(picked, METHODS.subscribeAll, request, signal) };
        }
        const start = after !== undefined && { start: { case: "afterRevision", value: after } };
        const request = requestOf(METHODS.subscribeStream, { stream: this.#stream, ...filter, ...start });
        return { picked, returns, answers: serverStream(picked, METHODS.subscribeStream, request, signal) };
    }
    /** Returns the current end, as a position or revision to start after. */
    async #end() {
        const stream = this.#stream;
        if (stream === undefined) {
            const request = requestOf(METHODS.getServerInfo, {});
            const info = await this.#shared.call(this.#options, (picked, deadline) => unary(picked, METHODS.getServerInfo, request, deadline));
            return toNumber(info.head);
        }
        const request = requestOf(METHODS.getStream, { stream });
        try {
            const answer = await this.#shared.call(this.#options, (picked, deadline) => unary(picked, METHODS.getStream, request, deadline));
            return toNumber(answer.stream?.lastRevision ?? 0n);
        }
        catch (error) {
            if (error instanceof StreamNotFoundError) {
                return undefined;
            }
            throw error;
        }
    }
    /** Waits before reconnecting, or throws the error if it is permanent or the time is up. */
    async #pauseAfter(error) {
        this.#lostAt ??= Date.now();
        const pause = this.#tries.afterFailureWithoutEnd();
        if (!error.retryable || Date.now() - this.#lostAt + pause >= this.#reconnectTimeoutMs) {
            throw error;
        }
        await sleep(pause, this.#options.signal);
    }
}
//# sourceMappingURL=subscription.js.map