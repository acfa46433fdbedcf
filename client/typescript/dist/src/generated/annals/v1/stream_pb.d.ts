import type { GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { ExpectedRevision } from "./append_pb.js";
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/stream.proto.
 */
export declare const file_annals_v1_stream: GenFile;
/**
 * Request of GetStream.
 *
 * @generated from message annals.v1.GetStreamRequest
 */
export type GetStreamRequest = Message<"annals.v1.GetStreamRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
};
/**
 * Describes the message annals.v1.GetStreamRequest.
 * Use `create(GetStreamRequestSchema)` to create a new message.
 */
export declare const GetStreamRequestSchema: GenMessage<GetStreamRequest>;
/**
 * Result of GetStream.
 *
 * @generated from message annals.v1.GetStreamResponse
 */
export type GetStreamResponse = Message<"annals.v1.GetStreamResponse"> & {
    /**
     * The properties of the stream.
     *
     * @generated from field: annals.v1.Stream stream = 1;
     */
    stream?: Stream | undefined;
};
/**
 * Describes the message annals.v1.GetStreamResponse.
 * Use `create(GetStreamResponseSchema)` to create a new message.
 */
export declare const GetStreamResponseSchema: GenMessage<GetStreamResponse>;
/**
 * Properties of a stream that exists.
 *
 * @generated from message annals.v1.Stream
 */
export type Stream = Message<"annals.v1.Stream"> & {
    /**
     * The stream's name.
     *
     * @generated from field: string name = 1;
     */
    name: string;
    /**
     * Revision of the stream's last event.
     *
     * @generated from field: uint64 last_revision = 2;
     */
    lastRevision: bigint;
    /**
     * Position of the stream's last event.
     *
     * @generated from field: uint64 last_position = 3;
     */
    lastPosition: bigint;
    /**
     * Position of the event that began the stream, or that began it again after a deletion.
     *
     * @generated from field: uint64 first_position = 4;
     */
    firstPosition: bigint;
    /**
     * When the event at first_position was recorded.
     *
     * @generated from field: google.protobuf.Timestamp created_at = 5;
     */
    createdAt?: Timestamp | undefined;
    /**
     * Revision of the first event that has not been removed; last_revision + 1 if all have been.
     *
     * @generated from field: uint64 first_revision = 6;
     */
    firstRevision: bigint;
    /**
     * The retention that is set for the stream itself.
     *
     * @generated from field: annals.v1.Retention retention = 7;
     */
    retention?: Retention | undefined;
    /**
     * The prefix whose retention applies, because the stream has no max_count and no max_age of its own. Empty: none.
     *
     * @generated from field: string retention_prefix = 8;
     */
    retentionPrefix: string;
};
/**
 * Describes the message annals.v1.Stream.
 * Use `create(StreamSchema)` to create a new message.
 */
export declare const StreamSchema: GenMessage<Stream>;
/**
 * Request of ListStreams.
 *
 * @generated from message annals.v1.ListStreamsRequest
 */
export type ListStreamsRequest = Message<"annals.v1.ListStreamsRequest"> & {
    /**
     * Lists only streams whose names start with this. Empty: all.
     *
     * @generated from field: string prefix = 1;
     */
    prefix: string;
    /**
     * The maximum number of streams to return, 1 to 1,000. Absent: 100.
     *
     * @generated from field: optional uint32 page_size = 2;
     */
    pageSize?: number | undefined;
    /**
     * next_page_token of the previous page. Empty: the first page.
     *
     * @generated from field: string page_token = 3;
     */
    pageToken: string;
};
/**
 * Describes the message annals.v1.ListStreamsRequest.
 * Use `create(ListStreamsRequestSchema)` to create a new message.
 */
export declare const ListStreamsRequestSchema: GenMessage<ListStreamsRequest>;
/**
 * Result of ListStreams: a page of streams.
 *
 * @generated from message annals.v1.ListStreamsResponse
 */
export type ListStreamsResponse = Message<"annals.v1.ListStreamsResponse"> & {
    /**
     * The streams, in the order of their names' bytes.
     *
     * @generated from field: repeated annals.v1.Stream streams = 1;
     */
    streams: Stream[];
    /**
     * Token of the next page. Empty: this is the last page.
     *
     * @generated from field: string next_page_token = 2;
     */
    nextPageToken: string;
};
/**
 * Describes the message annals.v1.ListStreamsResponse.
 * Use `create(ListStreamsResponseSchema)` to create a new message.
 */
export declare const ListStreamsResponseSchema: GenMessage<ListStreamsResponse>;
/**
 * The retention of a stream: how much of it is kept. An event is removed as soon as any of these limits applies to
 * it. The stream continues to exist even if all of its events have been removed, and its revisions continue.
 *
 * @generated from message annals.v1.Retention
 */
export type Retention = Message<"annals.v1.Retention"> & {
    /**
     * Keeps this many of the latest events, 1 or more. Absent: any number.
     *
     * @generated from field: optional uint64 max_count = 1;
     */
    maxCount?: bigint | undefined;
    /**
     * Keeps events for this long after they were recorded, 1 second or more, in whole seconds. Absent: permanently.
     * Ages are measured against the server's clock. While the log's last recorded time is more than 5 seconds ahead of
     * the clock, no event is removed by age.
     *
     * @generated from field: google.protobuf.Duration max_age = 2;
     */
    maxAge?: Duration | undefined;
    /**
     * Removes the events before this revision. It never decreases: 0, or less than the value in force, changes nothing.
     * At most one after the last revision. Deleting the stream sets it to one after the last revision. A change that
     * keeps more by count or by age sets it to the first revision that has not been removed, because removed events
     * stay removed.
     *
     * @generated from field: uint64 truncate_before = 3;
     */
    truncateBefore: bigint;
};
/**
 * Describes the message annals.v1.Retention.
 * Use `create(RetentionSchema)` to create a new message.
 */
export declare const RetentionSchema: GenMessage<Retention>;
/**
 * Request of SetRetention.
 *
 * @generated from message annals.v1.SetRetentionRequest
 */
export type SetRetentionRequest = Message<"annals.v1.SetRetentionRequest"> & {
    /**
     * Name of the stream. It need not exist.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The new retention. Required. Without any field: everything is kept, except for events that have been removed
     * already.
     *
     * @generated from field: annals.v1.Retention retention = 2;
     */
    retention?: Retention | undefined;
    /**
     * The version that the change is based on, as returned by GetRetention; any other is VERSION_CONFLICT. Absent: any
     * version.
     *
     * @generated from field: optional uint64 expected_version = 3;
     */
    expectedVersion?: bigint | undefined;
};
/**
 * Describes the message annals.v1.SetRetentionRequest.
 * Use `create(SetRetentionRequestSchema)` to create a new message.
 */
export declare const SetRetentionRequestSchema: GenMessage<SetRetentionRequest>;
/**
 * Result of SetRetention.
 *
 * @generated from message annals.v1.SetRetentionResponse
 */
export type SetRetentionResponse = Message<"annals.v1.SetRetentionResponse"> & {
    /**
     * The retention now in force.
     *
     * @generated from field: annals.v1.Retention retention = 1;
     */
    retention?: Retention | undefined;
    /**
     * How often the retention of the stream has been changed, including deletions: 1 after the first change.
     *
     * @generated from field: uint64 version = 2;
     */
    version: bigint;
};
/**
 * Describes the message annals.v1.SetRetentionResponse.
 * Use `create(SetRetentionResponseSchema)` to create a new message.
 */
export declare const SetRetentionResponseSchema: GenMessage<SetRetentionResponse>;
/**
 * Request of GetRetention.
 *
 * @generated from message annals.v1.GetRetentionRequest
 */
export type GetRetentionRequest = Message<"annals.v1.GetRetentionRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
};
/**
 * Describes the message annals.v1.GetRetentionRequest.
 * Use `create(GetRetentionRequestSchema)` to create a new message.
 */
export declare const GetRetentionRequestSchema: GenMessage<GetRetentionRequest>;
/**
 * Result of GetRetention.
 *
 * @generated from message annals.v1.GetRetentionResponse
 */
export type GetRetentionResponse = Message<"annals.v1.GetRetentionResponse"> & {
    /**
     * The retention that is set for the stream itself.
     *
     * @generated from field: annals.v1.Retention retention = 1;
     */
    retention?: Retention | undefined;
    /**
     * How often the retention of the stream has been changed. 0: never, everything is kept.
     *
     * @generated from field: uint64 version = 2;
     */
    version: bigint;
    /**
     * Whether the stream was permanently deleted.
     *
     * @generated from field: bool tombstoned = 3;
     */
    tombstoned: boolean;
    /**
     * The prefix whose retention applies, because the stream has no max_count and no max_age of its own. Empty: none.
     *
     * @generated from field: string retention_prefix = 4;
     */
    retentionPrefix: string;
};
/**
 * Describes the message annals.v1.GetRetentionResponse.
 * Use `create(GetRetentionResponseSchema)` to create a new message.
 */
export declare const GetRetentionResponseSchema: GenMessage<GetRetentionResponse>;
/**
 * The retention of the streams whose names begin with a prefix.
 *
 * It applies to streams that have no max_count and no max_age of their own; a stream that has either is not affected
 * at all. If several prefixes match a name, only the longest one applies. System streams, whose names begin with `$`,
 * are not affected. Events removed by age stay removed if the prefix later keeps events for longer. Events removed by
 * count and not scavenged yet are returned again if the prefix later keeps more events.
 *
 * @generated from message annals.v1.PrefixRetention
 */
export type PrefixRetention = Message<"annals.v1.PrefixRetention"> & {
    /**
     * The prefix.
     *
     * @generated from field: string prefix = 1;
     */
    prefix: string;
    /**
     * The retention. Without max_count and max_age, none is set. truncate_before is always 0.
     *
     * @generated from field: annals.v1.Retention retention = 2;
     */
    retention?: Retention | undefined;
    /**
     * How often the retention of the prefix has been changed. 0: never.
     *
     * @generated from field: uint64 version = 3;
     */
    version: bigint;
};
/**
 * Describes the message annals.v1.PrefixRetention.
 * Use `create(PrefixRetentionSchema)` to create a new message.
 */
export declare const PrefixRetentionSchema: GenMessage<PrefixRetention>;
/**
 * Request of SetPrefixRetention.
 *
 * @generated from message annals.v1.SetPrefixRetentionRequest
 */
export type SetPrefixRetentionRequest = Message<"annals.v1.SetPrefixRetentionRequest"> & {
    /**
     * The prefix: 1 to 512 bytes, under the rules for stream names. It can't begin with `$`.
     *
     * @generated from field: string prefix = 1;
     */
    prefix: string;
    /**
     * The new retention. Required. Without any field: the prefix no longer has a retention. truncate_before is
     * INVALID_FIELD, because a revision belongs to one stream.
     *
     * @generated from field: annals.v1.Retention retention = 2;
     */
    retention?: Retention | undefined;
    /**
     * The version that the change is based on, as returned by GetPrefixRetention; any other is VERSION_CONFLICT.
     * Absent: any version.
     *
     * @generated from field: optional uint64 expected_version = 3;
     */
    expectedVersion?: bigint | undefined;
};
/**
 * Describes the message annals.v1.SetPrefixRetentionRequest.
 * Use `create(SetPrefixRetentionRequestSchema)` to create a new message.
 */
export declare const SetPrefixRetentionRequestSchema: GenMessage<SetPrefixRetentionRequest>;
/**
 * Result of SetPrefixRetention.
 *
 * @generated from message annals.v1.SetPrefixRetentionResponse
 */
export type SetPrefixRetentionResponse = Message<"annals.v1.SetPrefixRetentionResponse"> & {
    /**
     * The prefix, with the retention now in force.
     *
     * @generated from field: annals.v1.PrefixRetention retention = 1;
     */
    retention?: PrefixRetention | undefined;
};
/**
 * Describes the message annals.v1.SetPrefixRetentionResponse.
 * Use `create(SetPrefixRetentionResponseSchema)` to create a new message.
 */
export declare const SetPrefixRetentionResponseSchema: GenMessage<SetPrefixRetentionResponse>;
/**
 * Request of GetPrefixRetention.
 *
 * @generated from message annals.v1.GetPrefixRetentionRequest
 */
export type GetPrefixRetentionRequest = Message<"annals.v1.GetPrefixRetentionRequest"> & {
    /**
     * The prefix.
     *
     * @generated from field: string prefix = 1;
     */
    prefix: string;
};
/**
 * Describes the message annals.v1.GetPrefixRetentionRequest.
 * Use `create(GetPrefixRetentionRequestSchema)` to create a new message.
 */
export declare const GetPrefixRetentionRequestSchema: GenMessage<GetPrefixRetentionRequest>;
/**
 * Result of GetPrefixRetention.
 *
 * @generated from message annals.v1.GetPrefixRetentionResponse
 */
export type GetPrefixRetentionResponse = Message<"annals.v1.GetPrefixRetentionResponse"> & {
    /**
     * The retention that is set for exactly this prefix.
     *
     * @generated from field: annals.v1.PrefixRetention retention = 1;
     */
    retention?: PrefixRetention | undefined;
};
/**
 * Describes the message annals.v1.GetPrefixRetentionResponse.
 * Use `create(GetPrefixRetentionResponseSchema)` to create a new message.
 */
export declare const GetPrefixRetentionResponseSchema: GenMessage<GetPrefixRetentionResponse>;
/**
 * Request of ListPrefixRetentions.
 *
 * @generated from message annals.v1.ListPrefixRetentionsRequest
 */
export type ListPrefixRetentionsRequest = Message<"annals.v1.ListPrefixRetentionsRequest"> & {
    /**
     * The maximum number of prefixes to return, 1 to 1,000. Absent: 100.
     *
     * @generated from field: optional uint32 page_size = 1;
     */
    pageSize?: number | undefined;
    /**
     * next_page_token of the previous page. Empty: the first page.
     *
     * @generated from field: string page_token = 2;
     */
    pageToken: string;
};
/**
 * Describes the message annals.v1.ListPrefixRetentionsRequest.
 * Use `create(ListPrefixRetentionsRequestSchema)` to create a new message.
 */
export declare const ListPrefixRetentionsRequestSchema: GenMessage<ListPrefixRetentionsRequest>;
/**
 * Result of ListPrefixRetentions: a page of the prefixes that have a retention.
 *
 * @generated from message annals.v1.ListPrefixRetentionsResponse
 */
export type ListPrefixRetentionsResponse = Message<"annals.v1.ListPrefixRetentionsResponse"> & {
    /**
     * The prefixes and their retentions, in the order of the prefixes' bytes.
     *
     * @generated from field: repeated annals.v1.PrefixRetention retentions = 1;
     */
    retentions: PrefixRetention[];
    /**
     * Token of the next page. Empty: this is the last page.
     *
     * @generated from field: string next_page_token = 2;
     */
    nextPageToken: string;
};
/**
 * Describes the message annals.v1.ListPrefixRetentionsResponse.
 * Use `create(ListPrefixRetentionsResponseSchema)` to create a new message.
 */
export declare const ListPrefixRetentionsResponseSchema: GenMessage<ListPrefixRetentionsResponse>;
/**
 * Request of DeleteStream.
 *
 * @generated from message annals.v1.DeleteStreamRequest
 */
export type DeleteStreamRequest = Message<"annals.v1.DeleteStreamRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The state that the stream must be in: a revision, stream_exists or any. Absent: any. no_stream is INVALID_FIELD.
     *
     * @generated from field: annals.v1.ExpectedRevision expected = 2;
     */
    expected?: ExpectedRevision | undefined;
};
/**
 * Describes the message annals.v1.DeleteStreamRequest.
 * Use `create(DeleteStreamRequestSchema)` to create a new message.
 */
export declare const DeleteStreamRequestSchema: GenMessage<DeleteStreamRequest>;
/**
 * Result of DeleteStream.
 *
 * @generated from message annals.v1.DeleteStreamResponse
 */
export type DeleteStreamResponse = Message<"annals.v1.DeleteStreamResponse"> & {
    /**
     * The stream's last revision. The next append to the stream gets the revision after it.
     *
     * @generated from field: uint64 last_revision = 1;
     */
    lastRevision: bigint;
    /**
     * Position of the event that records the deletion.
     *
     * @generated from field: uint64 position = 2;
     */
    position: bigint;
    /**
     * True if the stream was already deleted and nothing was appended since.
     *
     * @generated from field: bool already_deleted = 3;
     */
    alreadyDeleted: boolean;
};
/**
 * Describes the message annals.v1.DeleteStreamResponse.
 * Use `create(DeleteStreamResponseSchema)` to create a new message.
 */
export declare const DeleteStreamResponseSchema: GenMessage<DeleteStreamResponse>;
/**
 * Request of TombstoneStream.
 *
 * @generated from message annals.v1.TombstoneStreamRequest
 */
export type TombstoneStreamRequest = Message<"annals.v1.TombstoneStreamRequest"> & {
    /**
     * Name of the stream.
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
};
/**
 * Describes the message annals.v1.TombstoneStreamRequest.
 * Use `create(TombstoneStreamRequestSchema)` to create a new message.
 */
export declare const TombstoneStreamRequestSchema: GenMessage<TombstoneStreamRequest>;
/**
 * Result of TombstoneStream.
 *
 * @generated from message annals.v1.TombstoneStreamResponse
 */
export type TombstoneStreamResponse = Message<"annals.v1.TombstoneStreamResponse"> & {
    /**
     * Position of the event that records the tombstone.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
    /**
     * True if the stream already had a tombstone.
     *
     * @generated from field: bool already_tombstoned = 2;
     */
    alreadyTombstoned: boolean;
};
/**
 * Describes the message annals.v1.TombstoneStreamResponse.
 * Use `create(TombstoneStreamResponseSchema)` to create a new message.
 */
export declare const TombstoneStreamResponseSchema: GenMessage<TombstoneStreamResponse>;
//# sourceMappingURL=stream_pb.d.ts.map