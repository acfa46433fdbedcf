// Events: as clients append them, and as the store returns them.
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/event.proto.
 */
export const file_annals_v1_event = /*@__PURE__*/ fileDesc("ChVhbm5hbHMvdjEvZXZlbnQucHJvdG8SCWFubmFscy52MSKEAQoITmV3RXZlbnQSCgoCaWQYASABKAkSDAoEdHlwZRgCIAEoCRIMCgRkYXRhGAMgASgMEhAKCG1ldGFkYXRhGAQgASgMEgwKBHRhZ3MYBSADKAkSFAoMY29udGVudF90eXBlGAYgASgJSgQIBxAISgQICRAQUg5zY2hlbWFfdmVyc2lvbiL2AQoNUmVjb3JkZWRFdmVudBIKCgJpZBgBIAEoCRIMCgR0eXBlGAIgASgJEgwKBGRhdGEYAyABKAwSEAoIbWV0YWRhdGEYBCABKAwSDAoEdGFncxgFIAMoCRIUCgxjb250ZW50X3R5cGUYBiABKAkSDgoGc3RyZWFtGAkgASgJEhAKCHJldmlzaW9uGAogASgEEhAKCHBvc2l0aW9uGAsgASgEEi8KC3JlY29yZGVkX2F0GAwgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcEoECAcQCEoECA0QDlIOc2NoZW1hX3ZlcnNpb25SBmF1dGhvciI2CgpFdmVudEJhdGNoEigKBmV2ZW50cxgBIAMoCzIYLmFubmFscy52MS5SZWNvcmRlZEV2ZW50YgZwcm90bzM", [file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.NewEvent.
 * Use `create(NewEventSchema)` to create a new message.
 */
export const NewEventSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event, 0);
/**
 * Describes the message annals.v1.RecordedEvent.
 * Use `create(RecordedEventSchema)` to create a new message.
 */
export const RecordedEventSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event, 1);
/**
 * Describes the message annals.v1.EventBatch.
 * Use `create(EventBatchSchema)` to create a new message.
 */
export const EventBatchSchema = /*@__PURE__*/ messageDesc(file_annals_v1_event, 2);
//# sourceMappingURL=event_pb.js.map