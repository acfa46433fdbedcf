/**
 * Read models in PostgreSQL with `pg`: each transaction uses a connection of the pool. Several processes can run the
 * same projection: the row of the checkpoint is locked, and a process that finds it moved continues from there.
 */
import { SqlStore } from "./projection/sql.js";
/**
 * Transient classes of SQLSTATE: connection, rollback (deadlock, serialization), resources, operator intervention.
 */
const TRANSIENT = /^(08|40|53|57P|55P03)/;
const UNDEFINED_TABLE = "42P01";
const TRANSIENT_SOCKET = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/;
/** An arbitrary number, which must be the same in every language. */
const PREPARE_LOCK = 7_236_278_101;
/** Read models in PostgreSQL; handlers get the client with the open transaction. */
export class PostgresStore extends SqlStore {
    pool;
    types = { flag: "BOOLEAN", position: "BIGINT", time: "TIMESTAMPTZ", uuid: "UUID" };
    forUpdate = "FOR UPDATE";
    // Concurrent CREATE TABLE IF NOT EXISTS statements can fail.
    beforePrepare = [`SELECT pg_advisory_xact_lock(${PREPARE_LOCK})`];
    constructor(pool) {
        super();
        this.pool = pool;
    }
    async transaction(body) {
        const client = await this.pool.connect();
        let broken = false;
        try {
            await client.query("BEGIN");
            try {
                const result = await body(client);
                await client.query("COMMIT");
                return result;
            }
            catch (error) {
                await client.query("ROLLBACK");
                throw error;
            }
        }
        catch (error) {
            // A broken connection is not returned to the pool.
            broken = this.isPassing(error);
            throw error;
        }
        finally {
            client.release(broken);
        }
    }
    reading(body) {
        return this.transaction(body);
    }
    isMissingTable(error) {
        return error instanceof Error && error.code === UNDEFINED_TABLE;
    }
    isPassing(error) {
        if (!(error instanceof Error)) {
            return false;
        }
        const code = error.code ?? "";
        return (TRANSIENT.test(code) ||
            TRANSIENT_SOCKET.test(code) ||
            /Connection terminated|connection is closed|not queryable/i.test(error.message));
    }
    async run(tx, sql, values = []) {
        let nth = 0;
        const { rows } = await tx.query(sql.replaceAll("?", () => `$${(nth += 1)}`), [...values]);
        return rows;
    }
}
//# sourceMappingURL=postgres.js.map