import type { GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { NewEvent } from "./event_pb.js";
import type { Query } from "./query_pb.js";
import type { Empty, Timestamp } from "@bufbuild/protobuf/wkt";
import type { Status } from "../../google/rpc/status_pb.js";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/append.proto.
 */
export declare const file_annals_v1_append: GenFile;
/**
 * The state that a stream must be in for an append to be written.
 *
 * Appends are idempotent, durably: if the result of an append was lost, retry it with the same event ids. A retry of
 * an acknowledged append returns the first result (already_appended set) and writes nothing, whether or not its
 * events still exist: they may have expired, or been truncated, deleted or removed by scavenging, and the stream may
 * have been deleted and begun again any number of times, or have a tombstone. The store recognises a retry as long as
 * all events of the append are stored, and in any case for one day after they were recorded. After that day, a retry
 * is refused with a conflict once some of the append's events have been removed. Once all of them have been removed,
 * an append without an expected revision is a new append.
 *
 *   expected       a retry, if                      a new append is written, if  otherwise it fails with
 *   revision N     the same ids are at N+1, N+2, …  N is the stream's last       REVISION_CONFLICT
 *                  in the stream                    revision
 *   no_stream      the same ids are where the       the stream has no events     REVISION_CONFLICT; EVENT_ID_CONFLICT
 *                  stream began, or began again                                  if it has no events and once began
 *                  after a deletion                                              with the first id and other events
 *   any            one earlier append to this       no append with any or        EVENT_ID_CONFLICT
 *                  stream with any or               stream_exists had the
 *                  stream_exists had the same ids   first event's id
 *   stream_exists  as for any                       as for any, and the stream   as for any; REVISION_CONFLICT if the
 *                                                   has events                   stream has no events
 *
 * A new append to a stream with a tombstone fails with STREAM_TOMBSTONED.
 *
 * Event ids distinguish a retry from a new append; they are not unique keys of events. The store compares an append
 * only with the earlier append that its expectation points to, and looks up no other ids. An append that expects a
 * revision is identified by that revision alone, so it is written even if its ids occur elsewhere, including in the
 * same stream. Use new ids for new events.
 *
 * @generated from message annals.v1.ExpectedRevision
 */
export type ExpectedRevision = Message<"annals.v1.ExpectedRevision"> & {
    /**
     * Exactly one is set. An ExpectedRevision with none is INVALID_FIELD.
     *
     * @generated from oneof annals.v1.ExpectedRevision.expected
     */
    expected: {
        /**
         * The stream's last event has this revision.
         *
         * @generated from field: uint64 revision = 1;
         */
        value: bigint;
        case: "revision";
    } | {
        /**
         * The stream has no events.
         *
         * @generated from field: google.protobuf.Empty no_stream = 2;
         */
        value: Empty;
        case: "noStream";
    } | {
        /**
         * The stream has at least one event.
         *
         * @generated from field: google.protobuf.Empty stream_exists = 3;
         */
        value: Empty;
        case: "streamExists";
    } | {
        /**
         * The stream may be in any state.
         *
         * @generated from field: google.protobuf.Empty any = 4;
         */
        value: Empty;
        case: "any";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.ExpectedRevision.
 * Use `create(ExpectedRevisionSchema)` to create a new message.
 */
export declare const ExpectedRevisionSchema: GenMessage<ExpectedRevision>;
/**
 * Request of AppendToStream: events for one stream.
 *
 * @generated from message annals.v1.AppendToStreamRequest
 */
export type AppendToStreamRequest = Message<"annals.v1.AppendToStreamRequest"> & {
    /**
     * Name of the stream: 1 to 512 bytes of UTF-8 without control characters, not starting with `$`. The stream need
     * not exist.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The state that the stream must be in. Absent: any.
     *
     * @generated from field: annals.v1.ExpectedRevision expected = 2;
     */
    expected?: ExpectedRevision | undefined;
    /**
     * 1 to 10,000 events, in order, with distinct ids; together at most the server's max_append_bytes (4 MiB unless
     * configured).
     *
     * @generated from field: repeated annals.v1.NewEvent events = 3;
     */
    events: NewEvent[];
    /**
     * The time at which all of the events were recorded, in whole microseconds. Set it only when moving a log to
     * another store, where the events keep their original times. Absent: the server's clock. Only a server that was
     * started with --accept-recorded-times accepts it (otherwise RECORDED_TIME_NOT_ACCEPTED), because an audit trail's
     * times must be the server's. The time must lie between the log's last recorded time and the server's current time
     * (otherwise RECORDED_TIME_OUT_OF_RANGE), because recorded times never decrease along the log. An append that was
     * already written returns its first result, whatever time is given.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 4;
     */
    recordedAt?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.AppendToStreamRequest.
 * Use `create(AppendToStreamRequestSchema)` to create a new message.
 */
export declare const AppendToStreamRequestSchema: GenMessage<AppendToStreamRequest>;
/**
 * Result of AppendToStream: the revisions and positions of the append's events.
 *
 * @generated from message annals.v1.AppendToStreamResponse
 */
export type AppendToStreamResponse = Message<"annals.v1.AppendToStreamResponse"> & {
    /**
     * Revision of the append's first event.
     *
     * @generated from field: uint64 first_revision = 1;
     */
    firstRevision: bigint;
    /**
     * Revision of the append's last event.
     *
     * @generated from field: uint64 last_revision = 2;
     */
    lastRevision: bigint;
    /**
     * Position of the append's first event.
     *
     * @generated from field: uint64 first_position = 3;
     */
    firstPosition: bigint;
    /**
     * Position of the append's last event. The events of one append have consecutive positions.
     *
     * @generated from field: uint64 last_position = 4;
     */
    lastPosition: bigint;
    /**
     * Time at which the events were recorded.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 5;
     */
    recordedAt?: Timestamp | undefined;
    /**
     * True if an earlier append with the same ids wrote the events and this one wrote nothing.
     *
     * @generated from field: bool already_appended = 6;
     */
    alreadyAppended: boolean;
};
/**
 * Describes the message annals.v1.AppendToStreamResponse.
 * Use `create(AppendToStreamResponseSchema)` to create a new message.
 */
export declare const AppendToStreamResponseSchema: GenMessage<AppendToStreamResponse>;
/**
 * Request of AppendToMany: events for any number of streams, and the checks that must hold for them to be written.
 *
 * Appends are idempotent: if the result of an append was lost, retry it with the same events and checks. A retry
 * returns the first result (already_appended set), even if a check would fail now because of what the first attempt
 * wrote, and whether or not its events still exist. A retry is recognised as in AppendToStream (see
 * ExpectedRevision), using the first event's stream and the revision that a check expects of that stream (any if no
 * check does). If that is any or stream_exists and the append has no_match checks, the store searches for the earlier
 * append only after the greatest `after` of these checks, because the first attempt can't have been written before
 * it. With a later `after`, the append is a new one and is written again even if its ids are known. So retry with
 * exactly the same request, and use new ids when you decide again.
 *
 * @generated from message annals.v1.AppendToManyRequest
 */
export type AppendToManyRequest = Message<"annals.v1.AppendToManyRequest"> & {
    /**
     * The writes, in order: the events of the first write come before those of the second, at consecutive positions. 1
     * to 1,000 writes with 1 to 10,000 events in all, with distinct ids; together at most the server's
     * max_append_bytes.
     *
     * @generated from field: repeated annals.v1.Write writes = 1;
     */
    writes: Write[];
    /**
     * The checks, all of which must hold for anything to be written. At most 64, including the `expected` of writes,
     * with at most one expected state per stream.
     *
     * @generated from field: repeated annals.v1.Check checks = 2;
     */
    checks: Check[];
    /**
     * The time at which all of the events were recorded; as in AppendToStreamRequest.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 3;
     */
    recordedAt?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.AppendToManyRequest.
 * Use `create(AppendToManyRequestSchema)` to create a new message.
 */
export declare const AppendToManyRequestSchema: GenMessage<AppendToManyRequest>;
/**
 * Events for one stream, as part of an append to several streams.
 *
 * @generated from message annals.v1.Write
 */
export type Write = Message<"annals.v1.Write"> & {
    /**
     * Name of the stream, as in AppendToStreamRequest. It may occur in several writes.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * At least one event, in order.
     *
     * @generated from field: repeated annals.v1.NewEvent events = 2;
     */
    events: NewEvent[];
    /**
     * The state that the stream must be in before the append: short for a check of this stream. Absent: any, unless a
     * check names the stream. If the stream occurs in several writes, at most one of them sets it.
     *
     * @generated from field: annals.v1.ExpectedRevision expected = 3;
     */
    expected?: ExpectedRevision | undefined;
};
/**
 * Describes the message annals.v1.Write.
 * Use `create(WriteSchema)` to create a new message.
 */
export declare const WriteSchema: GenMessage<Write>;
/**
 * A condition of an append, evaluated against all events before the append in the log. Removed events do not count.
 *
 * @generated from message annals.v1.Check
 */
export type Check = Message<"annals.v1.Check"> & {
    /**
     * Exactly one is set.
     *
     * @generated from oneof annals.v1.Check.check
     */
    check: {
        /**
         * A stream is in the expected state, whether or not the append writes to it.
         *
         * @generated from field: annals.v1.StreamCheck stream = 1;
         */
        value: StreamCheck;
        case: "stream";
    } | {
        /**
         * No event after a position matches a query: nothing has happened that would have changed the decision.
         *
         * @generated from field: annals.v1.NoMatchCheck no_match = 2;
         */
        value: NoMatchCheck;
        case: "noMatch";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.Check.
 * Use `create(CheckSchema)` to create a new message.
 */
export declare const CheckSchema: GenMessage<Check>;
/**
 * Requires that a stream is in the expected state.
 *
 * @generated from message annals.v1.StreamCheck
 */
export type StreamCheck = Message<"annals.v1.StreamCheck"> & {
    /**
     * Name of the stream to check.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The state that the stream must be in. Required.
     *
     * @generated from field: annals.v1.ExpectedRevision expected = 2;
     */
    expected?: ExpectedRevision | undefined;
};
/**
 * Describes the message annals.v1.StreamCheck.
 * Use `create(StreamCheckSchema)` to create a new message.
 */
export declare const StreamCheckSchema: GenMessage<StreamCheck>;
/**
 * Requires that no event after a position matches a query.
 *
 * @generated from message annals.v1.NoMatchCheck
 */
export type NoMatchCheck = Message<"annals.v1.NoMatchCheck"> & {
    /**
     * The query. Every item names types, streams or tags and has no prefixes, with at most 4,096 names in all. A query
     * without items matches every event.
     *
     * @generated from field: annals.v1.Query query = 1;
     */
    query?: Query | undefined;
    /**
     * Only events after this position count: the head returned by the reads that the decision is based on. 0: no event
     * may match, however old. A position beyond the head of the log is POSITION_BEYOND_HEAD.
     *
     * @generated from field: uint64 after = 2;
     */
    after: bigint;
};
/**
 * Describes the message annals.v1.NoMatchCheck.
 * Use `create(NoMatchCheckSchema)` to create a new message.
 */
export declare const NoMatchCheckSchema: GenMessage<NoMatchCheck>;
/**
 * Result of AppendToMany: the positions of the append's events, and their revisions in each stream.
 *
 * @generated from message annals.v1.AppendToManyResponse
 */
export type AppendToManyResponse = Message<"annals.v1.AppendToManyResponse"> & {
    /**
     * Position of the append's first event.
     *
     * @generated from field: uint64 first_position = 1;
     */
    firstPosition: bigint;
    /**
     * Position of the append's last event. The events of one append have consecutive positions.
     *
     * @generated from field: uint64 last_position = 2;
     */
    lastPosition: bigint;
    /**
     * Time at which the events were recorded.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 3;
     */
    recordedAt?: Timestamp | undefined;
    /**
     * True if an earlier append with the same ids wrote the events and this one wrote nothing.
     *
     * @generated from field: bool already_appended = 4;
     */
    alreadyAppended: boolean;
    /**
     * The revisions that the events got in each stream, in the order in which the streams first occur in the writes.
     *
     * @generated from field: repeated annals.v1.WrittenStream streams = 5;
     */
    streams: WrittenStream[];
};
/**
 * Describes the message annals.v1.AppendToManyResponse.
 * Use `create(AppendToManyResponseSchema)` to create a new message.
 */
export declare const AppendToManyResponseSchema: GenMessage<AppendToManyResponse>;
/**
 * The events that an append added to one stream. Their revisions are consecutive.
 *
 * @generated from message annals.v1.WrittenStream
 */
export type WrittenStream = Message<"annals.v1.WrittenStream"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * Revision of the append's first event in the stream.
     *
     * @generated from field: uint64 first_revision = 2;
     */
    firstRevision: bigint;
    /**
     * Revision of the append's last event in the stream.
     *
     * @generated from field: uint64 last_revision = 3;
     */
    lastRevision: bigint;
};
/**
 * Describes the message annals.v1.WrittenStream.
 * Use `create(WrittenStreamSchema)` to create a new message.
 */
export declare const WrittenStreamSchema: GenMessage<WrittenStream>;
/**
 * One or more appends of a pipeline. A message has at most 1 MiB more than max_append_bytes. A larger message ends the
 * call with TOO_LARGE, and none of the appends in it is written.
 *
 * @generated from message annals.v1.AppendPipelineRequest
 */
export type AppendPipelineRequest = Message<"annals.v1.AppendPipelineRequest"> & {
    /**
     * 1 to 1,000 appends. Each is evaluated on its own and in order, as if it had been sent in a message of its own.
     *
     * @generated from field: repeated annals.v1.PipelinedAppend appends = 1;
     */
    appends: PipelinedAppend[];
};
/**
 * Describes the message annals.v1.AppendPipelineRequest.
 * Use `create(AppendPipelineRequestSchema)` to create a new message.
 */
export declare const AppendPipelineRequestSchema: GenMessage<AppendPipelineRequest>;
/**
 * One append of a pipeline.
 *
 * @generated from message annals.v1.PipelinedAppend
 */
export type PipelinedAppend = Message<"annals.v1.PipelinedAppend"> & {
    /**
     * Exactly one is set.
     *
     * @generated from oneof annals.v1.PipelinedAppend.append
     */
    append: {
        /**
         * An append to one stream.
         *
         * @generated from field: annals.v1.AppendToStreamRequest append_to_stream = 1;
         */
        value: AppendToStreamRequest;
        case: "appendToStream";
    } | {
        /**
         * An append to any number of streams, with checks.
         *
         * @generated from field: annals.v1.AppendToManyRequest append_to_many = 2;
         */
        value: AppendToManyRequest;
        case: "appendToMany";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.PipelinedAppend.
 * Use `create(PipelinedAppendSchema)` to create a new message.
 */
export declare const PipelinedAppendSchema: GenMessage<PipelinedAppend>;
/**
 * Results of a pipeline's appends.
 *
 * @generated from message annals.v1.AppendPipelineResponse
 */
export type AppendPipelineResponse = Message<"annals.v1.AppendPipelineResponse"> & {
    /**
     * At least one result. The n-th result of the call belongs to its n-th append.
     *
     * @generated from field: repeated annals.v1.PipelinedResult results = 1;
     */
    results: PipelinedResult[];
};
/**
 * Describes the message annals.v1.AppendPipelineResponse.
 * Use `create(AppendPipelineResponseSchema)` to create a new message.
 */
export declare const AppendPipelineResponseSchema: GenMessage<AppendPipelineResponse>;
/**
 * Result of one append of a pipeline.
 *
 * @generated from message annals.v1.PipelinedResult
 */
export type PipelinedResult = Message<"annals.v1.PipelinedResult"> & {
    /**
     * Exactly one is set.
     *
     * @generated from oneof annals.v1.PipelinedResult.result
     */
    result: {
        /**
         * The append to one stream was written.
         *
         * @generated from field: annals.v1.AppendToStreamResponse appended_to_stream = 1;
         */
        value: AppendToStreamResponse;
        case: "appendedToStream";
    } | {
        /**
         * The append was not written. The status is the one that the unary call would have returned.
         *
         * @generated from field: google.rpc.Status error = 2;
         */
        value: Status;
        case: "error";
    } | {
        /**
         * The append to several streams was written.
         *
         * @generated from field: annals.v1.AppendToManyResponse appended_to_many = 3;
         */
        value: AppendToManyResponse;
        case: "appendedToMany";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.PipelinedResult.
 * Use `create(PipelinedResultSchema)` to create a new message.
 */
export declare const PipelinedResultSchema: GenMessage<PipelinedResult>;
//# sourceMappingURL=append_pb.d.ts.map