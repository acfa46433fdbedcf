/**
 * The interface of a projection's store, which saves the checkpoint in the same transaction as the read model.
 *
 * PostgreSQL, SQLite and memory implement it; the runner depends on nothing else.
 */
import { AnnalsError } from "../../errors.js";
/** The progress of a build of a projection. */
export interface Checkpoint {
    /** The number of the build, from 1. */
    readonly generation: number;
    /** The projection's version when the build was started. */
    readonly version: number;
    /** Whether readers see it. */
    readonly state: "live" | "building";
    /** The position up to which everything was processed; 0: nothing. */
    readonly position: number;
    /** The id of the event store that the position belongs to. */
    readonly storeId: string;
}
/** An event that a projection could not handle. */
export interface DeadLetter {
    readonly projection: string;
    /** The number of its build. */
    readonly generation: number;
    /** The event's position. */
    readonly position: number;
    /** The event's id. */
    readonly eventId: string;
    /** The event's stream. */
    readonly stream: string;
    /** The event's revision in it. */
    readonly revision: number;
    /** The event's type. */
    readonly type: string;
    /** The last error of the handler. */
    readonly reason: string;
    /** The number of attempts. */
    readonly tries: number;
    /** The time of the last attempt, in ISO 8601. */
    readonly failedAt: string;
}
/** A store of read models, with transactions of type `Tx`. */
export interface ProjectionStore<Tx> {
    /** Creates the tables of checkpoints and dead letters if they do not exist. */
    prepare(): Promise<void>;
    /**
     * Returns the position of a projection's live build; undefined if there is none, or if the tables do not exist. It
     * only reads.
     */
    livePosition(projection: string): Promise<number | undefined>;
    /**
     * Runs the body in a transaction: everything that it writes with `tx` is written if it returns, and nothing if it
     * throws.
     */
    transaction<R>(body: (tx: Tx) => Promise<R>): Promise<R>;
    /** Returns the builds of a projection, and locks them until the transaction ends. */
    checkpoints(tx: Tx, projection: string): Promise<readonly Checkpoint[]>;
    /** Saves the checkpoint of a build, replacing the previous one. */
    saveCheckpoint(tx: Tx, projection: string, checkpoint: Checkpoint): Promise<void>;
    /** Removes a build with its dead letters and tables. */
    dropBuild(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void>;
    /** Makes the tables of this build visible under their plain names. */
    expose(tx: Tx, generation: number, tables: readonly string[]): Promise<void>;
    /** Saves a dead letter, replacing an earlier one for the same event. */
    saveDeadLetter(tx: Tx, letter: DeadLetter): Promise<void>;
    /** Returns the dead letters of a build, in order. */
    deadLetters(tx: Tx, projection: string, generation: number): Promise<readonly DeadLetter[]>;
    /** Removes a dead letter. */
    dropDeadLetter(tx: Tx, letter: DeadLetter): Promise<void>;
    /** Whether an error is a transient one of the store (a lost connection, a deadlock), and not caused by an event. */
    isPassing(error: unknown): boolean;
}
/** Returns the name of a table in a build. */
export declare function tableOf(name: string, generation: number): string;
/**
 * Returns the name of a projection, which is stored as a value. Throws a ProjectionError if it is empty or too long.
 */
export declare function projectionName(name: string): string;
/** Returns the name of a table. Throws a ProjectionError if it can't be used in SQL unquoted. */
export declare function identifier(name: string): string;
/** A projection can't continue. The message states what to do. */
export declare class ProjectionError extends AnnalsError {
}
//# sourceMappingURL=store.d.ts.map