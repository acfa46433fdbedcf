// Streams: their properties, their retention, and their deletion.
//
// Stream settings are stored in the log itself, as events of the types `$retention-set`, `$stream-deleted` and
// `$stream-tombstoned` in a system stream whose name is `$$` followed by the name of the stream. These events have
// positions like all others, so projections can follow them and every client can read them. Only the calls of this
// file write them. The data of each is JSON with all settings in force from then on (max_count, max_age_seconds,
// truncate_before, deleted_before, tombstoned), so only the last event is kept and earlier ones are removed.
//
// A retention can also be set for a prefix: one entry for all streams whose names begin with it (SetPrefixRetention).
// It is stored in the same way, as an event of the type `$prefix-retention-set` in a system stream whose name is
// `$$$` followed by the prefix.
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_annals_v1_append } from "./append_pb.js";
import { file_google_protobuf_duration, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/stream.proto.
 */
export const file_annals_v1_stream = /*@__PURE__*/ fileDesc("ChZhbm5hbHMvdjEvc3RyZWFtLnByb3RvEglhbm5hbHMudjEiIgoQR2V0U3RyZWFtUmVxdWVzdBIOCgZzdHJlYW0YASABKAkiNgoRR2V0U3RyZWFtUmVzcG9uc2USIQoGc3RyZWFtGAEgASgLMhEuYW5uYWxzLnYxLlN0cmVhbSLnAQoGU3RyZWFtEgwKBG5hbWUYASABKAkSFQoNbGFzdF9yZXZpc2lvbhgCIAEoBBIVCg1sYXN0X3Bvc2l0aW9uGAMgASgEEhYKDmZpcnN0X3Bvc2l0aW9uGAQgASgEEi4KCmNyZWF0ZWRfYXQYBSABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEhYKDmZpcnN0X3JldmlzaW9uGAYgASgEEicKCXJldGVudGlvbhgHIAEoCzIULmFubmFscy52MS5SZXRlbnRpb24SGAoQcmV0ZW50aW9uX3ByZWZpeBgIIAEoCSJeChJMaXN0U3RyZWFtc1JlcXVlc3QSDgoGcHJlZml4GAEgASgJEhYKCXBhZ2Vfc2l6ZRgCIAEoDUgAiAEBEhIKCnBhZ2VfdG9rZW4YAyABKAlCDAoKX3BhZ2Vfc2l6ZSJSChNMaXN0U3RyZWFtc1Jlc3BvbnNlEiIKB3N0cmVhbXMYASADKAsyES5hbm5hbHMudjEuU3RyZWFtEhcKD25leHRfcGFnZV90b2tlbhgCIAEoCSJ2CglSZXRlbnRpb24SFgoJbWF4X2NvdW50GAEgASgESACIAQESKgoHbWF4X2FnZRgCIAEoCzIZLmdvb2dsZS5wcm90b2J1Zi5EdXJhdGlvbhIXCg90cnVuY2F0ZV9iZWZvcmUYAyABKARCDAoKX21heF9jb3VudCKCAQoTU2V0UmV0ZW50aW9uUmVxdWVzdBIOCgZzdHJlYW0YASABKAkSJwoJcmV0ZW50aW9uGAIgASgLMhQuYW5uYWxzLnYxLlJldGVudGlvbhIdChBleHBlY3RlZF92ZXJzaW9uGAMgASgESACIAQFCEwoRX2V4cGVjdGVkX3ZlcnNpb24iUAoUU2V0UmV0ZW50aW9uUmVzcG9uc2USJwoJcmV0ZW50aW9uGAEgASgLMhQuYW5uYWxzLnYxLlJldGVudGlvbhIPCgd2ZXJzaW9uGAIgASgEIiUKE0dldFJldGVudGlvblJlcXVlc3QSDgoGc3RyZWFtGAEgASgJIn4KFEdldFJldGVudGlvblJlc3BvbnNlEicKCXJldGVudGlvbhgBIAEoCzIULmFubmFscy52MS5SZXRlbnRpb24SDwoHdmVyc2lvbhgCIAEoBBISCgp0b21ic3RvbmVkGAMgASgIEhgKEHJldGVudGlvbl9wcmVmaXgYBCABKAkiWwoPUHJlZml4UmV0ZW50aW9uEg4KBnByZWZpeBgBIAEoCRInCglyZXRlbnRpb24YAiABKAsyFC5hbm5hbHMudjEuUmV0ZW50aW9uEg8KB3ZlcnNpb24YAyABKAQiiAEKGVNldFByZWZpeFJldGVudGlvblJlcXVlc3QSDgoGcHJlZml4GAEgASgJEicKCXJldGVudGlvbhgCIAEoCzIULmFubmFscy52MS5SZXRlbnRpb24SHQoQZXhwZWN0ZWRfdmVyc2lvbhgDIAEoBEgAiAEBQhMKEV9leHBlY3RlZF92ZXJzaW9uIksKGlNldFByZWZpeFJldGVudGlvblJlc3BvbnNlEi0KCXJldGVudGlvbhgBIAEoCzIaLmFubmFscy52MS5QcmVmaXhSZXRlbnRpb24iKwoZR2V0UHJlZml4UmV0ZW50aW9uUmVxdWVzdBIOCgZwcmVmaXgYASABKAkiSwoaR2V0UHJlZml4UmV0ZW50aW9uUmVzcG9uc2USLQoJcmV0ZW50aW9uGAEgASgLMhouYW5uYWxzLnYxLlByZWZpeFJldGVudGlvbiJXChtMaXN0UHJlZml4UmV0ZW50aW9uc1JlcXVlc3QSFgoJcGFnZV9zaXplGAEgASgNSACIAQESEgoKcGFnZV90b2tlbhgCIAEoCUIMCgpfcGFnZV9zaXplImcKHExpc3RQcmVmaXhSZXRlbnRpb25zUmVzcG9uc2USLgoKcmV0ZW50aW9ucxgBIAMoCzIaLmFubmFscy52MS5QcmVmaXhSZXRlbnRpb24SFwoPbmV4dF9wYWdlX3Rva2VuGAIgASgJIlQKE0RlbGV0ZVN0cmVhbVJlcXVlc3QSDgoGc3RyZWFtGAEgASgJEi0KCGV4cGVjdGVkGAIgASgLMhsuYW5uYWxzLnYxLkV4cGVjdGVkUmV2aXNpb24iWAoURGVsZXRlU3RyZWFtUmVzcG9uc2USFQoNbGFzdF9yZXZpc2lvbhgBIAEoBBIQCghwb3NpdGlvbhgCIAEoBBIXCg9hbHJlYWR5X2RlbGV0ZWQYAyABKAgiVwoWVG9tYnN0b25lU3RyZWFtUmVxdWVzdBIOCgZzdHJlYW0YASABKAkSLQoIZXhwZWN0ZWQYAiABKAsyGy5hbm5hbHMudjEuRXhwZWN0ZWRSZXZpc2lvbiJHChdUb21ic3RvbmVTdHJlYW1SZXNwb25zZRIQCghwb3NpdGlvbhgBIAEoBBIaChJhbHJlYWR5X3RvbWJzdG9uZWQYAiABKAhiBnByb3RvMw", [file_annals_v1_append, file_google_protobuf_duration, file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.GetStreamRequest.
 * Use `create(GetStreamRequestSchema)` to create a new message.
 */
export const GetStreamRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 0);
/**
 * Describes the message annals.v1.GetStreamResponse.
 * Use `create(GetStreamResponseSchema)` to create a new message.
 */
export const GetStreamResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 1);
/**
 * Describes the message annals.v1.Stream.
 * Use `create(StreamSchema)` to create a new message.
 */
export const StreamSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 2);
/**
 * Describes the message annals.v1.ListStreamsRequest.
 * Use `create(ListStreamsRequestSchema)` to create a new message.
 */
export const ListStreamsRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 3);
/**
 * Describes the message annals.v1.ListStreamsResponse.
 * Use `create(ListStreamsResponseSchema)` to create a new message.
 */
export const ListStreamsResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 4);
/**
 * Describes the message annals.v1.Retention.
 * Use `create(RetentionSchema)` to create a new message.
 */
export const RetentionSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 5);
/**
 * Describes the message annals.v1.SetRetentionRequest.
 * Use `create(SetRetentionRequestSchema)` to create a new message.
 */
export const SetRetentionRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 6);
/**
 * Describes the message annals.v1.SetRetentionResponse.
 * Use `create(SetRetentionResponseSchema)` to create a new message.
 */
export const SetRetentionResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 7);
/**
 * Describes the message annals.v1.GetRetentionRequest.
 * Use `create(GetRetentionRequestSchema)` to create a new message.
 */
export const GetRetentionRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 8);
/**
 * Describes the message annals.v1.GetRetentionResponse.
 * Use `create(GetRetentionResponseSchema)` to create a new message.
 */
export const GetRetentionResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 9);
/**
 * Describes the message annals.v1.PrefixRetention.
 * Use `create(PrefixRetentionSchema)` to create a new message.
 */
export const PrefixRetentionSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 10);
/**
 * Describes the message annals.v1.SetPrefixRetentionRequest.
 * Use `create(SetPrefixRetentionRequestSchema)` to create a new message.
 */
export const SetPrefixRetentionRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 11);
/**
 * Describes the message annals.v1.SetPrefixRetentionResponse.
 * Use `create(SetPrefixRetentionResponseSchema)` to create a new message.
 */
export const SetPrefixRetentionResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 12);
/**
 * Describes the message annals.v1.GetPrefixRetentionRequest.
 * Use `create(GetPrefixRetentionRequestSchema)` to create a new message.
 */
export const GetPrefixRetentionRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 13);
/**
 * Describes the message annals.v1.GetPrefixRetentionResponse.
 * Use `create(GetPrefixRetentionResponseSchema)` to create a new message.
 */
export const GetPrefixRetentionResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 14);
/**
 * Describes the message annals.v1.ListPrefixRetentionsRequest.
 * Use `create(ListPrefixRetentionsRequestSchema)` to create a new message.
 */
export const ListPrefixRetentionsRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 15);
/**
 * Describes the message annals.v1.ListPrefixRetentionsResponse.
 * Use `create(ListPrefixRetentionsResponseSchema)` to create a new message.
 */
export const ListPrefixRetentionsResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 16);
/**
 * Describes the message annals.v1.DeleteStreamRequest.
 * Use `create(DeleteStreamRequestSchema)` to create a new message.
 */
export const DeleteStreamRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 17);
/**
 * Describes the message annals.v1.DeleteStreamResponse.
 * Use `create(DeleteStreamResponseSchema)` to create a new message.
 */
export const DeleteStreamResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 18);
/**
 * Describes the message annals.v1.TombstoneStreamRequest.
 * Use `create(TombstoneStreamRequestSchema)` to create a new message.
 */
export const TombstoneStreamRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 19);
/**
 * Describes the message annals.v1.TombstoneStreamResponse.
 * Use `create(TombstoneStreamResponseSchema)` to create a new message.
 */
export const TombstoneStreamResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_stream, 20);
//# sourceMappingURL=stream_pb.js.map