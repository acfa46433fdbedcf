/** Errors of a place that is not there: a stream, a snapshot, a position. */
import { AnnalsError } from "./base.js";

/** Nothing was ever appended to the stream, or nothing since it was deleted. Check the name, or take it as empty. */
export class StreamNotFoundError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
  ) {
    super(`stream ${JSON.stringify(stream)} does not exist`);
  }
}

/** The stream was deleted for ever. Use another name. */
export class StreamTombstonedError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
  ) {
    super(`stream ${JSON.stringify(stream)} was permanently deleted; use another name`);
  }
}

/** The stream has no such snapshot. Begin with its first event. (Client.loadSnapshot answers undefined instead.) */
export class SnapshotNotFoundError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
  ) {
    super(`stream ${JSON.stringify(stream)} has no such snapshot`);
  }
}

/**
 * The position has not been given to an event yet. A checkpoint that leads here is of another store, or of one that was
 * restored from an older backup: rebuild the projection.
 */
export class PositionBeyondHeadError extends AnnalsError {
  constructor(
    /** The position that was asked for. */
    readonly position: number,
    /** The log's last position; 0 if it is empty. */
    readonly head: number,
  ) {
    super(`position ${position} is beyond the head of the log, which is ${head}`);
  }
}

/** The same for a revision in a stream. */
export class RevisionBeyondEndError extends AnnalsError {
  constructor(
    /** The stream. */
    readonly stream: string,
    /** The revision that was asked for. */
    readonly revision: number,
    /** The stream's last revision; undefined if it has no events. */
    readonly lastRevision: number | undefined,
  ) {
    super(
      `revision ${revision} is beyond the end of stream ${JSON.stringify(stream)}, which ${actualText(lastRevision)}`,
    );
  }
}

/** Where a stream is, in words. */
export function actualText(actual: number | undefined): string {
  return actual === undefined ? "has no events" : `is at revision ${actual}`;
}
