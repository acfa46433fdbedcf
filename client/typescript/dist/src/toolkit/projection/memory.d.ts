/** Read models in memory, for tests and for models that are rebuilt at every start. */
import { type Checkpoint, type DeadLetter, type ProjectionStore } from "./store.js";
/** A transaction on tables in memory. It reads its own writes; others see them after its end. */
export interface MemoryTransaction {
    /**
     * Returns a table of keys and rows, and creates it if it does not exist. Replace rows; do not modify them in place.
     */
    table(name: string): MemoryTable;
}
/** A table in memory. */
export type MemoryTable = Pick<Map<string, unknown>, "get" | "set" | "delete" | "has" | "entries" | "values" | "size">;
/** Tables in memory. */
export declare class MemoryStore implements ProjectionStore<MemoryTransaction> {
    #private;
    /** Returns the current content of a table of a live projection. */
    table(name: string): ReadonlyMap<string, unknown>;
    prepare(): Promise<void>;
    livePosition(projection: string): Promise<number | undefined>;
    transaction<R>(body: (tx: MemoryTransaction) => Promise<R>): Promise<R>;
    checkpoints(_tx: MemoryTransaction, projection: string): Promise<readonly Checkpoint[]>;
    saveCheckpoint(_tx: MemoryTransaction, projection: string, checkpoint: Checkpoint): Promise<void>;
    dropBuild(tx: MemoryTransaction, projection: string, generation: number, tables: readonly string[]): Promise<void>;
    expose(_tx: MemoryTransaction, generation: number, tables: readonly string[]): Promise<void>;
    saveDeadLetter(_tx: MemoryTransaction, letter: DeadLetter): Promise<void>;
    deadLetters(_tx: MemoryTransaction, projection: string, generation: number): Promise<readonly DeadLetter[]>;
    dropDeadLetter(_tx: MemoryTransaction, letter: DeadLetter): Promise<void>;
    isPassing(): boolean;
}
//# sourceMappingURL=memory.d.ts.map