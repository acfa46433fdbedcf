/**
 * What a projection's store must do: keep the checkpoint in the same transaction as the read model.
 *
 * One contract for PostgreSQL, SQLite and memory; the runner knows nothing else of them.
 */
import { AnnalsError } from "../../errors.js";

/** How far a build of a projection is. */
export interface Checkpoint {
  /** Which build, counted from 1. */
  readonly generation: number;
  /** The projection's version when it was begun. */
  readonly version: number;
  /** Whether readers see it. */
  readonly state: "live" | "building";
  /** Everything up to this position was taken; 0: nothing. */
  readonly position: number;
  /** The identity of the store whose position this is. */
  readonly storeId: string;
}

/** An event that a projection could not take. */
export interface DeadLetter {
  /** The projection. */
  readonly projection: string;
  /** Which build of it. */
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
  /** What the handler threw last. */
  readonly reason: string;
  /** How often it was tried. */
  readonly tries: number;
  /** When it was given up: ISO 8601. */
  readonly failedAt: string;
}

/** A store of read models, of transactions `Tx`. */
export interface ProjectionStore<Tx> {
  /** Makes the tables of checkpoints and dead letters, if they are missing. */
  prepare(): Promise<void>;
  /** Where a projection's live build is; undefined if there is none yet, or not even those tables. Only reads. */
  livePosition(projection: string): Promise<number | undefined>;
  /** Runs the body in a transaction: all that it writes with `tx` is written if it returns, nothing if it throws. */
  transaction<R>(body: (tx: Tx) => Promise<R>): Promise<R>;
  /** The builds of a projection; nobody else changes them before the transaction ends. */
  checkpoints(tx: Tx, projection: string): Promise<readonly Checkpoint[]>;
  /** Saves a checkpoint in place of the one of the same build. */
  saveCheckpoint(tx: Tx, projection: string, checkpoint: Checkpoint): Promise<void>;
  /** Forgets a build, with its dead letters and its tables. */
  dropBuild(tx: Tx, projection: string, generation: number, tables: readonly string[]): Promise<void>;
  /** Has readers see the tables of this build under their plain names. */
  expose(tx: Tx, generation: number, tables: readonly string[]): Promise<void>;
  /** Keeps a dead letter, in place of one of the same event. */
  saveDeadLetter(tx: Tx, letter: DeadLetter): Promise<void>;
  /** The dead letters of a build, in order. */
  deadLetters(tx: Tx, projection: string, generation: number): Promise<readonly DeadLetter[]>;
  /** Forgets a dead letter. */
  dropDeadLetter(tx: Tx, letter: DeadLetter): Promise<void>;
  /** Whether an error is of the store and will pass (a lost connection, a deadlock): such are no fault of an event. */
  isPassing(error: unknown): boolean;
}

/** The name of a build's table. */
export function tableOf(name: string, generation: number): string {
  return `${identifier(name)}__${generation}`;
}

/** The name of a projection as it is: it stands in tables as a value. Throws a ProjectionError if it is empty or too long. */
export function projectionName(name: string): string {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
    throw new ProjectionError(
      `the projection name ${JSON.stringify(name)} must be 1 to 64 letters, digits, _, - and .`,
    );
  }
  return name;
}

/** The name as it is. Throws a ProjectionError if it could not stand in SQL as it is. */
export function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(name)) {
    throw new ProjectionError(`the table name ${JSON.stringify(name)} must be an identifier of at most 48 letters, digits and _`);
  }
  return name;
}

/** A projection can't go on. What to do stands in the message. */
export class ProjectionError extends AnnalsError {}
