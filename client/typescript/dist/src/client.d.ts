import { type Appended, type AppendedToMany, type Check, type ExpectedRevision, type Write } from "./append.js";
import { AppendPipeline, type PipelineLimits } from "./append-pipeline.js";
import type { NewEvent } from "./events.js";
import { type CallOptions, type ClientOptions } from "./options.js";
import { Read, type ReadOptions } from "./read.js";
import { type ServerInfo } from "./server.js";
import { type Deleted, type PrefixRetention, type Retention, type RetentionInfo, type Scavenge, type Snapshot, type StreamInfo, type Tombstoned } from "./streams.js";
import { type SubscribeOptions, Subscription } from "./subscription.js";
import { type Time, type Timestamp } from "./timestamp.js";
/** One append of Client.appendEach. */
export interface StreamAppend {
    readonly stream: string;
    /** The state in which the stream must be. */
    readonly expected: ExpectedRevision;
    readonly events: readonly NewEvent[];
    /** The time at which the events were recorded, if they are moved from another store (--accept-recorded-times). */
    readonly recordedAt?: Time;
}
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
export declare class Client implements Disposable {
    #private;
    /**
     * Creates a client for these endpoints, or with these options.
     *
     * @throws InvalidEndpointError if there is no endpoint, or if one is not just a host with an optional scheme and
     *   port.
     */
    constructor(endpoints: string | readonly string[] | ClientOptions);
    /**
     * Appends events to a stream, all or none, if the stream is in the expected state.
     *
     * The append is retried until the deadline. Every attempt sends the same ids, so nothing is written twice. The
     * caller can do the same: after a DeadlineExceededError or an UnreachableError, append the same events again.
     * Concurrent appends may share a call; the order in which they are evaluated is not defined.
     *
     * @throws RevisionConflictError, EventIdConflictError, StreamTombstonedError, InvalidFieldError, TooLargeError.
     */
    append(stream: string, expected: ExpectedRevision, events: Iterable<NewEvent>, options?: CallOptions): Promise<Appended>;
    /**
     * Appends events to several streams, all or none, if every check holds.
     *
     * @param writes The events of each stream, with its expected state if it matters.
     * @param checks Further conditions. At most 64, including the `expected` of writes, with at most one expected state
     *   per stream.
     * @throws ChecksFailedError, PositionBeyondHeadError, EventIdConflictError, StreamTombstonedError,
     *   InvalidFieldError, TooLargeError.
     */
    appendToMany(writes: Iterable<Write>, checks?: Iterable<Check>, options?: CallOptions): Promise<AppendedToMany>;
    /** Opens a pipeline for many ordered appends in flight at once. No connection is opened before the first append. */
    appendPipeline(limits?: PipelineLimits): AppendPipeline;
    /**
     * Makes the independent appends of a source, in order and with many in flight, and yields their results in the same
     * order. It ends at the first append that fails; later appends that were in flight may have been written.
     *
     * @example
     * for await (const appended of client.appendEach(rowsAsAppends())) console.log(appended.lastPosition);
     */
    appendEach(source: AsyncIterable<StreamAppend> | Iterable<StreamAppend>, limits?: PipelineLimits): AsyncGenerator<Appended, void, undefined>;
    /**
     * Reads one stream, up to its end when the read begins.
     *
     * @throws StreamNotFoundError, StreamTombstonedError, RevisionBeyondEndError.
     */
    readStream(stream: string, options?: ReadOptions): Read;
    /**
     * Reads the whole log, up to its head when the read begins.
     *
     * @throws PositionBeyondHeadError.
     */
    readAll(options?: ReadOptions): Read;
    /**
     * Subscribes to the log: returns existing events, then new ones, each once and in order.
     *
     * @throws PositionBeyondHeadError if `after` belongs to another store; OverloadedError while the server has too
     *   many subscriptions.
     */
    subscribeAll(options?: SubscribeOptions): Subscription;
    /**
     * Subscribes to one stream, which need not exist yet.
     *
     * @throws RevisionBeyondEndError, StreamTombstonedError.
     */
    subscribeStream(stream: string, options?: SubscribeOptions): Subscription;
    /**
     * Returns the properties of a stream.
     *
     * @throws StreamNotFoundError, StreamTombstonedError.
     */
    streamInfo(stream: string, options?: CallOptions): Promise<StreamInfo>;
    /**
     * Lists the streams whose names start with a prefix, in the byte order of their names. Pages are fetched as needed.
     */
    listStreams(prefix?: string, options?: CallOptions): AsyncGenerator<StreamInfo, void, undefined>;
    /** Returns the position that the log had reached at a time; 0 if it had no events. */
    positionAtTime(time: Time, options?: CallOptions): Promise<number>;
    /** Returns the server's version and engine, the head of its log, and its limits. */
    serverInfo(options?: CallOptions): Promise<ServerInfo>;
    /**
     * Sets the retention of a stream, replacing the previous one. The stream need not exist.
     *
     * @param options `expectedVersion`: the version on which the change is based, as returned by `retention`.
     * @throws VersionConflictError, InvalidFieldError, StreamTombstonedError.
     */
    setRetention(stream: string, retention: Retention, options?: CallOptions & {
        readonly expectedVersion?: number;
    }): Promise<RetentionInfo>;
    /** Returns the retention of a stream, whether or not the stream exists. */
    retention(stream: string, options?: CallOptions): Promise<RetentionInfo>;
    /**
     * Sets the retention of all streams whose names begin with a prefix and that have no count and no age of their own,
     * replacing the previous one. It is one entry for any number of streams. `{}` removes it.
     *
     * @param options `expectedVersion`: the version on which the change is based, as returned by `prefixRetention`.
     * @throws VersionConflictError; InvalidFieldError, also if the maximum number of prefixes already have a retention.
     */
    setPrefixRetention(prefix: string, retention: Retention, options?: CallOptions & {
        readonly expectedVersion?: number;
    }): Promise<PrefixRetention>;
    /** Returns the retention that is set for exactly this prefix. */
    prefixRetention(prefix: string, options?: CallOptions): Promise<PrefixRetention>;
    /** Returns all prefixes that have a retention, in byte order: at most 1,000. */
    prefixRetentions(options?: CallOptions): Promise<PrefixRetention[]>;
    /**
     * Deletes a stream: its events are removed, and the stream no longer exists. A later append begins it again, with
     * the revision after its last.
     *
     * @throws StreamNotFoundError, RevisionConflictError, StreamTombstonedError.
     */
    deleteStream(stream: string, expected?: Exclude<ExpectedRevision, "no-stream">, options?: CallOptions): Promise<Deleted>;
    /**
     * Deletes a stream permanently: its events and snapshots are removed, and appends to its name are refused.
     *
     * @throws RevisionConflictError.
     */
    tombstoneStream(stream: string, expected?: ExpectedRevision, options?: CallOptions): Promise<Tombstoned>;
    /**
     * Saves a snapshot of a stream: state built from its events up to a revision. Returns the time at which it was
     * saved.
     *
     * @param options `schemaVersion`: the version of its format, 0 unless given; `keep`: the number of snapshots of the
     *   stream to keep, 1 to 100, 3 unless given.
     * @throws StreamNotFoundError, RevisionBeyondEndError, StreamTombstonedError, TooLargeError.
     */
    saveSnapshot(stream: string, revision: number, data: Uint8Array, options?: CallOptions & {
        readonly schemaVersion?: number;
        readonly keep?: number;
    }): Promise<Timestamp>;
    /**
     * Loads the latest snapshot of a stream; undefined if there is none.
     *
     * @param options `atOrBefore`: the latest one at this revision or before; `schemaVersion`: only one of this
     *   version.
     * @throws StreamTombstonedError.
     */
    loadSnapshot(stream: string, options?: CallOptions & {
        readonly atOrBefore?: number;
        readonly schemaVersion?: number;
    }): Promise<Snapshot | undefined>;
    /**
     * Starts a scavenge, which reclaims the space of removed events, or continues a stopped one. The server runs it in
     * the background.
     */
    startScavenge(options?: CallOptions): Promise<Scavenge>;
    /**
     * Stops the running scavenge, if any, until it is started again. Returns the one that was stopped or that ran last;
     * undefined if none was ever started.
     */
    stopScavenge(options?: CallOptions): Promise<Scavenge | undefined>;
    /** Returns the scavenge that is running, was stopped, or ran last; undefined if none was ever started. */
    scavengeStatus(options?: CallOptions): Promise<Scavenge | undefined>;
    /** Ends all calls and closes the connections. Calls in flight fail with a ClosedError. */
    close(): void;
    /** Closes the client, like close. */
    [Symbol.dispose](): void;
}
//# sourceMappingURL=client.d.ts.map