/**
 * The interface of a projection's store, which saves the checkpoint in the same transaction as the read model.
 *
 * PostgreSQL, SQLite, the state of an Annals server and memory implement it; the runner depends on nothing else.
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
   * throws. A store without locks runs it again after a conflict.
   */
  transaction<R>(body: (tx: Tx) => Promise<R>): Promise<R>;
  /** Returns the builds of a projection, and locks them until the transaction ends. */
  checkpoints(tx: Tx, projection: string): Promise<readonly Checkpoint[]>;
  /** Saves the checkpoint of a build, replacing the previous one. */
  saveCheckpoint(tx: Tx, projection: string, checkpoint: Checkpoint): Promise<void>;
  /** Removes a build with its dead letters and tables. */
  dropBuild(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void>;
  /** Makes the tables of this build of a projection visible under their plain names. */
  expose(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void>;
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
export function tableOf(name: string, generation: number): string {
  return `${identifier(name)}__${generation}`;
}

/**
 * Returns the name of a projection, which is stored as a value. Throws a ProjectionError if it is empty or too long.
 */
export function projectionName(name: string): string {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
    throw new ProjectionError(
      `the projection name ${JSON.stringify(name)} must be 1 to 64 letters, digits, _, - and .`,
    );
  }
  return name;
}

/** Returns the name of a table. Throws a ProjectionError if it can't be used in SQL unquoted. */
export function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(name)) {
    throw new ProjectionError(
      `the table name ${JSON.stringify(name)} must be an identifier of at most 48 letters, digits and _`,
    );
  }
  return name;
}

/**
 * The changes of a transaction do not fit into one, or are invalid. A batch of events is then divided; if a single
 * event causes it, the event's handler has failed.
 */
export class RejectedTransactionError extends AnnalsError {}

/** A projection can't continue. The message states what to do. */
export class ProjectionError extends AnnalsError {}
