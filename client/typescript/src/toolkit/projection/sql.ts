/**
 * Shared parts of SQL stores: the tables of checkpoints and dead letters, and the views of live builds. They are the
 * same in the toolkits of all languages:
 *
 *     annals_projections   name, generation -> version, position, live, store_id
 *     annals_dead_letters  name, generation, position -> event_id, stream, revision, type, reason, attempts,
 *                          buried_at
 *     orders__2            the second build of the table `orders`; `orders` itself is a view of the live build
 *
 * Statements use `?` for parameters.
 */
import { type Checkpoint, type DeadLetter, identifier, type ProjectionStore, tableOf } from "./store.js";

/** A value in SQL. */
export type SqlValue = string | number | null;

/** A row of a result. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** The names of a database's column types. */
export interface ColumnTypes {
  readonly flag: string;
  readonly position: string;
  readonly time: string;
  readonly uuid: string;
}

function schemaOf({ flag, position, time, uuid }: ColumnTypes): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS annals_projections (
      name TEXT NOT NULL, generation INTEGER NOT NULL, version INTEGER NOT NULL, position ${position} NOT NULL,
      live ${flag} NOT NULL, store_id ${uuid} NOT NULL,
      PRIMARY KEY (name, generation))`,
    `CREATE TABLE IF NOT EXISTS annals_dead_letters (
      name TEXT NOT NULL, generation INTEGER NOT NULL, position ${position} NOT NULL, event_id ${uuid} NOT NULL,
      stream TEXT NOT NULL, revision ${position} NOT NULL, type TEXT NOT NULL, reason TEXT NOT NULL,
      attempts INTEGER NOT NULL, buried_at ${time} NOT NULL,
      PRIMARY KEY (name, generation, position))`,
  ];
}

/** A store based on SQL, for which an adapter runs statements and transactions. */
export abstract class SqlStore<Tx> implements ProjectionStore<Tx> {
  protected abstract readonly types: ColumnTypes;
  /** The end of a SELECT that locks its rows until the transaction ends. */
  protected abstract readonly forUpdate: string;
  /** Statements that keep others from preparing at the same time. */
  protected readonly beforePrepare: readonly string[] = [];

  /** Runs one statement. */
  protected abstract run(tx: Tx, sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;

  /** Runs a body that only reads, in a transaction without locks. */
  protected abstract reading<R>(body: (tx: Tx) => Promise<R>): Promise<R>;

  /** Whether a statement failed because a table does not exist. */
  protected abstract isMissingTable(error: unknown): boolean;

  abstract transaction<R>(body: (tx: Tx) => Promise<R>): Promise<R>;

  abstract isPassing(error: unknown): boolean;

  async prepare(): Promise<void> {
    await this.transaction(async (tx) => {
      for (const sql of [...this.beforePrepare, ...schemaOf(this.types)]) {
        await this.run(tx, sql);
      }
    });
  }

  async livePosition(projection: string): Promise<number | undefined> {
    const sql = "SELECT position, live FROM annals_projections WHERE name = ?";
    try {
      const rows = await this.reading((tx) => this.run(tx, sql, [projection]));
      const live = rows.find((row) => Boolean(row["live"]));
      return live === undefined ? undefined : Number(live["position"]);
    } catch (error) {
      if (this.isMissingTable(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async checkpoints(tx: Tx, projection: string): Promise<readonly Checkpoint[]> {
    const sql = `SELECT * FROM annals_projections WHERE name = ? ORDER BY generation ${this.forUpdate}`;
    const rows = await this.run(tx, sql, [projection]);
    return rows.map((row) => ({
      generation: Number(row["generation"]),
      version: Number(row["version"]),
      position: Number(row["position"]),
      state: row["live"] ? "live" : "building",
      storeId: String(row["store_id"]),
    }));
  }

  async saveCheckpoint(
    tx: Tx,
    projection: string,
    { generation, version, position, state, storeId }: Checkpoint,
  ): Promise<void> {
    const sql = `INSERT INTO annals_projections (name, generation, version, position, live, store_id)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, generation) DO UPDATE SET position = excluded.position, live = excluded.live`;
    await this.run(tx, sql, [projection, generation, version, position, state === "live" ? 1 : 0, storeId]);
  }

  async dropBuild(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void> {
    for (const table of ["annals_projections", "annals_dead_letters"]) {
      await this.run(tx, `DELETE FROM ${table} WHERE name = ? AND generation = ?`, [projection, generation]);
    }
    for (const table of tables) {
      await this.run(tx, `DROP TABLE IF EXISTS ${tableOf(table, generation)}`);
    }
  }

  async expose(tx: Tx, _projection: string, generation: number, tables: readonly string[]): Promise<void> {
    for (const table of tables) {
      await this.run(tx, `DROP VIEW IF EXISTS ${identifier(table)}`);
      await this.run(tx, `CREATE VIEW ${identifier(table)} AS SELECT * FROM ${tableOf(table, generation)}`);
    }
  }

  async saveDeadLetter(tx: Tx, letter: DeadLetter): Promise<void> {
    const sql = `INSERT INTO annals_dead_letters
        (name, generation, position, event_id, stream, revision, type, reason, attempts, buried_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, generation, position) DO UPDATE
        SET reason = excluded.reason, attempts = excluded.attempts, buried_at = excluded.buried_at`;
    const { projection, generation, position, eventId, stream, revision, type, reason, tries, failedAt } = letter;
    await this.run(tx, sql, [
      projection,
      generation,
      position,
      eventId,
      stream,
      revision,
      type,
      reason,
      tries,
      failedAt,
    ]);
  }

  async deadLetters(tx: Tx, projection: string, generation: number): Promise<readonly DeadLetter[]> {
    const sql = "SELECT * FROM annals_dead_letters WHERE name = ? AND generation = ? ORDER BY position";
    const rows = await this.run(tx, sql, [projection, generation]);
    return rows.map((row) => {
      const failedAt = row["buried_at"];
      return {
        projection,
        generation,
        position: Number(row["position"]),
        eventId: String(row["event_id"]),
        stream: String(row["stream"]),
        revision: Number(row["revision"]),
        type: String(row["type"]),
        reason: String(row["reason"]),
        tries: Number(row["attempts"]),
        failedAt: failedAt instanceof Date ? failedAt.toISOString() : String(failedAt),
      };
    });
  }

  async dropDeadLetter(tx: Tx, { projection, generation, position }: DeadLetter): Promise<void> {
    await this.run(tx, "DELETE FROM annals_dead_letters WHERE name = ? AND generation = ? AND position = ?", [
      projection,
      generation,
      position,
    ]);
  }
}
