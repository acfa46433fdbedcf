/** Errors of streams, snapshots, positions and revisions that do not exist. */
import { AnnalsError } from "./base.js";
/**
 * The stream has no events: none were ever appended, or none since it was deleted. Check the name, or treat it as
 * empty.
 */
export class StreamNotFoundError extends AnnalsError {
    stream;
    constructor(stream) {
        super(`stream ${JSON.stringify(stream)} does not exist`);
        this.stream = stream;
    }
}
/** The stream was permanently deleted. Use another name. */
export class StreamTombstonedError extends AnnalsError {
    stream;
    constructor(stream) {
        super(`stream ${JSON.stringify(stream)} was permanently deleted; use another name`);
        this.stream = stream;
    }
}
/** The stream has no such snapshot. Start from its first event. (Client.loadSnapshot returns undefined instead.) */
export class SnapshotNotFoundError extends AnnalsError {
    stream;
    constructor(stream) {
        super(`stream ${JSON.stringify(stream)} has no such snapshot`);
        this.stream = stream;
    }
}
/**
 * The position does not exist yet. If it is a checkpoint, it comes from another store, or the store was restored from
 * an older backup: rebuild the projection.
 */
export class PositionBeyondHeadError extends AnnalsError {
    position;
    head;
    constructor(
    /** The position requested. */
    position, 
    /** The log's last position; 0 if it is empty. */
    head) {
        super(`position ${position} is beyond the head of the log, which is ${head}`);
        this.position = position;
        this.head = head;
    }
}
/** The revision does not exist yet in the stream. */
export class RevisionBeyondEndError extends AnnalsError {
    stream;
    revision;
    lastRevision;
    constructor(stream, 
    /** The revision requested. */
    revision, 
    /** The stream's last revision; undefined if it has no events. */
    lastRevision) {
        super(`revision ${revision} is beyond the end of stream ${JSON.stringify(stream)}, which ${actualText(lastRevision)}`);
        this.stream = stream;
        this.revision = revision;
        this.lastRevision = lastRevision;
    }
}
/** Describes the current state of a stream. */
export function actualText(actual) {
    return actual === undefined ? "has no events" : `is at revision ${actual}`;
}
//# sourceMappingURL=place.js.map