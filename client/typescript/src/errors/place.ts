/** Errors of streams, snapshots, positions, revisions and versions that do not exist. */
import { AnnalsError } from "./base.js";

/**
 * The stream has no events: none were ever appended, or none since it was deleted. Check the name, or treat it as
 * empty.
 */
export class StreamNotFoundError extends AnnalsError {
  constructor(readonly stream: string) {
    super(`stream ${JSON.stringify(stream)} does not exist`);
  }
}

/** The stream was permanently deleted. Use another name. */
export class StreamTombstonedError extends AnnalsError {
  constructor(readonly stream: string) {
    super(`stream ${JSON.stringify(stream)} was permanently deleted; use another name`);
  }
}

/** The stream has no such snapshot. Start from its first event. (Client.loadSnapshot returns undefined instead.) */
export class SnapshotNotFoundError extends AnnalsError {
  constructor(readonly stream: string) {
    super(`stream ${JSON.stringify(stream)} has no such snapshot`);
  }
}

/**
 * The position does not exist yet. If it is a checkpoint, it comes from another store, or the store was restored from
 * an older backup: rebuild the projection.
 */
export class PositionBeyondHeadError extends AnnalsError {
  constructor(
    /** The position requested. */
    readonly position: number,
    /** The log's last position; 0 if it is empty. */
    readonly head: number,
  ) {
    super(`position ${position} is beyond the head of the log, which is ${head}`);
  }
}

/** The revision does not exist yet in the stream. */
export class RevisionBeyondEndError extends AnnalsError {
  constructor(
    readonly stream: string,
    /** The revision requested. */
    readonly revision: number,
    /** The stream's last revision; undefined if it has no events. */
    readonly lastRevision: number | undefined,
  ) {
    super(
      `revision ${revision} is beyond the end of stream ${JSON.stringify(stream)}, which ${actualText(lastRevision)}`,
    );
  }
}

/**
 * Deletions after the version are no longer known, so the subscriber can't learn what has changed. Forget all entries
 * of the scope, and subscribe without a version.
 */
export class StateVersionExpiredError extends AnnalsError {
  constructor(
    readonly scope: string,
    /** The version requested. */
    readonly version: number,
    /** The earliest version after which the scope can be followed. */
    readonly firstVersion: number,
    /** The scope's last version. */
    readonly lastVersion: number,
  ) {
    super(
      `scope ${JSON.stringify(scope)} can be followed only after version ${firstVersion}, not after ${version}, ` +
        "because deletions since are no longer known; forget its entries, and subscribe without a version",
    );
  }
}

/**
 * The version does not exist yet in the scope. It comes from another store, or the store was restored from an older
 * backup: forget all entries of the scope, and subscribe without a version.
 */
export class StateVersionBeyondEndError extends AnnalsError {
  constructor(
    readonly scope: string,
    /** The version requested. */
    readonly version: number,
    /** The scope's last version; 0 if nothing was ever written to it. */
    readonly lastVersion: number,
  ) {
    super(`version ${version} is beyond the end of scope ${JSON.stringify(scope)}, which is at version ${lastVersion}`);
  }
}

/** Describes the current state of a stream. */
export function actualText(actual: number | undefined): string {
  return actual === undefined ? "has no events" : `is at revision ${actual}`;
}
