/** The client, with all operations of a store. */
import {
  type Appended,
  type AppendedState,
  type AppendedToMany,
  type Check,
  type ExpectedRevision,
  fromPbAppended,
  fromPbAppendedToMany,
  toPbAppend,
  toPbAppendToMany,
  toPbExpected,
  type Write,
} from "./append.js";
import { METHODS } from "./call.js";
import { AppendBatcher } from "./append-batcher.js";
import { AppendPipeline, type PipelineLimits } from "./append-pipeline.js";
import { ProtocolError, SnapshotNotFoundError } from "./errors.js";
import type { NewEvent } from "./events.js";
import { GroupClient } from "./group-client.js";
import { toBigInt, toNumber } from "./numbers.js";
import { type CallOptions, type ClientOptions, resolveOptions } from "./options.js";
import { Read, type ReadOptions } from "./read.js";
import { Shared } from "./retry.js";
import { fromPbServerInfo, type ServerInfo } from "./server.js";
import {
  type Deleted,
  fromPbPrefixRetention,
  fromPbRetention,
  fromPbScavenge,
  fromPbSnapshot,
  fromPbStream,
  type PrefixRetention,
  type Retention,
  type RetentionInfo,
  type Scavenge,
  type Snapshot,
  type StreamInfo,
  type Tombstoned,
  toPbRetention,
} from "./streams.js";
import { type SubscribeOptions, Subscription } from "./subscription.js";
import { fromPbTime, type Time, type Timestamp, toPbTime } from "./timestamp.js";

/** Maximum number of streams in a page, from the protocol. */
const PAGE_STREAMS = 1_000;

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
export class Client extends GroupClient implements Disposable {
  readonly #batcher: AppendBatcher;

  /**
   * Creates a client for these endpoints, or with these options.
   *
   * @throws InvalidEndpointError if there is no endpoint, or if one is not just a host with an optional scheme and
   *   port.
   */
  constructor(endpoints: string | readonly string[] | ClientOptions) {
    super(new Shared(resolveOptions(endpoints)));
    this.#batcher = new AppendBatcher(this.shared.settings.timeoutMs, () => this.appendPipeline());
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
  async append(
    stream: string,
    expected: ExpectedRevision,
    events: Iterable<NewEvent>,
    options: CallOptions = {},
  ): Promise<Appended> {
    options.signal?.throwIfAborted();
    const given = [...events];
    return this.#batcher.append(
      given,
      options,
      async () =>
        fromPbAppended(await this.call(METHODS.appendToStream, toPbAppend(stream, expected, given), options)),
      (pipeline) => pipeline.append(stream, expected, given),
    );
  }

  /**
   * Appends events to several streams, all or none, if every check holds.
   *
   * @param writes The events of each stream, with its expected state if it matters.
   * @param checks Further conditions. At most 64, including the `expected` of writes, with at most one expected state
   *   per stream.
   * @param options `stateChanges` and `stateChecks`: state that changes in the same transaction, and its checks.
   * @throws ChecksFailedError, PositionBeyondHeadError, EventIdConflictError, StreamTombstonedError,
   *   InvalidFieldError, InvalidValueError, TooLargeError.
   */
  async appendToMany(
    writes: Iterable<Write>,
    checks: Iterable<Check> = [],
    options: CallOptions & AppendedState = {},
  ): Promise<AppendedToMany> {
    const request = toPbAppendToMany(writes, checks, options);
    return fromPbAppendedToMany(await this.call(METHODS.appendToMany, request, options));
  }

  /** Opens a pipeline for many ordered appends in flight at once. No connection is opened before the first append. */
  appendPipeline(limits: PipelineLimits = {}): AppendPipeline {
    return new AppendPipeline(this.shared, this.shared.settings.timeoutMs, limits);
  }

  /**
   * Makes the independent appends of a source, in order and with many in flight, and yields their results in the same
   * order. It ends at the first append that fails; later appends that were in flight may have been written.
   *
   * @example
   * for await (const appended of client.appendEach(rowsAsAppends())) console.log(appended.lastPosition);
   */
  async *appendEach(
    source: AsyncIterable<StreamAppend> | Iterable<StreamAppend>,
    limits: PipelineLimits = {},
  ): AsyncGenerator<Appended, void, undefined> {
    const pipeline = this.appendPipeline(limits);
    const results: Promise<Appended>[] = [];
    let answered = 0;
    try {
      for await (const { stream, expected, events, recordedAt } of source) {
        await pipeline.ready();
        const result = pipeline.append(stream, expected, events, recordedAt);
        result.then(
          () => (answered += 1),
          () => (answered += 1),
        );
        results.push(result);
        while (answered > 0) {
          answered -= 1;
          const first = results.shift();
          if (first !== undefined) yield await first;
        }
      }
      for (const result of results) {
        yield await result;
      }
    } finally {
      // Also reached if the caller leaves the loop over the results.
      void pipeline.close();
    }
  }

  /**
   * Reads one stream, up to its end when the read begins.
   *
   * @throws StreamNotFoundError, StreamTombstonedError, RevisionBeyondEndError.
   */
  readStream(stream: string, options: ReadOptions = {}): Read {
    return new Read(this.shared, stream, options);
  }

  /**
   * Reads the whole log, up to its head when the read begins.
   *
   * @throws PositionBeyondHeadError.
   */
  readAll(options: ReadOptions = {}): Read {
    return new Read(this.shared, undefined, options);
  }

  /**
   * Subscribes to the log: returns existing events, then new ones, each once and in order.
   *
   * @throws PositionBeyondHeadError if `after` belongs to another store; OverloadedError while the server has too
   *   many subscriptions.
   */
  subscribeAll(options: SubscribeOptions = {}): Subscription {
    return new Subscription(this.shared, undefined, options);
  }

  /**
   * Subscribes to one stream, which need not exist yet.
   *
   * @throws RevisionBeyondEndError, StreamTombstonedError.
   */
  subscribeStream(stream: string, options: SubscribeOptions = {}): Subscription {
    return new Subscription(this.shared, stream, options);
  }

  /**
   * Returns the properties of a stream.
   *
   * @throws StreamNotFoundError, StreamTombstonedError.
   */
  async streamInfo(stream: string, options: CallOptions = {}): Promise<StreamInfo> {
    return fromPbStream((await this.call(METHODS.getStream, { stream }, options)).stream);
  }

  /**
   * Lists the streams whose names start with a prefix, in the byte order of their names. Pages are fetched as needed.
   */
  async *listStreams(prefix = "", options: CallOptions = {}): AsyncGenerator<StreamInfo, void, undefined> {
    let pageToken = "";
    do {
      const page = await this.call(METHODS.listStreams, { prefix, pageSize: PAGE_STREAMS, pageToken }, options);
      for (const stream of page.streams) {
        yield fromPbStream(stream);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Returns the position that the log had reached at a time; 0 if it had no events. */
  async positionAtTime(time: Time, options: CallOptions = {}): Promise<number> {
    return toNumber((await this.call(METHODS.getPositionAtTime, { time: toPbTime(time) }, options)).position);
  }

  /** Returns the server's version and engine, the head of its log, and its limits. */
  async serverInfo(options: CallOptions = {}): Promise<ServerInfo> {
    return fromPbServerInfo(await this.call(METHODS.getServerInfo, {}, options));
  }

  /**
   * Sets the retention of a stream, replacing the previous one. The stream need not exist.
   *
   * @param options `expectedVersion`: the version on which the change is based, as returned by `retention`.
   * @throws VersionConflictError, InvalidFieldError, StreamTombstonedError.
   */
  async setRetention(
    stream: string,
    retention: Retention,
    options: CallOptions & { readonly expectedVersion?: number } = {},
  ): Promise<RetentionInfo> {
    const expected = options.expectedVersion !== undefined && {
      expectedVersion: toBigInt(options.expectedVersion, "expectedVersion"),
    };
    const answer = await this.call(
      METHODS.setRetention,
      { stream, retention: toPbRetention(retention), ...expected },
      options,
    );
    return { retention: fromPbRetention(answer.retention), version: toNumber(answer.version), tombstoned: false };
  }

  /** Returns the retention of a stream, whether or not the stream exists. */
  async retention(stream: string, options: CallOptions = {}): Promise<RetentionInfo> {
    const answer = await this.call(METHODS.getRetention, { stream }, options);
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
  async setPrefixRetention(
    prefix: string,
    retention: Retention,
    options: CallOptions & { readonly expectedVersion?: number } = {},
  ): Promise<PrefixRetention> {
    const expected = options.expectedVersion !== undefined && {
      expectedVersion: toBigInt(options.expectedVersion, "expectedVersion"),
    };
    const request = { prefix, retention: toPbRetention(retention), ...expected };
    return fromPbPrefixRetention((await this.call(METHODS.setPrefixRetention, request, options)).retention);
  }

  /** Returns the retention that is set for exactly this prefix. */
  async prefixRetention(prefix: string, options: CallOptions = {}): Promise<PrefixRetention> {
    return fromPbPrefixRetention((await this.call(METHODS.getPrefixRetention, { prefix }, options)).retention);
  }

  /** Returns all prefixes that have a retention, in byte order: at most 1,000. */
  async prefixRetentions(options: CallOptions = {}): Promise<PrefixRetention[]> {
    const found: PrefixRetention[] = [];
    let pageToken = "";
    do {
      const page = await this.call(METHODS.listPrefixRetentions, { pageSize: 1_000, pageToken }, options);
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
  async deleteStream(
    stream: string,
    expected: Exclude<ExpectedRevision, "no-stream"> = "any",
    options: CallOptions = {},
  ): Promise<Deleted> {
    const answer = await this.call(METHODS.deleteStream, { stream, expected: toPbExpected(expected) }, options);
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
  async tombstoneStream(
    stream: string,
    expected: ExpectedRevision = "any",
    options: CallOptions = {},
  ): Promise<Tombstoned> {
    const answer = await this.call(METHODS.tombstoneStream, { stream, expected: toPbExpected(expected) }, options);
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
  async saveSnapshot(
    stream: string,
    revision: number,
    data: Uint8Array,
    options: CallOptions & { readonly schemaVersion?: number; readonly keep?: number } = {},
  ): Promise<Timestamp> {
    const { schemaVersion = 0, keep } = options;
    const request = {
      stream,
      revision: toBigInt(revision, "revision"),
      schemaVersion,
      data,
      ...(keep !== undefined && { keep }),
    };
    return fromPbTime((await this.call(METHODS.saveSnapshot, request, options)).savedAt, "saved_at");
  }

  /**
   * Loads the latest snapshot of a stream; undefined if there is none.
   *
   * @param options `atOrBefore`: the latest one at this revision or before; `schemaVersion`: only one of this
   *   version.
   * @throws StreamTombstonedError.
   */
  async loadSnapshot(
    stream: string,
    options: CallOptions & { readonly atOrBefore?: number; readonly schemaVersion?: number } = {},
  ): Promise<Snapshot | undefined> {
    const { atOrBefore, schemaVersion } = options;
    const request = {
      stream,
      ...(atOrBefore !== undefined && { atOrBefore: toBigInt(atOrBefore, "atOrBefore") }),
      ...(schemaVersion !== undefined && { schemaVersion }),
    };
    try {
      return fromPbSnapshot((await this.call(METHODS.loadSnapshot, request, options)).snapshot);
    } catch (error) {
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
  async startScavenge(options: CallOptions = {}): Promise<Scavenge> {
    const { scavenge } = await this.call(METHODS.startScavenge, {}, options);
    if (scavenge === undefined) {
      throw new ProtocolError("a scavenge is missing");
    }
    return fromPbScavenge(scavenge);
  }

  /**
   * Stops the running scavenge, if any, until it is started again. Returns the one that was stopped or that ran last;
   * undefined if none was ever started.
   */
  async stopScavenge(options: CallOptions = {}): Promise<Scavenge | undefined> {
    const { scavenge } = await this.call(METHODS.stopScavenge, {}, options);
    return scavenge && fromPbScavenge(scavenge);
  }

  /** Returns the scavenge that is running, was stopped, or ran last; undefined if none was ever started. */
  async scavengeStatus(options: CallOptions = {}): Promise<Scavenge | undefined> {
    const { scavenge } = await this.call(METHODS.getScavenge, {}, options);
    return scavenge && fromPbScavenge(scavenge);
  }

  /** Ends all calls and closes the connections. Calls in flight fail with a ClosedError. */
  close(): void {
    this.shared.connection.close();
  }

  /** Closes the client, like close. */
  [Symbol.dispose](): void {
    this.close();
  }
}
