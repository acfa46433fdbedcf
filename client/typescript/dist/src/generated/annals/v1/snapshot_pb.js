// Snapshots: state that clients derived from a stream's events, stored so that they need not replay the stream from
// its start.
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/snapshot.proto.
 */
export const file_annals_v1_snapshot = /*@__PURE__*/ fileDesc("Chhhbm5hbHMvdjEvc25hcHNob3QucHJvdG8SCWFubmFscy52MSKAAQoIU25hcHNob3QSDgoGc3RyZWFtGAEgASgJEhAKCHJldmlzaW9uGAIgASgEEhYKDnNjaGVtYV92ZXJzaW9uGAMgASgNEgwKBGRhdGEYBCABKAwSLAoIc2F2ZWRfYXQYBSABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wInkKE1NhdmVTbmFwc2hvdFJlcXVlc3QSDgoGc3RyZWFtGAEgASgJEhAKCHJldmlzaW9uGAIgASgEEhYKDnNjaGVtYV92ZXJzaW9uGAMgASgNEgwKBGRhdGEYBCABKAwSEQoEa2VlcBgFIAEoDUgAiAEBQgcKBV9rZWVwIkQKFFNhdmVTbmFwc2hvdFJlc3BvbnNlEiwKCHNhdmVkX2F0GAEgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcCKBAQoTTG9hZFNuYXBzaG90UmVxdWVzdBIOCgZzdHJlYW0YASABKAkSGQoMYXRfb3JfYmVmb3JlGAIgASgESACIAQESGwoOc2NoZW1hX3ZlcnNpb24YAyABKA1IAYgBAUIPCg1fYXRfb3JfYmVmb3JlQhEKD19zY2hlbWFfdmVyc2lvbiI9ChRMb2FkU25hcHNob3RSZXNwb25zZRIlCghzbmFwc2hvdBgBIAEoCzITLmFubmFscy52MS5TbmFwc2hvdGIGcHJvdG8z", [file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.Snapshot.
 * Use `create(SnapshotSchema)` to create a new message.
 */
export const SnapshotSchema = /*@__PURE__*/ messageDesc(file_annals_v1_snapshot, 0);
/**
 * Describes the message annals.v1.SaveSnapshotRequest.
 * Use `create(SaveSnapshotRequestSchema)` to create a new message.
 */
export const SaveSnapshotRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_snapshot, 1);
/**
 * Describes the message annals.v1.SaveSnapshotResponse.
 * Use `create(SaveSnapshotResponseSchema)` to create a new message.
 */
export const SaveSnapshotResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_snapshot, 2);
/**
 * Describes the message annals.v1.LoadSnapshotRequest.
 * Use `create(LoadSnapshotRequestSchema)` to create a new message.
 */
export const LoadSnapshotRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_snapshot, 3);
/**
 * Describes the message annals.v1.LoadSnapshotResponse.
 * Use `create(LoadSnapshotResponseSchema)` to create a new message.
 */
export const LoadSnapshotResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_snapshot, 4);
//# sourceMappingURL=snapshot_pb.js.map