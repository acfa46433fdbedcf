/**
 * Shared parts of SQL stores: the tables of checkpoints and dead letters, and the views of live builds. They are the
 * same in the toolkits of all languages:
 *
 *     annals_projections   name, generation -> version, position, live, store_id
 *     annals_dead_letters  name, generation, position -> event_id, stream, revision, type, reason, attempts,
 *                          buried_at
 *     orders__2            the second build of the table `orders`; `orders` itself is a view of the live build
 *
 * Statements use `?` for parameters.
 */
import { type Checkpoint, type DeadLetter, type ProjectionStore } from "./store.js";
/** A value in SQL. */
export type SqlValue = string | number | null;
/** A row of a result. */
export type SqlRow = Readonly<Record<string, unknown>>;
/** The names of a database's column types. */
export interface ColumnTypes {
    readonly flag: string;
    readonly position: string;
    readonly time: string;
    readonly uuid: string;
}
/** A store based on SQL, for which an adapter runs statements and transactions. */
export declare abstract class SqlStore<Tx> implements ProjectionStore<Tx> {
    protected abstract readonly types: ColumnTypes;
    /** The end of a SELECT that locks its rows until the transaction ends. */
    protected abstract readonly forUpdate: string;
    /** Statements that keep others from preparing at the same time. */
    protected readonly beforePrepare: readonly string[];
    /** Runs one statement. */
    protected abstract run(tx: Tx, sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
    /** Runs a body that only reads, in a transaction without locks. */
    protected abstract reading<R>(body: (tx: Tx) => Promise<R>): Promise<R>;
    /** Whether a statement failed because a table does not exist. */
    protected abstract isMissingTable(error: unknown): boolean;
    abstract transaction<R>(body: (tx: Tx) => Promise<R>): Promise<R>;
    abstract isPassing(error: unknown): boolean;
    prepare(): Promise<void>;
    livePosition(projection: string): Promise<number | undefined>;
    checkpoints(tx: Tx, projection: string): Promise<readonly Checkpoint[]>;
    saveCheckpoint(tx: Tx, projection: string, { generation, version, position, state, storeId }: Checkpoint): Promise<void>;
    dropBuild(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void>;
    expose(tx: Tx, generation: number, tables: readonly string[]): Promise<void>;
    saveDeadLetter(tx: Tx, letter: DeadLetter): Promise<void>;
    deadLetters(tx: Tx, projection: string, generation: number): Promise<readonly DeadLetter[]>;
    dropDeadLetter(tx: Tx, { projection, generation, position }: DeadLetter): Promise<void>;
}
//# sourceMappingURL=sql.d.ts.map