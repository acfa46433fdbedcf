/**
 * The inventory: commands go to the event store, projections answer queries, and nothing else connects the two.
 *
 * 1. A query reads only a projection. It waits until that projection has processed the requested position, so that a
 *    caller can read its own write.
 * 2. Each projection has its own checkpoint and tables: one that fails does not affect the others.
 * 3. Queries use a separate database connection, so they see only committed transactions.
 */
import type { Client } from "annals-client";
import { type SqliteDatabase, SqliteStore } from "annals-client/sqlite";
import { type Executed, Projections, Repository } from "annals-client/toolkit";
import Database from "better-sqlite3";

import type { InventoryEvents } from "./events.js";
import { type Item, item } from "./item.js";
import type { Log } from "./log.js";
import { inventoryAlerts } from "./projections/alerts.js";
import { inventoryList } from "./projections/list.js";
import { inventoryStatistics } from "./projections/statistics.js";
import type { CommandRequest } from "./requests.js";

/** Maximum time that a query waits for its projection, in milliseconds. */
const WAIT_MS_MAX = 5_000;

/** The result of a query, and a position that its projection had reached. */
export interface Answer<R> {
  readonly found: R;
  readonly position: number;
}

/** An inventory with running projections. */
export class Inventory implements AsyncDisposable {
  readonly #repository: Repository<Item, InventoryEvents>;
  readonly #database: Database.Database;
  readonly #queries: Database.Database;
  readonly #projections: Projections<SqliteDatabase>;

  /** @param path The database file of the read models. */
  constructor(client: Client, path: string, log: Log) {
    this.#repository = new Repository(client, item);
    this.#database = open(path);
    this.#queries = open(path);
    this.#projections = new Projections(
      client,
      new SqliteStore(this.#database),
      [inventoryList, inventoryStatistics, inventoryAlerts],
      {
        onBatch: ({ projection, events, position, tookMs }) => {
          log("projection", { projection, events, position, durationMs: Math.round(tookMs) });
        },
        onError: ({ projection, error, event, then }) => {
          log("problem", {
            projection,
            error: String(error),
            then,
            ...(event !== undefined && { position: event.position, type: event.type }),
          });
        },
      },
    );
  }

  /** Executes a command. Fails with an InventoryError if a rule forbids it. */
  execute({ sku, decide }: CommandRequest, commandId: string | undefined): Promise<Executed<Item, InventoryEvents>> {
    return this.#repository.execute(sku, decide, commandId === undefined ? {} : { commandId });
  }

  /** Queries a projection once it has reached a position. Fails with a ProjectionError if that takes too long. */
  async ask<R>(projection: string, position: number, query: (database: SqliteDatabase) => R): Promise<Answer<R>> {
    const running = this.#projections.get(projection);
    await running.waitFor(position, { timeoutMs: WAIT_MS_MAX });
    // Read before the query runs: the query may see more than this position, but never less.
    const seen = running.status.position;
    return { found: query(this.#queries), position: seen };
  }

  /** Stops the projections after their current batches. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#projections.stop();
    await this.#repository.settled();
    this.#queries.close();
    this.#database.close();
  }
}

function open(path: string): Database.Database {
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma("busy_timeout = 5000");
  return database;
}
