/**
 * Read models in SQLite with better-sqlite3 or node:sqlite.
 *
 * The connection runs one transaction at a time, from its BEGIN to its COMMIT. A handler that awaits anything other
 * than the store keeps the transaction open, and readers on the same connection see its uncommitted writes: give
 * readers their own connection (`journal_mode = WAL`), or write handlers that do not wait.
 */
import { type ColumnTypes, type SqlRow, SqlStore, type SqlValue } from "./projection/sql.js";
/** A database of better-sqlite3 (`Database`) or of node:sqlite (`DatabaseSync`). */
export interface SqliteDatabase {
    exec(sql: string): unknown;
    prepare(sql: string): SqliteStatement;
}
/** A statement of such a database. */
export interface SqliteStatement {
    run(...values: SqlValue[]): unknown;
    all(...values: SqlValue[]): unknown[];
}
/** Read models in SQLite; handlers get the database. */
export declare class SqliteStore<D extends SqliteDatabase = SqliteDatabase> extends SqlStore<D> {
    #private;
    private readonly database;
    protected readonly types: ColumnTypes;
    protected readonly forUpdate = "";
    constructor(database: D);
    transaction<R>(body: (tx: D) => Promise<R>): Promise<R>;
    protected reading<R>(body: (tx: D) => Promise<R>): Promise<R>;
    protected isMissingTable(error: unknown): boolean;
    isPassing(error: unknown): boolean;
    protected run(_tx: D, sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}
//# sourceMappingURL=sqlite.d.ts.map