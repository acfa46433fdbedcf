/** The client, with all operations of a store. */
import {} from "@bufbuild/protobuf";
import { fromPbAppended, fromPbAppendedToMany, toPbAppend, toPbAppendToMany, toPbExpected, } from "./append.js";
import { METHODS, requestOf, unary } from "./call.js";
import { AppendBatcher } from "./append-batcher.js";
import { AppendPipeline } from "./append-pipeline.js";
import { ProtocolError, SnapshotNotFoundError } from "./errors.js";
import { toBigInt, toNumber } from "./numbers.js";
import { resolveOptions } from "./options.js";
import { Read } from "./read.js";
import { Shared } from "./retry.js";
import { fromPbServerInfo } from "./server.js";
import { fromPbPrefixRetention, fromPbRetention, fromPbScavenge, fromPbSnapshot, fromPbStream, toPbRetention, } from "./streams.js";
import { Subscription } from "./subscription.js";
import { fromPbTime, toPbTime } from "./timestamp.js";
/** Maximum number of streams in a page, from the protocol. */
const PAGE_STREAMS = 1_000;
/**
 * A client of an Annals store. Create one per program, and close it at the end.
 *
 * No connection is opened before the first call; a broken connection is reopened at the next call. Calls that fail
 * for a transient reason are retried until their deadline, including appends: an event gets its id when it is
 * created, and the store writes an id once.
 *
 * If retrying does not help, every method fails with an UnreachableError, UnavailableError, OverloadedError or
 * DeadlineExceededError. It also fails with an UnimplementedError if the server is too old for the call, with an
 * InvalidEndpointError if the endpoint is the port for health and metrics, and with the signal's reason if that is
 * aborted.
 *
 * @example
 * const client = new Client("http://127.0.0.1:2113");
 * await client.append("order-1", "no-stream", [newEvent("OrderPlaced", { total: 42 })]);
 */
export class Client {
    #shared;
    #batcher;
    /**
     * Creates a client for these endpoints, or with these options.
     *
     * @throws InvalidEndpointError if there is no endpoint, or if one is not just a host with an optional scheme and
     *   port.
     */
    constructor(endpoints) {
        this.#shared = new Shared(resolveOptions(endpoints));
        this.#batcher = new AppendBatcher(this.#shared.settings.timeoutMs, () => this.appendPipeline());
    }
    /**
     * Appends events to a stream, all or none, if the stream is in the expected state.
     *
     * The append is retried until the deadline. Every attempt sends the same ids, so nothing is written twice. The
     * caller can do the same: after a DeadlineExceededError or an UnreachableError, append the same events again.
     * Concurrent appends may share a call; the order in which they are evaluated is not defined.
     *
     * @throws RevisionConflictError, EventIdConflictError, StreamTombstonedError, InvalidFieldError, TooLargeError.
     */
    async append(stream, expected, events, options = {}) {
        options.signal?.throwIfAborted();
        const given = [...events];
        return this.#batcher.append(given, options, async () => fromPbAppended(await this.#call(METHODS.appendToStream, toPbAppend(stream, expected, given), options)), (pipeline) => pipeline.append(stream, expected, given));
    }
    /**
     * Appends events to several streams, all or none, if every check holds.
     *
     * @param writes The events of each stream, with its expected state if it matters.
     * @param checks Further conditions. At most 64, including the `expected` of writes, with at most one expected state
     *   per stream.
     * @throws ChecksFailedError, PositionBeyondHeadError, EventIdConflictError, StreamTombstonedError,
     *   InvalidFieldError, TooLargeError.
     */
    async appendToMany(writes, checks = [], options = {}) {
        return fromPbAppendedToMany(await this.#call(METHODS.appendToMany, toPbAppendToMany(writes, checks), options));
    }
    /** Opens a pipeline for many ordered appends in flight at once. No connection is opened before the first append. */
    appendPipeline(limits = {}) {
        return new AppendPipeline(this.#shared, this.#shared.settings.timeoutMs, limits);
    }
    /**
     * Makes the independent appends of a source, in order and with many in flight, and yields their results in the same
     * order. It ends at the first append that fails; later appends that were in flight may have been written.
     *
     * @example
     * for await (const appended of client.appendEach(rowsAsAppends())) console.log(appended.lastPosition);
     */
    async *appendEach(source, limits = {}) {
        const pipeline = this.appendPipeline(limits);
        const results = [];
        let answered = 0;
        try {
            for await (const { stream, expected, events, recordedAt } of source) {
                await pipeline.ready();
                const result = pipeline.append(stream, expected, events, recordedAt);
                result.then(() => (answered += 1), () => (answered += 1));
                results.push(result);
                while (answered > 0) {
                    answered -= 1;
                    const first = results.shift();
                    if (first !== undefined)
                        yield await first;
                }
            }
            for (const result of results) {
                yield await result;
            }
        }
        finally {
            // Also reached if the caller leaves the loop over the results.
            void pipeline.close();
        }
    }
    /**
     * Reads one stream, up to its end when the read begins.
     *
     * @throws StreamNotFoundError, StreamTombstonedError, RevisionBeyondEndError.
     */
    readStream(stream, options = {}) {
        return new Read(this.#shared, stream, options);
    }
    /**
     * Reads the whole log, up to its head when the read begins.
     *
     * @throws PositionBeyondHeadError.
     */
    readAll(options = {}) {
        return new Read(this.#shared, undefined, options);
    }
    /**
     * Subscribes to the log: returns existing events, then new ones, each once and in order.
     *
     * @throws PositionBeyondHeadError if `after` belongs to another store; OverloadedError while the server has too
     *   many subscriptions.
     */
    subscribeAll(options = {}) {
        return new Subscription(this.#shared, undefined, options);
    }
    /**
     * Subscribes to one stream, which need not exist yet.
     *
     * @throws RevisionBeyondEndError, StreamTombstonedError.
     */
    subscribeStream(stream, options = {}) {
        return new Subscription(this.#shared, stream, options);
    }
    /**
     * Returns the properties of a stream.
     *
     * @throws StreamNotFoundError, StreamTombstonedError.
     */
    async streamInfo(stream, options = {}) {
        return fromPbStream((await this.#call(METHODS.getStream, { stream }, options)).stream);
    }
    /**
     * Lists the streams whose names start with a prefix, in the byte order of their names. Pages are fetched as needed.
     */
    async *listStreams(prefix = "", options = {}) {
        let pageToken = "";
        do {
            const page = await this.#call(METHODS.listStreams, { prefix, pageSize: PAGE_STREAMS, pageToken }, options);
            for (const stream of page.streams) {
                yield fromPbStream(stream);
            }
            pageToken = page.nextPageToken;
        } while (pageToken !== "");
    }
    /** Returns the position that the log had reached at a time; 0 if it had no events. */
    async positionAtTime(time, options = {}) {
        return toNumber((await this.#call(METHODS.getPositionAtTime, { time: toPbTime(time) }, options)).position);
    }
    /** Returns the server's version and engine, the head of its log, and its limits. */
    async serverInfo(options = {}) {
        return fromPbServerInfo(await this.#call(METHODS.getServerInfo, {}, options));
    }
    /**
     * Sets the retention of a stream, replacing the previous one. The stream need not exist.
     *
     * @param options `expectedVersion`: the version on which the change is based, as returned by `retention`.
     * @throws VersionConflictError, InvalidFieldError, StreamTombstonedError.
     */
    async setRetention(stream, retention, options = {}) {
        const expected = options.expectedVersion !== undefined && {
            expectedVersion: toBigInt(options.expectedVersion, "expectedVersion"),
        };
        const answer = await this.#call(METHODS.setRetention, { stream, retention: toPbRetention(retention), ...expected }, options);
        return { retention: fromPbRetention(answer.retention), version: toNumber(answer.version), tombstoned: false };
    }
    /** Returns the retention of a stream, whether or not the stream exists. */
    async retention(stream, options = {}) {
        const answer = await this.#call(METHODS.getRetention, { stream }, options);
        return {
            retention: fromPbRetention(answer.retention),
            version: toNumber(answer.version),
            tombstoned: answer.tombstoned,
        };
    }
    /**
     * Sets the retention of all streams whose names begin with a prefix and that have no count and no age of their own,
     * replacing the previous one. It is one entry for any number of streams. `{}` removes it.
     *
     * @param options `expectedVersion`: the version on which the change is based, as returned by `prefixRetention`.
     * @throws VersionConflictError; InvalidFieldError, also if the maximum number of prefixes already have a retention.
     */
    async setPrefixRetention(prefix, retention, options = {}) {
        const expected = options.expectedVersion !== undefined && {
            expectedVersion: toBigInt(options.expectedVersion, "expectedVersion"),
        };
        const request = { prefix, retention: toPbRetention(retention), ...expected };
        return fromPbPrefixRetention((await this.#call(METHODS.setPrefixRetention, request, options)).retention);
    }
    /** Returns the retention that is set for exactly this prefix. */
    async prefixRetention(prefix, options = {}) {
        return fromPbPrefixRetention((await this.#call(METHODS.getPrefixRetention, { prefix }, options)).retention);
    }
    /** Returns all prefixes that have a retention, in byte order: at most 1,000. */
    async prefixRetentions(options = {}) {
        const found = [];
        let pageToken = "";
        do {
            const page = await this.#call(METHODS.listPrefixRetentions, { pageSize: 1_000, pageToken }, options);
            found.push(...page.retentions.map(fromPbPrefixRetention));
            pageToken = page.nextPageToken;
        } while (pageToken !== "");
        return found;
    }
    /**
     * Deletes a stream: its events are removed, and the stream no longer exists. A later append begins it again, with
     * the revision after its last.
     *
     * @throws StreamNotFoundError, RevisionConflictError, StreamTombstonedError.
     */
    async deleteStream(stream, expected = "any", options = {}) {
        const answer = await this.#call(METHODS.deleteStream, { stream, expected: toPbExpected(expected) }, options);
        return {
            lastRevision: toNumber(answer.lastRevision),
            position: toNumber(answer.position),
            alreadyDeleted: answer.alreadyDeleted,
        };
    }
    /**
     * Deletes a stream permanently: its events and snapshots are removed, and appends to its name are refused.
     *
     * @throws RevisionConflictError.
     */
    async tombstoneStream(stream, expected = "any", options = {}) {
        const answer = await this.#call(METHODS.tombstoneStream, { stream, expected: toPbExpected(expected) }, options);
        return { position: toNumber(answer.position), alreadyTombstoned: answer.alreadyTombstoned };
    }
    /**
     * Saves a snapshot of a stream: state built from its events up to a revision. Returns the time at which it was
     * saved.
     *
     * @param options `schemaVersion`: the version of its format, 0 unless given; `keep`: the number of snapshots of the
     *   stream to keep, 1 to 100, 3 unless given.
     * @throws StreamNotFoundError, RevisionBeyondEndError, StreamTombstonedError, TooLargeError.
     */
    async saveSnapshot(stream, revision, data, options = {}) {
        const { schemaVersion = 0, keep } = options;
        const request = {
            stream,
            revision: toBigInt(revision, "revision"),
            schemaVersion,
            data,
            ...(keep !== undefined && { keep }),
        };
        return fromPbTime((await this.#call(METHODS.saveSnapshot, request, options)).savedAt, "saved_at");
    }
    /**
     * Loads the latest snapshot of a stream; undefined if there is none.
     *
     * @param options `atOrBefore`: the latest one at this revision or before; `schemaVersion`: only one of this
     *   version.
     * @throws StreamTombstonedError.
     */
    async loadSnapshot(stream, options = {}) {
        const { atOrBefore, schemaVersion } = options;
        const request = {
            stream,
            ...(atOrBefore !== undefined && { atOrBefore: toBigInt(atOrBefore, "atOrBefore") }),
            ...(schemaVersion !== undefined && { schemaVersion }),
        };
        try {
            return fromPbSnapshot((await this.#call(METHODS.loadSnapshot, request, options)).snapshot);
        }
        catch (error) {
            if (error instanceof SnapshotNotFoundError) {
                return undefined;
            }
            throw error;
        }
    }
    /**
     * Starts a scavenge, which reclaims the space of removed events, or continues a stopped one. The server runs it in
     * the background.
     */
    async startScavenge(options = {}) {
        const { scavenge } = await this.#call(METHODS.startScavenge, {}, options);
        if (scavenge === undefined) {
            throw new ProtocolError("a scavenge is missing");
        }
        return fromPbScavenge(scavenge);
    }
    /**
     * Stops the running scavenge, if any, until it is started again. Returns the one that was stopped or that ran last;
     * undefined if none was ever started.
     */
    async stopScavenge(options = {}) {
        const { scavenge } = await this.#call(METHODS.stopScavenge, {}, options);
        return scavenge && fromPbScavenge(scavenge);
    }
    /** Returns the scavenge that is running, was stopped, or ran last; undefined if none was ever started. */
    async scavengeStatus(options = {}) {
        const { scavenge } = await this.#call(METHODS.getScavenge, {}, options);
        return scavenge && fromPbScavenge(scavenge);
    }
    /** Ends all calls and closes the connections. Calls in flight fail with a ClosedError. */
    close() {
        this.#shared.connection.close();
    }
    /** Closes the client, like close. */
    [Symbol.dispose]() {
        this.close();
    }
    async #call(method, request, options) {
        const message = requestOf(method, request);
        return this.#shared.call(options, (picked, deadline) => unary(picked, method, message, deadline));
    }
}
//# sourceMappingURL=client.js.map