/** What a server tells about itself. */
import { ProtocolError } from "./errors.js";
import type { GetServerInfoResponse } from "./generated/annals/v1/event_store_pb.js";
import { toNumber } from "./numbers.js";
import { fromPbTime, type Timestamp } from "./timestamp.js";

/** What runs at the endpoint, up to where its log goes, and the limits in force. */
export interface ServerInfo {
  /** The server's version. */
  readonly version: string;
  /** The engine: `embedded`, `memory` or `foundationdb`. */
  readonly engine: string;
  /** The store's identity, a UUID. A checkpoint is only worth something in the store it came from. */
  readonly storeId: string;
  /** The log's last position; 0 when it is empty. */
  readonly head: number;
  /** The position up to which the indexes are on disk. */
  readonly indexed: number;
  /** When the server started. */
  readonly startedAt: Timestamp;
  /** The limits in force. */
  readonly limits: Limits;
}

/** Limits in force on a server. */
export interface Limits {
  /** The most bytes of data in an event. */
  readonly maxEventBytes: number;
  /** The most bytes in an append, as they are stored. */
  readonly maxAppendBytes: number;
  /** The most bytes of metadata in an event. */
  readonly maxMetadataBytes: number;
  /** The most events in an append. */
  readonly maxAppendEvents: number;
  /** The most bytes in a stream's name. */
  readonly maxStreamNameBytes: number;
  /** The most bytes in an event's type. */
  readonly maxEventTypeBytes: number;
  /** The most bytes in a tag. */
  readonly maxTagBytes: number;
  /** The most tags on an event. */
  readonly maxTags: number;
  /** The most subscriptions open at a time. */
  readonly maxSubscriptions: number;
  /** The most checks in an append. */
  readonly maxAppendChecks: number;
  /** The most bytes in a snapshot. */
  readonly maxSnapshotBytes: number;
  /** The most prefixes for which a retention can be set. */
  readonly maxPrefixRetentions: number;
}

/** From the protocol. */
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
    },
  };
}
