/**
 * The inventory: commands go to the event store, projections answer queries, and nothing else connects the two.
 *
 * 1. A query reads only a projection. It waits until that projection has processed the requested position, so that a
 *    caller can read its own write.
 * 2. Each projection has its own checkpoint and tables: one that fails does not affect the others.
 * 3. Queries use a separate database connection, so they see only committed transactions.
 */
import type { Client } from "annals-client";
import { type SqliteDatabase } from "annals-client/sqlite";
import { type Executed } from "annals-client/toolkit";
import type { InventoryEvents } from "./events.js";
import { type Item } from "./item.js";
import type { Log } from "./log.js";
import type { CommandRequest } from "./requests.js";
/** The result of a query, and a position that its projection had reached. */
export interface Answer<R> {
    readonly found: R;
    readonly position: number;
}
/** An inventory with running projections. */
export declare class Inventory implements AsyncDisposable {
    #private;
    /** @param path The database file of the read models. */
    constructor(client: Client, path: string, log: Log);
    /** Executes a command. Fails with an InventoryError if a rule forbids it. */
    execute({ sku, decide }: CommandRequest, commandId: string | undefined): Promise<Executed<Item, InventoryEvents>>;
    /** Queries a projection once it has reached a position. Fails with a ProjectionError if that takes too long. */
    ask<R>(projection: string, position: number, query: (database: SqliteDatabase) => R): Promise<Answer<R>>;
    /** Stops the projections after their current batches. */
    [Symbol.asyncDispose](): Promise<void>;
}
//# sourceMappingURL=inventory.d.ts.map