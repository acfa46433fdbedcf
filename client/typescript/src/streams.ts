/** Properties of streams, their retention, their deletion, snapshots and scavenging. */
import { create } from "@bufbuild/protobuf";

import { type Duration, toMilliseconds } from "./duration.js";
import { ProtocolError } from "./errors.js";
import { type Scavenge as PbScavenge, ScavengeState } from "./generated/annals/v1/scavenge_pb.js";
import type { Snapshot as PbSnapshot } from "./generated/annals/v1/snapshot_pb.js";
import {
  type PrefixRetention as PbPrefixRetention,
  type Retention as PbRetention,
  RetentionSchema,
  type Stream as PbStream,
} from "./generated/annals/v1/stream_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import { fromPbTime, type Timestamp } from "./timestamp.js";

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
export function fromPbStream(stream: PbStream | undefined): StreamInfo {
  if (stream === undefined) {
    throw new ProtocolError("a stream without content");
  }
  return {
    name: stream.name,
    lastRevision: toNumber(stream.lastRevision),
    lastPosition: toNumber(stream.lastPosition),
    firstPosition: toNumber(stream.firstPosition),
    createdAt: fromPbTime(stream.createdAt, "created_at"),
    firstRevision: toNumber(stream.firstRevision),
    retention: fromPbRetention(stream.retention),
    ...(stream.retentionPrefix !== "" && { retentionPrefix: stream.retentionPrefix }),
  };
}

/** Converts from the protocol. */
export function fromPbPrefixRetention(kept: PbPrefixRetention | undefined): PrefixRetention {
  if (kept === undefined) {
    throw new ProtocolError("the retention of a prefix is missing");
  }
  return { prefix: kept.prefix, retention: fromPbRetention(kept.retention), version: toNumber(kept.version) };
}

/** Converts from the protocol. */
export function fromPbRetention(retention: PbRetention | undefined): Retention {
  if (retention === undefined) {
    return {};
  }
  return {
    ...(retention.maxCount !== undefined && { maxCount: toNumber(retention.maxCount) }),
    ...(retention.maxAge !== undefined && { maxAge: { seconds: Number(retention.maxAge.seconds) } }),
    ...(retention.truncateBefore > 0n && { truncateBefore: toNumber(retention.truncateBefore) }),
  };
}

/** Converts to the protocol. */
export function toPbRetention({ maxCount, maxAge, truncateBefore }: Retention): PbRetention {
  return create(RetentionSchema, {
    ...(maxCount !== undefined && { maxCount: toBigInt(maxCount, "maxCount") }),
    ...(maxAge !== undefined && {
      maxAge: { seconds: toBigInt(toMilliseconds(maxAge, "maxAge") / 1_000, "maxAge") },
    }),
    ...(truncateBefore !== undefined && { truncateBefore: toBigInt(truncateBefore, "truncateBefore") }),
  });
}

/** Converts from the protocol. */
export function fromPbSnapshot(snapshot: PbSnapshot | undefined): Snapshot {
  if (snapshot === undefined) {
    throw new ProtocolError("a snapshot without content");
  }
  return {
    stream: snapshot.stream,
    revision: toNumber(snapshot.revision),
    schemaVersion: snapshot.schemaVersion,
    data: snapshot.data,
    savedAt: fromPbTime(snapshot.savedAt, "saved_at"),
  };
}

const SCAVENGE_STATES: Readonly<Record<ScavengeState, Scavenge["state"] | undefined>> = {
  [ScavengeState.UNSPECIFIED]: undefined,
  [ScavengeState.RUNNING]: "running",
  [ScavengeState.STOPPED]: "stopped",
  [ScavengeState.FINISHED]: "finished",
};

/** Converts from the protocol. */
export function fromPbScavenge(scavenge: PbScavenge): Scavenge {
  const state = SCAVENGE_STATES[scavenge.state];
  if (state === undefined) {
    throw new ProtocolError(`a scavenge in state ${scavenge.state}`);
  }
  return {
    state,
    startedAt: fromPbTime(scavenge.startedAt, "started_at"),
    endedAt: scavenge.endedAt === undefined ? undefined : fromPbTime(scavenge.endedAt, "ended_at"),
    streamsDone: toNumber(scavenge.streamsDone),
    streamsTotal: toNumber(scavenge.streamsTotal),
    eventsRemoved: toNumber(scavenge.eventsRemoved),
    bytesRemoved: toNumber(scavenge.bytesRemoved),
    problem: scavenge.problem,
    throughPosition: toNumber(scavenge.throughPosition),
    idsKept: toNumber(scavenge.idsKept),
  };
}
