/**
 * Read models in SQLite with better-sqlite3 or node:sqlite.
 *
 * The connection runs one transaction at a time, from its BEGIN to its COMMIT. A handler that awaits anything other
 * than the store keeps the transaction open, and readers on the same connection see its uncommitted writes: give
 * readers their own connection (`journal_mode = WAL`), or write handlers that do not wait.
 */
import { SqlStore } from "./projection/sql.js";
/** Read models in SQLite; handlers get the database. */
export class SqliteStore extends SqlStore {
    database;
    types = { flag: "INTEGER", position: "INTEGER", time: "TEXT", uuid: "TEXT" };
    // BEGIN IMMEDIATE already locks the database.
    forUpdate = "";
    #turn = Promise.resolve();
    #statements = new Map();
    constructor(database) {
        super();
        this.database = database;
    }
    transaction(body) {
        return this.#inTurn("BEGIN IMMEDIATE", body);
    }
    reading(body) {
        return this.#inTurn("BEGIN", body);
    }
    isMissingTable(error) {
        return error instanceof Error && error.message.startsWith("no such table");
    }
    #inTurn(begin, body) {
        const run = async () => {
            this.database.exec(begin);
            try {
                const result = await body(this.database);
                this.database.exec("COMMIT");
                return result;
            }
            catch (error) {
                try {
                    this.database.exec("ROLLBACK");
                }
                catch {
                    // Some failures have already rolled the transaction back.
                }
                throw error;
            }
        };
        const result = this.#turn.then(run, run);
        this.#turn = result.catch(() => undefined);
        return result;
    }
    isPassing(error) {
        return (error instanceof Error &&
            /SQLITE_(BUSY|LOCKED|IOERR|FULL)|database is locked/.test(`${String(error.code)} ${error.message}`));
    }
    run(_tx, sql, values = []) {
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
            return Promise.resolve(statement.all(...values));
        }
        statement.run(...values);
        return Promise.resolve([]);
    }
}
//# sourceMappingURL=sqlite.js.map