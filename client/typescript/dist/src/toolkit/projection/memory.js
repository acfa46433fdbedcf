/** Read models in memory, for tests and for models that are rebuilt at every start. */
import { tableOf } from "./store.js";
/** Tables in memory. */
export class MemoryStore {
    #tables = new Map();
    #checkpoints = new Map();
    #deadLetters = new Map();
    #aliases = new Map();
    #turn = Promise.resolve();
    /** Returns the current content of a table of a live projection. */
    table(name) {
        return this.#tables.get(this.#aliases.get(name) ?? name) ?? new Map();
    }
    prepare() {
        return Promise.resolve();
    }
    livePosition(projection) {
        return this.transaction(async (tx) => (await this.checkpoints(tx, projection)).find(({ state }) => state === "live")?.position);
    }
    transaction(body) {
        const run = async () => {
            const before = {
                checkpoints: new Map(this.#checkpoints),
                deadLetters: new Map(this.#deadLetters),
                aliases: new Map(this.#aliases),
            };
            const changed = new Map();
            const tx = {
                table: (name) => {
                    let table = changed.get(name);
                    if (table === undefined) {
                        table = new Map(this.#tables.get(name));
                        changed.set(name, table);
                    }
                    return table;
                },
            };
            try {
                const result = await body(tx);
                changed.forEach((table, name) => this.#tables.set(name, table));
                return result;
            }
            catch (error) {
                this.#checkpoints = before.checkpoints;
                this.#deadLetters = before.deadLetters;
                this.#aliases = before.aliases;
                throw error;
            }
        };
        const result = this.#turn.then(run, run);
        this.#turn = result.catch(() => undefined);
        return result;
    }
    checkpoints(_tx, projection) {
        const own = [...this.#checkpoints].filter(([key]) => key.startsWith(`${projection}/`));
        return Promise.resolve(own.map(([, checkpoint]) => checkpoint));
    }
    saveCheckpoint(_tx, projection, checkpoint) {
        this.#checkpoints.set(`${projection}/${checkpoint.generation}`, checkpoint);
        return Promise.resolve();
    }
    async dropBuild(tx, projection, generation, tables) {
        this.#checkpoints.delete(`${projection}/${generation}`);
        for (const letter of await this.deadLetters(tx, projection, generation)) {
            await this.dropDeadLetter(tx, letter);
        }
        tables.forEach((name) => this.#tables.delete(tableOf(name, generation)));
    }
    expose(_tx, generation, tables) {
        tables.forEach((name) => this.#aliases.set(name, tableOf(name, generation)));
        return Promise.resolve();
    }
    saveDeadLetter(_tx, letter) {
        this.#deadLetters.set(letterKey(letter), letter);
        return Promise.resolve();
    }
    deadLetters(_tx, projection, generation) {
        const own = [...this.#deadLetters.values()].filter((letter) => letter.projection === projection && letter.generation === generation);
        return Promise.resolve(own.sort((a, b) => a.position - b.position));
    }
    dropDeadLetter(_tx, letter) {
        this.#deadLetters.delete(letterKey(letter));
        return Promise.resolve();
    }
    isPassing() {
        return false;
    }
}
function letterKey({ projection, generation, position }) {
    return `${projection}/${generation}/${position}`;
}
//# sourceMappingURL=memory.js.map