/**
 * Read models in SQLite with better-sqlite3 or node:sqlite.
 *
 * The connection runs one transaction at a time, from its BEGIN to its COMMIT. A handler that awaits anything other
 * than the store keeps the transaction open, and readers on the same connection see its uncommitted writes: give
 * readers their own connection (`journal_mode = WAL`), or write handlers that do not wait.
 */
import { type ColumnTypes, type SqlRow, SqlStore, type SqlValue } from "./projection/sql.js";

/** A database of better-sqlite3 (`Database`) or of node:sqlite (`DatabaseSync`). */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** A statement of such a database. */
export interface SqliteStatement {
  run(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

/** Read models in SQLite; handlers get the database. */
export class SqliteStore<D extends SqliteDatabase = SqliteDatabase> extends SqlStore<D> {
  protected readonly types: ColumnTypes = { flag: "INTEGER", position: "INTEGER", time: "TEXT", uuid: "TEXT" };
  // BEGIN IMMEDIATE already locks the database.
  protected readonly forUpdate = "";
  #turn: Promise<unknown> = Promise.resolve();
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(private readonly database: D) {
    super();
  }

  override transaction<R>(body: (tx: D) => Promise<R>): Promise<R> {
    return this.#inTurn("BEGIN IMMEDIATE", body);
  }

  protected override reading<R>(body: (tx: D) => Promise<R>): Promise<R> {
    return this.#inTurn("BEGIN", body);
  }

  protected override isMissingTable(error: unknown): boolean {
    return error instanceof Error && error.message.startsWith("no such table");
  }

  #inTurn<R>(begin: string, body: (tx: D) => Promise<R>): Promise<R> {
    const run = async () => {
      this.database.exec(begin);
      try {
        const result = await body(this.database);
        this.database.exec("COMMIT");
        return result;
      } catch (error) {
        try {
          this.database.exec("ROLLBACK");
        } catch {
          // Some failures have already rolled the transaction back.
        }
        throw error;
      }
    };
    const result = this.#turn.then(run, run);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  override isPassing(error: unknown): boolean {
    return (
      error instanceof Error &&
      /SQLITE_(BUSY|LOCKED|IOERR|FULL)|database is locked/.test(
        `${String((error as { code?: unknown }).code)} ${error.message}`,
      )
    );
  }

  protected override run(_tx: D, sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    if (!/^(SELECT|INSERT|DELETE)/.test(sql)) {
      this.database.exec(sql);
      return Promise.resolve([]);
    }
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    if (sql.startsWith("SELECT")) {
      return Promise.resolve(statement.all(...values) as SqlRow[]);
    }
    statement.run(...values);
    return Promise.resolve([]);
  }
}
