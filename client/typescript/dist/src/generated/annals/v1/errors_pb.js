// Errors. Every failed call carries a google.rpc.Status (in the `grpc-status-details-bin` trailer) with a
// google.rpc.ErrorInfo. Its domain is `annals`, and its reason is the name of an ErrorReason without the prefix
// `ERROR_REASON_`. If a typed detail is documented for the reason, it follows the ErrorInfo. Invalid fields are
// listed in a google.rpc.BadRequest.
import { enumDesc, fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/errors.proto.
 */
export const file_annals_v1_errors = /*@__PURE__*/ fileDesc("ChZhbm5hbHMvdjEvZXJyb3JzLnByb3RvEglhbm5hbHMudjEivQEKEFJldmlzaW9uQ29uZmxpY3QSDgoGc3RyZWFtGAEgASgJEhsKEWV4cGVjdGVkX3JldmlzaW9uGAIgASgESAASHAoSZXhwZWN0ZWRfbm9fc3RyZWFtGAMgASgISAASIAoWZXhwZWN0ZWRfc3RyZWFtX2V4aXN0cxgEIAEoCEgAEhwKD2FjdHVhbF9yZXZpc2lvbhgFIAEoBEgBiAEBQgoKCGV4cGVjdGVkQhIKEF9hY3R1YWxfcmV2aXNpb24iUQoPRXZlbnRJZENvbmZsaWN0EgoKAmlkGAEgASgJEg4KBnN0cmVhbRgCIAEoCRIQCghyZXZpc2lvbhgDIAEoBBIQCghwb3NpdGlvbhgEIAEoBCKjAQoWUmVjb3JkZWRUaW1lT3V0T2ZSYW5nZRIvCgtyZWNvcmRlZF9hdBgBIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASLAoIZWFybGllc3QYAiABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEioKBmxhdGVzdBgDIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXAiRQoMQ2hlY2tzRmFpbGVkEiYKBmZhaWxlZBgBIAMoCzIWLmFubmFscy52MS5GYWlsZWRDaGVjaxINCgVjb3VudBgCIAEoDSJ8CgtGYWlsZWRDaGVjaxINCgVpbmRleBgBIAEoDRItCgZzdHJlYW0YAiABKAsyGy5hbm5hbHMudjEuUmV2aXNpb25Db25mbGljdEgAEiYKBW1hdGNoGAMgASgLMhUuYW5uYWxzLnYxLk1hdGNoRm91bmRIAEIHCgVmb3VuZCItCgpNYXRjaEZvdW5kEg0KBWFmdGVyGAEgASgEEhAKCHBvc2l0aW9uGAIgASgEIiIKEFN0cmVhbVRvbWJzdG9uZWQSDgoGc3RyZWFtGAEgASgJImMKD1ZlcnNpb25Db25mbGljdBIOCgZzdHJlYW0YASABKAkSGAoQZXhwZWN0ZWRfdmVyc2lvbhgCIAEoBBIWCg5hY3R1YWxfdmVyc2lvbhgDIAEoBBIOCgZwcmVmaXgYBCABKAkiIgoQU25hcHNob3ROb3RGb3VuZBIOCgZzdHJlYW0YASABKAkiIAoOU3RyZWFtTm90Rm91bmQSDgoGc3RyZWFtGAEgASgJIjQKElBvc2l0aW9uQmV5b25kSGVhZBIQCghwb3NpdGlvbhgBIAEoBBIMCgRoZWFkGAIgASgEImMKEVJldmlzaW9uQmV5b25kRW5kEg4KBnN0cmVhbRgBIAEoCRIQCghyZXZpc2lvbhgCIAEoBBIaCg1sYXN0X3JldmlzaW9uGAMgASgESACIAQFCEAoOX2xhc3RfcmV2aXNpb24q/gUKC0Vycm9yUmVhc29uEhwKGEVSUk9SX1JFQVNPTl9VTlNQRUNJRklFRBAAEh4KGkVSUk9SX1JFQVNPTl9JTlZBTElEX0ZJRUxEEAESGgoWRVJST1JfUkVBU09OX1RPT19MQVJHRRACEiIKHkVSUk9SX1JFQVNPTl9SRVZJU0lPTl9DT05GTElDVBADEiIKHkVSUk9SX1JFQVNPTl9FVkVOVF9JRF9DT05GTElDVBAEEiEKHUVSUk9SX1JFQVNPTl9TVFJFQU1fTk9UX0ZPVU5EEAUSJQohRVJST1JfUkVBU09OX1BPU0lUSU9OX0JFWU9ORF9IRUFEEAYSJAogRVJST1JfUkVBU09OX1JFVklTSU9OX0JFWU9ORF9FTkQQBxIeChpFUlJPUl9SRUFTT05fU0hVVFRJTkdfRE9XThAIEhsKF0VSUk9SX1JFQVNPTl9PVkVSTE9BREVEEAkSIwofRVJST1JfUkVBU09OX0VOR0lORV9VTkFWQUlMQUJMRRAKEhgKFEVSUk9SX1JFQVNPTl9DT1JSVVBUEAsSHwobRVJST1JfUkVBU09OX1NUT1JBR0VfRkFJTEVEEAwSGQoVRVJST1JfUkVBU09OX0lOVEVSTkFMEA0SKwonRVJST1JfUkVBU09OX1JFQ09SREVEX1RJTUVfTk9UX0FDQ0VQVEVEEA4SKwonRVJST1JfUkVBU09OX1JFQ09SREVEX1RJTUVfT1VUX09GX1JBTkdFEA8SHgoaRVJST1JfUkVBU09OX0NIRUNLU19GQUlMRUQQEBIiCh5FUlJPUl9SRUFTT05fU1RSRUFNX1RPTUJTVE9ORUQQERIhCh1FUlJPUl9SRUFTT05fVkVSU0lPTl9DT05GTElDVBASEiMKH0VSUk9SX1JFQVNPTl9TTkFQU0hPVF9OT1RfRk9VTkQQExIdChlFUlJPUl9SRUFTT05fTU9WRV9SRUZVU0VEEBgSIAocRVJST1JfUkVBU09OX01PVkVfVU5GSU5JU0hFRBAZYgZwcm90bzM", [file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.RevisionConflict.
 * Use `create(RevisionConflictSchema)` to create a new message.
 */
export const RevisionConflictSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 0);
/**
 * Describes the message annals.v1.EventIdConflict.
 * Use `create(EventIdConflictSchema)` to create a new message.
 */
export const EventIdConflictSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 1);
/**
 * Describes the message annals.v1.RecordedTimeOutOfRange.
 * Use `create(RecordedTimeOutOfRangeSchema)` to create a new message.
 */
export const RecordedTimeOutOfRangeSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 2);
/**
 * Describes the message annals.v1.ChecksFailed.
 * Use `create(ChecksFailedSchema)` to create a new message.
 */
export const ChecksFailedSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 3);
/**
 * Describes the message annals.v1.FailedCheck.
 * Use `create(FailedCheckSchema)` to create a new message.
 */
export const FailedCheckSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 4);
/**
 * Describes the message annals.v1.MatchFound.
 * Use `create(MatchFoundSchema)` to create a new message.
 */
export const MatchFoundSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 5);
/**
 * Describes the message annals.v1.StreamTombstoned.
 * Use `create(StreamTombstonedSchema)` to create a new message.
 */
export const StreamTombstonedSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 6);
/**
 * Describes the message annals.v1.VersionConflict.
 * Use `create(VersionConflictSchema)` to create a new message.
 */
export const VersionConflictSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 7);
/**
 * Describes the message annals.v1.SnapshotNotFound.
 * Use `create(SnapshotNotFoundSchema)` to create a new message.
 */
export const SnapshotNotFoundSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 8);
/**
 * Describes the message annals.v1.StreamNotFound.
 * Use `create(StreamNotFoundSchema)` to create a new message.
 */
export const StreamNotFoundSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 9);
/**
 * Describes the message annals.v1.PositionBeyondHead.
 * Use `create(PositionBeyondHeadSchema)` to create a new message.
 */
export const PositionBeyondHeadSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 10);
/**
 * Describes the message annals.v1.RevisionBeyondEnd.
 * Use `create(RevisionBeyondEndSchema)` to create a new message.
 */
export const RevisionBeyondEndSchema = /*@__PURE__*/ messageDesc(file_annals_v1_errors, 11);
/**
 * Why a call failed. The comment of each value gives the gRPC code, the typed detail and the remedy.
 *
 * @generated from enum annals.v1.ErrorReason
 */
export var ErrorReason;
(function (ErrorReason) {
    /**
     * Never sent.
     *
     * @generated from enum value: ERROR_REASON_UNSPECIFIED = 0;
     */
    ErrorReason[ErrorReason["UNSPECIFIED"] = 0] = "UNSPECIFIED";
    /**
     * INVALID_ARGUMENT with google.rpc.BadRequest: a field is missing, too long or malformed. Fix the request.
     *
     * @generated from enum value: ERROR_REASON_INVALID_FIELD = 1;
     */
    ErrorReason[ErrorReason["INVALID_FIELD"] = 1] = "INVALID_FIELD";
    /**
     * INVALID_ARGUMENT with google.rpc.BadRequest: an event or an append is larger than the server accepts (see
     * GetServerInfo). Split the append, or store the large part elsewhere.
     *
     * @generated from enum value: ERROR_REASON_TOO_LARGE = 2;
     */
    ErrorReason[ErrorReason["TOO_LARGE"] = 2] = "TOO_LARGE";
    /**
     * ABORTED with RevisionConflict: the stream is not at the expected revision. Read it again and decide again.
     *
     * @generated from enum value: ERROR_REASON_REVISION_CONFLICT = 3;
     */
    ErrorReason[ErrorReason["REVISION_CONFLICT"] = 3] = "REVISION_CONFLICT";
    /**
     * ABORTED with EventIdConflict: the id of the first event was already appended, but by a different append. To retry
     * an append, send exactly the same request; otherwise use new ids.
     *
     * @generated from enum value: ERROR_REASON_EVENT_ID_CONFLICT = 4;
     */
    ErrorReason[ErrorReason["EVENT_ID_CONFLICT"] = 4] = "EVENT_ID_CONFLICT";
    /**
     * NOT_FOUND with StreamNotFound: nothing was ever appended to the stream, or nothing since it was deleted.
     *
     * @generated from enum value: ERROR_REASON_STREAM_NOT_FOUND = 5;
     */
    ErrorReason[ErrorReason["STREAM_NOT_FOUND"] = 5] = "STREAM_NOT_FOUND";
    /**
     * OUT_OF_RANGE with PositionBeyondHead: no event has this position yet. If it is a subscriber's checkpoint, the
     * checkpoint is from another store, or this store was restored from an older backup.
     *
     * @generated from enum value: ERROR_REASON_POSITION_BEYOND_HEAD = 6;
     */
    ErrorReason[ErrorReason["POSITION_BEYOND_HEAD"] = 6] = "POSITION_BEYOND_HEAD";
    /**
     * OUT_OF_RANGE with RevisionBeyondEnd: no event of the stream has this revision yet. The causes are those of
     * POSITION_BEYOND_HEAD.
     *
     * @generated from enum value: ERROR_REASON_REVISION_BEYOND_END = 7;
     */
    ErrorReason[ErrorReason["REVISION_BEYOND_END"] = 7] = "REVISION_BEYOND_END";
    /**
     * UNAVAILABLE: the server is stopping. Retry on another server, or on this one when it is back.
     *
     * @generated from enum value: ERROR_REASON_SHUTTING_DOWN = 8;
     */
    ErrorReason[ErrorReason["SHUTTING_DOWN"] = 8] = "SHUTTING_DOWN";
    /**
     * RESOURCE_EXHAUSTED: the server has reached a limit (open subscriptions, waiting appends). Retry with backoff.
     *
     * @generated from enum value: ERROR_REASON_OVERLOADED = 9;
     */
    ErrorReason[ErrorReason["OVERLOADED"] = 9] = "OVERLOADED";
    /**
     * UNAVAILABLE: the storage engine does not answer. Retry with backoff. An append may have been written; the same
     * ids make the retry safe.
     *
     * @generated from enum value: ERROR_REASON_ENGINE_UNAVAILABLE = 10;
     */
    ErrorReason[ErrorReason["ENGINE_UNAVAILABLE"] = 10] = "ENGINE_UNAVAILABLE";
    /**
     * DATA_LOSS: the data read from disk is damaged. An operator must act; the server log names the place.
     *
     * @generated from enum value: ERROR_REASON_CORRUPT = 11;
     */
    ErrorReason[ErrorReason["CORRUPT"] = 11] = "CORRUPT";
    /**
     * UNAVAILABLE: the storage refused a write. The server stops, because the state of that write is unknown. Retry
     * when it is back; the same ids make the retry safe.
     *
     * @generated from enum value: ERROR_REASON_STORAGE_FAILED = 12;
     */
    ErrorReason[ErrorReason["STORAGE_FAILED"] = 12] = "STORAGE_FAILED";
    /**
     * INTERNAL: a bug in the server. Please report it with the server log.
     *
     * @generated from enum value: ERROR_REASON_INTERNAL = 13;
     */
    ErrorReason[ErrorReason["INTERNAL"] = 13] = "INTERNAL";
    /**
     * FAILED_PRECONDITION: the append sets recorded_at, which the server does not accept from clients. Leave
     * recorded_at out. To move a log to this server, start it (on a cluster: all servers) with --accept-recorded-times
     * until the move is done.
     *
     * @generated from enum value: ERROR_REASON_RECORDED_TIME_NOT_ACCEPTED = 14;
     */
    ErrorReason[ErrorReason["RECORDED_TIME_NOT_ACCEPTED"] = 14] = "RECORDED_TIME_NOT_ACCEPTED";
    /**
     * FAILED_PRECONDITION with RecordedTimeOutOfRange: the append's recorded_at is before the log's last recorded time,
     * or in the future. Move a log to an empty store, from its beginning, while no other client appends. If the time is
     * in the future, correct the clocks.
     *
     * @generated from enum value: ERROR_REASON_RECORDED_TIME_OUT_OF_RANGE = 15;
     */
    ErrorReason[ErrorReason["RECORDED_TIME_OUT_OF_RANGE"] = 15] = "RECORDED_TIME_OUT_OF_RANGE";
    /**
     * ABORTED with ChecksFailed: one or more checks of the append do not hold. Repeat the reads that the decision is
     * based on, and decide again.
     *
     * @generated from enum value: ERROR_REASON_CHECKS_FAILED = 16;
     */
    ErrorReason[ErrorReason["CHECKS_FAILED"] = 16] = "CHECKS_FAILED";
    /**
     * FAILED_PRECONDITION with StreamTombstoned: the stream was permanently deleted. Use another name. A retry of an
     * append that was acknowledged before the deletion still returns its first result.
     *
     * @generated from enum value: ERROR_REASON_STREAM_TOMBSTONED = 17;
     */
    ErrorReason[ErrorReason["STREAM_TOMBSTONED"] = 17] = "STREAM_TOMBSTONED";
    /**
     * ABORTED with VersionConflict: the retention of the stream or of the prefix has changed. Read it again and decide
     * again.
     *
     * @generated from enum value: ERROR_REASON_VERSION_CONFLICT = 18;
     */
    ErrorReason[ErrorReason["VERSION_CONFLICT"] = 18] = "VERSION_CONFLICT";
    /**
     * NOT_FOUND with SnapshotNotFound: the stream has no matching snapshot. Start from its first event.
     *
     * @generated from enum value: ERROR_REASON_SNAPSHOT_NOT_FOUND = 19;
     */
    ErrorReason[ErrorReason["SNAPSHOT_NOT_FOUND"] = 19] = "SNAPSHOT_NOT_FOUND";
    /**
     * FAILED_PRECONDITION: the log can't be moved to this store, because the store contains other data. Move it to an
     * empty store.
     *
     * @generated from enum value: ERROR_REASON_MOVE_REFUSED = 24;
     */
    ErrorReason[ErrorReason["MOVE_REFUSED"] = 24] = "MOVE_REFUSED";
    /**
     * FAILED_PRECONDITION: a log is being moved to this store, and the import is not finished. Finish the import, or
     * start over with an empty store.
     *
     * @generated from enum value: ERROR_REASON_MOVE_UNFINISHED = 25;
     */
    ErrorReason[ErrorReason["MOVE_UNFINISHED"] = 25] = "MOVE_UNFINISHED";
})(ErrorReason || (ErrorReason = {}));
/**
 * Describes the enum annals.v1.ErrorReason.
 */
export const ErrorReasonSchema = /*@__PURE__*/ enumDesc(file_annals_v1_errors, 0);
//# sourceMappingURL=errors_pb.js.map