/**
 * Read model of all orders: a SQLite table, written in the same transaction as the projection's checkpoint.
 *
 * The projection's name and its table are the same in every language, so they can share one file.
 */
import type { SqliteDatabase } from "annals-client/sqlite";
import Database from "better-sqlite3";
import type { Status } from "./order.js";
/** An order in the list. */
export interface ListedOrder {
    readonly orderId: string;
    readonly customerId: string;
    readonly status: Status;
    readonly itemCount: number;
    readonly totalCents: number;
}
export declare const orderList: import("annals-client/toolkit").Projection<SqliteDatabase>;
/** Opens the database file of the list, and creates it if it does not exist. */
export declare function openList(path: string): Database.Database;
/** Returns the orders by id, or only those with a status. */
export declare function listed(database: SqliteDatabase, status?: Status): ListedOrder[];
//# sourceMappingURL=list.d.ts.map