import { type NewEvent as PbNewEvent, type RecordedEvent as PbRecordedEvent } from "./generated/annals/v1/event_pb.js";
import { type Timestamp } from "./timestamp.js";
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
export declare function newEvent(...given: [type: string] | [type: string, data: unknown, options?: NewEventOptions]): NewEvent;
/** An event as the store keeps it. It never changes. */
export declare class RecordedEvent {
    /** The event's id, a UUID in lower case. */
    readonly id: string;
    /** The stream that the event belongs to. */
    readonly stream: string;
    /** The event's number in its stream. Revisions count from 0, and none is skipped. */
    readonly revision: number;
    /** The event's number in the log. Positions count from 1, and none is skipped. */
    readonly position: number;
    /** The event's type. */
    readonly type: string;
    /**
     * The payload, encoded as contentType states. It is a view of the message that the event arrived in with its
     * neighbours: copy it (`data.slice()`) to keep it for long.
     */
    readonly data: Uint8Array;
    /** Metadata about the event; a view, like data. */
    readonly metadata: Uint8Array;
    /** The tags, in the order in which they were given. */
    readonly tags: readonly string[];
    /** The time at which the store recorded the event. Recorded times never decrease along the log. */
    readonly recordedAt: Timestamp;
    /** The media type of the data: `application/json` unless the event was appended with another one. */
    readonly contentType: string;
    constructor(
    /** The event's id, a UUID in lower case. */
    id: string, 
    /** The stream that the event belongs to. */
    stream: string, 
    /** The event's number in its stream. Revisions count from 0, and none is skipped. */
    revision: number, 
    /** The event's number in the log. Positions count from 1, and none is skipped. */
    position: number, 
    /** The event's type. */
    type: string, 
    /**
     * The payload, encoded as contentType states. It is a view of the message that the event arrived in with its
     * neighbours: copy it (`data.slice()`) to keep it for long.
     */
    data: Uint8Array, 
    /** Metadata about the event; a view, like data. */
    metadata: Uint8Array, 
    /** The tags, in the order in which they were given. */
    tags: readonly string[], 
    /** The time at which the store recorded the event. Recorded times never decrease along the log. */
    recordedAt: Timestamp, 
    /** The media type of the data: `application/json` unless the event was appended with another one. */
    contentType?: string);
    /**
     * Returns the data, decoded from JSON. The type T is not checked.
     *
     * @throws JsonError if its content type is neither `application/json` nor one that ends in `+json`, if it is not
     *   JSON, or if it contains a number that a JavaScript number can't hold (2^53 + 1, 1e400).
     */
    json<T = unknown>(): T;
    /**
     * Returns the metadata, decoded from JSON; undefined if there is none.
     *
     * @throws JsonError if it is not JSON, or contains a number that a JavaScript number can't hold.
     */
    metadataJson(): unknown;
}
/** Throws a JsonError if the content type of an event is neither `application/json` nor one that ends in `+json`. */
export declare function demandJson(event: RecordedEvent): void;
/** Converts to the protocol. */
export declare function toPbEvent(event: NewEvent): PbNewEvent;
/** Converts from the protocol. */
export declare function fromPbEvent(event: PbRecordedEvent): RecordedEvent;
//# sourceMappingURL=events.d.ts.map