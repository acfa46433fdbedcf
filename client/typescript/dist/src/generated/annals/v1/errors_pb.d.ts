import type { GenEnum, GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { ExpectedRevision } from "./append_pb.js";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/errors.proto.
 */
export declare const file_annals_v1_errors: GenFile;
/**
 * Detail of REVISION_CONFLICT: the stream was not at the expected revision.
 *
 * @generated from message annals.v1.RevisionConflict
 */
export type RevisionConflict = Message<"annals.v1.RevisionConflict"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The state that the append expected. Never `any`.
     *
     * @generated from field: annals.v1.ExpectedRevision expected = 2;
     */
    expected?: ExpectedRevision | undefined;
    /**
     * The stream's last revision. Absent when the stream has no events.
     *
     * @generated from field: optional uint64 actual_revision = 3;
     */
    actualRevision?: bigint | undefined;
};
/**
 * Describes the message annals.v1.RevisionConflict.
 * Use `create(RevisionConflictSchema)` to create a new message.
 */
export declare const RevisionConflictSchema: GenMessage<RevisionConflict>;
/**
 * Detail of EVENT_ID_CONFLICT: the id of the append's first event is known from a different append.
 *
 * @generated from message annals.v1.EventIdConflict
 */
export type EventIdConflict = Message<"annals.v1.EventIdConflict"> & {
    /**
     * The event id, a UUID.
     *
     * @generated from field: string id = 1;
     */
    id: string;
    /**
     * The stream in which the event with this id was recorded. If that event was removed: the stream of the refused
     * append.
     *
     * @generated from field: string stream = 2;
     */
    stream: string;
    /**
     * The revision at which the event with this id was recorded. Absent if that event was removed.
     *
     * @generated from field: optional uint64 revision = 3;
     */
    revision?: bigint | undefined;
    /**
     * The position at which the event with this id was recorded.
     *
     * @generated from field: uint64 position = 4;
     */
    position: bigint;
};
/**
 * Describes the message annals.v1.EventIdConflict.
 * Use `create(EventIdConflictSchema)` to create a new message.
 */
export declare const EventIdConflictSchema: GenMessage<EventIdConflict>;
/**
 * Detail of RECORDED_TIME_OUT_OF_RANGE: the append's recorded_at can't be the next time of the log.
 *
 * @generated from message annals.v1.RecordedTimeOutOfRange
 */
export type RecordedTimeOutOfRange = Message<"annals.v1.RecordedTimeOutOfRange"> & {
    /**
     * The recorded_at of the append.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 1;
     */
    recordedAt?: Timestamp | undefined;
    /**
     * The earliest accepted time: when the log's last event was recorded. Absent when the log is empty.
     *
     * @generated from field: google.protobuf.Timestamp earliest = 2;
     */
    earliest?: Timestamp | undefined;
    /**
     * The latest accepted time: the server's current time.
     *
     * @generated from field: google.protobuf.Timestamp latest = 3;
     */
    latest?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.RecordedTimeOutOfRange.
 * Use `create(RecordedTimeOutOfRangeSchema)` to create a new message.
 */
export declare const RecordedTimeOutOfRangeSchema: GenMessage<RecordedTimeOutOfRange>;
/**
 * Detail of CHECKS_FAILED: the checks of the append that do not hold.
 *
 * @generated from message annals.v1.ChecksFailed
 */
export type ChecksFailed = Message<"annals.v1.ChecksFailed"> & {
    /**
     * The failed checks, in the order of the append's checks. At most the first 16.
     *
     * @generated from field: repeated annals.v1.FailedCheck failed = 1;
     */
    failed: FailedCheck[];
    /**
     * How many checks failed, including those that are not listed.
     *
     * @generated from field: uint32 count = 2;
     */
    count: number;
};
/**
 * Describes the message annals.v1.ChecksFailed.
 * Use `create(ChecksFailedSchema)` to create a new message.
 */
export declare const ChecksFailedSchema: GenMessage<ChecksFailed>;
/**
 * A check that does not hold.
 *
 * @generated from message annals.v1.FailedCheck
 */
export type FailedCheck = Message<"annals.v1.FailedCheck"> & {
    /**
     * Index of the check, counted from 0: first the append's checks, then the `expected` of its writes, in order.
     *
     * @generated from field: uint32 index = 1;
     */
    index: number;
    /**
     * The reason why the check does not hold.
     *
     * @generated from oneof annals.v1.FailedCheck.found
     */
    found: {
        /**
         * The stream is not in the expected state.
         *
         * @generated from field: annals.v1.RevisionConflict stream = 2;
         */
        value: RevisionConflict;
        case: "stream";
    } | {
        /**
         * An event matches the query.
         *
         * @generated from field: annals.v1.MatchFound match = 3;
         */
        value: MatchFound;
        case: "match";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.FailedCheck.
 * Use `create(FailedCheckSchema)` to create a new message.
 */
export declare const FailedCheckSchema: GenMessage<FailedCheck>;
/**
 * The event that made a NoMatchCheck fail.
 *
 * @generated from message annals.v1.MatchFound
 */
export type MatchFound = Message<"annals.v1.MatchFound"> & {
    /**
     * The position after which no event may match, as in the check.
     *
     * @generated from field: uint64 after = 1;
     */
    after: bigint;
    /**
     * Position of the first event that matches.
     *
     * @generated from field: uint64 position = 2;
     */
    position: bigint;
};
/**
 * Describes the message annals.v1.MatchFound.
 * Use `create(MatchFoundSchema)` to create a new message.
 */
export declare const MatchFoundSchema: GenMessage<MatchFound>;
/**
 * Detail of STREAM_TOMBSTONED: the stream was permanently deleted.
 *
 * @generated from message annals.v1.StreamTombstoned
 */
export type StreamTombstoned = Message<"annals.v1.StreamTombstoned"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
};
/**
 * Describes the message annals.v1.StreamTombstoned.
 * Use `create(StreamTombstonedSchema)` to create a new message.
 */
export declare const StreamTombstonedSchema: GenMessage<StreamTombstoned>;
/**
 * Detail of VERSION_CONFLICT: the retention of a stream or of a prefix has changed since the expected version.
 *
 * @generated from message annals.v1.VersionConflict
 */
export type VersionConflict = Message<"annals.v1.VersionConflict"> & {
    /**
     * Name of the stream. Empty if the conflict is about a prefix.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The version that the request expected.
     *
     * @generated from field: uint64 expected_version = 2;
     */
    expectedVersion: bigint;
    /**
     * The current version.
     *
     * @generated from field: uint64 actual_version = 3;
     */
    actualVersion: bigint;
    /**
     * The prefix. Empty if the conflict is about a stream.
     *
     * @generated from field: string prefix = 4;
     */
    prefix: string;
};
/**
 * Describes the message annals.v1.VersionConflict.
 * Use `create(VersionConflictSchema)` to create a new message.
 */
export declare const VersionConflictSchema: GenMessage<VersionConflict>;
/**
 * Detail of SNAPSHOT_NOT_FOUND: the stream has no matching snapshot.
 *
 * @generated from message annals.v1.SnapshotNotFound
 */
export type SnapshotNotFound = Message<"annals.v1.SnapshotNotFound"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
};
/**
 * Describes the message annals.v1.SnapshotNotFound.
 * Use `create(SnapshotNotFoundSchema)` to create a new message.
 */
export declare const SnapshotNotFoundSchema: GenMessage<SnapshotNotFound>;
/**
 * Detail of STREAM_NOT_FOUND: nothing was ever appended to the stream, or nothing since it was deleted.
 *
 * @generated from message annals.v1.StreamNotFound
 */
export type StreamNotFound = Message<"annals.v1.StreamNotFound"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
};
/**
 * Describes the message annals.v1.StreamNotFound.
 * Use `create(StreamNotFoundSchema)` to create a new message.
 */
export declare const StreamNotFoundSchema: GenMessage<StreamNotFound>;
/**
 * Detail of POSITION_BEYOND_HEAD: no event has this position yet.
 *
 * @generated from message annals.v1.PositionBeyondHead
 */
export type PositionBeyondHead = Message<"annals.v1.PositionBeyondHead"> & {
    /**
     * The requested position.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
    /**
     * The last position of the log; 0 when it is empty.
     *
     * @generated from field: uint64 head = 2;
     */
    head: bigint;
};
/**
 * Describes the message annals.v1.PositionBeyondHead.
 * Use `create(PositionBeyondHeadSchema)` to create a new message.
 */
export declare const PositionBeyondHeadSchema: GenMessage<PositionBeyondHead>;
/**
 * Detail of REVISION_BEYOND_END: no event of the stream has this revision yet.
 *
 * @generated from message annals.v1.RevisionBeyondEnd
 */
export type RevisionBeyondEnd = Message<"annals.v1.RevisionBeyondEnd"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * The requested revision.
     *
     * @generated from field: uint64 revision = 2;
     */
    revision: bigint;
    /**
     * The stream's last revision. Absent when the stream has no events.
     *
     * @generated from field: optional uint64 last_revision = 3;
     */
    lastRevision?: bigint | undefined;
};
/**
 * Describes the message annals.v1.RevisionBeyondEnd.
 * Use `create(RevisionBeyondEndSchema)` to create a new message.
 */
export declare const RevisionBeyondEndSchema: GenMessage<RevisionBeyondEnd>;
/**
 * Why a call failed. The comment of each value gives the gRPC code, the typed detail and the remedy.
 *
 * @generated from enum annals.v1.ErrorReason
 */
export declare enum ErrorReason {
    /**
     * Never sent.
     *
     * @generated from enum value: ERROR_REASON_UNSPECIFIED = 0;
     */
    UNSPECIFIED = 0,
    /**
     * INVALID_ARGUMENT with google.rpc.BadRequest: a field is missing, too long or malformed. Fix the request.
     *
     * @generated from enum value: ERROR_REASON_INVALID_FIELD = 1;
     */
    INVALID_FIELD = 1,
    /**
     * INVALID_ARGUMENT with google.rpc.BadRequest: an event or an append is larger than the server accepts (see
     * GetServerInfo). Split the append, or store the large part elsewhere.
     *
     * @generated from enum value: ERROR_REASON_TOO_LARGE = 2;
     */
    TOO_LARGE = 2,
    /**
     * ABORTED with RevisionConflict: the stream is not at the expected revision. Read it again and decide again.
     *
     * @generated from enum value: ERROR_REASON_REVISION_CONFLICT = 3;
     */
    REVISION_CONFLICT = 3,
    /**
     * ABORTED with EventIdConflict: the id of the first event was already appended, but by a different append. To retry
     * an append, send exactly the same request; otherwise use new ids.
     *
     * @generated from enum value: ERROR_REASON_EVENT_ID_CONFLICT = 4;
     */
    EVENT_ID_CONFLICT = 4,
    /**
     * NOT_FOUND with StreamNotFound: nothing was ever appended to the stream, or nothing since it was deleted.
     *
     * @generated from enum value: ERROR_REASON_STREAM_NOT_FOUND = 5;
     */
    STREAM_NOT_FOUND = 5,
    /**
     * OUT_OF_RANGE with PositionBeyondHead: no event has this position yet. If it is a subscriber's checkpoint, the
     * checkpoint is from another store, or this store was restored from an older backup.
     *
     * @generated from enum value: ERROR_REASON_POSITION_BEYOND_HEAD = 6;
     */
    POSITION_BEYOND_HEAD = 6,
    /**
     * OUT_OF_RANGE with RevisionBeyondEnd: no event of the stream has this revision yet. The causes are those of
     * POSITION_BEYOND_HEAD.
     *
     * @generated from enum value: ERROR_REASON_REVISION_BEYOND_END = 7;
     */
    REVISION_BEYOND_END = 7,
    /**
     * UNAVAILABLE: the server is stopping. Retry on another server, or on this one when it is back.
     *
     * @generated from enum value: ERROR_REASON_SHUTTING_DOWN = 8;
     */
    SHUTTING_DOWN = 8,
    /**
     * RESOURCE_EXHAUSTED: the server has reached a limit (open subscriptions, waiting appends). Retry with backoff.
     *
     * @generated from enum value: ERROR_REASON_OVERLOADED = 9;
     */
    OVERLOADED = 9,
    /**
     * UNAVAILABLE: the storage engine does not answer. Retry with backoff. An append may have been written; the same
     * ids make the retry safe.
     *
     * @generated from enum value: ERROR_REASON_ENGINE_UNAVAILABLE = 10;
     */
    ENGINE_UNAVAILABLE = 10,
    /**
     * DATA_LOSS: the data read from disk is damaged. An operator must act; the server log names the place.
     *
     * @generated from enum value: ERROR_REASON_CORRUPT = 11;
     */
    CORRUPT = 11,
    /**
     * UNAVAILABLE: the storage refused a write. The server stops, because the state of that write is unknown. Retry
     * when it is back; the same ids make the retry safe.
     *
     * @generated from enum value: ERROR_REASON_STORAGE_FAILED = 12;
     */
    STORAGE_FAILED = 12,
    /**
     * INTERNAL: a bug in the server. Please report it with the server log.
     *
     * @generated from enum value: ERROR_REASON_INTERNAL = 13;
     */
    INTERNAL = 13,
    /**
     * FAILED_PRECONDITION: the append sets recorded_at, which the server does not accept from clients. Leave
     * recorded_at out. To move a log to this server, start it (on a cluster: all servers) with --accept-recorded-times
     * until the move is done.
     *
     * @generated from enum value: ERROR_REASON_RECORDED_TIME_NOT_ACCEPTED = 14;
     */
    RECORDED_TIME_NOT_ACCEPTED = 14,
    /**
     * FAILED_PRECONDITION with RecordedTimeOutOfRange: the append's recorded_at is before the log's last recorded time,
     * or in the future. Move a log to an empty store, from its beginning, while no other client appends. If the time is
     * in the future, correct the clocks.
     *
     * @generated from enum value: ERROR_REASON_RECORDED_TIME_OUT_OF_RANGE = 15;
     */
    RECORDED_TIME_OUT_OF_RANGE = 15,
    /**
     * ABORTED with ChecksFailed: one or more checks of the append do not hold. Repeat the reads that the decision is
     * based on, and decide again.
     *
     * @generated from enum value: ERROR_REASON_CHECKS_FAILED = 16;
     */
    CHECKS_FAILED = 16,
    /**
     * FAILED_PRECONDITION with StreamTombstoned: the stream was permanently deleted. Use another name. A retry of an
     * append that was acknowledged before the deletion still returns its first result.
     *
     * @generated from enum value: ERROR_REASON_STREAM_TOMBSTONED = 17;
     */
    STREAM_TOMBSTONED = 17,
    /**
     * ABORTED with VersionConflict: the retention of the stream or of the prefix has changed. Read it again and decide
     * again.
     *
     * @generated from enum value: ERROR_REASON_VERSION_CONFLICT = 18;
     */
    VERSION_CONFLICT = 18,
    /**
     * NOT_FOUND with SnapshotNotFound: the stream has no matching snapshot. Start from its first event.
     *
     * @generated from enum value: ERROR_REASON_SNAPSHOT_NOT_FOUND = 19;
     */
    SNAPSHOT_NOT_FOUND = 19,
    /**
     * FAILED_PRECONDITION: the log can't be moved to this store, because the store contains other data. Move it to an
     * empty store.
     *
     * @generated from enum value: ERROR_REASON_MOVE_REFUSED = 24;
     */
    MOVE_REFUSED = 24,
    /**
     * FAILED_PRECONDITION: a log is being moved to this store, and the import is not finished. Finish the import, or
     * start over with an empty store.
     *
     * @generated from enum value: ERROR_REASON_MOVE_UNFINISHED = 25;
     */
    MOVE_UNFINISHED = 25
}
/**
 * Describes the enum annals.v1.ErrorReason.
 */
export declare const ErrorReasonSchema: GenEnum<ErrorReason>;
//# sourceMappingURL=errors_pb.d.ts.map