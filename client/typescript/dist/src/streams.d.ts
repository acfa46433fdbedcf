import { type Duration } from "./duration.js";
import { type Scavenge as PbScavenge } from "./generated/annals/v1/scavenge_pb.js";
import type { Snapshot as PbSnapshot } from "./generated/annals/v1/snapshot_pb.js";
import { type PrefixRetention as PbPrefixRetention, type Retention as PbRetention, type Stream as PbStream } from "./generated/annals/v1/stream_pb.js";
import { type Timestamp } from "./timestamp.js";
/** Properties of a stream that exists. */
export interface StreamInfo {
    /** The stream's name. */
    readonly name: string;
    /** Revision of the stream's last event. */
    readonly lastRevision: number;
    /** Position of the stream's last event. */
    readonly lastPosition: number;
    /** Position of the event that began the stream, or that began it again after a deletion. */
    readonly firstPosition: number;
    /** The time at which the event at firstPosition was recorded. */
    readonly createdAt: Timestamp;
    /** Revision of the first event that has not been removed; lastRevision + 1 if all have been. */
    readonly firstRevision: number;
    /** The retention that is set for the stream itself. */
    readonly retention: Retention;
    /** The prefix whose retention applies, because the stream has no count and no age of its own. */
    readonly retentionPrefix?: string;
}
/**
 * How much of a stream is kept. An event is removed if any of these limits applies. Without limits, everything is
 * kept.
 */
export interface Retention {
    /** Maximum number of events to keep, at least 1: the latest ones. */
    readonly maxCount?: number;
    /**
     * Maximum age of events, from the time at which they were recorded: whole seconds, at least 1. As read, it is in
     * `seconds`.
     */
    readonly maxAge?: Duration;
    /**
     * Events before this revision are removed. It only increases: a lower value than the one in force changes nothing.
     */
    readonly truncateBefore?: number;
}
/** The retention of a stream at a version. */
export interface RetentionInfo {
    /** How much of the stream is kept. */
    readonly retention: Retention;
    /** The number of changes, including deletions; 0: never changed, everything is kept. */
    readonly version: number;
    /** Whether the stream was permanently deleted. */
    readonly tombstoned: boolean;
}
/**
 * The retention of the streams whose names begin with a prefix, at a version. It applies to streams without a count
 * and an age of their own; if several prefixes match a name, only the longest one applies.
 */
export interface PrefixRetention {
    readonly prefix: string;
    /** The count and the age; without both, no retention is set. */
    readonly retention: Retention;
    /** The number of changes; 0: never changed. */
    readonly version: number;
}
/** The result of deleting a stream. */
export interface Deleted {
    /** The stream's last revision; the next append gets the one after it. */
    readonly lastRevision: number;
    /** The position of the event that records the deletion. */
    readonly position: number;
    /** Whether the stream had been deleted already, with no append since. */
    readonly alreadyDeleted: boolean;
}
/** The result of permanently deleting a stream. */
export interface Tombstoned {
    /** The position of the event that records the deletion. */
    readonly position: number;
    /** Whether the stream had been permanently deleted already. */
    readonly alreadyTombstoned: boolean;
}
/** A snapshot: state that a client built from a stream's events, saved so that it need not read them all again. */
export interface Snapshot {
    readonly stream: string;
    /** The last revision that the state includes. */
    readonly revision: number;
    /** The version of the state's format, assigned by the client; 0 if not given. */
    readonly schemaVersion: number;
    readonly data: Uint8Array;
    /** The time at which it was saved. */
    readonly savedAt: Timestamp;
}
/** The progress of a scavenge, which reclaims the space of removed events. */
export interface Scavenge {
    /** The current state. Client.startScavenge continues a stopped one. */
    readonly state: "running" | "stopped" | "finished";
    /** The time at which it was started. */
    readonly startedAt: Timestamp;
    /** The time at which it finished or was stopped; undefined while it runs. */
    readonly endedAt: Timestamp | undefined;
    /** Number of streams processed so far, of streamsTotal. */
    readonly streamsDone: number;
    /** Number of streams with settings. */
    readonly streamsTotal: number;
    /** Number of events removed so far. */
    readonly eventsRemoved: number;
    /** Bytes of frames removed so far, before compression. */
    readonly bytesRemoved: number;
    /** The error that stopped the last attempt to continue. It is retried. Empty if there is none. */
    readonly problem: string;
    /** Events up to this position are scavenged; later ones are left for the next scavenge. */
    readonly throughPosition: number;
    /**
     * Number of appends of the last day whose first event is removed. Their ids are kept, so that a retry is
     * recognised.
     */
    readonly idsKept: number;
}
/** Converts from the protocol. */
export declare function fromPbStream(stream: PbStream | undefined): StreamInfo;
/** Converts from the protocol. */
export declare function fromPbPrefixRetention(kept: PbPrefixRetention | undefined): PrefixRetention;
/** Converts from the protocol. */
export declare function fromPbRetention(retention: PbRetention | undefined): Retention;
/** Converts to the protocol. */
export declare function toPbRetention({ maxCount, maxAge, truncateBefore }: Retention): PbRetention;
/** Converts from the protocol. */
export declare function fromPbSnapshot(snapshot: PbSnapshot | undefined): Snapshot;
/** Converts from the protocol. */
export declare function fromPbScavenge(scavenge: PbScavenge): Scavenge;
//# sourceMappingURL=streams.d.ts.map