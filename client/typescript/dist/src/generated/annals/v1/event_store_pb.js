// The event store. These guarantees hold for every call:
//
//   - An acknowledged append is durable: it survives a loss of power.
//   - Positions count 1, 2, 3, … over the whole log, and revisions 0, 1, 2, … in each stream. Neither is ever skipped
//     or used twice. A reader sees gaps only where events were removed by retention, by deletion or with a tombstone.
//   - A read that begins after an append was acknowledged sees its events. No read returns an event that could still
//     be lost.
//   - Removed events are not returned by reads and subscriptions that begin after the removal was acknowledged, and
//     do not count in checks, whether or not their space has been reclaimed (StartScavenge).
//   - Errors are documented in errors.proto.
import { fileDesc, messageDesc, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import { file_annals_v1_append } from "./append_pb.js";
import { file_annals_v1_event } from "./event_pb.js";
import { file_annals_v1_query } from "./query_pb.js";
import { file_annals_v1_scavenge } from "./scavenge_pb.js";
import { file_annals_v1_snapshot } from "./snapshot_pb.js";
import { file_annals_v1_stream } from "./stream_pb.js";
import { file_google_protobuf_empty, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/event_store.proto.
 */
export const file_annals_v1_event_store = /*@__PURE__*/ fileDesc("Chthbm5hbHMvdjEvZXZlbnRfc3RvcmUucHJvdG8SCWFubmFscy52MSKOAgoRUmVhZFN0cmVhbVJlcXVlc3QSDgoGc3RyZWFtGAEgASgJEicKCWRpcmVjdGlvbhgCIAEoDjIULmFubmFscy52MS5EaXJlY3Rpb24SGgoNZnJvbV9yZXZpc2lvbhgDIAEoBEgBiAEBEhIKBWxpbWl0GAQgASgESAKIAQESHwoFcXVlcnkYBSABKAsyEC5hbm5hbHMudjEuUXVlcnkSGAoOdW50aWxfcmV2aXNpb24YBiABKARIABIwCgp1bnRpbF90aW1lGAcgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcEgAQgcKBXVudGlsQhAKDl9mcm9tX3JldmlzaW9uQggKBl9saW1pdCJjChJSZWFkU3RyZWFtUmVzcG9uc2USKAoGZXZlbnRzGAEgAygLMhguYW5uYWxzLnYxLlJlY29yZGVkRXZlbnQSDAoEaGVhZBgCIAEoBBIVCg1sYXN0X3JldmlzaW9uGAMgASgEIvsBCg5SZWFkQWxsUmVxdWVzdBInCglkaXJlY3Rpb24YASABKA4yFC5hbm5hbHMudjEuRGlyZWN0aW9uEhoKDWZyb21fcG9zaXRpb24YAiABKARIAYgBARISCgVsaW1pdBgDIAEoBEgCiAEBEh8KBXF1ZXJ5GAQgASgLMhAuYW5uYWxzLnYxLlF1ZXJ5EhgKDnVudGlsX3Bvc2l0aW9uGAUgASgESAASMAoKdW50aWxfdGltZRgGIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXBIAEIHCgV1bnRpbEIQCg5fZnJvbV9wb3NpdGlvbkIICgZfbGltaXQiSQoPUmVhZEFsbFJlc3BvbnNlEigKBmV2ZW50cxgBIAMoCzIYLmFubmFscy52MS5SZWNvcmRlZEV2ZW50EgwKBGhlYWQYAiABKAQidwoTU3Vic2NyaWJlQWxsUmVxdWVzdBIPCgVhZnRlchgBIAEoBEgAEiUKA2VuZBgCIAEoCzIWLmdvb2dsZS5wcm90b2J1Zi5FbXB0eUgAEh8KBXF1ZXJ5GAMgASgLMhAuYW5uYWxzLnYxLlF1ZXJ5QgcKBXN0YXJ0Is8BChRTdWJzY3JpYmVBbGxSZXNwb25zZRInCgZldmVudHMYASABKAsyFS5hbm5hbHMudjEuRXZlbnRCYXRjaEgAEigKCWNhdWdodF91cBgCIAEoCzITLmFubmFscy52MS5DYXVnaHRVcEgAEiwKC2ZlbGxfYmVoaW5kGAMgASgLMhUuYW5uYWxzLnYxLkZlbGxCZWhpbmRIABIrCgpjaGVja3BvaW50GAQgASgLMhUuYW5uYWxzLnYxLkNoZWNrcG9pbnRIAEIJCgdjb250ZW50IpMBChZTdWJzY3JpYmVTdHJlYW1SZXF1ZXN0Eg4KBnN0cmVhbRgBIAEoCRIYCg5hZnRlcl9yZXZpc2lvbhgCIAEoBEgAEiUKA2VuZBgDIAEoCzIWLmdvb2dsZS5wcm90b2J1Zi5FbXB0eUgAEh8KBXF1ZXJ5GAQgASgLMhAuYW5uYWxzLnYxLlF1ZXJ5QgcKBXN0YXJ0ItIBChdTdWJzY3JpYmVTdHJlYW1SZXNwb25zZRInCgZldmVudHMYASABKAsyFS5hbm5hbHMudjEuRXZlbnRCYXRjaEgAEigKCWNhdWdodF91cBgCIAEoCzITLmFubmFscy52MS5DYXVnaHRVcEgAEiwKC2ZlbGxfYmVoaW5kGAMgASgLMhUuYW5uYWxzLnYxLkZlbGxCZWhpbmRIABIrCgpjaGVja3BvaW50GAQgASgLMhUuYW5uYWxzLnYxLkNoZWNrcG9pbnRIAEIJCgdjb250ZW50IkAKCENhdWdodFVwEhAKCHBvc2l0aW9uGAEgASgEEhUKCHJldmlzaW9uGAIgASgESACIAQFCCwoJX3JldmlzaW9uIlAKCkZlbGxCZWhpbmQSEAoIcG9zaXRpb24YASABKAQSDAoEaGVhZBgCIAEoBBIVCghyZXZpc2lvbhgDIAEoBEgAiAEBQgsKCV9yZXZpc2lvbiJCCgpDaGVja3BvaW50EhAKCHBvc2l0aW9uGAEgASgEEhUKCHJldmlzaW9uGAIgASgESACIAQFCCwoJX3JldmlzaW9uIkQKGEdldFBvc2l0aW9uQXRUaW1lUmVxdWVzdBIoCgR0aW1lGAEgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCItChlHZXRQb3NpdGlvbkF0VGltZVJlc3BvbnNlEhAKCHBvc2l0aW9uGAEgASgEIhYKFEdldFNlcnZlckluZm9SZXF1ZXN0IrwBChVHZXRTZXJ2ZXJJbmZvUmVzcG9uc2USDwoHdmVyc2lvbhgBIAEoCRIOCgZlbmdpbmUYAiABKAkSEAoIc3RvcmVfaWQYAyABKAkSDAoEaGVhZBgEIAEoBBIPCgdpbmRleGVkGAUgASgEEi4KCnN0YXJ0ZWRfYXQYBiABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wEiEKBmxpbWl0cxgHIAEoCzIRLmFubmFscy52MS5MaW1pdHMiyQIKBkxpbWl0cxIXCg9tYXhfZXZlbnRfYnl0ZXMYASABKA0SGAoQbWF4X2FwcGVuZF9ieXRlcxgCIAEoDRIaChJtYXhfbWV0YWRhdGFfYnl0ZXMYAyABKA0SGQoRbWF4X2FwcGVuZF9ldmVudHMYBCABKA0SHQoVbWF4X3N0cmVhbV9uYW1lX2J5dGVzGAUgASgNEhwKFG1heF9ldmVudF90eXBlX2J5dGVzGAYgASgNEhUKDW1heF90YWdfYnl0ZXMYByABKA0SEAoIbWF4X3RhZ3MYCCABKA0SGQoRbWF4X3N1YnNjcmlwdGlvbnMYCSABKA0SGQoRbWF4X2FwcGVuZF9jaGVja3MYCiABKA0SGgoSbWF4X3NuYXBzaG90X2J5dGVzGAsgASgNEh0KFW1heF9wcmVmaXhfcmV0ZW50aW9ucxgMIAEoDTKxDwoRRXZlbnRTdG9yZVNlcnZpY2USVQoOQXBwZW5kVG9TdHJlYW0SIC5hbm5hbHMudjEuQXBwZW5kVG9TdHJlYW1SZXF1ZXN0GiEuYW5uYWxzLnYxLkFwcGVuZFRvU3RyZWFtUmVzcG9uc2USTwoMQXBwZW5kVG9NYW55Eh4uYW5uYWxzLnYxLkFwcGVuZFRvTWFueVJlcXVlc3QaHy5hbm5hbHMudjEuQXBwZW5kVG9NYW55UmVzcG9uc2USWQoOQXBwZW5kUGlwZWxpbmUSIC5hbm5hbHMudjEuQXBwZW5kUGlwZWxpbmVSZXF1ZXN0GiEuYW5uYWxzLnYxLkFwcGVuZFBpcGVsaW5lUmVzcG9uc2UoATABEksKClJlYWRTdHJlYW0SHC5hbm5hbHMudjEuUmVhZFN0cmVhbVJlcXVlc3QaHS5hbm5hbHMudjEuUmVhZFN0cmVhbVJlc3BvbnNlMAESQgoHUmVhZEFsbBIZLmFubmFscy52MS5SZWFkQWxsUmVxdWVzdBoaLmFubmFscy52MS5SZWFkQWxsUmVzcG9uc2UwARJRCgxTdWJzY3JpYmVBbGwSHi5hbm5hbHMudjEuU3Vic2NyaWJlQWxsUmVxdWVzdBofLmFubmFscy52MS5TdWJzY3JpYmVBbGxSZXNwb25zZTABEloKD1N1YnNjcmliZVN0cmVhbRIhLmFubmFscy52MS5TdWJzY3JpYmVTdHJlYW1SZXF1ZXN0GiIuYW5uYWxzLnYxLlN1YnNjcmliZVN0cmVhbVJlc3BvbnNlMAESRgoJR2V0U3RyZWFtEhsuYW5uYWxzLnYxLkdldFN0cmVhbVJlcXVlc3QaHC5hbm5hbHMudjEuR2V0U3RyZWFtUmVzcG9uc2USTAoLTGlzdFN0cmVhbXMSHS5hbm5hbHMudjEuTGlzdFN0cmVhbXNSZXF1ZXN0Gh4uYW5uYWxzLnYxLkxpc3RTdHJlYW1zUmVzcG9uc2USXgoRR2V0UG9zaXRpb25BdFRpbWUSIy5hbm5hbHMudjEuR2V0UG9zaXRpb25BdFRpbWVSZXF1ZXN0GiQuYW5uYWxzLnYxLkdldFBvc2l0aW9uQXRUaW1lUmVzcG9uc2USTwoMU2F2ZVNuYXBzaG90Eh4uYW5uYWxzLnYxLlNhdmVTbmFwc2hvdFJlcXVlc3QaHy5hbm5hbHMudjEuU2F2ZVNuYXBzaG90UmVzcG9uc2USTwoMTG9hZFNuYXBzaG90Eh4uYW5uYWxzLnYxLkxvYWRTbmFwc2hvdFJlcXVlc3QaHy5hbm5hbHMudjEuTG9hZFNuYXBzaG90UmVzcG9uc2USTwoMU2V0UmV0ZW50aW9uEh4uYW5uYWxzLnYxLlNldFJldGVudGlvblJlcXVlc3QaHy5hbm5hbHMudjEuU2V0UmV0ZW50aW9uUmVzcG9uc2USTwoMR2V0UmV0ZW50aW9uEh4uYW5uYWxzLnYxLkdldFJldGVudGlvblJlcXVlc3QaHy5hbm5hbHMudjEuR2V0UmV0ZW50aW9uUmVzcG9uc2USYQoSU2V0UHJlZml4UmV0ZW50aW9uEiQuYW5uYWxzLnYxLlNldFByZWZpeFJldGVudGlvblJlcXVlc3QaJS5hbm5hbHMudjEuU2V0UHJlZml4UmV0ZW50aW9uUmVzcG9uc2USYQoSR2V0UHJlZml4UmV0ZW50aW9uEiQuYW5uYWxzLnYxLkdldFByZWZpeFJldGVudGlvblJlcXVlc3QaJS5hbm5hbHMudjEuR2V0UHJlZml4UmV0ZW50aW9uUmVzcG9uc2USZwoUTGlzdFByZWZpeFJldGVudGlvbnMSJi5hbm5hbHMudjEuTGlzdFByZWZpeFJldGVudGlvbnNSZXF1ZXN0GicuYW5uYWxzLnYxLkxpc3RQcmVmaXhSZXRlbnRpb25zUmVzcG9uc2USTwoMRGVsZXRlU3RyZWFtEh4uYW5uYWxzLnYxLkRlbGV0ZVN0cmVhbVJlcXVlc3QaHy5hbm5hbHMudjEuRGVsZXRlU3RyZWFtUmVzcG9uc2USWAoPVG9tYnN0b25lU3RyZWFtEiEuYW5uYWxzLnYxLlRvbWJzdG9uZVN0cmVhbVJlcXVlc3QaIi5hbm5hbHMudjEuVG9tYnN0b25lU3RyZWFtUmVzcG9uc2USUgoNU3RhcnRTY2F2ZW5nZRIfLmFubmFscy52MS5TdGFydFNjYXZlbmdlUmVxdWVzdBogLmFubmFscy52MS5TdGFydFNjYXZlbmdlUmVzcG9uc2USTwoMU3RvcFNjYXZlbmdlEh4uYW5uYWxzLnYxLlN0b3BTY2F2ZW5nZVJlcXVlc3QaHy5hbm5hbHMudjEuU3RvcFNjYXZlbmdlUmVzcG9uc2USTAoLR2V0U2NhdmVuZ2USHS5hbm5hbHMudjEuR2V0U2NhdmVuZ2VSZXF1ZXN0Gh4uYW5uYWxzLnYxLkdldFNjYXZlbmdlUmVzcG9uc2USUgoNR2V0U2VydmVySW5mbxIfLmFubmFscy52MS5HZXRTZXJ2ZXJJbmZvUmVxdWVzdBogLmFubmFscy52MS5HZXRTZXJ2ZXJJbmZvUmVzcG9uc2ViBnByb3RvMw", [file_annals_v1_append, file_annals_v1_event, file_annals_v1_query, file_annals_v1_scavenge, file_annals_v1_snapshot, file_annals_v1_stream, file_google_protobuf_empty, file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.ReadStreamRequest.
 * Use `create(ReadStreamRequestSchema)` to create a new message.
 */
export const ReadStreamRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 0);
/**
 * Describes the message annals.v1.ReadStreamResponse.
 * Use `create(ReadStreamResponseSchema)` to create a new message.
 */
export const ReadStreamResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 1);
/**
 * Describes the message annals.v1.ReadAllRequest.
 * Use `create(ReadAllRequestSchema)` to create a new message.
 */
export const ReadAllRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 2);
/**
 * Describes the message annals.v1.ReadAllResponse.
 * Use `create(ReadAllResponseSchema)` to create a new message.
 */
export const ReadAllResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 3);
/**
 * Describes the message annals.v1.SubscribeAllRequest.
 * Use `create(SubscribeAllRequestSchema)` to create a new message.
 */
export const SubscribeAllRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 4);
/**
 * Describes the message annals.v1.SubscribeAllResponse.
 * Use `create(SubscribeAllResponseSchema)` to create a new message.
 */
export const SubscribeAllResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 5);
/**
 * Describes the message annals.v1.SubscribeStreamRequest.
 * Use `create(SubscribeStreamRequestSchema)` to create a new message.
 */
export const SubscribeStreamRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 6);
/**
 * Describes the message annals.v1.SubscribeStreamResponse.
 * Use `create(SubscribeStreamResponseSchema)` to create a new message.
 */
export const SubscribeStreamResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 7);
/**
 * Describes the message annals.v1.CaughtUp.
 * Use `create(CaughtUpSchema)` to create a new message.
 */
export const CaughtUpSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 8);
/**
 * Describes the message annals.v1.FellBehind.
 * Use `create(FellBehindSchema)` to create a new message.
 */
export const FellBehindSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 9);
/**
 * Describes the message annals.v1.Checkpoint.
 * Use `create(CheckpointSchema)` to create a new message.
 */
export const CheckpointSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 10);
/**
 * Describes the message annals.v1.GetPositionAtTimeRequest.
 * Use `create(GetPositionAtTimeRequestSchema)` to create a new message.
 */
export const GetPositionAtTimeRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 11);
/**
 * Describes the message annals.v1.GetPositionAtTimeResponse.
 * Use `create(GetPositionAtTimeResponseSchema)` to create a new message.
 */
export const GetPositionAtTimeResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 12);
/**
 * Describes the message annals.v1.GetServerInfoRequest.
 * Use `create(GetServerInfoRequestSchema)` to create a new message.
 */
export const GetServerInfoRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 13);
/**
 * Describes the message annals.v1.GetServerInfoResponse.
 * Use `create(GetServerInfoResponseSchema)` to create a new message.
 */
export const GetServerInfoResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 14);
/**
 * Describes the message annals.v1.Limits.
 * Use `create(LimitsSchema)` to create a new message.
 */
export const LimitsSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event_store, 15);
/**
 * An append-only store of events, organised in streams and in one log.
 *
 * @generated from service annals.v1.EventStoreService
 */
export const EventStoreService = /*@__PURE__*/ serviceDesc(file_annals_v1_event_store, 0);
//# sourceMappingURL=event_store_pb.js.map