/**
 * A process that runs a projection until it is killed:
 * `node projector.js ENDPOINT sqlite PATH | postgres JSON | state`.
 */
import pg from "pg";

import { Client } from "../../src/index.js";
import { type Checkpoint, Projections, StateStore, type StateTransaction } from "../../src/toolkit/index.js";
import { type PgClient, PostgresStore } from "../../src/toolkit/postgres.js";
import { type SqliteDatabase, SqliteStore } from "../../src/toolkit/sqlite.js";
import { totals } from "./orders.js";
import { openSqlite, postgresTable, sqliteTable, stateTable } from "./stores.js";

/** Delays commits slightly, so that kills hit open transactions as well as the time between two. */
const slowly =
  <Tx, R>(body: (tx: Tx) => Promise<R>) =>
  async (tx: Tx): Promise<R> => {
    const result = await body(tx);
    await new Promise((resolve) => setTimeout(resolve, 4));
    return result;
  };

class SlowSqlite extends SqliteStore {
  override transaction<R>(body: (tx: SqliteDatabase) => Promise<R>): Promise<R> {
    return super.transaction(slowly(body));
  }
}

class SlowPostgres extends PostgresStore {
  override transaction<R>(body: (tx: PgClient) => Promise<R>): Promise<R> {
    return super.transaction(slowly(body));
  }
}

class SlowState extends StateStore {
  override transaction<R>(body: (tx: StateTransaction) => Promise<R>): Promise<R> {
    return super.transaction(slowly(body));
  }

  /** Pauses before the read model is read, so that another process often moves the checkpoint meanwhile. */
  override async checkpoints(tx: StateTransaction, projection: string): Promise<readonly Checkpoint[]> {
    return slowly(() => super.checkpoints(tx, projection))(tx);
  }
}

const [endpoint = "", kind, where = ""] = process.argv.slice(2);
const client = new Client({ endpoints: endpoint, timeoutMs: 30_000 });
// Small batches, so that a kill often hits a batch in progress.
const options = { batchEvents: 7, pauseFirstMs: 5, pauseMaxMs: 50 };

if (kind === "sqlite") {
  new Projections<SqliteDatabase>(client, new SlowSqlite(openSqlite(where)), [totals(sqliteTable())], options);
} else if (kind === "state") {
  new Projections(client, new SlowState(client), [totals(stateTable)], options);
} else {
  const pool = new pg.Pool(JSON.parse(where) as pg.PoolConfig);
  pool.on("error", () => undefined);
  new Projections<PgClient>(client, new SlowPostgres(pool), [totals(postgresTable)], options);
}
