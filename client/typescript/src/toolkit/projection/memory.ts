/** Read models in memory, for tests and for models that are rebuilt at every start. */
import { type Checkpoint, type DeadLetter, type ProjectionStore, tableOf } from "./store.js";

/** A transaction on tables in memory. It reads its own writes; others see them after its end. */
export interface MemoryTransaction {
  /**
   * Returns a table of keys and rows, and creates it if it does not exist. Replace rows; do not modify them in place.
   */
  table(name: string): MemoryTable;
}

/** A table in memory. */
export type MemoryTable = Pick<
  Map<string, unknown>,
  "get" | "set" | "delete" | "has" | "entries" | "values" | "size"
>;

/** Tables in memory. */
export class MemoryStore implements ProjectionStore<MemoryTransaction> {
  #tables = new Map<string, Map<string, unknown>>();
  #checkpoints = new Map<string, Checkpoint>();
  #deadLetters = new Map<string, DeadLetter>();
  #aliases = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  /** Returns the current content of a table of a live projection. */
  table(name: string): ReadonlyMap<string, unknown> {
    return this.#tables.get(this.#aliases.get(name) ?? name) ?? new Map<string, unknown>();
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  livePosition(projection: string): Promise<number | undefined> {
    return this.transaction(
      async (tx) => (await this.checkpoints(tx, projection)).find(({ state }) => state === "live")?.position,
    );
  }

  transaction<R>(body: (tx: MemoryTransaction) => Promise<R>): Promise<R> {
    const run = async () => {
      const before = {
        checkpoints: new Map(this.#checkpoints),
        deadLetters: new Map(this.#deadLetters),
        aliases: new Map(this.#aliases),
      };
      const changed = new Map<string, Map<string, unknown>>();
      const tx = {
        table: (name: string) => {
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
      } catch (error) {
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

  checkpoints(_tx: MemoryTransaction, projection: string): Promise<readonly Checkpoint[]> {
    const own = [...this.#checkpoints].filter(([key]) => key.startsWith(`${projection}/`));
    return Promise.resolve(own.map(([, checkpoint]) => checkpoint));
  }

  saveCheckpoint(_tx: MemoryTransaction, projection: string, checkpoint: Checkpoint): Promise<void> {
    this.#checkpoints.set(`${projection}/${checkpoint.generation}`, checkpoint);
    return Promise.resolve();
  }

  async dropBuild(
    tx: MemoryTransaction,
    projection: string,
    generation: number,
    tables: readonly string[],
  ): Promise<void> {
    this.#checkpoints.delete(`${projection}/${generation}`);
    for (const letter of await this.deadLetters(tx, projection, generation)) {
      await this.dropDeadLetter(tx, letter);
    }
    tables.forEach((name) => this.#tables.delete(tableOf(name, generation)));
  }

  expose(
    _tx: MemoryTransaction,
    _projection: string,
    generation: number,
    tables: readonly string[],
  ): Promise<void> {
    tables.forEach((name) => this.#aliases.set(name, tableOf(name, generation)));
    return Promise.resolve();
  }

  saveDeadLetter(_tx: MemoryTransaction, letter: DeadLetter): Promise<void> {
    this.#deadLetters.set(letterKey(letter), letter);
    return Promise.resolve();
  }

  deadLetters(_tx: MemoryTransaction, projection: string, generation: number): Promise<readonly DeadLetter[]> {
    const own = [...this.#deadLetters.values()].filter(
      (letter) => letter.projection === projection && letter.generation === generation,
    );
    return Promise.resolve(own.sort((a, b) => a.position - b.position));
  }

  dropDeadLetter(_tx: MemoryTransaction, letter: DeadLetter): Promise<void> {
    this.#deadLetters.delete(letterKey(letter));
    return Promise.resolve();
  }

  isPassing(): boolean {
    return false;
  }
}

function letterKey({ projection, generation, position }: DeadLetter): string {
  return `${projection}/${generation}/${position}`;
}
