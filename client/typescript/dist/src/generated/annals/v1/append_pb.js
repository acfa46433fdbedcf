// Appends: to one stream, or atomically to several streams with checks.
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_annals_v1_event } from "./event_pb.js";
import { file_annals_v1_query } from "./query_pb.js";
import { file_google_protobuf_empty, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import { file_google_rpc_status } from "../../google/rpc/status_pb.js";
/**
 * Describes the file annals/v1/append.proto.
 */
export const file_annals_v1_append = /*@__PURE__*/ fileDesc("ChZhbm5hbHMvdjEvYXBwZW5kLnByb3RvEglhbm5hbHMudjEitwEKEEV4cGVjdGVkUmV2aXNpb24SEgoIcmV2aXNpb24YASABKARIABIrCglub19zdHJlYW0YAiABKAsyFi5nb29nbGUucHJvdG9idWYuRW1wdHlIABIvCg1zdHJlYW1fZXhpc3RzGAMgASgLMhYuZ29vZ2xlLnByb3RvYnVmLkVtcHR5SAASJQoDYW55GAQgASgLMhYuZ29vZ2xlLnByb3RvYnVmLkVtcHR5SABCCgoIZXhwZWN0ZWQirAEKFUFwcGVuZFRvU3RyZWFtUmVxdWVzdBIOCgZzdHJlYW0YASABKAkSLQoIZXhwZWN0ZWQYAiABKAsyGy5hbm5hbHMudjEuRXhwZWN0ZWRSZXZpc2lvbhIjCgZldmVudHMYAyADKAsyEy5hbm5hbHMudjEuTmV3RXZlbnQSLwoLcmVjb3JkZWRfYXQYBCABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wIsEBChZBcHBlbmRUb1N0cmVhbVJlc3BvbnNlEhYKDmZpcnN0X3JldmlzaW9uGAEgASgEEhUKDWxhc3RfcmV2aXNpb24YAiABKAQSFgoOZmlyc3RfcG9zaXRpb24YAyABKAQSFQoNbGFzdF9wb3NpdGlvbhgEIAEoBBIvCgtyZWNvcmRlZF9hdBgFIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASGAoQYWxyZWFkeV9hcHBlbmRlZBgGIAEoCCKKAQoTQXBwZW5kVG9NYW55UmVxdWVzdBIgCgZ3cml0ZXMYASADKAsyEC5hbm5hbHMudjEuV3JpdGUSIAoGY2hlY2tzGAIgAygLMhAuYW5uYWxzLnYxLkNoZWNrEi8KC3JlY29yZGVkX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCJrCgVXcml0ZRIOCgZzdHJlYW0YASABKAkSIwoGZXZlbnRzGAIgAygLMhMuYW5uYWxzLnYxLk5ld0V2ZW50Ei0KCGV4cGVjdGVkGAMgASgLMhsuYW5uYWxzLnYxLkV4cGVjdGVkUmV2aXNpb24iZwoFQ2hlY2sSKAoGc3RyZWFtGAEgASgLMhYuYW5uYWxzLnYxLlN0cmVhbUNoZWNrSAASKwoIbm9fbWF0Y2gYAiABKAsyFy5hbm5hbHMudjEuTm9NYXRjaENoZWNrSABCBwoFY2hlY2siTAoLU3RyZWFtQ2hlY2sSDgoGc3RyZWFtGAEgASgJEi0KCGV4cGVjdGVkGAIgASgLMhsuYW5uYWxzLnYxLkV4cGVjdGVkUmV2aXNpb24iPgoMTm9NYXRjaENoZWNrEh8KBXF1ZXJ5GAEgASgLMhAuYW5uYWxzLnYxLlF1ZXJ5Eg0KBWFmdGVyGAIgASgEIrsBChRBcHBlbmRUb01hbnlSZXNwb25zZRIWCg5maXJzdF9wb3NpdGlvbhgBIAEoBBIVCg1sYXN0X3Bvc2l0aW9uGAIgASgEEi8KC3JlY29yZGVkX2F0GAMgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIYChBhbHJlYWR5X2FwcGVuZGVkGAQgASgIEikKB3N0cmVhbXMYBSADKAsyGC5hbm5hbHMudjEuV3JpdHRlblN0cmVhbSJOCg1Xcml0dGVuU3RyZWFtEg4KBnN0cmVhbRgBIAEoCRIWCg5maXJzdF9yZXZpc2lvbhgCIAEoBBIVCg1sYXN0X3JldmlzaW9uGAMgASgEIkQKFUFwcGVuZFBpcGVsaW5lUmVxdWVzdBIrCgdhcHBlbmRzGAEgAygLMhouYW5uYWxzLnYxLlBpcGVsaW5lZEFwcGVuZCKTAQoPUGlwZWxpbmVkQXBwZW5kEjwKEGFwcGVuZF90b19zdHJlYW0YASABKAsyIC5hbm5hbHMudjEuQXBwZW5kVG9TdHJlYW1SZXF1ZXN0SAASOAoOYXBwZW5kX3RvX21hbnkYAiABKAsyHi5hbm5hbHMudjEuQXBwZW5kVG9NYW55UmVxdWVzdEgAQggKBmFwcGVuZCJFChZBcHBlbmRQaXBlbGluZVJlc3BvbnNlEisKB3Jlc3VsdHMYASADKAsyGi5hbm5hbHMudjEuUGlwZWxpbmVkUmVzdWx0Ir4BCg9QaXBlbGluZWRSZXN1bHQSPwoSYXBwZW5kZWRfdG9fc3RyZWFtGAEgASgLMiEuYW5uYWxzLnYxLkFwcGVuZFRvU3RyZWFtUmVzcG9uc2VIABIjCgVlcnJvchgCIAEoCzISLmdvb2dsZS5ycGMuU3RhdHVzSAASOwoQYXBwZW5kZWRfdG9fbWFueRgDIAEoCzIfLmFubmFscy52MS5BcHBlbmRUb01hbnlSZXNwb25zZUgAQggKBnJlc3VsdGIGcHJvdG8z", [file_annals_v1_event, file_annals_v1_query, file_google_protobuf_empty, file_google_protobuf_timestamp, file_google_rpc_status]);
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
 * Describes the message annals.v1.AppendToManyRequest.
 * Use `create(AppendToManyRequestSchema)` to create a new message.
 */
export const AppendToManyRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 3);
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
 * Describes the message annals.v1.AppendToManyResponse.
 * Use `create(AppendToManyResponseSchema)` to create a new message.
 */
export const AppendToManyResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 8);
/**
 * Describes the message annals.v1.WrittenStream.
 * Use `create(WrittenStreamSchema)` to create a new message.
 */
export const WrittenStreamSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 9);
/**
 * Describes the message annals.v1.AppendPipelineRequest.
 * Use `create(AppendPipelineRequestSchema)` to create a new message.
 */
export const AppendPipelineRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 10);
/**
 * Describes the message annals.v1.PipelinedAppend.
 * Use `create(PipelinedAppendSchema)` to create a new message.
 */
export const PipelinedAppendSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 11);
/**
 * Describes the message annals.v1.AppendPipelineResponse.
 * Use `create(AppendPipelineResponseSchema)` to create a new message.
 */
export const AppendPipelineResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 12);
/**
 * Describes the message annals.v1.PipelinedResult.
 * Use `create(PipelinedResultSchema)` to create a new message.
 */
export const PipelinedResultSchema = /*@__PURE__*/ messageDesc(file_annals_v1_append, 13);
//# sourceMappingURL=append_pb.js.map