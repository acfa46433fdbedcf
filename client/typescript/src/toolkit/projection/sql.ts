/**
 * What SQL stores share: the tables of checkpoints and dead letters, and the views of live builds.
 *
 *     annals_projections   name, generation -> state, position, store_id
 *     annals_dead_letters  name, generation, position -> event, reason, tries, failed_at
 *
 * Statements have `?` for parameters.
 */
import { type Checkpoint, type DeadLetter, identifier, type ProjectionStore, tableOf } from "./store.js";

/** A value in SQL. */
export type SqlValue = string | number | null;

/** A row of a result. */
export type SqlRow = Readonly<Record<string, unknown>>;

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS annals_projections (
    name TEXT NOT NULL, generation INTEGER NOT NULL, state TEXT NOT NULL, position BIGINT NOT NULL, store_id TEXT NOT NULL,
    PRIMARY KEY (name, generation))`,
  `CREATE TABLE IF NOT EXISTS annals_dead_letters (
    name TEXT NOT NULL, generation INTEGER NOT NULL, position BIGINT NOT NULL, event_id TEXT NOT NULL, stream TEXT NOT NULL,
    type TEXT NOT NULL, reason TEXT NOT NULL, tries INTEGER NOT NULL, failed_at TEXT NOT NULL,
    PRIMARY KEY (name, generation, position))`,
];

/** A store over SQL, for which an adapter runs statements and transactions. */
export abstract class SqlStore<Tx> implements ProjectionStore<Tx> {
  /** What a SELECT ends with, so that nobody else changes its rows before the transaction ends. */
  protected abstract readonly forUpdate: string;
  /** What keeps others from preparing at the same time. */
  protected readonly beforePrepare: readonly string[] = [];

  /** Runs one statement. */
  protected abstract run(tx: Tx, sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;

  abstract transaction<R>(body: (tx: Tx) => Promise<R>): Promise<R>;

  abstract isPassing(error: unknown): boolean;

  async prepare(): Promise<void> {
    await this.transaction(async (tx) => {
      for (const sql of [...this.beforePrepare, ...SCHEMA]) {
        await this.run(tx, sql);
      }
    });
  }

  async checkpoints(tx: Tx, projection: string): Promise<readonly Checkpoint[]> {
    const sql = `SELECT generation, state, position, store_id FROM annals_projections WHERE name = ? ORDER BY generation ${this.forUpdate}`;
    const rows = await this.run(tx, sql, [projection]);
    return rows.map((row) => ({
      generation: Number(row["generation"]),
      state: row["state"] === "live" ? "live" : "building",
      position: Number(row["position"]),
      storeId: String(row["store_id"]),
    }));
  }

  async saveCheckpoint(tx: Tx, projection: string, { generation, state, position, storeId }: Checkpoint): Promise<void> {
    const sql = `INSERT INTO annals_projections (name, generation, state, position, store_id) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (name, generation) DO UPDATE SET state = excluded.state, position = excluded.position, store_id = excluded.store_id`;
    await this.run(tx, sql, [projection, generation, state, position, storeId]);
  }

  async dropBuild(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void> {
    for (const table of ["annals_projections", "annals_dead_letters"]) {
      await this.run(tx, `DELETE FROM ${table} WHERE name = ? AND generation = ?`, [projection, generation]);
    }
    for (const table of tables) {
      await this.run(tx, `DROP TABLE IF EXISTS ${tableOf(table, generation)}`);
    }
  }

  async expose(tx: Tx, generation: number, tables: readonly string[]): Promise<void> {
    for (const table of tables) {
      await this.run(tx, `DROP VIEW IF EXISTS ${identifier(table)}`);
      await this.run(tx, `CREATE VIEW ${identifier(table)} AS SELECT * FROM ${tableOf(table, generation)}`);
    }
  }

  async saveDeadLetter(tx: Tx, letter: DeadLetter): Promise<void> {
    const sql = `INSERT INTO annals_dead_letters (name, generation, position, event_id, stream, type, reason, tries, failed_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, generation, position) DO UPDATE SET reason = excluded.reason, tries = excluded.tries, failed_at = excluded.failed_at`;
    const { projection, generation, position, eventId, stream, type, reason, tries, failedAt } = letter;
    await this.run(tx, sql, [projection, generation, position, eventId, stream, type, reason, tries, failedAt]);
  }

  async deadLetters(tx: Tx, projection: string, generation: number): Promise<readonly DeadLetter[]> {
    const sql = "SELECT * FROM annals_dead_letters WHERE name = ? AND generation = ? ORDER BY position";
    const rows = await this.run(tx, sql, [projection, generation]);
    return rows.map((row) => ({
      projection,
      generation,
      position: Number(row["position"]),
      eventId: String(row["event_id"]),
      stream: String(row["stream"]),
      type: String(row["type"]),
      reason: String(row["reason"]),
      tries: Number(row["tries"]),
      failedAt: String(row["failed_at"]),
    }));
  }

  async dropDeadLetter(tx: Tx, { projection, generation, position }: DeadLetter): Promise<void> {
    await this.run(tx, "DELETE FROM annals_dead_letters WHERE name = ? AND generation = ? AND position = ?", [projection, generation, position]);
  }
}
