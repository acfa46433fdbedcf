/**
 * Repositories: load aggregates of one kind, and append the decisions made on them.
 *
 * 1. An aggregate is loaded from its latest snapshot of the current version, and the events after it.
 * 2. The events of a decision are appended only if the stream has not changed since it was read; otherwise the
 *    decision is made again.
 * 3. A command with an id takes effect once, however often and wherever it is executed: the ids of its events are
 *    derived from it, and the events have the tag `command:<id>`.
 * 4. Snapshots are saved in the background; a failure is reported to `onSnapshotError`, and only costs time.
 */
import type { Client } from "../client.js";
import { StreamNotFoundError } from "../errors.js";
import type { RecordedEvent } from "../events.js";
import { decodeJson, encodeJson } from "../json.js";
import type { CallOptions } from "../options.js";
import type { ReadOptions } from "../read.js";
import { type Aggregate, type Decide, listOf } from "./aggregate.js";
import { Command } from "./command.js";
import { type ConflictPolicy, retryConflicts } from "../conflict.js";
import { SchemaError, type DomainEvent, type Types } from "./schema.js";

/** Options of a repository. */
export interface RepositoryOptions {
  /** How often a command is decided again after a conflict, and after which pauses. */
  readonly conflicts?: ConflictPolicy;
  /** Called if a snapshot could not be saved or read. */
  readonly onSnapshotError?: (error: unknown) => void;
}

/** A loaded aggregate. */
export interface Loaded<S> {
  /** The state; the initial one if the aggregate has no events. */
  readonly state: S;
  /** The stream's last revision; undefined if it has no events. */
  readonly revision: number | undefined;
}

/** Options for loading an aggregate. */
export type LoadOptions = CallOptions & Pick<ReadOptions, "until" | "untilTime">;

/** The result of a command. */
export interface Executed<S, T extends Types> extends Loaded<S> {
  /** The appended events; none if none were decided, or if the command had already been executed. */
  readonly events: readonly DomainEvent<T>[];
  /** Position of the command's last event, to wait for with projections; undefined if it has no events. */
  readonly position: number | undefined;
  /** Whether the command, identified by its id, had already been executed. */
  readonly alreadyExecuted: boolean;
}

/** Options for executing a command. */
export interface ExecuteOptions extends CallOptions {
  /** The command's id, a UUID; a command with an id is executed at most once. Not needed in a process manager. */
  readonly commandId?: string;
  /** Additional metadata of its events. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A loaded aggregate, with data for the append. */
interface LoadedForUpdate<S> extends Loaded<S> {
  /** Number of events read: those after the snapshot. */
  readonly read: number;
  /** The last of them that was appended by the command being executed. */
  readonly earlier: RecordedEvent | undefined;
}

/**
 * Loads aggregates of one kind, and executes commands on them.
 *
 * @example
 * const orders = new Repository(client, order);
 * const { position } = await orders.execute("42", (state) => ship(state));
 */
export class Repository<S, T extends Types> {
  readonly #saving = new Set<Promise<void>>();

  constructor(
    private readonly client: Client,
    private readonly aggregate: Aggregate<S, T>,
    private readonly options: RepositoryOptions = {},
  ) {}

  /**
   * Loads the current or a past state of the aggregate with this id; the initial state if it has no events, or had
   * none at that time.
   *
   * @param options `until`: the state when this was the last revision, which must exist; `untilTime`: the state at
   *   this time. A past state is built from events alone, without a snapshot.
   * @throws SchemaError if one of its events can't be read by this program; RevisionBeyondEndError.
   */
  async load(id: string, options: LoadOptions = {}): Promise<Loaded<S>> {
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
  execute(id: string, decide: Decide<S, T>, options: ExecuteOptions = {}): Promise<Executed<S, T>> {
    const command = new Command(options.commandId, this.aggregate.stream(id));
    return command.run(() =>
      retryConflicts(this.options.conflicts ?? {}, options.signal, () => this.#execute(id, decide, command, options)),
    );
  }

  /** Waits for the snapshots that are being saved. Call it before the program ends, or in tests. */
  async settled(): Promise<void> {
    await Promise.all(this.#saving);
  }

  async #execute(
    id: string,
    decide: Decide<S, T>,
    command: Command,
    options: ExecuteOptions,
  ): Promise<Executed<S, T>> {
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
    const encoded = events.map((event, n) =>
      this.aggregate.schema.encode(event, {
        ...command.encoding(n),
        ...(options.metadata !== undefined && { metadata: options.metadata }),
      }),
    );
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

  async #load(id: string, command: Command | undefined, options: LoadOptions): Promise<LoadedForUpdate<S>> {
    const stream = this.aggregate.stream(id);
    const past = options.until !== undefined || options.untilTime !== undefined;
    const snapshot = past ? undefined : await this.#snapshotOf(stream, options);
    let state = snapshot === undefined ? this.aggregate.initial() : snapshot.state;
    let revision = snapshot?.revision;
    let read = 0;
    let earlier: RecordedEvent | undefined;
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
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) {
        throw error;
      }
      return { state: this.aggregate.initial(), revision: undefined, read: 0, earlier: undefined };
    }
    return { state, revision, read, earlier };
  }

  #decode(event: RecordedEvent): DomainEvent<T> {
    const decoded = this.aggregate.schema.decode(event);
    if (decoded === undefined) {
      throw new SchemaError(
        `event type ${JSON.stringify(event.type)} at position ${event.position} is not one of the types ` +
          `of aggregate ${JSON.stringify(this.aggregate.category)}`,
      );
    }
    return decoded;
  }

  /** Returns the last event of the command before the snapshot, where no events were read. */
  async #beforeSnapshot(
    stream: string,
    { tag }: Command,
    loaded: LoadedForUpdate<S>,
    options: CallOptions,
  ): Promise<RecordedEvent | undefined> {
    if (tag === undefined || loaded.revision === undefined || loaded.revision + 1 === loaded.read) {
      return undefined;
    }
    const [event] = await this.client
      .readStream(stream, { ...options, query: { tags: [tag] }, backwards: true, limit: 1 })
      .toArray();
    return event;
  }

  async #snapshotOf(stream: string, options: CallOptions): Promise<{ state: S; revision: number } | undefined> {
    const form = this.aggregate.snapshot;
    if (form === undefined) {
      return undefined;
    }
    try {
      const snapshot = await this.client.loadSnapshot(stream, { ...options, schemaVersion: form.version });
      if (snapshot === undefined) {
        return undefined;
      }
      const value = decodeJson(
        snapshot.data,
        `the snapshot of stream ${JSON.stringify(stream)} at revision ${snapshot.revision}`,
      );
      return {
        state: form.fromJson === undefined ? (value as S) : form.fromJson(value),
        revision: snapshot.revision,
      };
    } catch (error) {
      options.signal?.throwIfAborted();
      this.options.onSnapshotError?.(error);
      return undefined;
    }
  }

  #maybeSnapshot(stream: string, state: S, revision: number, sinceLast: number): void {
    const form = this.aggregate.snapshot;
    if (form === undefined || sinceLast < (form.every ?? 50)) {
      return;
    }
    const save = async () => {
      try {
        const value = form.toJson === undefined ? state : form.toJson(state);
        const data = encodeJson(value, `the snapshot of stream ${JSON.stringify(stream)}`, "state");
        await this.client.saveSnapshot(stream, revision, data, { schemaVersion: form.version });
      } catch (error) {
        this.options.onSnapshotError?.(error);
      }
    };
    const saving = save().finally(() => this.#saving.delete(saving));
    this.#saving.add(saving);
  }
}
