/** The stores of the projection tests, and a PostgreSQL server for them. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import Database from "better-sqlite3";
import pg from "pg";

import { TestServer } from "../../src/testing/index.js";
import {
  MemoryStore,
  type MemoryTransaction,
  type ProjectionStore,
  StateStore,
  type StateTransaction,
} from "../../src/toolkit/index.js";
import { type PgClient, PostgresStore } from "../../src/toolkit/postgres.js";
import { type SqliteDatabase, SqliteStore } from "../../src/toolkit/sqlite.js";
import type { TotalsTable } from "./orders.js";

/** A store, with how totals are stored in it and read. */
export interface Kind<Tx> extends AsyncDisposable {
  readonly store: ProjectionStore<Tx>;
  readonly table: TotalsTable<Tx>;
  /** Returns the totals by order, as readers see them. */
  totals(name?: string): Promise<Record<string, number>>;
}

export const memoryTable: TotalsTable<MemoryTransaction> = {
  create: () => Promise.resolve(),
  add: (target, order, cents) => {
    const table = target.tx.table(target.table("totals"));
    table.set(order, ((table.get(order) as number | undefined) ?? 0) + cents);
    return Promise.resolve();
  },
};

export function memory(): Promise<Kind<MemoryTransaction>> {
  const store = new MemoryStore();
  return Promise.resolve({
    store,
    table: memoryTable,
    totals: () => Promise.resolve(Object.fromEntries(store.table("totals")) as Record<string, number>),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

export const stateTable: TotalsTable<StateTransaction> = {
  create: () => Promise.resolve(),
  add: async (target, order, cents) => {
    const table = target.tx.table(target.table("totals"));
    table.put(order, ((await table.json<number>(order)) ?? 0) + cents);
  },
};

/** Returns the totals that a store in state has. */
export async function stateTotals(store: StateStore, name = "totals"): Promise<Record<string, number>> {
  return Object.fromEntries((await store.entries(name)).map((entry) => [entry.key, entry.json<number>()]));
}

/** State of a server of its own, which need not be the one with the events. */
export async function state(): Promise<Kind<StateTransaction>> {
  const server = await TestServer.start();
  const store = new StateStore(server.client({ timeoutMs: 30_000 }));
  return {
    store,
    table: stateTable,
    totals: (name) => stateTotals(store, name),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const CREATE = "(stream TEXT PRIMARY KEY, cents INTEGER NOT NULL)";

export const sqliteTable = (name = "totals"): TotalsTable<SqliteDatabase> => ({
  create: (target) => {
    target.tx.exec(`CREATE TABLE ${target.table(name)} ${CREATE}`);
    return Promise.resolve();
  },
  add: (target, order, cents) => {
    const table = target.table(name);
    target.tx
      .prepare(
        `INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET ` +
          `cents = ${table}.cents + excluded.cents`,
      )
      .run(order, cents);
    return Promise.resolve();
  },
});

export function openSqlite(path: string): InstanceType<typeof Database> {
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma("busy_timeout = 5000");
  return database;
}

export async function sqlite(): Promise<Kind<SqliteDatabase>> {
  const folder = await mkdtemp(join(tmpdir(), "annals-sqlite-"));
  const database = openSqlite(join(folder, "read-model.db"));
  return {
    store: new SqliteStore<SqliteDatabase>(database),
    table: sqliteTable(),
    totals: (name = "totals") =>
      Promise.resolve(byStream(database.prepare(`SELECT stream, cents FROM ${name}`).all())),
    [Symbol.asyncDispose]: async () => {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

export const postgresTable: TotalsTable<PgClient> = {
  create: async (target) => {
    await target.tx.query(`CREATE TABLE ${target.table("totals")} ${CREATE}`);
  },
  add: async (target, order, cents) => {
    const table = target.table("totals");
    await target.tx.query(
      `INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET ` +
        `cents = ${table}.cents + excluded.cents`,
      [order, cents],
    );
  },
};

/**
 * Opens the PostgreSQL server at `ANNALS_TEST_POSTGRES` (a connection string), or starts one; undefined if none is
 * installed.
 */
export async function postgres(): Promise<(Kind<PgClient> & { readonly connection: pg.PoolConfig }) | undefined> {
  const given = process.env["ANNALS_TEST_POSTGRES"];
  const own = given === undefined ? await startPostgres() : undefined;
  const connection: pg.PoolConfig | undefined = given === undefined ? own?.connection : { connectionString: given };
  if (connection === undefined) return undefined;
  const pool = new pg.Pool(connection);
  pool.on("error", () => undefined);
  return {
    connection,
    store: new PostgresStore<PgClient>(pool),
    table: postgresTable,
    totals: async (name = "totals") => byStream((await pool.query(`SELECT stream, cents FROM ${name}`)).rows),
    [Symbol.asyncDispose]: async () => {
      await pool.end();
      await own?.stop();
    },
  };
}

function byStream(rows: unknown[]): Record<string, number> {
  return Object.fromEntries(
    (rows as { stream: string; cents: number }[]).map(({ stream, cents }) => [stream, cents]),
  );
}

/**
 * Starts a PostgreSQL server on a socket in a new directory. It refuses to run as root, so root runs it as
 * `postgres`.
 */
async function startPostgres() {
  const versions = existsSync("/usr/lib/postgresql")
    ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
    : [];
  const bin = [...versions, "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"].find((folder) =>
    existsSync(join(folder, "initdb")),
  );
  if (bin === undefined) return undefined;
  const root = process.getuid?.() === 0;
  const uid = root ? Number(execFileSync("id", ["-u", "postgres"]).toString()) : (process.getuid?.() ?? 0);
  const folder = await mkdtemp(join(tmpdir(), "annals-pg-"));
  if (root) await chown(folder, uid, uid);
  const user = root ? { uid } : {};
  execFileSync(join(bin, "initdb"), ["-D", join(folder, "data"), "-U", "annals", "--auth=trust", "--no-sync"], {
    stdio: "ignore",
    cwd: folder,
    ...user,
  });
  const server = spawn(
    join(bin, "postgres"),
    ["-D", join(folder, "data"), "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
    {
      stdio: ["ignore", "ignore", "pipe"],
      cwd: folder,
      ...user,
    },
  );
  const ready = new Promise<void>((resolve, reject) => {
    let said = "";
    server.stderr.on("data", (text: Buffer) => {
      said += text.toString();
      if (said.includes("ready to accept connections")) resolve();
    });
    server.once("exit", () => {
      reject(new Error(`postgres did not start:\n${said}`));
    });
  });
  await ready;
  return {
    connection: { host: folder, user: "annals", database: "postgres", max: 5 },
    stop: async () => {
      const exited = once(server, "exit");
      server.kill("SIGINT");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
