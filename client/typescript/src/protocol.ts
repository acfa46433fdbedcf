/**
 * The generated messages of annals.v1, for features that the client does not wrap. Most programs do not need them.
 */
export * from "./generated/annals/v1/append_pb.js";
export * from "./generated/annals/v1/errors_pb.js";
export * from "./generated/annals/v1/event_pb.js";
export * from "./generated/annals/v1/event_store_pb.js";
export * from "./generated/annals/v1/group_pb.js";
export * from "./generated/annals/v1/query_pb.js";
export * from "./generated/annals/v1/scavenge_pb.js";
export * from "./generated/annals/v1/snapshot_pb.js";
export * from "./generated/annals/v1/stream_pb.js";
export * from "./generated/annals/v1/state_pb.js";
