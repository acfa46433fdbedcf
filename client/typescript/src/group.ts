/** Consumer groups: their settings, their progress and their parked events. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Duration as PbDuration } from "@bufbuild/protobuf/wkt";

import { type Duration, fromPbDuration, toPbDuration } from "./duration.js";
import { InvalidFieldError, ProtocolError } from "./errors.js";
import { fromPbEvent, type RecordedEvent } from "./events.js";
import * as pb from "./generated/annals/v1/group_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import { fromPbQuery, type Query, toPbQuery } from "./query.js";
import { wellFormed } from "./text.js";
import { fromPbTime, type Time, type Timestamp, toPbTime } from "./timestamp.js";

/**
 * How a group distributes its events.
 *
 * - `"ordered"`: the events of one stream, or with one tag if `orderByTagPrefix` is set, are delivered in order, to one
 *   consumer at a time. Other streams proceed independently.
 * - `"unordered"`: events are delivered to any consumer, about in order.
 * - `"exclusive"`: one consumer gets all events, in order. The others stand by: when it leaves, the one that has waited
 *   longest takes its place.
 */
export type GroupMode = "ordered" | "unordered" | "exclusive";

/** The settings of a group. As read, the defaults are filled in, and durations are in `seconds`. */
export interface GroupSettings {
  /** The events of the group. The whole log unless given. */
  readonly query?: Query;
  /** How events are distributed. `"ordered"` unless given. */
  readonly mode?: GroupMode;
  /**
   * For ordered groups: order by tag instead of stream. The order of an event is that of its first tag that begins with
   * this prefix (`customer:`), or that of its stream if it has none. By stream unless given.
   */
  readonly orderByTagPrefix?: string;
  /**
   * A delivery that is not settled within this time is withdrawn and counts as a failed attempt. 1 second to 1 hour, 30
   * seconds unless given.
   */
  readonly ackTimeout?: Duration;
  /** An event is parked after this number of failed attempts. 1 to 1,000, 10 unless given. */
  readonly maxAttempts?: number;
  /**
   * How long a failed event waits before its second attempt. The time doubles with each attempt. Up to 1 hour, 1 second
   * unless given.
   */
  readonly retryDelay?: Duration;
  /**
   * The longest time that a failed event waits. At least retryDelay, up to 1 day. 1 minute unless given, or retryDelay
   * if that is longer.
   */
  readonly maxRetryDelay?: Duration;
  /**
   * For ordered groups: while an event of a stream is parked, park the later events of the stream as well, to replay
   * them in order. Otherwise they proceed. False unless given.
   */
  readonly parkFollowing?: boolean;
}

/** A group. */
export interface Group {
  readonly name: string;
  /** Its settings, with the defaults filled in. */
  readonly settings: GroupSettings;
  /** Number of the settings: 1 when the group is created, and 1 more with each update. */
  readonly version: number;
  /** The time at which it was created, by the server's clock. */
  readonly createdAt: Timestamp;
}

/**
 * The place in the log at which a group starts or continues: before the first event, after the last one, after a
 * position, or before the first event that was recorded at a time or later.
 */
export type GroupStart = "beginning" | "end" | { readonly after: number } | { readonly time: Time };

/** A group with its progress and its consumers. */
export interface GroupStatus {
  readonly group: Group;
  /** All events of the group up to this position are acked, skipped or parked. */
  readonly donePosition: number;
  /** The log is read up to this position. Events up to here are done, in flight or waiting. */
  readonly readPosition: number;
  /** The last position of the log. */
  readonly head: number;
  /** Number of positions of the log after donePosition. */
  readonly lagEvents: number;
  /** Age of the first event after donePosition, by the server's clock, in milliseconds. 0 if there is none. */
  readonly lagMs: number;
  /** Number of events that consumers hold. */
  readonly inFlight: number;
  /** Number of events that have failed and wait for their next attempt. */
  readonly retrying: number;
  /** Number of parked events. */
  readonly parked: number;
  /** The connected consumers, in the order in which they connected. */
  readonly consumers: readonly ConsumerStatus[];
  /** Address of the server that leads the group. Empty if no consumer is connected. */
  readonly leader: string;
}

/** A connected consumer of a group. */
export interface ConsumerStatus {
  readonly name: string;
  /** The most deliveries that it holds at a time. */
  readonly permits: number;
  /** How many it holds. */
  readonly inFlight: number;
  /** False if it stands by in an exclusive group. */
  readonly active: boolean;
  /** The time at which it connected, by the server's clock. */
  readonly connectedAt: Timestamp;
}

/** Why and when an event was parked. */
export interface ParkedEvent {
  /** Position of the event. */
  readonly position: number;
  /** Name of its stream. */
  readonly stream: string;
  /** Its revision in the stream. */
  readonly revision: number;
  /** Why it is parked: what the consumer gave as the reason, or what happened. */
  readonly reason: string;
  /** Name of the consumer that had it last. Empty if none had it. */
  readonly consumer: string;
  /** How often it was delivered. */
  readonly attempts: number;
  /** The time at which it was parked, by the server's clock. */
  readonly parkedAt: Timestamp;
  /** The time of the first delivery since the group's leader started; undefined if there was none. */
  readonly firstDeliveredAt: Timestamp | undefined;
  /** The event; undefined unless it was requested, and if it was removed since. */
  readonly event: RecordedEvent | undefined;
}

/** Selects parked events of a group: those at 1 to 1,000 positions, those of a stream, or all. */
export type ParkedSelection = "all" | { readonly positions: readonly number[] } | { readonly stream: string };

const MODES: Readonly<Record<pb.GroupMode, GroupMode>> = {
  [pb.GroupMode.UNSPECIFIED]: "ordered",
  [pb.GroupMode.ORDERED]: "ordered",
  [pb.GroupMode.UNORDERED]: "unordered",
  [pb.GroupMode.EXCLUSIVE]: "exclusive",
};

const PB_MODES: Readonly<Record<GroupMode, pb.GroupMode>> = {
  ordered: pb.GroupMode.ORDERED,
  unordered: pb.GroupMode.UNORDERED,
  exclusive: pb.GroupMode.EXCLUSIVE,
};

/** Converts from the protocol. */
export function fromPbMode(mode: pb.GroupMode): GroupMode {
  const found = MODES[mode] as GroupMode | undefined;
  if (found === undefined) {
    throw new ProtocolError(`a group of mode ${mode}`);
  }
  return found;
}

/** Converts to the protocol. Throws an InvalidFieldError that lists the valid modes. */
export function toPbSettings(settings: GroupSettings): MessageInitShape<typeof pb.GroupSettingsSchema> {
  const { mode = "ordered", orderByTagPrefix = "", maxAttempts, parkFollowing = false } = settings;
  if (!Object.hasOwn(PB_MODES, mode)) {
    const description = `must be "ordered", "unordered" or "exclusive", not ${JSON.stringify(mode)}`;
    throw new InvalidFieldError([{ field: "mode", description }]);
  }
  const query = toPbQuery(settings.query);
  const duration = (name: "ackTimeout" | "retryDelay" | "maxRetryDelay") =>
    settings[name] !== undefined && { [name]: toPbDuration(settings[name], name) };
  return {
    mode: PB_MODES[mode],
    orderByTagPrefix: wellFormed(orderByTagPrefix, "orderByTagPrefix"),
    parkFollowing,
    ...(query !== undefined && { query }),
    ...(maxAttempts !== undefined && { maxAttempts: Number(toBigInt(maxAttempts, "maxAttempts")) }),
    ...duration("ackTimeout"),
    ...duration("retryDelay"),
    ...duration("maxRetryDelay"),
  };
}

/** Converts to the protocol. */
export function toPbStart(start: GroupStart): MessageInitShape<typeof pb.GroupStartSchema> {
  if (start === "beginning" || start === "end") {
    return { start: { case: start, value: {} } };
  }
  return "after" in start
    ? { start: { case: "afterPosition", value: toBigInt(start.after, "after") } }
    : { start: { case: "time", value: toPbTime(start.time) } };
}

/** Converts to the protocol. */
export function toPbSelection(selection: ParkedSelection): MessageInitShape<typeof pb.ParkedSelectionSchema> {
  if (selection === "all") {
    return { selection: { case: "all", value: {} } };
  }
  if ("stream" in selection) {
    return { selection: { case: "stream", value: wellFormed(selection.stream, "stream") } };
  }
  const positions = selection.positions.map((position) => toBigInt(position, "positions"));
  return { selection: { case: "positions", value: { positions } } };
}

/** Converts from the protocol. */
export function fromPbGroup(group: pb.Group | undefined): Group {
  if (group?.settings === undefined) {
    throw new ProtocolError("a group without content");
  }
  const { query, mode, orderByTagPrefix, ackTimeout, maxAttempts, retryDelay, maxRetryDelay, parkFollowing } =
    group.settings;
  return {
    name: group.name,
    settings: {
      query: fromPbQuery(query),
      mode: fromPbMode(mode),
      orderByTagPrefix,
      ...(ackTimeout !== undefined && { ackTimeout: durationOf(ackTimeout) }),
      ...(maxAttempts !== undefined && { maxAttempts }),
      ...(retryDelay !== undefined && { retryDelay: durationOf(retryDelay) }),
      ...(maxRetryDelay !== undefined && { maxRetryDelay: durationOf(maxRetryDelay) }),
      parkFollowing,
    },
    version: toNumber(group.version),
    createdAt: fromPbTime(group.createdAt, "created_at"),
  };
}

function durationOf(duration: PbDuration): Duration {
  return { seconds: fromPbDuration(duration) / 1_000 };
}

/** Converts from the protocol. */
export function fromPbStatus(status: pb.DescribeGroupResponse): GroupStatus {
  return {
    group: fromPbGroup(status.group),
    donePosition: toNumber(status.donePosition),
    readPosition: toNumber(status.readPosition),
    head: toNumber(status.head),
    lagEvents: toNumber(status.lagEvents),
    lagMs: fromPbDuration(status.lag),
    inFlight: toNumber(status.inFlight),
    retrying: toNumber(status.retrying),
    parked: toNumber(status.parked),
    consumers: status.consumers.map(({ name, permits, inFlight, active, connectedAt }) => ({
      name,
      permits,
      inFlight,
      active,
      connectedAt: fromPbTime(connectedAt, "connected_at"),
    })),
    leader: status.leader,
  };
}

/** Converts from the protocol. */
export function fromPbParked(parked: pb.ParkedEvent): ParkedEvent {
  const { stream, reason, consumer, attempts, firstDeliveredAt, event } = parked;
  return {
    position: toNumber(parked.position),
    stream,
    revision: toNumber(parked.revision),
    reason,
    consumer,
    attempts,
    parkedAt: fromPbTime(parked.parkedAt, "parked_at"),
    firstDeliveredAt: firstDeliveredAt && fromPbTime(firstDeliveredAt, "first_delivered_at"),
    event: event && fromPbEvent(event),
  };
}
