/** The generated messages of annals.v1, for what the client does not wrap. Most programs need nothing of this. */
export * from "./generated/annals/v1/append_pb.js";
export * from "./generated/annals/v1/errors_pb.js";
export * from "./generated/annals/v1/event_pb.js";
export * from "./generated/annals/v1/event_store_pb.js";
export * from "./generated/annals/v1/query_pb.js";
export * from "./generated/annals/v1/scavenge_pb.js";
export * from "./generated/annals/v1/snapshot_pb.js";
export * from "./generated/annals/v1/stream_pb.js";
