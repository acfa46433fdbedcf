// Moving a log to another store: the complete content of a store, as a sequence of parts.
import { fileDesc, messageDesc, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import { file_annals_v1_event } from "./event_pb.js";
import { file_annals_v1_snapshot } from "./snapshot_pb.js";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/transfer.proto.
 */
export const file_annals_v1_transfer = /*@__PURE__*/ fileDesc("Chhhbm5hbHMvdjEvdHJhbnNmZXIucHJvdG8SCWFubmFscy52MSInCg1FeHBvcnRSZXF1ZXN0EhYKDmFmdGVyX3Bvc2l0aW9uGAEgASgEIjcKDkV4cG9ydFJlc3BvbnNlEiUKBHBhcnQYASABKAsyFy5hbm5hbHMudjEuVHJhbnNmZXJQYXJ0Ii0KEkJlZ2luSW1wb3J0UmVxdWVzdBIXCg9zb3VyY2Vfc3RvcmVfaWQYASABKAkiJwoTQmVnaW5JbXBvcnRSZXNwb25zZRIQCghwb3NpdGlvbhgBIAEoBCI2Cg1JbXBvcnRSZXF1ZXN0EiUKBHBhcnQYASABKAsyFy5hbm5hbHMudjEuVHJhbnNmZXJQYXJ0Ih4KDkltcG9ydFJlc3BvbnNlEgwKBGhlYWQYASABKAQivwIKDFRyYW5zZmVyUGFydBIpCgViZWdpbhgBIAEoCzIYLmFubmFscy52MS5UcmFuc2ZlckJlZ2luSAASJwoGZXZlbnRzGAIgASgLMhUuYW5uYWxzLnYxLkV2ZW50QmF0Y2hIABIlCgNnYXAYAyABKAsyFi5hbm5hbHMudjEuVHJhbnNmZXJHYXBIABItCgdzdHJlYW1zGAQgASgLMhouYW5uYWxzLnYxLlRyYW5zZmVyU3RyZWFtc0gAEi0KB2FwcGVuZHMYBSABKAsyGi5hbm5hbHMudjEuVHJhbnNmZXJBcHBlbmRzSAASJwoIc25hcHNob3QYBiABKAsyEy5hbm5hbHMudjEuU25hcHNob3RIABIlCgNlbmQYByABKAsyFi5hbm5hbHMudjEuVHJhbnNmZXJFbmRIAEIGCgRwYXJ0IjYKDVRyYW5zZmVyQmVnaW4SFwoPc291cmNlX3N0b3JlX2lkGAEgASgJEgwKBGhlYWQYAiABKAQibQoLVHJhbnNmZXJHYXASFgoOZmlyc3RfcG9zaXRpb24YASABKAQSFQoNbGFzdF9wb3NpdGlvbhgCIAEoBBIvCgtyZWNvcmRlZF9hdBgDIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXAiPQoPVHJhbnNmZXJTdHJlYW1zEioKB3N0cmVhbXMYASADKAsyGS5hbm5hbHMudjEuVHJhbnNmZXJTdHJlYW0ilgEKDlRyYW5zZmVyU3RyZWFtEg4KBnN0cmVhbRgBIAEoCRIWCg5maXJzdF9wb3NpdGlvbhgCIAEoBBIuCgpjcmVhdGVkX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIVCg1sYXN0X3JldmlzaW9uGAQgASgEEhUKDWxhc3RfcG9zaXRpb24YBSABKAQiPQoPVHJhbnNmZXJBcHBlbmRzEioKB2FwcGVuZHMYASADKAsyGS5hbm5hbHMudjEuVHJhbnNmZXJBcHBlbmQiPgoOVHJhbnNmZXJBcHBlbmQSCgoCaWQYASABKAkSEAoIcG9zaXRpb24YAiABKAQSDgoGZXZlbnRzGAMgASgNIhsKC1RyYW5zZmVyRW5kEgwKBGhlYWQYASABKAQy4QEKD1RyYW5zZmVyU2VydmljZRI/CgZFeHBvcnQSGC5hbm5hbHMudjEuRXhwb3J0UmVxdWVzdBoZLmFubmFscy52MS5FeHBvcnRSZXNwb25zZTABEkwKC0JlZ2luSW1wb3J0Eh0uYW5uYWxzLnYxLkJlZ2luSW1wb3J0UmVxdWVzdBoeLmFubmFscy52MS5CZWdpbkltcG9ydFJlc3BvbnNlEj8KBkltcG9ydBIYLmFubmFscy52MS5JbXBvcnRSZXF1ZXN0GhkuYW5uYWxzLnYxLkltcG9ydFJlc3BvbnNlKAFiBnByb3RvMw", [file_annals_v1_event, file_annals_v1_snapshot, file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.ExportRequest.
 * Use `create(ExportRequestSchema)` to create a new message.
 */
export const ExportRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 0);
/**
 * Describes the message annals.v1.ExportResponse.
 * Use `create(ExportResponseSchema)` to create a new message.
 */
export const ExportResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 1);
/**
 * Describes the message annals.v1.BeginImportRequest.
 * Use `create(BeginImportRequestSchema)` to create a new message.
 */
export const BeginImportRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 2);
/**
 * Describes the message annals.v1.BeginImportResponse.
 * Use `create(BeginImportResponseSchema)` to create a new message.
 */
export const BeginImportResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 3);
/**
 * Describes the message annals.v1.ImportRequest.
 * Use `create(ImportRequestSchema)` to create a new message.
 */
export const ImportRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 4);
/**
 * Describes the message annals.v1.ImportResponse.
 * Use `create(ImportResponseSchema)` to create a new message.
 */
export const ImportResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 5);
/**
 * Describes the message annals.v1.TransferPart.
 * Use `create(TransferPartSchema)` to create a new message.
 */
export const TransferPartSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 6);
/**
 * Describes the message annals.v1.TransferBegin.
 * Use `create(TransferBeginSchema)` to create a new message.
 */
export const TransferBeginSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 7);
/**
 * Describes the message annals.v1.TransferGap.
 * Use `create(TransferGapSchema)` to create a new message.
 */
export const TransferGapSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 8);
/**
 * Describes the message annals.v1.TransferStreams.
 * Use `create(TransferStreamsSchema)` to create a new message.
 */
export const TransferStreamsSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 9);
/**
 * Describes the message annals.v1.TransferStream.
 * Use `create(TransferStreamSchema)` to create a new message.
 */
export const TransferStreamSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 10);
/**
 * Describes the message annals.v1.TransferAppends.
 * Use `create(TransferAppendsSchema)` to create a new message.
 */
export const TransferAppendsSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 11);
/**
 * Describes the message annals.v1.TransferAppend.
 * Use `create(TransferAppendSchema)` to create a new message.
 */
export const TransferAppendSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 12);
/**
 * Describes the message annals.v1.TransferEnd.
 * Use `create(TransferEndSchema)` to create a new message.
 */
export const TransferEndSchema = /*@__PURE__*/ messageDesc(file_annals_v1_transfer, 13);
/**
 * Moves a log from one store to another, for operators. The moved log has the same events at the same positions and
 * revisions, with the same times and ids, the same removed positions and the same head. Stream settings, snapshots
 * and the ids by which retries are recognised are moved with it. Checkpoints of consumers stay valid. The target
 * store keeps its own identity.
 *
 * @generated from service annals.v1.TransferService
 */
export const TransferService = /*@__PURE__*/ serviceDesc(file_annals_v1_transfer, 0);
//# sourceMappingURL=transfer_pb.js.map