/** A process that runs a projection until it is killed: `node projector.js ENDPOINT sqlite PATH | postgres JSON`. */
import pg from "pg";
import { Client } from "../../src/index.js";
import { Projections } from "../../src/toolkit/index.js";
import { PostgresStore } from "../../src/toolkit/postgres.js";
import { SqliteStore } from "../../src/toolkit/sqlite.js";
import { totals } from "./orders.js";
import { openSqlite, postgresTable, sqliteTable } from "./stores.js";
/** Delays commits slightly, so that kills hit open transactions as well as the time between two. */
const slowly = (body) => async (tx) => {
    const result = await body(tx);
    await new Promise((resolve) => setTimeout(resolve, 4));
    return result;
};
class SlowSqlite extends SqliteStore {
    transaction(body) {
        return super.transaction(slowly(body));
    }
}
class SlowPostgres extends PostgresStore {
    transaction(body) {
        return super.transaction(slowly(body));
    }
}
const [endpoint = "", kind, where = ""] = process.argv.slice(2);
const client = new Client({ endpoints: endpoint, timeoutMs: 30_000 });
// Small batches, so that a kill often hits a batch in progress.
const options = { batchEvents: 7, pauseFirstMs: 5, pauseMaxMs: 50 };
if (kind === "sqlite") {
    new Projections(client, new SlowSqlite(openSqlite(where)), [totals(sqliteTable())], options);
}
else {
    const pool = new pg.Pool(JSON.parse(where));
    pool.on("error", () => undefined);
    new Projections(client, new SlowPostgres(pool), [totals(postgresTable)], options);
}
//# sourceMappingURL=projector.js.map