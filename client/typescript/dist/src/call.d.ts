/** Calls of the service over a gRPC stub: messages in and out, with the transport's errors. */
import { type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type ClientDuplexStream, type ClientReadableStream } from "@grpc/grpc-js";
import * as store from "./generated/annals/v1/event_store_pb.js";
import * as scavenge from "./generated/annals/v1/scavenge_pb.js";
import * as snapshot from "./generated/annals/v1/snapshot_pb.js";
import * as stream from "./generated/annals/v1/stream_pb.js";
import type { Picked } from "./connection.js";
import { type Deadline } from "./retry.js";
/** A method of the service: its name, and the types of its request and response. */
export interface Method<I extends DescMessage, O extends DescMessage> {
    readonly name: string;
    readonly input: I;
    readonly output: O;
}
/** All methods of annals.v1.EventStoreService. */
export declare const METHODS: {
    appendToStream: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("./generated/annals/v1/append_pb.js").AppendToStreamRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<import("./generated/annals/v1/append_pb.js").AppendToStreamResponse>>;
    appendToMany: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("./generated/annals/v1/append_pb.js").AppendToManyRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<import("./generated/annals/v1/append_pb.js").AppendToManyResponse>>;
    appendPipeline: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("./generated/annals/v1/append_pb.js").AppendPipelineRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<import("./generated/annals/v1/append_pb.js").AppendPipelineResponse>>;
    readStream: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<store.ReadStreamRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<store.ReadStreamResponse>>;
    readAll: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<store.ReadAllRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<store.ReadAllResponse>>;
    subscribeAll: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<store.SubscribeAllRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<store.SubscribeAllResponse>>;
    subscribeStream: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<store.SubscribeStreamRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<store.SubscribeStreamResponse>>;
    getStream: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.GetStreamRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.GetStreamResponse>>;
    listStreams: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.ListStreamsRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.ListStreamsResponse>>;
    getPositionAtTime: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<store.GetPositionAtTimeRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<store.GetPositionAtTimeResponse>>;
    getServerInfo: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("@bufbuild/protobuf").Message<"annals.v1.GetServerInfoRequest">>, import("@bufbuild/protobuf/codegenv2").GenMessage<store.GetServerInfoResponse>>;
    setRetention: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.SetRetentionRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.SetRetentionResponse>>;
    getRetention: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.GetRetentionRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.GetRetentionResponse>>;
    setPrefixRetention: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.SetPrefixRetentionRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.SetPrefixRetentionResponse>>;
    getPrefixRetention: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.GetPrefixRetentionRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.GetPrefixRetentionResponse>>;
    listPrefixRetentions: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.ListPrefixRetentionsRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.ListPrefixRetentionsResponse>>;
    deleteStream: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.DeleteStreamRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.DeleteStreamResponse>>;
    tombstoneStream: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<stream.TombstoneStreamRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<stream.TombstoneStreamResponse>>;
    saveSnapshot: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<snapshot.SaveSnapshotRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<snapshot.SaveSnapshotResponse>>;
    loadSnapshot: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<snapshot.LoadSnapshotRequest>, import("@bufbuild/protobuf/codegenv2").GenMessage<snapshot.LoadSnapshotResponse>>;
    startScavenge: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("@bufbuild/protobuf").Message<"annals.v1.StartScavengeRequest">>, import("@bufbuild/protobuf/codegenv2").GenMessage<scavenge.StartScavengeResponse>>;
    stopScavenge: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("@bufbuild/protobuf").Message<"annals.v1.StopScavengeRequest">>, import("@bufbuild/protobuf/codegenv2").GenMessage<scavenge.StopScavengeResponse>>;
    getScavenge: Method<import("@bufbuild/protobuf/codegenv2").GenMessage<import("@bufbuild/protobuf").Message<"annals.v1.GetScavengeRequest">>, import("@bufbuild/protobuf/codegenv2").GenMessage<scavenge.GetScavengeResponse>>;
};
/**
 * Creates the request of a call. Throws an InvalidFieldError if a string field, such as the stream's name, is not
 * valid Unicode.
 */
export declare function requestOf<I extends DescMessage>({ input }: Method<I, DescMessage>, init: MessageInitShape<I>): MessageShape<I>;
/** Makes a unary call. */
export declare function unary<I extends DescMessage, O extends DescMessage>({ stub, hold }: Picked, called: Method<I, O>, message: MessageShape<I>, deadline: Deadline): Promise<MessageShape<O>>;
/** Starts a call with a stream of responses. */
export declare function serverStream<I extends DescMessage, O extends DescMessage>({ stub, hold }: Picked, called: Method<I, O>, message: MessageShape<I>, signal?: AbortSignal): Answers<MessageShape<O>>;
/** Starts a bidirectional call. Its requests are passed in encoded form. */
export declare function bidirectional<O extends DescMessage>({ stub, hold }: Picked, called: Method<DescMessage, O>): ClientDuplexStream<Buffer, MessageShape<O>>;
/**
 * The responses of a call, taken one at a time. Except for a few messages, responses that are not taken stay at the
 * server.
 */
export declare class Answers<T> {
    #private;
    constructor(call: ClientReadableStream<T>, signal: AbortSignal | undefined);
    /**
     * Returns the next response, or undefined at the end. Fails with a DeadlineExceededError if it does not arrive in
     * time.
     */
    next(timeoutMs?: number): Promise<T | undefined>;
    /** Cancels the call. */
    cancel(): void;
}
//# sourceMappingURL=call.d.ts.map