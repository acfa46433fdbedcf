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
import { identifier, tableOf } from "./store.js";
function schemaOf({ flag, position, time, uuid }) {
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
export class SqlStore {
    /** Statements that keep others from preparing at the same time. */
    beforePrepare = [];
    async prepare() {
        await this.transaction(async (tx) => {
            for (const sql of [...this.beforePrepare, ...schemaOf(this.types)]) {
                await this.run(tx, sql);
            }
        });
    }
    async livePosition(projection) {
        const sql = "SELECT position, live FROM annals_projections WHERE name = ?";
        try {
            const rows = await this.reading((tx) => this.run(tx, sql, [projection]));
            const live = rows.find((row) => Boolean(row["live"]));
            return live === undefined ? undefined : Number(live["position"]);
        }
        catch (error) {
            if (this.isMissingTable(error)) {
                return undefined;
            }
            throw error;
        }
    }
    async checkpoints(tx, projection) {
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
    async saveCheckpoint(tx, projection, { generation, version, position, state, storeId }) {
        const sql = `INSERT INTO annals_projections (name, generation, version, position, live, store_id)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (name, generation) DO UPDATE SET position = excluded.position, live = excluded.live`;
        await this.run(tx, sql, [projection, generation, version, position, state === "live" ? 1 : 0, storeId]);
    }
    async dropBuild(tx, projection, generation, tables) {
        for (const table of ["annals_projections", "annals_dead_letters"]) {
            await this.run(tx, `DELETE FROM ${table} WHERE name = ? AND generation = ?`, [projection, generation]);
        }
        for (const table of tables) {
            await this.run(tx, `DROP TABLE IF EXISTS ${tableOf(table, generation)}`);
        }
    }
    async expose(tx, generation, tables) {
        for (const table of tables) {
            await this.run(tx, `DROP VIEW IF EXISTS ${identifier(table)}`);
            await this.run(tx, `CREATE VIEW ${identifier(table)} AS SELECT * FROM ${tableOf(table, generation)}`);
        }
    }
    async saveDeadLetter(tx, letter) {
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
    async deadLetters(tx, projection, generation) {
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
    async dropDeadLetter(tx, { projection, generation, position }) {
        await this.run(tx, "DELETE FROM annals_dead_letters WHERE name = ? AND generation = ? AND position = ?", [
            projection,
            generation,
            position,
        ]);
    }
}
//# sourceMappingURL=sql.js.map