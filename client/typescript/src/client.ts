/** The client: everything a store can be asked, in one handle. */
import { type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";

import {
  type Appended,
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
import { type Method, METHODS, requestOf, unary } from "./call.js";
import { AppendBatcher } from "./append-batcher.js";
import { SnapshotNotFoundError } from "./errors.js";
import type { NewEvent } from "./events.js";
import { toBigInt, toNumber } from "./numbers.js";
import { type CallOptions, type ClientOptions, resolveOptions } from "./options.js";
import { Read, type ReadOptions } from "./read.js";
import { Shared } from "./retry.js";
import { fromPbServerInfo, type ServerInfo } from "./server.js";
import { AppendSession, type SessionLimits } from "./session.js";
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

/** The most streams a page may hold, from the protocol. */
const PAGE_STREAMS = 1_000;

/** One append of Client.appendEach. */
export interface StreamAppend {
  /** The stream. */
  readonly stream: string;
  /** What it must be like. */
  readonly expected: ExpectedRevision;
  /** The events. */
  readonly events: readonly NewEvent[];
  /** When they were recorded, if they are moved from another store (--accept-recorded-times). */
  readonly recordedAt?: Time;
}

/**
 * A handle on an Annals store. Make one for a program, and close it at the end.
 *
 * Nothing is connected before the first call, and again whenever a connection broke. Calls that failed for a passing
 * reason are tried again until their deadline, appends included: an event has its id from the moment it is made, and the
 * store writes an id once. Every method fails also with an UnreachableError, UnavailableError, OverloadedError or
 * DeadlineExceededError if that did not help, with an UnimplementedError if the server is too old for the call, with an
 * InvalidEndpointError if the endpoint is the port for health and metrics, and with the signal's reason if it was aborted.
 *
 * @example
 * const client = new Client("http://127.0.0.1:2113");
 * await client.append("order-1", "no-stream", [newEvent("OrderPlaced", { total: 42 })]);
 */
export class Client implements Disposable {
  readonly #shared: Shared;
  readonly #batcher: AppendBatcher;

  /**
   * A client of these endpoints, or with these options.
   *
   * @throws InvalidEndpointError if there is no endpoint, or one has more or less than a host, with or without scheme and port.
   */
  constructor(endpoints: string | readonly string[] | ClientOptions) {
    this.#shared = new Shared(resolveOptions(endpoints));
    this.#batcher = new AppendBatcher(this.#shared.settings.timeoutMs, () => this.appendSession());
  }

  /**
   * Appends events to a stream, all or none, if the stream is as expected.
   *
   * Retried while the deadline allows; every try sends the same ids, so that nothing is written twice. The same holds for
   * the caller: after a DeadlineExceededError or an UnreachableError, append the same events again. Appends that are made
   * while others are in flight share a call with them; in which order they are judged is not said then either.
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
        fromPbAppended(await this.#call(METHODS.appendToStream, toPbAppend(stream, expected, given), options)),
      (session) => session.append(stream, expected, given),
    );
  }

  /**
   * Appends events to any number of streams, all or none, if every check holds.
   *
   * @param checks At most 64, of which no two are about the same stream's revision.
   * @throws ChecksFailedError, PositionBeyondHeadError, EventIdConflictError, StreamTombstonedError, InvalidFieldError,
   *   TooLargeError.
   */
  async appendToMany(
    writes: Iterable<Write>,
    checks: Iterable<Check> = [],
    options: CallOptions = {},
  ): Promise<AppendedToMany> {
    return fromPbAppendedToMany(await this.#call(METHODS.append, toPbAppendToMany(writes, checks), options));
  }

  /** Opens a session for many appends in flight at once, in order. Nothing is connected before the first of them. */
  appendSession(limits: SessionLimits = {}): AppendSession {
    return new AppendSession(this.#shared, this.#shared.settings.timeoutMs, limits);
  }

  /**
   * Appends all that a source gives, in order, with many in flight, and yields their results in the same order. The first
   * that fails ends it; appends that were in flight behind it may have been written.
   *
   * @example
   * for await (const appended of client.appendEach(rowsAsAppends())) console.log(appended.lastPosition);
   */
  async *appendEach(
    source: AsyncIterable<StreamAppend> | Iterable<StreamAppend>,
    limits: SessionLimits = {},
  ): AsyncGenerator<Appended, void, undefined> {
    const session = this.appendSession(limits);
    const results: Promise<Appended>[] = [];
    let answered = 0;
    try {
      for await (const { stream, expected, events, recordedAt } of source) {
        await session.ready();
        const result = session.append(stream, expected, events, recordedAt);
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
      // Also where the loop over the results was left.
      void session.close();
    }
  }

  /**
   * Reads one stream up to its end as it is when the read begins.
   *
   * @throws StreamNotFoundError, StreamTombstonedError, RevisionBeyondEndError.
   */
  readStream(stream: string, options: ReadOptions = {}): Read {
    return new Read(this.#shared, stream, options);
  }

  /**
   * Reads the whole log up to its head as it is when the read begins.
   *
   * @throws PositionBeyondHeadError.
   */
  readAll(options: ReadOptions = {}): Read {
    return new Read(this.#shared, undefined, options);
  }

  /**
   * Follows the log: what there is, then what comes, each event once and in order.
   *
   * @throws PositionBeyondHeadError if `after` is of another store, OverloadedError while the server has too many.
   */
  subscribeAll(options: SubscribeOptions = {}): Subscription {
    return new Subscription(this.#shared, undefined, options);
  }

  /**
   * The same for one stream, which need not exist yet.
   *
   * @throws RevisionBeyondEndError, StreamTombstonedError.
   */
  subscribeStream(stream: string, options: SubscribeOptions = {}): Subscription {
    return new Subscription(this.#shared, stream, options);
  }

  /**
   * Tells what the store knows of a stream.
   *
   * @throws StreamNotFoundError, StreamTombstonedError.
   */
  async streamInfo(stream: string, options: CallOptions = {}): Promise<StreamInfo> {
    return fromPbStream((await this.#call(METHODS.getStream, { stream }, options)).stream);
  }

  /** Lists the streams whose names start with the prefix, in the order of their bytes; fetched as they are taken. */
  async *listStreams(prefix = "", options: CallOptions = {}): AsyncGenerator<StreamInfo, void, undefined> {
    let pageToken = "";
    do {
      const page = await this.#call(METHODS.listStreams, { prefix, pageSize: PAGE_STREAMS, pageToken }, options);
      for (const stream of page.streams) {
        yield fromPbStream(stream);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Tells the position that the log had reached at a time; 0 if it had none. */
  async positionAtTime(time: Time, options: CallOptions = {}): Promise<number> {
    return toNumber((await this.#call(METHODS.getPositionAtTime, { time: toPbTime(time) }, options)).position);
  }

  /** Tells what runs at the endpoint, up to where its log goes, and the limits in force. */
  async serverInfo(options: CallOptions = {}): Promise<ServerInfo> {
    return fromPbServerInfo(await this.#call(METHODS.getServerInfo, {}, options));
  }

  /**
   * Sets how much of a stream is kept, in place of what was set before. The stream need not exist.
   *
   * @param options `expectedVersion`: the version that the change rests on, as `retention` told it.
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
    const answer = await this.#call(
      METHODS.setRetention,
      { stream, retention: toPbRetention(retention), ...expected },
      options,
    );
    return { retention: fromPbRetention(answer.retention), version: toNumber(answer.version), tombstoned: false };
  }

  /** Tells how much of a stream is kept. Answers for every name. */
  async retention(stream: string, options: CallOptions = {}): Promise<RetentionInfo> {
    const answer = await this.#call(METHODS.getRetention, { stream }, options);
    return {
      retention: fromPbRetention(answer.retention),
      version: toNumber(answer.version),
      tombstoned: answer.tombstoned,
    };
  }

  /**
   * Sets how much is kept of all streams whose names begin with a prefix and that have no count and no age of their own, in
   * place of what was set before: one entry for any number of streams. `{}` takes it back.
   *
   * @param options `expectedVersion`: the version that the change rests on, as `prefixRetention` returned it.
   * @throws VersionConflictError, InvalidFieldError, also if a retention is set for as many prefixes as can be.
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
    return fromPbPrefixRetention((await this.#call(METHODS.setPrefixRetention, request, options)).retention);
  }

  /** Returns how much is kept of the streams whose names begin with a prefix, as it is set for just this prefix. */
  async prefixRetention(prefix: string, options: CallOptions = {}): Promise<PrefixRetention> {
    return fromPbPrefixRetention((await this.#call(METHODS.getPrefixRetention, { prefix }, options)).retention);
  }

  /** Returns all prefixes for which a retention is set, in the order of their bytes: at most a thousand. */
  async prefixRetentions(options: CallOptions = {}): Promise<PrefixRetention[]> {
    const found: PrefixRetention[] = [];
    let pageToken = "";
    do {
      const page = await this.#call(METHODS.listPrefixRetentions, { pageSize: 1_000, pageToken }, options);
      found.push(...page.retentions.map(fromPbPrefixRetention));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  /**
   * Deletes a stream: its events are gone, and it is as if it had none. A later append begins it again, with the revision
   * after its last.
   *
   * @throws StreamNotFoundError, RevisionConflictError, StreamTombstonedError.
   */
  async deleteStream(
    stream: string,
    expected: Exclude<ExpectedRevision, "no-stream"> = "any",
    options: CallOptions = {},
  ): Promise<Deleted> {
    const answer = await this.#call(METHODS.deleteStream, { stream, expected: toPbExpected(expected) }, options);
    return {
      lastRevision: toNumber(answer.lastRevision),
      position: toNumber(answer.position),
      alreadyDeleted: answer.alreadyDeleted,
    };
  }

  /**
   * Deletes a stream for ever: its events and snapshots are gone, and its name takes no more appends.
   *
   * @throws RevisionConflictError.
   */
  async tombstoneStream(
    stream: string,
    expected: ExpectedRevision = "any",
    options: CallOptions = {},
  ): Promise<Tombstoned> {
    const answer = await this.#call(METHODS.tombstoneStream, { stream, expected: toPbExpected(expected) }, options);
    return { position: toNumber(answer.position), alreadyTombstoned: answer.alreadyTombstoned };
  }

  /**
   * Keeps a snapshot of a stream: what was made of its events up to a revision. Returns when it was saved.
   *
   * @param options `schemaVersion`: which form it has, 0 unless given; `keep`: how many snapshots of the stream to keep, 1
   *   to 100, 3 unless given.
   * @throws StreamNotFoundError, RevisionBeyondEndError, StreamTombstonedError, TooLargeError.
   */
  async saveSnapshot(
    stream: string,
    revision: number,
    data: Uint8Array,
    options: CallOptions & { readonly schemaVersion?: number; readonly keep?: number } = {},
  ): Promise<Timestamp> {
    const { schemaVersion = 0, keep = 0 } = options;
    const request = { stream, revision: toBigInt(revision, "revision"), schemaVersion, data, keep };
    return fromPbTime((await this.#call(METHODS.saveSnapshot, request, options)).savedAt, "saved_at");
  }

  /**
   * Gives the latest snapshot of a stream; undefined if there is none.
   *
   * @param options `atOrBefore`: the latest at this revision or before; `schemaVersion`: only of this form.
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
      return fromPbSnapshot((await this.#call(METHODS.loadSnapshot, request, options)).snapshot);
    } catch (error) {
      if (error instanceof SnapshotNotFoundError) {
        return undefined;
      }
      throw error;
    }
  }

  /** Begins to reclaim the space of what is gone, or goes on; the server does it in the background. */
  async startScavenge(options: CallOptions = {}): Promise<Scavenge> {
    return fromPbScavenge((await this.#call(METHODS.startScavenge, {}, options)).scavenge);
  }

  /** Stops the scavenge that runs, if one does, until it is started again. */
  async stopScavenge(options: CallOptions = {}): Promise<Scavenge> {
    return fromPbScavenge((await this.#call(METHODS.stopScavenge, {}, options)).scavenge);
  }

  /** Tells how far the scavenge is that runs, was stopped or ran last. */
  async scavengeStatus(options: CallOptions = {}): Promise<Scavenge> {
    return fromPbScavenge((await this.#call(METHODS.getScavenge, {}, options)).scavenge);
  }

  /** Ends all calls and closes the connections. What is in flight fails with a ClosedError. */
  close(): void {
    this.#shared.connection.close();
  }

  /** As close. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const message = requestOf(method, request);
    return this.#shared.call(options, (picked, deadline) => unary(picked, method, message, deadline));
  }
}
