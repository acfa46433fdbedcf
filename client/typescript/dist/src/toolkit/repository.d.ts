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
import type { CallOptions } from "../options.js";
import type { ReadOptions } from "../read.js";
import { type Aggregate, type Decide } from "./aggregate.js";
import { type ConflictPolicy } from "./conflict.js";
import { type DomainEvent, type Types } from "./schema.js";
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
/**
 * Loads aggregates of one kind, and executes commands on them.
 *
 * @example
 * const orders = new Repository(client, order);
 * const { position } = await orders.execute("42", (state) => ship(state));
 */
export declare class Repository<S, T extends Types> {
    #private;
    private readonly client;
    private readonly aggregate;
    private readonly options;
    constructor(client: Client, aggregate: Aggregate<S, T>, options?: RepositoryOptions);
    /**
     * Loads the current or a past state of the aggregate with this id; the initial state if it has no events, or had
     * none at that time.
     *
     * @param options `until`: the state when this was the last revision, which must exist; `untilTime`: the state at
     *   this time. A past state is built from events alone, without a snapshot.
     * @throws SchemaError if one of its events can't be read by this program; RevisionBeyondEndError.
     */
    load(id: string, options?: LoadOptions): Promise<Loaded<S>>;
    /**
     * Executes a command: loads the aggregate, decides, and appends the events of the decision. If another client has
     * appended to the stream since, it loads and decides again.
     *
     * @throws The error that `decide` throws; RevisionConflictError after as many conflicts as the policy allows;
     *   SchemaError.
     */
    execute(id: string, decide: Decide<S, T>, options?: ExecuteOptions): Promise<Executed<S, T>>;
    /** Waits for the snapshots that are being saved. Call it before the program ends, or in tests. */
    settled(): Promise<void>;
}
//# sourceMappingURL=repository.d.ts.map