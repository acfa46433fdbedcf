/** Properties of a server. */
import { ProtocolError } from "./errors.js";
import type { GetServerInfoResponse } from "./generated/annals/v1/event_store_pb.js";
import { toNumber } from "./numbers.js";
import { fromPbTime, type Timestamp } from "./timestamp.js";

/** The server's version and engine, the head of its log, and its limits. */
export interface ServerInfo {
  readonly version: string;
  /** The engine: `embedded`, `memory` or `foundationdb`. */
  readonly engine: string;
  /** The store's id, a UUID. A checkpoint is valid only for the store it came from. */
  readonly storeId: string;
  /** The log's last position; 0 if it is empty. */
  readonly head: number;
  /** The position up to which the indexes are on disk. */
  readonly indexed: number;
  /** The time at which the server started. */
  readonly startedAt: Timestamp;
  readonly limits: Limits;
}

/** Limits of a server. */
export interface Limits {
  /** Maximum bytes of data in an event. */
  readonly maxEventBytes: number;
  /** Maximum bytes of an append, as stored. */
  readonly maxAppendBytes: number;
  /** Maximum bytes of metadata in an event. */
  readonly maxMetadataBytes: number;
  /** Maximum events in an append. */
  readonly maxAppendEvents: number;
  /** Maximum bytes in a stream's name. */
  readonly maxStreamNameBytes: number;
  /** Maximum bytes in an event's type. */
  readonly maxEventTypeBytes: number;
  /** Maximum bytes in a tag. */
  readonly maxTagBytes: number;
  /** Maximum tags on an event. */
  readonly maxTags: number;
  /** Maximum subscriptions open at the same time. */
  readonly maxSubscriptions: number;
  /** Maximum checks in an append. */
  readonly maxAppendChecks: number;
  /** Maximum bytes in a snapshot. */
  readonly maxSnapshotBytes: number;
  /** Maximum prefixes that can have a retention. */
  readonly maxPrefixRetentions: number;
  /** Maximum bytes in the name of a scope of state. */
  readonly maxStateScopeBytes: number;
  /** Maximum bytes in the key of an entry of state. */
  readonly maxStateKeyBytes: number;
  /** Maximum bytes in the value of an entry of state. */
  readonly maxStateValueBytes: number;
  /** Maximum changes of state in a write or an append, and maximum checks of state. */
  readonly maxStateChanges: number;
}

/** Converts from the protocol. */
export function fromPbServerInfo(info: GetServerInfoResponse): ServerInfo {
  if (info.limits === undefined) {
    throw new ProtocolError("limits are missing");
  }
  const limits = info.limits;
  return {
    version: info.version,
    engine: info.engine,
    storeId: info.storeId,
    head: toNumber(info.head),
    indexed: toNumber(info.indexed),
    startedAt: fromPbTime(info.startedAt, "started_at"),
    limits: {
      maxEventBytes: limits.maxEventBytes,
      maxAppendBytes: limits.maxAppendBytes,
      maxMetadataBytes: limits.maxMetadataBytes,
      maxAppendEvents: limits.maxAppendEvents,
      maxStreamNameBytes: limits.maxStreamNameBytes,
      maxEventTypeBytes: limits.maxEventTypeBytes,
      maxTagBytes: limits.maxTagBytes,
      maxTags: limits.maxTags,
      maxSubscriptions: limits.maxSubscriptions,
      maxAppendChecks: limits.maxAppendChecks,
      maxSnapshotBytes: limits.maxSnapshotBytes,
      maxPrefixRetentions: limits.maxPrefixRetentions,
      maxStateScopeBytes: limits.maxStateScopeBytes,
      maxStateKeyBytes: limits.maxStateKeyBytes,
      maxStateValueBytes: limits.maxStateValueBytes,
      maxStateChanges: limits.maxStateChanges,
    },
  };
}
