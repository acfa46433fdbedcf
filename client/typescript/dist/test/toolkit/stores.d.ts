import Database from "better-sqlite3";
import pg from "pg";
import { type MemoryTransaction, type ProjectionStore } from "../../src/toolkit/index.js";
import { type PgClient } from "../../src/toolkit/postgres.js";
import { type SqliteDatabase } from "../../src/toolkit/sqlite.js";
import type { TotalsTable } from "./orders.js";
/** A store, with how totals are stored in it and read. */
export interface Kind<Tx> extends AsyncDisposable {
    readonly store: ProjectionStore<Tx>;
    readonly table: TotalsTable<Tx>;
    /** Returns the totals by order, as readers see them. */
    totals(name?: string): Promise<Record<string, number>>;
}
export declare const memoryTable: TotalsTable<MemoryTransaction>;
export declare function memory(): Promise<Kind<MemoryTransaction>>;
export declare const sqliteTable: (name?: string) => TotalsTable<SqliteDatabase>;
export declare function openSqlite(path: string): InstanceType<typeof Database>;
export declare function sqlite(): Promise<Kind<SqliteDatabase>>;
export declare const postgresTable: TotalsTable<PgClient>;
/**
 * Opens the PostgreSQL server at `ANNALS_TEST_POSTGRES` (a connection string), or starts one; undefined if none is
 * installed.
 */
export declare function postgres(): Promise<(Kind<PgClient> & {
    readonly connection: pg.PoolConfig;
}) | undefined>;
//# sourceMappingURL=stores.d.ts.map