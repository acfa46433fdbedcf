import type { GenFile, GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import type { AppendPipelineRequestSchema, AppendPipelineResponseSchema, AppendToManyRequestSchema, AppendToManyResponseSchema, AppendToStreamRequestSchema, AppendToStreamResponseSchema } from "./append_pb.js";
import type { EventBatch, RecordedEvent } from "./event_pb.js";
import type { Direction, Query } from "./query_pb.js";
import type { GetScavengeRequestSchema, GetScavengeResponseSchema, StartScavengeRequestSchema, StartScavengeResponseSchema, StopScavengeRequestSchema, StopScavengeResponseSchema } from "./scavenge_pb.js";
import type { LoadSnapshotRequestSchema, LoadSnapshotResponseSchema, SaveSnapshotRequestSchema, SaveSnapshotResponseSchema } from "./snapshot_pb.js";
import type { DeleteStreamRequestSchema, DeleteStreamResponseSchema, GetPrefixRetentionRequestSchema, GetPrefixRetentionResponseSchema, GetRetentionRequestSchema, GetRetentionResponseSchema, GetStreamRequestSchema, GetStreamResponseSchema, ListPrefixRetentionsRequestSchema, ListPrefixRetentionsResponseSchema, ListStreamsRequestSchema, ListStreamsResponseSchema, SetPrefixRetentionRequestSchema, SetPrefixRetentionResponseSchema, SetRetentionRequestSchema, SetRetentionResponseSchema, TombstoneStreamRequestSchema, TombstoneStreamResponseSchema } from "./stream_pb.js";
import type { Empty, Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/event_store.proto.
 */
export declare const file_annals_v1_event_store: GenFile;
/**
 * Request of ReadStream: selects events of a stream.
 *
 * @generated from message annals.v1.ReadStreamRequest
 */
export type ReadStreamRequest = Message<"annals.v1.ReadStreamRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * Direction of the read. Unspecified: forwards.
     *
     * @generated from field: annals.v1.Direction direction = 2;
     */
    direction: Direction;
    /**
     * The first revision to return, at most one after the stream's last revision (its last revision at `until`, if that
     * is set). Absent: the first revision when reading forwards, the last when reading backwards.
     *
     * @generated from field: optional uint64 from_revision = 3;
     */
    fromRevision?: bigint | undefined;
    /**
     * The maximum number of events to return, 1 or more. Absent: all.
     *
     * @generated from field: optional uint64 limit = 4;
     */
    limit?: bigint | undefined;
    /**
     * Returns only the events that match. Absent: all.
     *
     * @generated from field: annals.v1.Query query = 5;
     */
    query?: Query | undefined;
    /**
     * Reads the stream as it was at an earlier point. Absent: as it is now. Events that have been removed since are not
     * returned.
     *
     * @generated from oneof annals.v1.ReadStreamRequest.until
     */
    until: {
        /**
         * The stream as it was when this was its last revision. The stream must have reached it.
         *
         * @generated from field: uint64 until_revision = 6;
         */
        value: bigint;
        case: "untilRevision";
    } | {
        /**
         * The stream as it was at this time. If it had no events then, the read fails with STREAM_NOT_FOUND.
         *
         * @generated from field: google.protobuf.Timestamp until_time = 7;
         */
        value: Timestamp;
        case: "untilTime";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.ReadStreamRequest.
 * Use `create(ReadStreamRequestSchema)` to create a new message.
 */
export declare const ReadStreamRequestSchema: GenMessage<ReadStreamRequest>;
/**
 * A part of the result of ReadStream. At least one is sent, so that the client learns the head even when no event
 * matches.
 *
 * @generated from message annals.v1.ReadStreamResponse
 */
export type ReadStreamResponse = Message<"annals.v1.ReadStreamResponse"> & {
    /**
     * The next events, in the direction of the read.
     *
     * @generated from field: repeated annals.v1.RecordedEvent events = 1;
     */
    events: RecordedEvent[];
    /**
     * The log's last position when the read began, the same in each message. Used as `after` of a check, it covers all
     * events that this read could have returned, unless `until` is set.
     *
     * @generated from field: uint64 head = 2;
     */
    head: bigint;
    /**
     * The stream's last revision when the read began (at `until`, if that is set), the same in each message.
     *
     * @generated from field: uint64 last_revision = 3;
     */
    lastRevision: bigint;
};
/**
 * Describes the message annals.v1.ReadStreamResponse.
 * Use `create(ReadStreamResponseSchema)` to create a new message.
 */
export declare const ReadStreamResponseSchema: GenMessage<ReadStreamResponse>;
/**
 * Request of ReadAll: selects events of the log.
 *
 * @generated from message annals.v1.ReadAllRequest
 */
export type ReadAllRequest = Message<"annals.v1.ReadAllRequest"> & {
    /**
     * Direction of the read. Unspecified: forwards.
     *
     * @generated from field: annals.v1.Direction direction = 1;
     */
    direction: Direction;
    /**
     * The first position to return, from 1 to one after the head (the head at `until`, if that is set). Absent: the
     * first position when reading forwards, the last when reading backwards.
     *
     * @generated from field: optional uint64 from_position = 2;
     */
    fromPosition?: bigint | undefined;
    /**
     * The maximum number of events to return, 1 or more. Absent: all.
     *
     * @generated from field: optional uint64 limit = 3;
     */
    limit?: bigint | undefined;
    /**
     * Returns only the events that match. Absent: all.
     *
     * @generated from field: annals.v1.Query query = 4;
     */
    query?: Query | undefined;
    /**
     * Reads the log as it was at an earlier point. Absent: as it is now. Events that have been removed since are not
     * returned.
     *
     * @generated from oneof annals.v1.ReadAllRequest.until
     */
    until: {
        /**
         * The log as it was when this was its head. The log must have reached it. 0: the empty log.
         *
         * @generated from field: uint64 until_position = 5;
         */
        value: bigint;
        case: "untilPosition";
    } | {
        /**
         * The log as it was at this time.
         *
         * @generated from field: google.protobuf.Timestamp until_time = 6;
         */
        value: Timestamp;
        case: "untilTime";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.ReadAllRequest.
 * Use `create(ReadAllRequestSchema)` to create a new message.
 */
export declare const ReadAllRequestSchema: GenMessage<ReadAllRequest>;
/**
 * A part of the result of ReadAll. At least one is sent, so that the client learns the head even when no event
 * matches.
 *
 * @generated from message annals.v1.ReadAllResponse
 */
export type ReadAllResponse = Message<"annals.v1.ReadAllResponse"> & {
    /**
     * The next events, in the direction of the read.
     *
     * @generated from field: repeated annals.v1.RecordedEvent events = 1;
     */
    events: RecordedEvent[];
    /**
     * The log's last position when the read began, the same in each message. Used as `after` of a check, it covers all
     * events that this read could have returned, unless `until` is set.
     *
     * @generated from field: uint64 head = 2;
     */
    head: bigint;
};
/**
 * Describes the message annals.v1.ReadAllResponse.
 * Use `create(ReadAllResponseSchema)` to create a new message.
 */
export declare const ReadAllResponseSchema: GenMessage<ReadAllResponse>;
/**
 * Request of SubscribeAll: selects events of the log and the position to start from.
 *
 * @generated from message annals.v1.SubscribeAllRequest
 */
export type SubscribeAllRequest = Message<"annals.v1.SubscribeAllRequest"> & {
    /**
     * The starting point. Absent: the beginning of the log.
     *
     * @generated from oneof annals.v1.SubscribeAllRequest.start
     */
    start: {
        /**
         * After this position, which is at most the head; 0 is before the first event. To resume, give the last position
         * that was processed (of an event or a checkpoint).
         *
         * @generated from field: uint64 after = 1;
         */
        value: bigint;
        case: "after";
    } | {
        /**
         * After the last event that exists when the subscription begins.
         *
         * @generated from field: google.protobuf.Empty end = 2;
         */
        value: Empty;
        case: "end";
    } | {
        case: undefined;
        value?: undefined;
    };
    /**
     * Sends only the events that match. Absent: all.
     *
     * @generated from field: annals.v1.Query query = 3;
     */
    query?: Query | undefined;
};
/**
 * Describes the message annals.v1.SubscribeAllRequest.
 * Use `create(SubscribeAllRequestSchema)` to create a new message.
 */
export declare const SubscribeAllRequestSchema: GenMessage<SubscribeAllRequest>;
/**
 * One message of SubscribeAll: either events or a notice about the subscription's progress.
 *
 * @generated from message annals.v1.SubscribeAllResponse
 */
export type SubscribeAllResponse = Message<"annals.v1.SubscribeAllResponse"> & {
    /**
     * Exactly one is set.
     *
     * @generated from oneof annals.v1.SubscribeAllResponse.content
     */
    content: {
        /**
         * The next events, in order.
         *
         * @generated from field: annals.v1.EventBatch events = 1;
         */
        value: EventBatch;
        case: "events";
    } | {
        /**
         * All existing events have been sent; from here on, events are sent as they are appended. Sent once when this is
         * first the case, and again after each fell_behind.
         *
         * @generated from field: annals.v1.CaughtUp caught_up = 2;
         */
        value: CaughtUp;
        case: "caughtUp";
    } | {
        /**
         * The subscriber consumes events more slowly than they are appended. It is served from storage until it has
         * caught up. No events are lost.
         *
         * @generated from field: annals.v1.FellBehind fell_behind = 3;
         */
        value: FellBehind;
        case: "fellBehind";
    } | {
        /**
         * All events up to a position have been examined, and every match among them has been sent.
         *
         * @generated from field: annals.v1.Checkpoint checkpoint = 4;
         */
        value: Checkpoint;
        case: "checkpoint";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.SubscribeAllResponse.
 * Use `create(SubscribeAllResponseSchema)` to create a new message.
 */
export declare const SubscribeAllResponseSchema: GenMessage<SubscribeAllResponse>;
/**
 * Request of SubscribeStream: selects events of a stream and the revision to start from.
 *
 * @generated from message annals.v1.SubscribeStreamRequest
 */
export type SubscribeStreamRequest = Message<"annals.v1.SubscribeStreamRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The starting point. Absent: the beginning of the stream.
     *
     * @generated from oneof annals.v1.SubscribeStreamRequest.start
     */
    start: {
        /**
         * After this revision, which the stream must have reached.
         *
         * @generated from field: uint64 after_revision = 2;
         */
        value: bigint;
        case: "afterRevision";
    } | {
        /**
         * After the last event that exists when the subscription begins.
         *
         * @generated from field: google.protobuf.Empty end = 3;
         */
        value: Empty;
        case: "end";
    } | {
        case: undefined;
        value?: undefined;
    };
    /**
     * Sends only the events that match. Absent: all.
     *
     * @generated from field: annals.v1.Query query = 4;
     */
    query?: Query | undefined;
};
/**
 * Describes the message annals.v1.SubscribeStreamRequest.
 * Use `create(SubscribeStreamRequestSchema)` to create a new message.
 */
export declare const SubscribeStreamRequestSchema: GenMessage<SubscribeStreamRequest>;
/**
 * One message of SubscribeStream: either events or a notice about the subscription's progress, as in
 * SubscribeAllResponse.
 *
 * @generated from message annals.v1.SubscribeStreamResponse
 */
export type SubscribeStreamResponse = Message<"annals.v1.SubscribeStreamResponse"> & {
    /**
     * Exactly one is set.
     *
     * @generated from oneof annals.v1.SubscribeStreamResponse.content
     */
    content: {
        /**
         * The next events, in order.
         *
         * @generated from field: annals.v1.EventBatch events = 1;
         */
        value: EventBatch;
        case: "events";
    } | {
        /**
         * All existing events have been sent; from here on, events are sent as they are appended.
         *
         * @generated from field: annals.v1.CaughtUp caught_up = 2;
         */
        value: CaughtUp;
        case: "caughtUp";
    } | {
        /**
         * The subscriber consumes events more slowly than they are appended, and is served from storage.
         *
         * @generated from field: annals.v1.FellBehind fell_behind = 3;
         */
        value: FellBehind;
        case: "fellBehind";
    } | {
        /**
         * All events up to a position have been examined, and every match among them has been sent.
         *
         * @generated from field: annals.v1.Checkpoint checkpoint = 4;
         */
        value: Checkpoint;
        case: "checkpoint";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.SubscribeStreamResponse.
 * Use `create(SubscribeStreamResponseSchema)` to create a new message.
 */
export declare const SubscribeStreamResponseSchema: GenMessage<SubscribeStreamResponse>;
/**
 * Notice that a subscription has sent all existing events.
 *
 * @generated from message annals.v1.CaughtUp
 */
export type CaughtUp = Message<"annals.v1.CaughtUp"> & {
    /**
     * The position up to which the log has been examined. SubscribeAll can be resumed after it.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
    /**
     * In SubscribeStream: the last revision of the stream at that position. SubscribeStream can be resumed after it.
     * Absent if the stream has no events.
     *
     * @generated from field: optional uint64 revision = 2;
     */
    revision?: bigint | undefined;
};
/**
 * Describes the message annals.v1.CaughtUp.
 * Use `create(CaughtUpSchema)` to create a new message.
 */
export declare const CaughtUpSchema: GenMessage<CaughtUp>;
/**
 * Notice that a subscription is served from storage again.
 *
 * @generated from message annals.v1.FellBehind
 */
export type FellBehind = Message<"annals.v1.FellBehind"> & {
    /**
     * The position up to which the log has been examined. SubscribeAll can be resumed after it.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
    /**
     * The log's last position.
     *
     * @generated from field: uint64 head = 2;
     */
    head: bigint;
    /**
     * In SubscribeStream: the last revision of the stream at `position`, as in CaughtUp.
     *
     * @generated from field: optional uint64 revision = 3;
     */
    revision?: bigint | undefined;
};
/**
 * Describes the message annals.v1.FellBehind.
 * Use `create(FellBehindSchema)` to create a new message.
 */
export declare const FellBehindSchema: GenMessage<FellBehind>;
/**
 * Notice of a position to resume from. The positions of successive checkpoints increase. A checkpoint is sent after
 * at most 10,000 positions without a match, or after one second without a match while the log grows.
 *
 * @generated from message annals.v1.Checkpoint
 */
export type Checkpoint = Message<"annals.v1.Checkpoint"> & {
    /**
     * The position up to which the log has been examined. SubscribeAll can be resumed after it.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
    /**
     * In SubscribeStream: the last revision of the stream at that position, as in CaughtUp.
     *
     * @generated from field: optional uint64 revision = 2;
     */
    revision?: bigint | undefined;
};
/**
 * Describes the message annals.v1.Checkpoint.
 * Use `create(CheckpointSchema)` to create a new message.
 */
export declare const CheckpointSchema: GenMessage<Checkpoint>;
/**
 * Request of GetPositionAtTime.
 *
 * @generated from message annals.v1.GetPositionAtTimeRequest
 */
export type GetPositionAtTimeRequest = Message<"annals.v1.GetPositionAtTimeRequest"> & {
    /**
     * The time. Required. Recorded times are in microseconds; any finer part is ignored.
     *
     * @generated from field: google.protobuf.Timestamp time = 1;
     */
    time?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.GetPositionAtTimeRequest.
 * Use `create(GetPositionAtTimeRequestSchema)` to create a new message.
 */
export declare const GetPositionAtTimeRequestSchema: GenMessage<GetPositionAtTimeRequest>;
/**
 * Result of GetPositionAtTime.
 *
 * @generated from message annals.v1.GetPositionAtTimeResponse
 */
export type GetPositionAtTimeResponse = Message<"annals.v1.GetPositionAtTimeResponse"> & {
    /**
     * Position of the last event that was recorded at or before the time; 0 if there is none. For a time in the future
     * it is the head, and a later call may return more.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
};
/**
 * Describes the message annals.v1.GetPositionAtTimeResponse.
 * Use `create(GetPositionAtTimeResponseSchema)` to create a new message.
 */
export declare const GetPositionAtTimeResponseSchema: GenMessage<GetPositionAtTimeResponse>;
/**
 * Request of GetServerInfo.
 *
 * @generated from message annals.v1.GetServerInfoRequest
 */
export type GetServerInfoRequest = Message<"annals.v1.GetServerInfoRequest"> & {};
/**
 * Describes the message annals.v1.GetServerInfoRequest.
 * Use `create(GetServerInfoRequestSchema)` to create a new message.
 */
export declare const GetServerInfoRequestSchema: GenMessage<GetServerInfoRequest>;
/**
 * Result of GetServerInfo.
 *
 * @generated from message annals.v1.GetServerInfoResponse
 */
export type GetServerInfoResponse = Message<"annals.v1.GetServerInfoResponse"> & {
    /**
     * The server's version, as in its package.
     *
     * @generated from field: string version = 1;
     */
    version: string;
    /**
     * The storage engine: `embedded`, `memory` or `foundationdb`.
     *
     * @generated from field: string engine = 2;
     */
    engine: string;
    /**
     * The store's identity, a UUID. It is generated when the store is first opened, and again when the store is opened
     * without events that were lost. A checkpoint is valid only in the store that it came from: save this value with
     * the checkpoint and compare it.
     *
     * @generated from field: string store_id = 3;
     */
    storeId: string;
    /**
     * The log's last position; 0 when it is empty.
     *
     * @generated from field: uint64 head = 4;
     */
    head: bigint;
    /**
     * The position up to which the indexes are on disk. Later events are indexed in memory.
     *
     * @generated from field: uint64 indexed = 5;
     */
    indexed: bigint;
    /**
     * When the server started.
     *
     * @generated from field: google.protobuf.Timestamp started_at = 6;
     */
    startedAt?: Timestamp | undefined;
    /**
     * The limits in force.
     *
     * @generated from field: annals.v1.Limits limits = 7;
     */
    limits?: Limits | undefined;
};
/**
 * Describes the message annals.v1.GetServerInfoResponse.
 * Use `create(GetServerInfoResponseSchema)` to create a new message.
 */
export declare const GetServerInfoResponseSchema: GenMessage<GetServerInfoResponse>;
/**
 * Limits in force on this server.
 *
 * @generated from message annals.v1.Limits
 */
export type Limits = Message<"annals.v1.Limits"> & {
    /**
     * Maximum bytes of data in an event.
     *
     * @generated from field: uint32 max_event_bytes = 1;
     */
    maxEventBytes: number;
    /**
     * Maximum bytes of an append as it is stored: for each event its data, metadata, type, id and tags, the stream's
     * name, and up to 60 bytes more.
     *
     * @generated from field: uint32 max_append_bytes = 2;
     */
    maxAppendBytes: number;
    /**
     * Maximum bytes of metadata in an event.
     *
     * @generated from field: uint32 max_metadata_bytes = 3;
     */
    maxMetadataBytes: number;
    /**
     * Maximum events in an append.
     *
     * @generated from field: uint32 max_append_events = 4;
     */
    maxAppendEvents: number;
    /**
     * Maximum bytes of a stream's name.
     *
     * @generated from field: uint32 max_stream_name_bytes = 5;
     */
    maxStreamNameBytes: number;
    /**
     * Maximum bytes of an event's type.
     *
     * @generated from field: uint32 max_event_type_bytes = 6;
     */
    maxEventTypeBytes: number;
    /**
     * Maximum bytes of a tag.
     *
     * @generated from field: uint32 max_tag_bytes = 7;
     */
    maxTagBytes: number;
    /**
     * Maximum tags on an event.
     *
     * @generated from field: uint32 max_tags = 8;
     */
    maxTags: number;
    /**
     * Maximum subscriptions open at a time.
     *
     * @generated from field: uint32 max_subscriptions = 9;
     */
    maxSubscriptions: number;
    /**
     * Maximum checks in an append.
     *
     * @generated from field: uint32 max_append_checks = 10;
     */
    maxAppendChecks: number;
    /**
     * Maximum bytes of data in a snapshot.
     *
     * @generated from field: uint32 max_snapshot_bytes = 11;
     */
    maxSnapshotBytes: number;
    /**
     * Maximum prefixes with a retention.
     *
     * @generated from field: uint32 max_prefix_retentions = 12;
     */
    maxPrefixRetentions: number;
};
/**
 * Describes the message annals.v1.Limits.
 * Use `create(LimitsSchema)` to create a new message.
 */
export declare const LimitsSchema: GenMessage<Limits>;
/**
 * An append-only store of events, organised in streams and in one log.
 *
 * @generated from service annals.v1.EventStoreService
 */
export declare const EventStoreService: GenService<{
    /**
     * Appends events to one stream, all or none, if the stream is in the expected state. Idempotent by event id (see
     * ExpectedRevision). Fails with INVALID_FIELD, TOO_LARGE, REVISION_CONFLICT, EVENT_ID_CONFLICT, STREAM_TOMBSTONED,
     * RECORDED_TIME_NOT_ACCEPTED, RECORDED_TIME_OUT_OF_RANGE.
     *
     * @generated from rpc annals.v1.EventStoreService.AppendToStream
     */
    appendToStream: {
        methodKind: "unary";
        input: typeof AppendToStreamRequestSchema;
        output: typeof AppendToStreamResponseSchema;
    };
    /**
     * Appends events to any number of streams, all or none, if every check holds. AppendToStream is the special case of
     * one stream and its expected state. Idempotent by event id (see AppendToManyRequest). Fails with INVALID_FIELD,
     * TOO_LARGE, CHECKS_FAILED, POSITION_BEYOND_HEAD, EVENT_ID_CONFLICT, STREAM_TOMBSTONED, RECORDED_TIME_NOT_ACCEPTED,
     * RECORDED_TIME_OUT_OF_RANGE.
     *
     * @generated from rpc annals.v1.EventStoreService.AppendToMany
     */
    appendToMany: {
        methodKind: "unary";
        input: typeof AppendToManyRequestSchema;
        output: typeof AppendToManyResponseSchema;
    };
    /**
     * Pipelines many independent appends on one call. They are evaluated in the order in which they were sent, and the
     * results come in the same order, one for each append. A failed append neither ends the call nor stops the appends
     * after it. When the client closes its side, the server sends the remaining results and ends the call. If the
     * connection breaks, appends without a result may or may not have been written: retry them with the same ids.
     *
     * @generated from rpc annals.v1.EventStoreService.AppendPipeline
     */
    appendPipeline: {
        methodKind: "bidi_streaming";
        input: typeof AppendPipelineRequestSchema;
        output: typeof AppendPipelineResponseSchema;
    };
    /**
     * Reads one stream, up to its end when the read began. Fails with INVALID_FIELD, STREAM_NOT_FOUND,
     * STREAM_TOMBSTONED, REVISION_BEYOND_END.
     *
     * @generated from rpc annals.v1.EventStoreService.ReadStream
     */
    readStream: {
        methodKind: "server_streaming";
        input: typeof ReadStreamRequestSchema;
        output: typeof ReadStreamResponseSchema;
    };
    /**
     * Reads the log, up to its head when the read began. Fails with INVALID_FIELD, POSITION_BEYOND_HEAD.
     *
     * @generated from rpc annals.v1.EventStoreService.ReadAll
     */
    readAll: {
        methodKind: "server_streaming";
        input: typeof ReadAllRequestSchema;
        output: typeof ReadAllResponseSchema;
    };
    /**
     * Sends the events of the log after a position, and then new events as they are appended, each once and in order,
     * until the client cancels. Fails with INVALID_FIELD, POSITION_BEYOND_HEAD, OVERLOADED.
     *
     * @generated from rpc annals.v1.EventStoreService.SubscribeAll
     */
    subscribeAll: {
        methodKind: "server_streaming";
        input: typeof SubscribeAllRequestSchema;
        output: typeof SubscribeAllResponseSchema;
    };
    /**
     * Sends the events of one stream, and then new events as they are appended, until the client cancels. The stream
     * need not exist yet. Fails with INVALID_FIELD, STREAM_TOMBSTONED, REVISION_BEYOND_END, OVERLOADED. Ends with
     * STREAM_TOMBSTONED when the stream is permanently deleted: its events are removed, including those not sent yet,
     * and no more can be appended.
     *
     * @generated from rpc annals.v1.EventStoreService.SubscribeStream
     */
    subscribeStream: {
        methodKind: "server_streaming";
        input: typeof SubscribeStreamRequestSchema;
        output: typeof SubscribeStreamResponseSchema;
    };
    /**
     * Returns the properties of one stream. Fails with INVALID_FIELD, STREAM_NOT_FOUND, STREAM_TOMBSTONED.
     *
     * @generated from rpc annals.v1.EventStoreService.GetStream
     */
    getStream: {
        methodKind: "unary";
        input: typeof GetStreamRequestSchema;
        output: typeof GetStreamResponseSchema;
    };
    /**
     * Lists streams in the order of their names' bytes, one page at a time. Omits deleted and tombstoned streams, and
     * also system streams (see stream.proto) unless the prefix begins with `$`. Fails with INVALID_FIELD.
     *
     * @generated from rpc annals.v1.EventStoreService.ListStreams
     */
    listStreams: {
        methodKind: "unary";
        input: typeof ListStreamsRequestSchema;
        output: typeof ListStreamsResponseSchema;
    };
    /**
     * Returns the position that the log had reached at a time: everything recorded at or before that time is at or
     * before that position. Fails with INVALID_FIELD.
     *
     * @generated from rpc annals.v1.EventStoreService.GetPositionAtTime
     */
    getPositionAtTime: {
        methodKind: "unary";
        input: typeof GetPositionAtTimeRequestSchema;
        output: typeof GetPositionAtTimeResponseSchema;
    };
    /**
     * Saves a snapshot of a stream: state that a client derived from its events up to a revision. Fails with
     * INVALID_FIELD, TOO_LARGE, STREAM_NOT_FOUND, STREAM_TOMBSTONED, REVISION_BEYOND_END.
     *
     * @generated from rpc annals.v1.EventStoreService.SaveSnapshot
     */
    saveSnapshot: {
        methodKind: "unary";
        input: typeof SaveSnapshotRequestSchema;
        output: typeof SaveSnapshotResponseSchema;
    };
    /**
     * Returns the latest snapshot of a stream. Fails with INVALID_FIELD, SNAPSHOT_NOT_FOUND, STREAM_TOMBSTONED.
     *
     * @generated from rpc annals.v1.EventStoreService.LoadSnapshot
     */
    loadSnapshot: {
        methodKind: "unary";
        input: typeof LoadSnapshotRequestSchema;
        output: typeof LoadSnapshotResponseSchema;
    };
    /**
     * Sets the retention of a stream, replacing the previous one. Fails with INVALID_FIELD, VERSION_CONFLICT,
     * STREAM_TOMBSTONED, REVISION_BEYOND_END. Safe to retry: setting the retention that is already in force changes
     * nothing, and is no conflict if this same change set it.
     *
     * @generated from rpc annals.v1.EventStoreService.SetRetention
     */
    setRetention: {
        methodKind: "unary";
        input: typeof SetRetentionRequestSchema;
        output: typeof SetRetentionResponseSchema;
    };
    /**
     * Returns the retention of a stream. Succeeds for every valid name, including streams that have no
     * events.
     *
     * @generated from rpc annals.v1.EventStoreService.GetRetention
     */
    getRetention: {
        methodKind: "unary";
        input: typeof GetRetentionRequestSchema;
        output: typeof GetRetentionResponseSchema;
    };
    /**
     * Sets the retention of all streams whose names begin with a prefix and that have no max_count and no max_age of
     * their own, replacing the previous one: one entry for any number of streams. Fails with INVALID_FIELD (also if the
     * maximum number of prefixes have a retention), VERSION_CONFLICT. Safe to retry, like SetRetention.
     *
     * @generated from rpc annals.v1.EventStoreService.SetPrefixRetention
     */
    setPrefixRetention: {
        methodKind: "unary";
        input: typeof SetPrefixRetentionRequestSchema;
        output: typeof SetPrefixRetentionResponseSchema;
    };
    /**
     * Returns the retention that is set for a prefix. Succeeds for every valid prefix.
     *
     * @generated from rpc annals.v1.EventStoreService.GetPrefixRetention
     */
    getPrefixRetention: {
        methodKind: "unary";
        input: typeof GetPrefixRetentionRequestSchema;
        output: typeof GetPrefixRetentionResponseSchema;
    };
    /**
     * Lists the prefixes that have a retention, in the order of their bytes, one page at a time.
     *
     * @generated from rpc annals.v1.EventStoreService.ListPrefixRetentions
     */
    listPrefixRetentions: {
        methodKind: "unary";
        input: typeof ListPrefixRetentionsRequestSchema;
        output: typeof ListPrefixRetentionsResponseSchema;
    };
    /**
     * Deletes a stream: all its events are removed, and it no longer exists. A later append begins it again, at the
     * revision after its last one. Fails with INVALID_FIELD, REVISION_CONFLICT, STREAM_NOT_FOUND, STREAM_TOMBSTONED.
     *
     * @generated from rpc annals.v1.EventStoreService.DeleteStream
     */
    deleteStream: {
        methodKind: "unary";
        input: typeof DeleteStreamRequestSchema;
        output: typeof DeleteStreamResponseSchema;
    };
    /**
     * Permanently deletes a stream: its events and snapshots are removed, and no more events can be appended under its
     * name. The stream need not exist. Fails with INVALID_FIELD, REVISION_CONFLICT.
     *
     * @generated from rpc annals.v1.EventStoreService.TombstoneStream
     */
    tombstoneStream: {
        methodKind: "unary";
        input: typeof TombstoneStreamRequestSchema;
        output: typeof TombstoneStreamResponseSchema;
    };
    /**
     * Starts to reclaim the space of removed events, or resumes a scavenge that was stopped. The server works in the
     * background while it serves calls. If a scavenge is already running, returns that one.
     *
     * @generated from rpc annals.v1.EventStoreService.StartScavenge
     */
    startScavenge: {
        methodKind: "unary";
        input: typeof StartScavengeRequestSchema;
        output: typeof StartScavengeResponseSchema;
    };
    /**
     * Stops the running scavenge, if there is one, until it is started again.
     *
     * @generated from rpc annals.v1.EventStoreService.StopScavenge
     */
    stopScavenge: {
        methodKind: "unary";
        input: typeof StopScavengeRequestSchema;
        output: typeof StopScavengeResponseSchema;
    };
    /**
     * Returns the progress of the scavenge that is running, was stopped, or ran last.
     *
     * @generated from rpc annals.v1.EventStoreService.GetScavenge
     */
    getScavenge: {
        methodKind: "unary";
        input: typeof GetScavengeRequestSchema;
        output: typeof GetScavengeResponseSchema;
    };
    /**
     * Returns the server's version and engine, the store's identity, the head of the log, and the limits in force.
     *
     * @generated from rpc annals.v1.EventStoreService.GetServerInfo
     */
    getServerInfo: {
        methodKind: "unary";
        input: typeof GetServerInfoRequestSchema;
        output: typeof GetServerInfoResponseSchema;
    };
}>;
//# sourceMappingURL=event_store_pb.d.ts.map