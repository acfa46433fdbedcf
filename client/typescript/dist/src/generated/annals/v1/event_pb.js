// Events: as clients append them, and as the store returns them.
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/event.proto.
 */
export const file_annals_v1_event = /*@__PURE__*/ fileDesc("ChVhbm5hbHMvdjEvZXZlbnQucHJvdG8SCWFubmFscy52MSJSCghOZXdFdmVudBIKCgJpZBgBIAEoCRIMCgR0eXBlGAIgASgJEgwKBGRhdGEYAyABKAwSEAoIbWV0YWRhdGEYBCABKAwSDAoEdGFncxgFIAMoCSK8AQoNUmVjb3JkZWRFdmVudBIKCgJpZBgBIAEoCRIMCgR0eXBlGAIgASgJEgwKBGRhdGEYAyABKAwSEAoIbWV0YWRhdGEYBCABKAwSDAoEdGFncxgFIAMoCRIOCgZzdHJlYW0YBiABKAkSEAoIcmV2aXNpb24YByABKAQSEAoIcG9zaXRpb24YCCABKAQSLwoLcmVjb3JkZWRfYXQYCSABKAsyGi5nb29nbGUucHJvdG9idWYuVGltZXN0YW1wIjYKCkV2ZW50QmF0Y2gSKAoGZXZlbnRzGAEgAygLMhguYW5uYWxzLnYxLlJlY29yZGVkRXZlbnRiBnByb3RvMw", [file_google_protobuf_timestamp]);
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