import { SqliteStore } from "annals-client/sqlite";
import { Projections, Repository } from "annals-client/toolkit";
import Database from "better-sqlite3";
import { item } from "./item.js";
import { inventoryAlerts } from "./projections/alerts.js";
import { inventoryList } from "./projections/list.js";
import { inventoryStatistics } from "./projections/statistics.js";
/** Maximum time that a query waits for its projection, in milliseconds. */
const WAIT_MS_MAX = 5_000;
/** An inventory with running projections. */
export class Inventory {
    #repository;
    #database;
    #queries;
    #projections;
    /** @param path The database file of the read models. */
    constructor(client, path, log) {
        this.#repository = new Repository(client, item);
        this.#database = open(path);
        this.#queries = open(path);
        this.#projections = new Projections(client, new SqliteStore(this.#database), [inventoryList, inventoryStatistics, inventoryAlerts], {
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
        });
    }
    /** Executes a command. Fails with an InventoryError if a rule forbids it. */
    execute({ sku, decide }, commandId) {
        return this.#repository.execute(sku, decide, commandId === undefined ? {} : { commandId });
    }
    /** Queries a projection once it has reached a position. Fails with a ProjectionError if that takes too long. */
    async ask(projection, position, query) {
        const running = this.#projections.get(projection);
        await running.waitFor(position, { timeoutMs: WAIT_MS_MAX });
        // Read before the query runs: the query may see more than this position, but never less.
        const seen = running.status.position;
        return { found: query(this.#queries), position: seen };
    }
    /** Stops the projections after their current batches. */
    async [Symbol.asyncDispose]() {
        await this.#projections.stop();
        await this.#repository.settled();
        this.#queries.close();
        this.#database.close();
    }
}
function open(path) {
    const database = new Database(path);
    database.pragma("journal_mode = WAL");
    database.pragma("busy_timeout = 5000");
    return database;
}
//# sourceMappingURL=inventory.js.map