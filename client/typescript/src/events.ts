/**
 * Events: what is given to the store, and what it gives back.
 *
 * An event has its id from the moment it is made, before the first try to append it, so that every retry sends the same id
 * and the store can tell a retry from a second event.
 */
import { create } from "@bufbuild/protobuf";

import {
  type NewEvent as PbNewEvent,
  NewEventSchema,
  type RecordedEvent as PbRecordedEvent,
} from "./generated/annals/v1/event_pb.js";
import { bytesOf, decodeJson, encodeJson } from "./json.js";
import { toNumber } from "./numbers.js";
import { wellFormed } from "./text.js";
import { fromPbTime, type Timestamp } from "./timestamp.js";
import { newId } from "./uuid.js";

/** An event to append; newEvent makes one. */
export interface NewEvent {
  /**
   * Identity, a UUID. Appends are idempotent by it. It is no unique key: an append that expects a revision is written even
   * if its ids occur in other events.
   */
  readonly id: string;
  /** What happened, in the words of the domain: `OrderPlaced`. 1 to 256 bytes, not starting with `$`. */
  readonly type: string;
  /** The event itself, in any encoding. At most 1 MiB unless the server is configured otherwise. */
  readonly data: Uint8Array;
  /** What is said about it rather than by it; JSON by convention. At most 64 KiB. */
  readonly metadata: Uint8Array;
  /** Indexed labels, at most 32 of at most 256 bytes, no two the same. */
  readonly tags: readonly string[];
}

/** What an event may have besides its type and data. */
export interface NewEventOptions {
  /** Its identity, a UUID. Unless given, a new one (UUIDv7). */
  readonly id?: string;
  /** Its metadata: bytes as they are, anything else as JSON. None unless given. */
  readonly metadata?: unknown;
  /** Its tags. None unless given. */
  readonly tags?: readonly string[];
}

const NOTHING = new Uint8Array();

/**
 * Makes an event, with its id.
 *
 * JSON is what decodes to the same value again. What does not is refused: NaN and infinities, BigInt, undefined (a property
 * that is undefined is left out), Date, Map, Set, typed arrays and other bytes within a value, functions, and text with lone
 * surrogates. An object with a toJSON of its own is stored as what that gives.
 *
 * @param data Bytes (Uint8Array, ArrayBuffer, DataView) are taken as they are, anything else as JSON; nothing if left out.
 *   For an event with options and without data, give `new Uint8Array()`.
 * @throws InvalidValueError if data or metadata has no JSON form; it names the place.
 *
 * @example
 * newEvent("OrderPlaced", { total: 42 }, { tags: ["customer:7"], metadata: { userId: "ada" } })
 */
export function newEvent(
  ...given: [type: string] | [type: string, data: unknown, options?: NewEventOptions]
): NewEvent {
  const [type, data, options = {}] = given;
  const { id = newId(), metadata, tags = [] } = options;
  return {
    id,
    type,
    // Left out is not the same as undefined, which is a mistake where there should be data.
    data: given.length === 1 ? NOTHING : encode(data, `an event of type ${JSON.stringify(type)}`, "data"),
    metadata:
      metadata === undefined
        ? NOTHING
        : encode(metadata, `the metadata of an event of type ${JSON.stringify(type)}`, "metadata"),
    tags,
  };
}

/** An event as the store keeps it. It never changes. */
export class RecordedEvent {
  constructor(
    /** Identity, a UUID in lower case. */
    readonly id: string,
    /** The stream it was appended to. */
    readonly stream: string,
    /** Its place in the stream, counted from 0, none skipped. */
    readonly revision: number,
    /** Its place in the whole log, counted from 1, none skipped. */
    readonly position: number,
    /** What happened: the event's type. */
    readonly type: string,
    /**
     * The event itself. A view of the message in which it came with its neighbours: copy it (`data.slice()`), if it is to
     * be kept for long.
     */
    readonly data: Uint8Array,
    /** What is said about it; a view, as data. */
    readonly metadata: Uint8Array,
    /** Its labels, in the order in which they were given. */
    readonly tags: readonly string[],
    /** When the store recorded it. Never goes backwards along the log. */
    readonly recordedAt: Timestamp,
  ) {}

  /**
   * The data, decoded from JSON. What T says is not checked.
   *
   * @throws JsonError if it is not JSON, or has a number that a JavaScript number can't hold (2^53 + 1, 1e400).
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as in `await response.json() as T`, but shorter
  json<T = unknown>(): T {
    return decodeJson(this.data, `the data of ${this.#name}`) as T;
  }

  /**
   * The metadata, decoded from JSON; undefined if there is none.
   *
   * @throws JsonError as json.
   */
  metadataJson(): unknown {
    return this.metadata.length === 0 ? undefined : decodeJson(this.metadata, `the metadata of ${this.#name}`);
  }

  get #name(): string {
    return `event ${JSON.stringify(this.type)} at revision ${this.revision} of stream ${JSON.stringify(this.stream)} (position ${this.position})`;
  }
}

/** For the protocol. */
export function toPbEvent(event: NewEvent): PbNewEvent {
  return create(NewEventSchema, {
    id: event.id,
    type: wellFormed(event.type, "type"),
    data: event.data,
    metadata: event.metadata,
    tags: event.tags.map((tag) => wellFormed(tag, "tags")),
  });
}

/** From the protocol. */
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
  );
}

function encode(value: unknown, subject: string, root: string): Uint8Array {
  return bytesOf(value) ?? encodeJson(value, subject, root);
}
