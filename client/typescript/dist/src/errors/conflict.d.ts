/** Errors of a change that conflicts with data that is already stored: read again, and make a new decision. */
import type { ExpectedRevision } from "../append.js";
import { AnnalsError } from "./base.js";
/**
 * The stream is not at the expected revision: another client appended to it. Read it again and make a new decision.
 */
export declare class RevisionConflictError extends AnnalsError {
    readonly stream: string;
    /** The state that the append expected. */
    readonly expected: ExpectedRevision;
    /** The stream's last revision; undefined if it has no events. */
    readonly actual: number | undefined;
    readonly conflict = true;
    constructor(stream: string, 
    /** The state that the append expected. */
    expected: ExpectedRevision, 
    /** The stream's last revision; undefined if it has no events. */
    actual: number | undefined);
}
/**
 * The id of the append's first event is already stored, but from a different append. If this is a retry, send exactly
 * the same append; otherwise use a new id. `conflict` is false: a new decision with the same ids would fail again.
 */
export declare class EventIdConflictError extends AnnalsError {
    readonly id: string;
    /** The stream in which the event is stored; if it was removed, the stream of the rejected append. */
    readonly stream: string;
    /** The event's revision; undefined if it was removed. */
    readonly revision: number | undefined;
    /** The event's position. */
    readonly position: number;
    constructor(id: string, 
    /** The stream in which the event is stored; if it was removed, the stream of the rejected append. */
    stream: string, 
    /** The event's revision; undefined if it was removed. */
    revision: number | undefined, 
    /** The event's position. */
    position: number);
}
/** A check of an append that failed. */
export type FailedCheck = {
    /** The index of the check, from 0: first the append's checks, then the `expected` of its writes, in order. */
    readonly index: number;
    /** The stream that is not in the expected state. */
    readonly stream: {
        readonly stream: string;
        readonly expected: ExpectedRevision;
        readonly actual: number | undefined;
    };
} | {
    /** The index of the check, from 0: first the append's checks, then the `expected` of its writes, in order. */
    readonly index: number;
    /** The event at `position` matches the query of a check that expects no match after `after`. */
    readonly match: {
        readonly after: number;
        readonly position: number;
    };
};
/**
 * Checks of the append failed: another client changed the data it depends on. Read it again and make a new decision.
 */
export declare class ChecksFailedError extends AnnalsError {
    /** The first failed checks, in the order of their indexes; at least one. */
    readonly failed: readonly FailedCheck[];
    /** The number of failed checks. */
    readonly count: number;
    readonly conflict = true;
    constructor(
    /** The first failed checks, in the order of their indexes; at least one. */
    failed: readonly FailedCheck[], 
    /** The number of failed checks. */
    count: number);
}
/**
 * The retention of the stream or prefix has changed since the caller read it. Read it again and make a new decision.
 */
export declare class VersionConflictError extends AnnalsError {
    /** The stream; empty if the retention is that of a prefix. */
    readonly stream: string;
    /** The expected version. */
    readonly expected: number;
    /** The current version. */
    readonly actual: number;
    /** The prefix; undefined if the retention is that of a stream. */
    readonly prefix?: string | undefined;
    readonly conflict = true;
    constructor(
    /** The stream; empty if the retention is that of a prefix. */
    stream: string, 
    /** The expected version. */
    expected: number, 
    /** The current version. */
    actual: number, 
    /** The prefix; undefined if the retention is that of a stream. */
    prefix?: string | undefined);
}
//# sourceMappingURL=conflict.d.ts.map