/**
 * A repository: loads aggregates, and carries out commands on them.
 *
 * 1. An aggregate is its latest snapshot of the current form, and the events after it.
 * 2. What a command decides is appended only if the stream is still as the decision saw it; otherwise it is decided again.
 * 3. A command with an id is carried out once, however often and from however many places it is given: its events' ids are
 *    made of that id, and they bear the tag `command:<id>`.
 * 4. Snapshots are saved behind the caller's back; one that can't be saved is told to `onSnapshotError`, and costs nothing
 *    but time.
 */
import type { Client } from "../client.js";
import { StreamNotFoundError } from "../errors.js";
import type { RecordedEvent } from "../events.js";
import { decodeJson, encodeJson } from "../json.js";
import type { CallOptions } from "../options.js";
import type { ReadOptions } from "../read.js";
import { type Aggregate, type Decide, listOf } from "./aggregate.js";
import { Command } from "./command.js";
import { type ConflictPolicy, retryConflicts } from "./conflict.js";
import { SchemaError, type DomainEvent, type Types } from "./schema.js";

/** How a repository works. */
export interface RepositoryOptions {
  /** How a command that was too late is decided again. */
  readonly conflicts?: ConflictPolicy;
  /** Is told of snapshots that could not be saved or read. Nothing unless given. */
  readonly onSnapshotError?: (error: unknown) => void;
}

/** An aggregate as it is. */
export interface Loaded<S> {
  /** Its state; the initial one, if it has no events. */
  readonly state: S;
  /** Its last revision; undefined if it has no events. */
  readonly revision: number | undefined;
}

/** How an aggregate is loaded. */
export type LoadOptions = CallOptions & Pick<ReadOptions, "until" | "untilTime">;

/** What came of a command. */
export interface Executed<S, T extends Types> extends Loaded<S> {
  /** What was appended; nothing if nothing was decided, or the command had been carried out before. */
  readonly events: readonly DomainEvent<T>[];
  /** Position of the last event that the command led to; undefined if it led to none. Projections wait for it. */
  readonly position: number | undefined;
  /** Whether the command (by its id) had been carried out before. */
  readonly alreadyExecuted: boolean;
}

/** What a command may say besides what it decides. */
export interface ExecuteOptions extends CallOptions {
  /** The command's identity, a UUID; given, it is carried out at most once. In a process manager it need not be given. */
  readonly commandId?: string;
  /** Further metadata of its events. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An aggregate as it was loaded, and what the next steps need. */
interface LoadedForUpdate<S> extends Loaded<S> {
  /** How many events were read: those after the snapshot. */
  readonly read: number;
  /** The last event of the command in question among them. */
  readonly earlier: RecordedEvent | undefined;
}

/**
 * Loads aggregates of one kind, and carries out commands on them.
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
   * The aggregate with this id as it is, or as it was; in its initial state, if it has no events, or had none then.
   *
   * @param options `until`: as it was when this was its last revision, which it must have reached; `untilTime`: as it was
   *   at this time. What was is made of its events alone, without a snapshot.
   * @throws SchemaError if one of its events can't be read by this program; RevisionBeyondEndError.
   */
  async load(id: string, options: LoadOptions = {}): Promise<Loaded<S>> {
    const { state, revision } = await this.#load(id, undefined, options);
    return { state, revision };
  }

  /**
   * Carries out a command: loads the aggregate, decides, and appends what was decided. If somebody else appended
   * meanwhile, it loads and decides again.
   *
   * @throws What `decide` throws; RevisionConflictError, if it was too late as often as the policy allows; SchemaError.
   */
  execute(id: string, decide: Decide<S, T>, options: ExecuteOptions = {}): Promise<Executed<S, T>> {
    const command = new Command(options.commandId, this.aggregate.stream(id));
    return command.run(() =>
      retryConflicts(this.options.conflicts ?? {}, options.signal, () => this.#execute(id, decide, command, options)),
    );
  }

  /** Waits until the snapshots that are being saved are saved: before a program ends, or in tests. */
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
        `event type ${JSON.stringify(event.type)} at position ${event.position} is not one of the types of aggregate ` +
          JSON.stringify(this.aggregate.category),
      );
    }
    return decoded;
  }

  /** What the command led to before the snapshot, whose events were not read. */
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
