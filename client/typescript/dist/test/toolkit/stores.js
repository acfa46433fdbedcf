/** The stores of the projection tests, and a PostgreSQL server for them. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import pg from "pg";
import { MemoryStore } from "../../src/toolkit/index.js";
import { PostgresStore } from "../../src/toolkit/postgres.js";
import { SqliteStore } from "../../src/toolkit/sqlite.js";
export const memoryTable = {
    create: () => Promise.resolve(),
    add: (target, order, cents) => {
        const table = target.tx.table(target.table("totals"));
        table.set(order, (table.get(order) ?? 0) + cents);
        return Promise.resolve();
    },
};
export function memory() {
    const store = new MemoryStore();
    return Promise.resolve({
        store,
        table: memoryTable,
        totals: () => Promise.resolve(Object.fromEntries(store.table("totals"))),
        [Symbol.asyncDispose]: () => Promise.resolve(),
    });
}
const CREATE = "(stream TEXT PRIMARY KEY, cents INTEGER NOT NULL)";
export const sqliteTable = (name = "totals") => ({
    create: (target) => {
        target.tx.exec(`CREATE TABLE ${target.table(name)} ${CREATE}`);
        return Promise.resolve();
    },
    add: (target, order, cents) => {
        const table = target.table(name);
        target.tx
            .prepare(`INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET ` +
            `cents = ${table}.cents + excluded.cents`)
            .run(order, cents);
        return Promise.resolve();
    },
});
export function openSqlite(path) {
    const database = new Database(path);
    database.pragma("journal_mode = WAL");
    database.pragma("busy_timeout = 5000");
    return database;
}
export async function sqlite() {
    const folder = await mkdtemp(join(tmpdir(), "annals-sqlite-"));
    const database = openSqlite(join(folder, "read-model.db"));
    return {
        store: new SqliteStore(database),
        table: sqliteTable(),
        totals: (name = "totals") => Promise.resolve(byStream(database.prepare(`SELECT stream, cents FROM ${name}`).all())),
        [Symbol.asyncDispose]: async () => {
            database.close();
            await rm(folder, { recursive: true });
        },
    };
}
export const postgresTable = {
    create: async (target) => {
        await target.tx.query(`CREATE TABLE ${target.table("totals")} ${CREATE}`);
    },
    add: async (target, order, cents) => {
        const table = target.table("totals");
        await target.tx.query(`INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET ` +
            `cents = ${table}.cents + excluded.cents`, [order, cents]);
    },
};
/**
 * Opens the PostgreSQL server at `ANNALS_TEST_POSTGRES` (a connection string), or starts one; undefined if none is
 * installed.
 */
export async function postgres() {
    const given = process.env["ANNALS_TEST_POSTGRES"];
    const own = given === undefined ? await startPostgres() : undefined;
    const connection = given === undefined ? own?.connection : { connectionString: given };
    if (connection === undefined)
        return undefined;
    const pool = new pg.Pool(connection);
    pool.on("error", () => undefined);
    return {
        connection,
        store: new PostgresStore(pool),
        table: postgresTable,
        totals: async (name = "totals") => byStream((await pool.query(`SELECT stream, cents FROM ${name}`)).rows),
        [Symbol.asyncDispose]: async () => {
            await pool.end();
            await own?.stop();
        },
    };
}
function byStream(rows) {
    return Object.fromEntries(rows.map(({ stream, cents }) => [stream, cents]));
}
/**
 * Starts a PostgreSQL server on a socket in a new directory. It refuses to run as root, so root runs it as
 * `postgres`.
 */
async function startPostgres() {
    const versions = existsSync("/usr/lib/postgresql")
        ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
        : [];
    const bin = [...versions, "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"].find((folder) => existsSync(join(folder, "initdb")));
    if (bin === undefined)
        return undefined;
    const root = process.getuid?.() === 0;
    const uid = root ? Number(execFileSync("id", ["-u", "postgres"]).toString()) : (process.getuid?.() ?? 0);
    const folder = await mkdtemp(join(tmpdir(), "annals-pg-"));
    if (root)
        await chown(folder, uid, uid);
    const user = root ? { uid } : {};
    execFileSync(join(bin, "initdb"), ["-D", join(folder, "data"), "-U", "annals", "--auth=trust", "--no-sync"], {
        stdio: "ignore",
        cwd: folder,
        ...user,
    });
    const server = spawn(join(bin, "postgres"), ["-D", join(folder, "data"), "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"], {
        stdio: ["ignore", "ignore", "pipe"],
        cwd: folder,
        ...user,
    });
    const ready = new Promise((resolve, reject) => {
        let said = "";
        server.stderr.on("data", (text) => {
            said += text.toString();
            if (said.includes("ready to accept connections"))
                resolve();
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
//# sourceMappingURL=stores.js.map