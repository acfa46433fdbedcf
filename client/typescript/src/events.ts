/**
 * Events: as clients append them, and as the store returns them.
 *
 * An event gets its id when it is created, before the first attempt to append it. Every retry therefore sends the
 * same id, and the store can distinguish a retry from a second event.
 */
import { create } from "@bufbuild/protobuf";

import {
  type NewEvent as PbNewEvent,
  NewEventSchema,
  type RecordedEvent as PbRecordedEvent,
} from "./generated/annals/v1/event_pb.js";
import { InvalidValueError, JsonError } from "./errors.js";
import { bytesOf, decodeJson, encodeJson } from "./json.js";
import { toNumber } from "./numbers.js";
import { wellFormed } from "./text.js";
import { fromPbTime, type Timestamp } from "./timestamp.js";
import { newId } from "./uuid.js";

/** An event to append; create it with newEvent. */
export interface NewEvent {
  /**
   * The event's id, a UUID. Appends are idempotent by event id. The store does not keep ids unique across all events:
   * an append that expects a revision is written even if its ids occur in other events.
   */
  readonly id: string;
  /** The event's type, in the terms of the domain: `OrderPlaced`. 1 to 256 bytes, not starting with `$`. */
  readonly type: string;
  /** The payload, encoded as contentType states. At most 1 MiB unless the server is configured otherwise. */
  readonly data: Uint8Array;
  /** Metadata about the event, such as correlation ids; JSON by convention. At most 64 KiB. */
  readonly metadata: Uint8Array;
  /** Indexed labels: at most 32 distinct ones, each at most 256 bytes. */
  readonly tags: readonly string[];
  /** The media type of the data, such as `application/protobuf`. Empty: `application/json`. At most 127 bytes. */
  readonly contentType: string;
}

/** Optional properties of a new event. */
export interface NewEventOptions {
  /** The event's id, a UUID. A new UUIDv7 unless given. */
  readonly id?: string;
  /** The metadata: bytes are stored unchanged, anything else as JSON. None unless given. */
  readonly metadata?: unknown;
  /** The tags. None unless given. */
  readonly tags?: readonly string[];
  /** The media type of the data. Give it with bytes that are not JSON. `application/json` unless given. */
  readonly contentType?: string;
}

const NOTHING = new Uint8Array();
/** The content type of an event that has none of its own. */
const JSON_TYPE = "application/json";

/**
 * Creates an event with its id.
 *
 * A value is stored as JSON only if it decodes to the same value. Rejected are NaN and infinities, BigInt, undefined
 * (a property that is undefined is omitted), Date, Map, Set, typed arrays and other bytes within a value, functions,
 * and strings with lone surrogates. An object with a toJSON method is stored as its result.
 *
 * @param data Bytes (Uint8Array, ArrayBuffer, DataView) are stored unchanged, anything else as JSON; no data if
 *   omitted. For an event with options and without data, pass `new Uint8Array()`.
 * @throws InvalidValueError if data or metadata can't be represented in JSON, or if the content type of data other
 *   than bytes is not JSON; it names the place.
 *
 * @example
 * newEvent("OrderPlaced", { total: 42 }, { tags: ["customer:7"], metadata: { userId: "ada" } })
 * newEvent("LabelPrinted", pdf, { contentType: "application/pdf" })
 */
export function newEvent(
  ...given: [type: string] | [type: string, data: unknown, options?: NewEventOptions]
): NewEvent {
  const [type, data, options = {}] = given;
  const { id = newId(), metadata, tags = [], contentType = "" } = options;
  const subject = `an event of type ${JSON.stringify(type)}`;
  if (contentType !== "" && !isJson(contentType) && bytesOf(data) === undefined) {
    const problem = `has the content type ${JSON.stringify(contentType)}; give bytes`;
    throw new InvalidValueError(subject, "data", problem);
  }
  return {
    id,
    type,
    // An omitted argument means no data. An explicit undefined is a mistake, and is rejected.
    data: given.length === 1 ? NOTHING : encode(data, subject, "data"),
    metadata: metadata === undefined ? NOTHING : encode(metadata, `the metadata of ${subject}`, "metadata"),
    tags,
    contentType,
  };
}

/** An event as the store keeps it. It never changes. */
export class RecordedEvent {
  constructor(
    /** The event's id, a UUID in lower case. */
    readonly id: string,
    /** The stream that the event belongs to. */
    readonly stream: string,
    /** The event's number in its stream. Revisions count from 0, and none is skipped. */
    readonly revision: number,
    /** The event's number in the log. Positions count from 1, and none is skipped. */
    readonly position: number,
    /** The event's type. */
    readonly type: string,
    /**
     * The payload, encoded as contentType states. It is a view of the message that the event arrived in with its
     * neighbours: copy it (`data.slice()`) to keep it for long.
     */
    readonly data: Uint8Array,
    /** Metadata about the event; a view, like data. */
    readonly metadata: Uint8Array,
    /** The tags, in the order in which they were given. */
    readonly tags: readonly string[],
    /** The time at which the store recorded the event. Recorded times never decrease along the log. */
    readonly recordedAt: Timestamp,
    /** The media type of the data: `application/json` unless the event was appended with another one. */
    readonly contentType: string = JSON_TYPE,
  ) {}

  /**
   * Returns the data, decoded from JSON. The type T is not checked.
   *
   * @throws JsonError if its content type is neither `application/json` nor one that ends in `+json`, if it is not
   *   JSON, or if it contains a number that a JavaScript number can't hold (2^53 + 1, 1e400).
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a typed result without a cast
  json<T = unknown>(): T {
    demandJson(this);
    return decodeJson(this.data, `the data of ${nameOf(this)}`) as T;
  }

  /**
   * Returns the metadata, decoded from JSON; undefined if there is none.
   *
   * @throws JsonError if it is not JSON, or contains a number that a JavaScript number can't hold.
   */
  metadataJson(): unknown {
    return this.metadata.length === 0 ? undefined : decodeJson(this.metadata, `the metadata of ${nameOf(this)}`);
  }
}

/** Throws a JsonError if the content type of an event is neither `application/json` nor one that ends in `+json`. */
export function demandJson(event: RecordedEvent): void {
  if (!isJson(event.contentType)) {
    throw new JsonError(
      `the data of ${nameOf(event)} is not the expected JSON: its content type is ` +
        `${JSON.stringify(event.contentType)}; read its data as bytes`,
    );
  }
}

/** Whether a content type is a form of JSON. Its parameters are ignored. */
function isJson(contentType: string): boolean {
  if (contentType === JSON_TYPE) {
    return true;
  }
  const mediaType = contentType.replace(/;.*/, "").trim().toLowerCase();
  return mediaType === JSON_TYPE || mediaType.endsWith("+json");
}

function nameOf({ type, revision, stream, position }: RecordedEvent): string {
  return (
    `event ${JSON.stringify(type)} at revision ${revision} of stream ` +
    `${JSON.stringify(stream)} (position ${position})`
  );
}

/** Converts to the protocol. */
export function toPbEvent(event: NewEvent): PbNewEvent {
  return create(NewEventSchema, {
    id: event.id,
    type: wellFormed(event.type, "type"),
    data: event.data,
    metadata: event.metadata,
    tags: event.tags.map((tag) => wellFormed(tag, "tags")),
    contentType: wellFormed(event.contentType, "contentType"),
  });
}

/** Converts from the protocol. */
export function fromPbEvent(event: PbRecordedEvent): RecordedEvent {
  return new RecordedEvent(
    event.id,
    event.stream,
    toNumber(event.revision),
    toNumber(event.position),
    event.type,
    event.data,
    event.metadata,
    event.tags,
    fromPbTime(event.recordedAt, "recorded_at"),
    event.contentType === "" ? JSON_TYPE : event.contentType,
  );
}

function encode(value: unknown, subject: string, root: string): Uint8Array {
  return bytesOf(value) ?? encodeJson(value, subject, root);
}
