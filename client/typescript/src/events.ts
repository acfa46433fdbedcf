/**
 * Events: what is given to the store, and what it gives back.
 *
 * An event has its id from the moment it is made, before the first try to append it, so that every retry sends the same id
 * and the store can tell a retry from a second event.
 */
import { create } from "@bufbuild/protobuf";

import { JsonError } from "./errors.js";
import { type NewEvent as PbNewEvent, NewEventSchema, type RecordedEvent as PbRecordedEvent } from "./generated/annals/v1/event_pb.js";
import { toNumber } from "./numbers.js";
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
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Makes an event, with its id.
 *
 * @param data Bytes are taken as they are, anything else as JSON; nothing if left out.
 * @throws JsonError if data or metadata has no JSON form.
 *
 * @example
 * newEvent("OrderPlaced", { total: 42 }, { tags: ["customer:7"], metadata: { userId: "ada" } })
 */
export function newEvent(type: string, data?: unknown, options: NewEventOptions = {}): NewEvent {
  return {
    id: options.id ?? newId(),
    type,
    data: encode(data),
    metadata: encode(options.metadata),
    tags: options.tags ?? [],
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
   * @throws JsonError if it is no JSON.
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as in `await response.json() as T`, but shorter
  json<T = unknown>(): T {
    return decode(this.data, `data of event ${this.id}`) as T;
  }

  /**
   * The metadata, decoded from JSON; undefined if there is none.
   *
   * @throws JsonError if it is no JSON.
   */
  metadataJson(): unknown {
    return this.metadata.length === 0 ? undefined : decode(this.metadata, `metadata of event ${this.id}`);
  }
}

/** For the protocol. */
export function toPbEvent(event: NewEvent): PbNewEvent {
  return create(NewEventSchema, {
    id: event.id,
    type: event.type,
    data: event.data,
    metadata: event.metadata,
    tags: [...event.tags],
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

function encode(value: unknown): Uint8Array {
  if (value === undefined) {
    return NOTHING;
  }
  if (value instanceof Uint8Array) {
    return value;
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new JsonError(`the value has no JSON form: ${String(cause)}`, { cause });
  }
  // JSON.stringify's type does not say that it gives undefined for functions and symbols.
  if ((json as string | undefined) === undefined) {
    throw new JsonError(`a ${typeof value} has no JSON form`);
  }
  return encoder.encode(json);
}

function decode(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new JsonError(`${what} is no JSON: ${String(cause)}`, { cause });
  }
}
