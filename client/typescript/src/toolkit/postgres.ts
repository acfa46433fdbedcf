/**
 * Read models in PostgreSQL with `pg`: each transaction uses a connection of the pool. Several processes can run the
 * same projection: the row of the checkpoint is locked, and a process that finds it moved continues from there.
 */
import { type ColumnTypes, type SqlRow, SqlStore, type SqlValue } from "./projection/sql.js";

/** The methods that are used of a `pg` client. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The methods that are used of a `pg` pool with clients of type `C`. */
export interface PgPool<C extends PgClient = PgClient> {
  connect(): Promise<C & { release(destroy?: boolean | Error): void }>;
}

/**
 * Transient classes of SQLSTATE: connection, rollback (deadlock, serialization), resources, operator intervention.
 */
const TRANSIENT = /^(08|40|53|57P|55P03)/;
const UNDEFINED_TABLE = "42P01";
const TRANSIENT_SOCKET = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/;
/** An arbitrary number, which must be the same in every language. */
const PREPARE_LOCK = 7_236_278_101;

/** Read models in PostgreSQL; handlers get the client with the open transaction. */
export class PostgresStore<C extends PgClient = PgClient> extends SqlStore<C> {
  protected readonly types: ColumnTypes = { flag: "BOOLEAN", position: "BIGINT", time: "TIMESTAMPTZ", uuid: "UUID" };
  protected readonly forUpdate = "FOR UPDATE";
  // Concurrent CREATE TABLE IF NOT EXISTS statements can fail.
  protected override readonly beforePrepare = [`SELECT pg_advisory_xact_lock(${PREPARE_LOCK})`];

  constructor(private readonly pool: PgPool<C>) {
    super();
  }

  override async transaction<R>(body: (tx: C) => Promise<R>): Promise<R> {
    const client = await this.pool.connect();
    let broken = false;
    try {
      await client.query("BEGIN");
      try {
        const result = await body(client);
        await client.query("COMMIT");
        return result;
      } catch (error) {
        await client.query("ROLLBACK");
        throw error;
      }
    } catch (error) {
      // A broken connection is not returned to the pool.
      broken = this.isPassing(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  protected override reading<R>(body: (tx: C) => Promise<R>): Promise<R> {
    return this.transaction(body);
  }

  protected override isMissingTable(error: unknown): boolean {
    return error instanceof Error && (error as { code?: string }).code === UNDEFINED_TABLE;
  }

  override isPassing(error: unknown): boolean {
    if (!(error instanceof Error)) {
      return false;
    }
    const code = (error as { code?: string }).code ?? "";
    return (
      TRANSIENT.test(code) ||
      TRANSIENT_SOCKET.test(code) ||
      /Connection terminated|connection is closed|not queryable/i.test(error.message)
    );
  }

  protected override async run(tx: C, sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    let nth = 0;
    const { rows } = await tx.query(
      sql.replaceAll("?", () => `$${(nth += 1)}`),
      [...values],
    );
    return rows as SqlRow[];
  }
}
