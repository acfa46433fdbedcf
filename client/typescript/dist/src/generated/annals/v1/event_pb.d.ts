import type { GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/event.proto.
 */
export declare const file_annals_v1_event: GenFile;
/**
 * An event to append. RecordedEvent adds the fields that the store assigns.
 *
 * Fields that the server does not know are stored and returned unchanged, so that newer clients work with older
 * servers. They count towards max_event_bytes. Field numbers 9 to 15 and from 64 on are for fields that the store
 * assigns; a NewEvent with one of them is INVALID_FIELD.
 *
 * @generated from message annals.v1.NewEvent
 */
export type NewEvent = Message<"annals.v1.NewEvent"> & {
    /**
     * The event's id, a UUID of any version in its 36-character form. Appends are idempotent by event id: to retry an
     * append, send the same ids again. The ids within an append must be distinct, but the store does not keep ids
     * unique across all events: an append that expects a revision is written even if its ids occur in other events (see
     * ExpectedRevision). If left empty, the server generates an id (UUIDv7); such an append can't be retried safely.
     *
     * @generated from field: string id = 1;
     */
    id: string;
    /**
     * The event's type, in the terms of the domain: `OrderPlaced`. 1 to 256 bytes of UTF-8 without control characters,
     * not starting with `$`.
     *
     * @generated from field: string type = 2;
     */
    type: string;
    /**
     * The payload, encoded as content_type says. 0 bytes to the server's max_event_bytes (1 MiB unless configured).
     *
     * @generated from field: bytes data = 3;
     */
    data: Uint8Array;
    /**
     * Metadata about the event, such as correlation ids, user or trace context. JSON by convention. 0 to 65,536 bytes.
     *
     * @generated from field: bytes metadata = 4;
     */
    metadata: Uint8Array;
    /**
     * Indexed labels for queries across streams: `course:c1`. At most 32 distinct tags, each 1 to 256 bytes of UTF-8
     * without control characters.
     *
     * @generated from field: repeated string tags = 5;
     */
    tags: string[];
    /**
     * The media type of data, such as `application/protobuf`: at most 127 bytes of printable ASCII in the form
     * type/subtype, with optional parameters. Empty: `application/json`.
     *
     * @generated from field: string content_type = 6;
     */
    contentType: string;
};
/**
 * Describes the message annals.v1.NewEvent.
 * Use `create(NewEventSchema)` to create a new message.
 */
export declare const NewEventSchema: GenMessage<NewEvent>;
/**
 * An event as the store keeps it. It never changes. Fields up to 8 are those of NewEvent, unchanged.
 *
 * @generated from message annals.v1.RecordedEvent
 */
export type RecordedEvent = Message<"annals.v1.RecordedEvent"> & {
    /**
     * The event's id, a UUID in lower case.
     *
     * @generated from field: string id = 1;
     */
    id: string;
    /**
     * The event's type, in the terms of the domain.
     *
     * @generated from field: string type = 2;
     */
    type: string;
    /**
     * The payload, in the encoding that the client chose.
     *
     * @generated from field: bytes data = 3;
     */
    data: Uint8Array;
    /**
     * Metadata about the event.
     *
     * @generated from field: bytes metadata = 4;
     */
    metadata: Uint8Array;
    /**
     * The event's tags, in the order in which they were appended.
     *
     * @generated from field: repeated string tags = 5;
     */
    tags: string[];
    /**
     * The media type of data. Empty: `application/json`.
     *
     * @generated from field: string content_type = 6;
     */
    contentType: string;
    /**
     * Name of the stream that the event belongs to.
     *
     * @generated from field: string stream = 9;
     */
    stream: string;
    /**
     * The event's number in its stream. Revisions count from 0, and none is skipped.
     *
     * @generated from field: uint64 revision = 10;
     */
    revision: bigint;
    /**
     * The event's number in the log. Positions count from 1; none is skipped or used twice.
     *
     * @generated from field: uint64 position = 11;
     */
    position: bigint;
    /**
     * When the store recorded the event (UTC, microseconds). If the log was moved here, when the original store
     * recorded it. Recorded times never decrease along the log.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 12;
     */
    recordedAt?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.RecordedEvent.
 * Use `create(RecordedEventSchema)` to create a new message.
 */
export declare const RecordedEventSchema: GenMessage<RecordedEvent>;
/**
 * Consecutive events of a response. They share a message because a message for each would cost more than the event
 * itself.
 *
 * @generated from message annals.v1.EventBatch
 */
export type EventBatch = Message<"annals.v1.EventBatch"> & {
    /**
     * At least one event, in the requested order.
     *
     * @generated from field: repeated annals.v1.RecordedEvent events = 1;
     */
    events: RecordedEvent[];
};
/**
 * Describes the message annals.v1.EventBatch.
 * Use `create(EventBatchSchema)` to create a new message.
 */
export declare const EventBatchSchema: GenMessage<EventBatch>;
//# sourceMappingURL=event_pb.d.ts.map