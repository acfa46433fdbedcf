// Appends: to one stream, or atomically to several streams with checks.
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_annals_v1_event } from "./event_pb.js";
import { file_annals_v1_query } from "./query_pb.js";
import { file_google_protobuf_empty, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import { file_google_rpc_status } from "../../google/rpc/status_pb.js";
/**
 * Describes the file annals/v1/append.proto.
 */
export const file_annals_v1_append = /*@__PURE__*/ fileDesc("ChZhbm5hbHMvdjEvYXBwZW5kLnByb3RvEglhbm5hbHMudjEitwEKEEV4cGVjdGVkUmV2aXNpb24SEgoIcmV2aXNpb24YASABKARIABIrCglub19zdHJlYW0YAiABKAsyFi5nb29nbGUucHJvdG9idWYuRW1wdHlIABIvCg1zdHJlYW1fZXhpc3RzGAMgASgLMhYuZ29vZ2xlLnByb3RvYnVmLkVtcHR5SAASJQoDYW55GAQgASgLMhYuZ29vZ2xlLnByb3RvYnVmLkVtcHR5SABCCgoIZXhwZWN0ZWQirAEKFUFwcGVuZFRvU3RyZWFtUmVxdWVzdBIOCgZzdHJlYW0YASABKAkSLQoIZXhwZWN0ZWQYAiABKAsyGy5hbm5hbHMudjEuRXhwZWN0ZWRSZXZpc2lvbhIjCgZldmVudHMYAyADKAsyEy5hbm5hbHMudjEuTmV3RXZlbnQSLwoLcmVjb3JkZWRfYXQYBCABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wIsEBChZBcHBlbmRUb1N0cmVhbVJlc3BvbnNlEhYKDmZpcnN0X3JldmlzaW9uGAEgASgEEhUKDWxhc3RfcmV2aXNpb24YAiABKAQSFgoOZmlyc3RfcG9zaXRpb24YAyABKAQSFQoNbGFzdF9wb3NpdGlvbhgEIAEoBBIvCgtyZWNvcmRlZF9hdBgFIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASGAoQYWxyZWFkeV9hcHBlbmRlZBgGIAEoCCKEAQoNQXBwZW5kUmVxdWVzdBIgCgZ3cml0ZXMYASADKAsyEC5hbm5hbHMudjEuV3JpdGUSIAoGY2hlY2tzGAIgAygLMhAuYW5uYWxzLnYxLkNoZWNrEi8KC3JlY29yZGVkX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCI8CgVXcml0ZRIOCgZzdHJlYW0YASABKAkSIwoGZXZlbnRzGAIgAygLMhMuYW5uYWxzLnYxLk5ld0V2ZW50ImcKBUNoZWNrEigKBnN0cmVhbRgBIAEoCzIWLmFubmFscy52MS5TdHJlYW1DaGVja0gAEisKCG5vX21hdGNoGAIgASgLMhcuYW5uYWxzLnYxLk5vTWF0Y2hDaGVja0gAQgcKBWNoZWNrIkwKC1N0cmVhbUNoZWNrEg4KBnN0cmVhbRgBIAEoCRItCghleHBlY3RlZBgCIAEoCzIbLmFubmFscy52MS5FeHBlY3RlZFJldmlzaW9uIj4KDE5vTWF0Y2hDaGVjaxIfCgVxdWVyeRgBIAEoCzIQLmFubmFscy52MS5RdWVyeRINCgVhZnRlchgCIAEoBCK1AQoOQXBwZW5kUmVzcG9uc2USFgoOZmlyc3RfcG9zaXRpb24YASABKAQSFQoNbGFzdF9wb3NpdGlvbhgCIAEoBBIvCgtyZWNvcmRlZF9hdBgDIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASGAoQYWxyZWFkeV9hcHBlbmRlZBgEIAEoCBIpCgdzdHJlYW1zGAUgAygLMhguYW5uYWxzLnYxLldyaXR0ZW5TdHJlYW0iTgoNV3JpdHRlblN0cmVhbRIOCgZzdHJlYW0YASABKAkSFgoOZmlyc3RfcmV2aXNpb24YAiABKAQSFQoNbGFzdF9yZXZpc2lvbhgDIAEoBCJBChRBcHBlbmRTZXNzaW9uUmVxdWVzdBIpCgdhcHBlbmRzGAEgAygLMhguYW5uYWxzLnYxLlNlc3Npb25BcHBlbmQiqQEKDVNlc3Npb25BcHBlbmQSPAoQYXBwZW5kX3RvX3N0cmVhbRgBIAEoCzIgLmFubmFscy52MS5BcHBlbmRUb1N0cmVhbVJlcXVlc3RIABIyCg5hcHBlbmRfdG9fbWFueRgCIAEoCzIYLmFubmFscy52MS5BcHBlbmRSZXF1ZXN0SAASHAoUc2VhcmNoZWRfdG9fcG9zaXRpb24YAyABKARCCAoGYXBwZW5kIkIKFUFwcGVuZFNlc3Npb25SZXNwb25zZRIpCgdyZXN1bHRzGAEgAygLMhguYW5uYWxzLnYxLlNlc3Npb25SZXN1bHQirAEKDVNlc3Npb25SZXN1bHQSNQoIYXBwZW5kZWQYASABKAsyIS5hbm5hbHMudjEuQXBwZW5kVG9TdHJlYW1SZXNwb25zZUgAEiMKBWVycm9yGAIgASgLMhIuZ29vZ2xlLnJwYy5TdGF0dXNIABI1ChBhcHBlbmRlZF90b19tYW55GAMgASgLMhkuYW5uYWxzLnYxLkFwcGVuZFJlc3BvbnNlSABCCAoGcmVzdWx0YgZwcm90bzM", [file_annals_v1_event, file_annals_v1_query, file_google_protobuf_empty, file_google_protobuf_timestamp, file_google_rpc_status]);
/**
 * Describes the message annals.v1.ExpectedRevision.
 * Use `create(ExpectedRevisionSchema)` to create a new message.
 */
export const ExpectedRevisionSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 0);
/**
 * Describes the message annals.v1.AppendToStreamRequest.
 * Use `create(AppendToStreamRequestSchema)` to create a new message.
 */
export const AppendToStreamRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 1);
/**
 * Describes the message annals.v1.AppendToStreamResponse.
 * Use `create(AppendToStreamResponseSchema)` to create a new message.
 */
export const AppendToStreamResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 2);
/**
 * Describes the message annals.v1.AppendRequest.
 * Use `create(AppendRequestSchema)` to create a new message.
 */
export const AppendRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 3);
/**
 * Describes the message annals.v1.Write.
 * Use `create(WriteSchema)` to create a new message.
 */
export const WriteSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 4);
/**
 * Describes the message annals.v1.Check.
 * Use `create(CheckSchema)` to create a new message.
 */
export const CheckSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 5);
/**
 * Describes the message annals.v1.StreamCheck.
 * Use `create(StreamCheckSchema)` to create a new message.
 */
export const StreamCheckSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 6);
/**
 * Describes the message annals.v1.NoMatchCheck.
 * Use `create(NoMatchCheckSchema)` to create a new message.
 */
export const NoMatchCheckSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 7);
/**
 * Describes the message annals.v1.AppendResponse.
 * Use `create(AppendResponseSchema)` to create a new message.
 */
export const AppendResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 8);
/**
 * Describes the message annals.v1.WrittenStream.
 * Use `create(WrittenStreamSchema)` to create a new message.
 */
export const WrittenStreamSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 9);
/**
 * Describes the message annals.v1.AppendSessionRequest.
 * Use `create(AppendSessionRequestSchema)` to create a new message.
 */
export const AppendSessionRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 10);
/**
 * Describes the message annals.v1.SessionAppend.
 * Use `create(SessionAppendSchema)` to create a new message.
 */
export const SessionAppendSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 11);
/**
 * Describes the message annals.v1.AppendSessionResponse.
 * Use `create(AppendSessionResponseSchema)` to create a new message.
 */
export const AppendSessionResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 12);
/**
 * Describes the message annals.v1.SessionResult.
 * Use `create(SessionResultSchema)` to create a new message.
 */
export const SessionResultSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 13);
//# sourceMappingURL=append_pb.js.map