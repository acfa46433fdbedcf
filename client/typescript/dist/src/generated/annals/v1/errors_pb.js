// Errors. Every failed call carries a google.rpc.Status (in the `grpc-status-details-bin` trailer) with a
// google.rpc.ErrorInfo. Its domain is `annals`, and its reason is the name of an ErrorReason without the prefix
// `ERROR_REASON_`. If a typed detail is documented for the reason, it follows the ErrorInfo. Invalid fields are
// listed in a google.rpc.BadRequest.
import { enumDesc, fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_annals_v1_append } from "./append_pb.js";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/errors.proto.
 */
export const file_annals_v1_errors = /*@__PURE__*/ fileDesc("ChZhbm5hbHMvdjEvZXJyb3JzLnByb3RvEglhbm5hbHMudjEigwEKEFJldmlzaW9uQ29uZmxpY3QSDgoGc3RyZWFtGAEgASgJEi0KCGV4cGVjdGVkGAIgASgLMhsuYW5uYWxzLnYxLkV4cGVjdGVkUmV2aXNpb24SHAoPYWN0dWFsX3JldmlzaW9uGAMgASgESACIAQFCEgoQX2FjdHVhbF9yZXZpc2lvbiJjCg9FdmVudElkQ29uZmxpY3QSCgoCaWQYASABKAkSDgoGc3RyZWFtGAIgASgJEhUKCHJldmlzaW9uGAMgASgESACIAQESEAoIcG9zaXRpb24YBCABKARCCwoJX3JldmlzaW9uIqMBChZSZWNvcmRlZFRpbWVPdXRPZlJhbmdlEi8KC3JlY29yZGVkX2F0GAEgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIsCghlYXJsaWVzdBgCIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASKgoGbGF0ZXN0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCJFCgxDaGVja3NGYWlsZWQSJgoGZmFpbGVkGAEgAygLMhYuYW5uYWxzLnYxLkZhaWxlZENoZWNrEg0KBWNvdW50GAIgASgNInwKC0ZhaWxlZENoZWNrEg0KBWluZGV4GAEgASgNEi0KBnN0cmVhbRgCIAEoCzIbLmFubmFscy52MS5SZXZpc2lvbkNvbmZsaWN0SAASJgoFbWF0Y2gYAyABKAsyFS5hbm5hbHMudjEuTWF0Y2hGb3VuZEgAQgcKBWZvdW5kIi0KCk1hdGNoRm91bmQSDQoFYWZ0ZXIYASABKAQSEAoIcG9zaXRpb24YAiABKAQiIgoQU3RyZWFtVG9tYnN0b25lZBIOCgZzdHJlYW0YASABKAkiYwoPVmVyc2lvbkNvbmZsaWN0Eg4KBnN0cmVhbRgBIAEoCRIYChBleHBlY3RlZF92ZXJzaW9uGAIgASgEEhYKDmFjdHVhbF92ZXJzaW9uGAMgASgEEg4KBnByZWZpeBgEIAEoCSIiChBTbmFwc2hvdE5vdEZvdW5kEg4KBnN0cmVhbRgBIAEoCSIgCg5TdHJlYW1Ob3RGb3VuZBIOCgZzdHJlYW0YASABKAkiNAoSUG9zaXRpb25CZXlvbmRIZWFkEhAKCHBvc2l0aW9uGAEgASgEEgwKBGhlYWQYAiABKAQiYwoRUmV2aXNpb25CZXlvbmRFbmQSDgoGc3RyZWFtGAEgASgJEhAKCHJldmlzaW9uGAIgASgEEhoKDWxhc3RfcmV2aXNpb24YAyABKARIAIgBAUIQCg5fbGFzdF9yZXZpc2lvbir+BQoLRXJyb3JSZWFzb24SHAoYRVJST1JfUkVBU09OX1VOU1BFQ0lGSUVEEAASHgoaRVJST1JfUkVBU09OX0lOVkFMSURfRklFTEQQARIaChZFUlJPUl9SRUFTT05fVE9PX0xBUkdFEAISIgoeRVJST1JfUkVBU09OX1JFVklTSU9OX0NPTkZMSUNUEAMSIgoeRVJST1JfUkVBU09OX0VWRU5UX0lEX0NPTkZMSUNUEAQSIQodRVJST1JfUkVBU09OX1NUUkVBTV9OT1RfRk9VTkQQBRIlCiFFUlJPUl9SRUFTT05fUE9TSVRJT05fQkVZT05EX0hFQUQQBhIkCiBFUlJPUl9SRUFTT05fUkVWSVNJT05fQkVZT05EX0VORBAHEh4KGkVSUk9SX1JFQVNPTl9TSFVUVElOR19ET1dOEAgSGwoXRVJST1JfUkVBU09OX09WRVJMT0FERUQQCRIjCh9FUlJPUl9SRUFTT05fRU5HSU5FX1VOQVZBSUxBQkxFEAoSGAoURVJST1JfUkVBU09OX0NPUlJVUFQQCxIfChtFUlJPUl9SRUFTT05fU1RPUkFHRV9GQUlMRUQQDBIZChVFUlJPUl9SRUFTT05fSU5URVJOQUwQDRIrCidFUlJPUl9SRUFTT05fUkVDT1JERURfVElNRV9OT1RfQUNDRVBURUQQDhIrCidFUlJPUl9SRUFTT05fUkVDT1JERURfVElNRV9PVVRfT0ZfUkFOR0UQDxIeChpFUlJPUl9SRUFTT05fQ0hFQ0tTX0ZBSUxFRBAQEiIKHkVSUk9SX1JFQVNPTl9TVFJFQU1fVE9NQlNUT05FRBAREiEKHUVSUk9SX1JFQVNPTl9WRVJTSU9OX0NPTkZMSUNUEBISIwofRVJST1JfUkVBU09OX1NOQVBTSE9UX05PVF9GT1VORBATEh0KGUVSUk9SX1JFQVNPTl9NT1ZFX1JFRlVTRUQQGBIgChxFUlJPUl9SRUFTT05fTU9WRV9VTkZJTklTSEVEEBliBnByb3RvMw", [file_annals_v1_append, file_google_protobuf_timestamp]);
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