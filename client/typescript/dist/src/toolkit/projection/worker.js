import { AnnalsError, PositionBeyondHeadError } from "../../errors.js";
import { sleep } from "../../retry.js";
import { refuseForeignStore } from "./builds.js";
import { ProjectionError, tableOf } from "./store.js";
/** Another process moved the checkpoint or replaced the build. */
class CheckpointMoved extends Error {
}
/** A handler threw an error. */
class HandlerFailed extends Error {
    event;
    index;
    cause;
    constructor(event, index, cause) {
        super(`the handler failed at position ${event.position}`);
        this.event = event;
        this.index = index;
        this.cause = cause;
    }
}
/** A running build. */
export class Worker {
    client;
    store;
    projection;
    options;
    generation;
    events;
    /** The position up to which everything was processed. */
    position = 0;
    #batchEvents;
    #triesMax;
    constructor(client, store, projection, options, generation, events) {
        this.client = client;
        this.store = store;
        this.projection = projection;
        this.options = options;
        this.generation = generation;
        this.events = events;
        this.#batchEvents = options.batchEvents ?? 500;
        this.#triesMax = options.triesMax ?? 5;
    }
    /** Runs until the signal is aborted; returns early if the build was removed. Throws permanent errors. */
    async run(signal) {
        for (let failures = 0;; failures += 1) {
            const before = this.position;
            try {
                const checkpoint = await this.#checkpoint();
                if (checkpoint === undefined) {
                    return;
                }
                await this.#follow(checkpoint, signal);
            }
            catch (error) {
                if (signal.aborted) {
                    return;
                }
                if (!(error instanceof CheckpointMoved)) {
                    this.#throwIfPermanent(error);
                    this.events.problem(error);
                    this.options.onError?.({ projection: this.projection.name, error, then: "retry" });
                }
                failures = this.position > before ? 0 : failures;
                await this.#pause(failures, signal);
            }
        }
    }
    /** Returns the checkpoint of the build; undefined if the build was removed. */
    async #checkpoint() {
        const found = await this.store.transaction((tx) => this.#find(tx));
        if (found !== undefined) {
            const { storeId } = await this.client.serverInfo();
            refuseForeignStore(this.projection.name, found, storeId);
            this.#moved(found.position);
        }
        return found;
    }
    async #find(tx) {
        return (await this.store.checkpoints(tx, this.projection.name)).find(({ generation }) => generation === this.generation);
    }
    async #follow(checkpoint, signal) {
        const { query } = this.projection;
        const subscription = this.client.subscribeAll({
            after: checkpoint.position,
            signal,
            ...(query !== undefined && { query }),
        });
        let caughtUp = false;
        for await (const items of subscription.batches()) {
            this.events.problem(undefined);
            await this.#take(items, signal);
            caughtUp ||= items.some(({ kind }) => kind === "caught-up");
            if (caughtUp) {
                await this.events.caughtUp();
            }
        }
    }
    async #take(items, signal) {
        const events = items.flatMap((item) => (item.kind === "event" ? [item.event] : []));
        for (let from = 0; from < events.length; from += this.#batchEvents) {
            await this.#takeEvents(events.slice(from, from + this.#batchEvents), signal);
        }
        const looked = Math.max(0, ...items.map((item) => (item.kind === "event" ? 0 : item.position)));
        if (looked > this.position) {
            await this.#commit(looked);
        }
    }
    async #takeEvents(events, signal) {
        let left = events;
        while (left.length > 0) {
            signal.throwIfAborted();
            try {
                await this.#handleAll(left);
                return;
            }
            catch (error) {
                if (!(error instanceof HandlerFailed)) {
                    throw error;
                }
                const done = left.slice(0, error.index);
                if (done.length > 0) {
                    // The failed event's transaction also rolled back the events before it.
                    await this.#handleAll(done);
                }
                await this.#handleAlone(error, signal);
                left = left.slice(error.index + 1);
            }
        }
    }
    /** Handles events, and moves the checkpoint to the last one. */
    async #handleAll(events) {
        const last = events.at(-1);
        if (last === undefined) {
            return;
        }
        const begun = performance.now();
        if (this.projection.effects === true) {
            const target = this.#target(undefined);
            for (const [index, event] of events.entries()) {
                await this.#handle(event, index, target);
                await this.#commit(event.position);
            }
        }
        else {
            await this.#commit(last.position, async (tx) => {
                const target = this.#target(tx);
                for (const [index, event] of events.entries()) {
                    await this.#handle(event, index, target);
                }
            });
        }
        const tookMs = performance.now() - begun;
        this.options.onBatch?.({
            projection: this.projection.name,
            generation: this.generation,
            events: events.length,
            position: last.position,
            tookMs,
        });
    }
    async #handle(event, index, target) {
        try {
            await this.projection.handle(event, target);
        }
        catch (error) {
            if (this.store.isPassing(error) || (error instanceof AnnalsError && error.retryable)) {
                throw error;
            }
            throw new HandlerFailed(event, index, error);
        }
    }
    /** Retries a failed event alone, and stores it as a dead letter after the last attempt. */
    async #handleAlone(first, signal) {
        let failed = first;
        const { event } = first;
        const { name } = this.projection;
        for (let tries = 1; tries < this.#triesMax; tries += 1) {
            this.events.problem(failed.cause);
            this.options.onError?.({ projection: name, error: failed.cause, event, then: "retry" });
            await this.#pause(tries - 1, signal);
            try {
                await this.#handleAll([event]);
                this.events.problem(undefined);
                return;
            }
            catch (error) {
                if (!(error instanceof HandlerFailed)) {
                    throw error;
                }
                failed = error;
            }
        }
        this.options.onError?.({ projection: name, error: failed.cause, event, then: "dead-letter" });
        const { cause } = failed;
        await this.#commit(event.position, (tx) => this.store.saveDeadLetter(tx, {
            projection: name,
            generation: this.generation,
            position: event.position,
            eventId: event.id,
            stream: event.stream,
            revision: event.revision,
            type: event.type,
            reason: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
            tries: this.#triesMax,
            failedAt: new Date().toISOString(),
        }));
    }
    /** Commits one transaction: the writes of the body, and the checkpoint. */
    async #commit(position, body) {
        await this.store.transaction(async (tx) => {
            const found = await this.#find(tx);
            if (found?.position !== this.position) {
                throw new CheckpointMoved();
            }
            await body?.(tx);
            await this.store.saveCheckpoint(tx, this.projection.name, { ...found, position });
        });
        this.#moved(position);
    }
    #moved(position) {
        this.position = position;
        this.events.progress(position);
    }
    #target(tx) {
        return { tx, generation: this.generation, table: (name) => tableOf(name, this.generation) };
    }
    #throwIfPermanent(error) {
        if (error instanceof ProjectionError) {
            throw error;
        }
        if (error instanceof PositionBeyondHeadError) {
            throw new ProjectionError(`projection ${JSON.stringify(this.projection.name)} is at position ${error.position}, ` +
                `but the log ends at ${error.head}: ` +
                "the store was restored from an older backup; rebuild the projection", { cause: error });
        }
    }
    async #pause(failures, signal) {
        const { pauseFirstMs = 100, pauseMaxMs = 10_000 } = this.options;
        const nominal = Math.min(pauseFirstMs * 2 ** Math.min(failures, 20), pauseMaxMs);
        await sleep(nominal * (0.5 + Math.random() / 2), signal);
    }
}
//# sourceMappingURL=worker.js.map