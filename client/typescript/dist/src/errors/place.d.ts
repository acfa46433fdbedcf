/** Errors of streams, snapshots, positions and revisions that do not exist. */
import { AnnalsError } from "./base.js";
/**
 * The stream has no events: none were ever appended, or none since it was deleted. Check the name, or treat it as
 * empty.
 */
export declare class StreamNotFoundError extends AnnalsError {
    readonly stream: string;
    constructor(stream: string);
}
/** The stream was permanently deleted. Use another name. */
export declare class StreamTombstonedError extends AnnalsError {
    readonly stream: string;
    constructor(stream: string);
}
/** The stream has no such snapshot. Start from its first event. (Client.loadSnapshot returns undefined instead.) */
export declare class SnapshotNotFoundError extends AnnalsError {
    readonly stream: string;
    constructor(stream: string);
}
/**
 * The position does not exist yet. If it is a checkpoint, it comes from another store, or the store was restored from
 * an older backup: rebuild the projection.
 */
export declare class PositionBeyondHeadError extends AnnalsError {
    /** The position requested. */
    readonly position: number;
    /** The log's last position; 0 if it is empty. */
    readonly head: number;
    constructor(
    /** The position requested. */
    position: number, 
    /** The log's last position; 0 if it is empty. */
    head: number);
}
/** The revision does not exist yet in the stream. */
export declare class RevisionBeyondEndError extends AnnalsError {
    readonly stream: string;
    /** The revision requested. */
    readonly revision: number;
    /** The stream's last revision; undefined if it has no events. */
    readonly lastRevision: number | undefined;
    constructor(stream: string, 
    /** The revision requested. */
    revision: number, 
    /** The stream's last revision; undefined if it has no events. */
    lastRevision: number | undefined);
}
/** Describes the current state of a stream. */
export declare function actualText(actual: number | undefined): string;
//# sourceMappingURL=place.d.ts.map