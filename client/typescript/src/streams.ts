/** What the store knows of its streams, how much of them is kept, and snapshots of them. */
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

/** What the store knows of a stream. */
export interface StreamInfo {
  /** Its name. */
  readonly name: string;
  /** Revision of its last event. */
  readonly lastRevision: number;
  /** Position of its last event. */
  readonly lastPosition: number;
  /** Position of the event that began it (or, if it was deleted, began it again). */
  readonly firstPosition: number;
  /** When that event was recorded. */
  readonly createdAt: Timestamp;
  /** Revision of its first event that is not gone; one after lastRevision if all are. */
  readonly firstRevision: number;
  /** How much of it is kept, as it is set for the stream itself. */
  readonly retention: Retention;
  /** The prefix whose retention holds, because the stream has no count and no age of its own. */
  readonly retentionPrefix?: string;
}

/** How much of a stream is kept: an event is gone if any of these says so. Without any, everything is kept. */
export interface Retention {
  /** Keeps the last so many events, 1 or more. */
  readonly maxCount?: number;
  /** Keeps events for so many whole seconds after they were recorded, 1 or more. */
  readonly maxAge?: Duration;
  /** Events before this revision are gone. It only grows: less than is in force changes nothing. */
  readonly truncateBefore?: number;
}

/** How much of a stream is kept, and since which change. */
export interface RetentionInfo {
  /** What is kept. */
  readonly retention: Retention;
  /** How often it was changed, deletions included; 0: never, everything is kept. */
  readonly version: number;
  /** Whether the stream was deleted for ever. */
  readonly tombstoned: boolean;
}

/**
 * How much is kept of the streams whose names begin with a prefix, and since which change. It holds for streams without a
 * count and an age of their own; of several prefixes of a name the longest counts.
 */
export interface PrefixRetention {
  /** The prefix. */
  readonly prefix: string;
  /** The count and the age that are kept; neither: nothing is set. */
  readonly retention: Retention;
  /** How often it was changed; 0: never. */
  readonly version: number;
}

/** What a deletion did. */
export interface Deleted {
  /** The stream's last revision; an append to it gets the next. */
  readonly lastRevision: number;
  /** The position at which the log says that it is deleted. */
  readonly position: number;
  /** Whether it was deleted before, and nothing was appended since. */
  readonly alreadyDeleted: boolean;
}

/** What a deletion for ever did. */
export interface Tombstoned {
  /** The position at which the log says so. */
  readonly position: number;
  /** Whether it was before. */
  readonly alreadyTombstoned: boolean;
}

/** What a client made of a stream's events, kept so that it need not begin with the first one again. */
export interface Snapshot {
  /** The stream. */
  readonly stream: string;
  /** The last revision that it holds. */
  readonly revision: number;
  /** Which form it has, in the client's own counting; 0 if not given. */
  readonly schemaVersion: number;
  /** The state. */
  readonly data: Uint8Array;
  /** When it was saved. */
  readonly savedAt: Timestamp;
}

/** How far a scavenge is, which reclaims the space of what is gone. */
export interface Scavenge {
  /** `"never"`: there was none yet. A stopped one goes on with Client.startScavenge. */
  readonly state: "never" | "running" | "stopped" | "finished";
  /** When it was started. */
  readonly startedAt: Timestamp | undefined;
  /** When it was finished or stopped. */
  readonly endedAt: Timestamp | undefined;
  /** Streams looked at so far, of streamsTotal. */
  readonly streamsDone: number;
  /** Streams that have anything set for them. */
  readonly streamsTotal: number;
  /** Events removed so far. */
  readonly eventsRemoved: number;
  /** Bytes removed so far, as they are stored before compression. */
  readonly bytesRemoved: number;
  /** Why it could not go on at the last try; it is tried again. Empty: nothing went wrong. */
  readonly problem: string;
  /** Events up to this position are scavenged; later ones are kept for the next scavenge. */
  readonly throughPosition: number;
  /** Appends of the last day whose first event is removed. Their ids are kept, so that a retry is recognised. */
  readonly idsKept: number;
}

/** From the protocol. */
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

/** From the protocol. */
export function fromPbPrefixRetention(kept: PbPrefixRetention | undefined): PrefixRetention {
  if (kept === undefined) {
    throw new ProtocolError("the retention of a prefix is missing");
  }
  return { prefix: kept.prefix, retention: fromPbRetention(kept.retention), version: toNumber(kept.version) };
}

/** From the protocol. */
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

/** For the protocol. */
export function toPbRetention({ maxCount, maxAge, truncateBefore }: Retention): PbRetention {
  return create(RetentionSchema, {
    ...(maxCount !== undefined && { maxCount: toBigInt(maxCount, "maxCount") }),
    ...(maxAge !== undefined && {
      maxAge: { seconds: toBigInt(toMilliseconds(maxAge, "maxAge") / 1_000, "maxAge") },
    }),
    ...(truncateBefore !== undefined && { truncateBefore: toBigInt(truncateBefore, "truncateBefore") }),
  });
}

/** From the protocol. */
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

/** From the protocol. */
export function fromPbScavenge(scavenge: PbScavenge | undefined): Scavenge {
  if (scavenge === undefined) {
    throw new ProtocolError("a scavenge is missing");
  }
  const states = {
    [ScavengeState.UNSPECIFIED]: "never",
    [ScavengeState.RUNNING]: "running",
    [ScavengeState.STOPPED]: "stopped",
    [ScavengeState.FINISHED]: "finished",
  } as const;
  return {
    state: states[scavenge.state],
    startedAt: scavenge.startedAt === undefined ? undefined : fromPbTime(scavenge.startedAt, "started_at"),
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
