/**
 * Read models in PostgreSQL with `pg`: each transaction uses a connection of the pool. Several processes can run the
 * same projection: the row of the checkpoint is locked, and a process that finds it moved continues from there.
 */
import { type ColumnTypes, type SqlRow, SqlStore, type SqlValue } from "./projection/sql.js";
/** The methods that are used of a `pg` client. */
export interface PgClient {
    query(text: string, values?: unknown[]): Promise<{
        rows: unknown[];
    }>;
}
/** The methods that are used of a `pg` pool with clients of type `C`. */
export interface PgPool<C extends PgClient = PgClient> {
    connect(): Promise<C & {
        release(destroy?: boolean | Error): void;
    }>;
}
/** Read models in PostgreSQL; handlers get the client with the open transaction. */
export declare class PostgresStore<C extends PgClient = PgClient> extends SqlStore<C> {
    private readonly pool;
    protected readonly types: ColumnTypes;
    protected readonly forUpdate = "FOR UPDATE";
    protected readonly beforePrepare: string[];
    constructor(pool: PgPool<C>);
    transaction<R>(body: (tx: C) => Promise<R>): Promise<R>;
    protected reading<R>(body: (tx: C) => Promise<R>): Promise<R>;
    protected isMissingTable(error: unknown): boolean;
    isPassing(error: unknown): boolean;
    protected run(tx: C, sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}
//# sourceMappingURL=postgres.d.ts.map