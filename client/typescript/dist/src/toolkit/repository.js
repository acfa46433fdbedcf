import { StreamNotFoundError } from "../errors.js";
import { decodeJson, encodeJson } from "../json.js";
import { listOf } from "./aggregate.js";
import { Command } from "./command.js";
import { retryConflicts } from "./conflict.js";
import { SchemaError } from "./schema.js";
/**
 * Loads aggregates of one kind, and executes commands on them.
 *
 * @example
 * const orders = new Repository(client, order);
 * const { position } = await orders.execute("42", (state) => ship(state));
 */
export class Repository {
    client;
    aggregate;
    options;
    #saving = new Set();
    constructor(client, aggregate, options = {}) {
        this.client = client;
        this.aggregate = aggregate;
        this.options = options;
    }
    /**
     * Loads the current or a past state of the aggregate with this id; the initial state if it has no events, or had
     * none at that time.
     *
     * @param options `until`: the state when this was the last revision, which must exist; `untilTime`: the state at
     *   this time. A past state is built from events alone, without a snapshot.
     * @throws SchemaError if one of its events can't be read by this program; RevisionBeyondEndError.
     */
    async load(id, options = {}) {
        const { state, revision } = await this.#load(id, undefined, options);
        return { state, revision };
    }
    /**
     * Executes a command: loads the aggregate, decides, and appends the events of the decision. If another client has
     * appended to the stream since, it loads and decides again.
     *
     * @throws The error that `decide` throws; RevisionConflictError after as many conflicts as the policy allows;
     *   SchemaError.
     */
    execute(id, decide, options = {}) {
        const command = new Command(options.commandId, this.aggregate.stream(id));
        return command.run(() => retryConflicts(this.options.conflicts ?? {}, options.signal, () => this.#execute(id, decide, command, options)));
    }
    /** Waits for the snapshots that are being saved. Call it before the program ends, or in tests. */
    async settled() {
        await Promise.all(this.#saving);
    }
    async #execute(id, decide, command, options) {
        const stream = this.aggregate.stream(id);
        const loaded = await this.#load(id, command, options);
        const { revision } = loaded;
        const earlier = loaded.earlier ?? (await this.#beforeSnapshot(stream, command, loaded, options));
        if (earlier !== undefined) {
            return { state: loaded.state, revision, events: [], position: earlier.position, alreadyExecuted: true };
        }
        const events = listOf(await decide(loaded.state));
        if (events.length === 0) {
            return { state: loaded.state, revision, events, position: undefined, alreadyExecuted: false };
        }
        const encoded = events.map((event, n) => this.aggregate.schema.encode(event, {
            ...command.encoding(n),
            ...(options.metadata !== undefined && { metadata: options.metadata }),
        }));
        const appended = await this.client.append(stream, revision ?? "no-stream", encoded, options);
        const state = events.reduce((before, event) => this.aggregate.evolve(before, event), loaded.state);
        this.#maybeSnapshot(stream, state, appended.lastRevision, loaded.read + events.length);
        return {
            state,
            revision: appended.lastRevision,
            events,
            position: appended.lastPosition,
            alreadyExecuted: false,
        };
    }
    async #load(id, command, options) {
        const stream = this.aggregate.stream(id);
        const past = options.until !== undefined || options.untilTime !== undefined;
        const snapshot = past ? undefined : await this.#snapshotOf(stream, options);
        let state = snapshot === undefined ? this.aggregate.initial() : snapshot.state;
        let revision = snapshot?.revision;
        let read = 0;
        let earlier;
        const from = revision === undefined ? {} : { from: revision + 1 };
        try {
            for await (const event of this.client.readStream(stream, { ...options, ...from })) {
                if (command?.ledTo(event) === true) {
                    earlier = event;
                }
                state = this.aggregate.evolve(state, this.#decode(event));
                revision = event.revision;
                read += 1;
            }
        }
        catch (error) {
            if (!(error instanceof StreamNotFoundError)) {
                throw error;
            }
            return { state: this.aggregate.initial(), revision: undefined, read: 0, earlier: undefined };
        }
        return { state, revision, read, earlier };
    }
    #decode(event) {
        const decoded = this.aggregate.schema.decode(event);
        if (decoded === undefined) {
            throw new SchemaError(`event type ${JSON.stringify(event.type)} at position ${event.position} is not one of the types ` +
                `of aggregate ${JSON.stringify(this.aggregate.category)}`);
        }
        return decoded;
    }
    /** Returns the last event of the command before the snapshot, where no events were read. */
    async #beforeSnapshot(stream, { tag }, loaded, options) {
        if (tag === undefined || loaded.revision === undefined || loaded.revision + 1 === loaded.read) {
            return undefined;
        }
        const [event] = await this.client
            .readStream(stream, { ...options, query: { tags: [tag] }, backwards: true, limit: 1 })
            .toArray();
        return event;
    }
    async #snapshotOf(stream, options) {
        const form = this.aggregate.snapshot;
        if (form === undefined) {
            return undefined;
        }
        try {
            const snapshot = await this.client.loadSnapshot(stream, { ...options, schemaVersion: form.version });
            if (snapshot === undefined) {
                return undefined;
            }
            const value = decodeJson(snapshot.data, `the snapshot of stream ${JSON.stringify(stream)} at revision ${snapshot.revision}`);
            return {
                state: form.fromJson === undefined ? value : form.fromJson(value),
                revision: snapshot.revision,
            };
        }
        catch (error) {
            options.signal?.throwIfAborted();
            this.options.onSnapshotError?.(error);
            return undefined;
        }
    }
    #maybeSnapshot(stream, state, revision, sinceLast) {
        const form = this.aggregate.snapshot;
        if (form === undefined || sinceLast < (form.every ?? 50)) {
            return;
        }
        const save = async () => {
            try {
                const value = form.toJson === undefined ? state : form.toJson(state);
                const data = encodeJson(value, `the snapshot of stream ${JSON.stringify(stream)}`, "state");
                await this.client.saveSnapshot(stream, revision, data, { schemaVersion: form.version });
            }
            catch (error) {
                this.options.onSnapshotError?.(error);
            }
        };
        const saving = save().finally(() => this.#saving.delete(saving));
        this.#saving.add(saving);
    }
}
//# sourceMappingURL=repository.js.map