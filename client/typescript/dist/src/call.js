/** Calls of the service over a gRPC stub: messages in and out, with the transport's errors. */
import { create, fromBinary, toBinary, } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { DeadlineExceededError } from "./errors.js";
import { AppendPipelineRequestSchema, AppendPipelineResponseSchema, AppendToManyRequestSchema, AppendToManyResponseSchema, AppendToStreamRequestSchema, AppendToStreamResponseSchema, } from "./generated/annals/v1/append_pb.js";
import * as store from "./generated/annals/v1/event_store_pb.js";
import * as scavenge from "./generated/annals/v1/scavenge_pb.js";
import * as snapshot from "./generated/annals/v1/snapshot_pb.js";
import * as stream from "./generated/annals/v1/stream_pb.js";
import { reasonOf } from "./retry.js";
import { wellFormed } from "./text.js";
function method(name, input, output) {
    return { name, input, output };
}
/** All methods of annals.v1.EventStoreService. */
export const METHODS = {
    appendToStream: method("AppendToStream", AppendToStreamRequestSchema, AppendToStreamResponseSchema),
    appendToMany: method("AppendToMany", AppendToManyRequestSchema, AppendToManyResponseSchema),
    appendPipeline: method("AppendPipeline", AppendPipelineRequestSchema, AppendPipelineResponseSchema),
    readStream: method("ReadStream", store.ReadStreamRequestSchema, store.ReadStreamResponseSchema),
    readAll: method("ReadAll", store.ReadAllRequestSchema, store.ReadAllResponseSchema),
    subscribeAll: method("SubscribeAll", store.SubscribeAllRequestSchema, store.SubscribeAllResponseSchema),
    subscribeStream: method("SubscribeStream", store.SubscribeStreamRequestSchema, store.SubscribeStreamResponseSchema),
    getStream: method("GetStream", stream.GetStreamRequestSchema, stream.GetStreamResponseSchema),
    listStreams: method("ListStreams", stream.ListStreamsRequestSchema, stream.ListStreamsResponseSchema),
    getPositionAtTime: method("GetPositionAtTime", store.GetPositionAtTimeRequestSchema, store.GetPositionAtTimeResponseSchema),
    getServerInfo: method("GetServerInfo", store.GetServerInfoRequestSchema, store.GetServerInfoResponseSchema),
    setRetention: method("SetRetention", stream.SetRetentionRequestSchema, stream.SetRetentionResponseSchema),
    getRetention: method("GetRetention", stream.GetRetentionRequestSchema, stream.GetRetentionResponseSchema),
    setPrefixRetention: method("SetPrefixRetention", stream.SetPrefixRetentionRequestSchema, stream.SetPrefixRetentionResponseSchema),
    getPrefixRetention: method("GetPrefixRetention", stream.GetPrefixRetentionRequestSchema, stream.GetPrefixRetentionResponseSchema),
    listPrefixRetentions: method("ListPrefixRetentions", stream.ListPrefixRetentionsRequestSchema, stream.ListPrefixRetentionsResponseSchema),
    deleteStream: method("DeleteStream", stream.DeleteStreamRequestSchema, stream.DeleteStreamResponseSchema),
    tombstoneStream: method("TombstoneStream", stream.TombstoneStreamRequestSchema, stream.TombstoneStreamResponseSchema),
    saveSnapshot: method("SaveSnapshot", snapshot.SaveSnapshotRequestSchema, snapshot.SaveSnapshotResponseSchema),
    loadSnapshot: method("LoadSnapshot", snapshot.LoadSnapshotRequestSchema, snapshot.LoadSnapshotResponseSchema),
    startScavenge: method("StartScavenge", scavenge.StartScavengeRequestSchema, scavenge.StartScavengeResponseSchema),
    stopScavenge: method("StopScavenge", scavenge.StopScavengeRequestSchema, scavenge.StopScavengeResponseSchema),
    getScavenge: method("GetScavenge", scavenge.GetScavengeRequestSchema, scavenge.GetScavengeResponseSchema),
};
/**
 * Creates the request of a call. Throws an InvalidFieldError if a string field, such as the stream's name, is not
 * valid Unicode.
 */
export function requestOf({ input }, init) {
    for (const [field, value] of Object.entries(init)) {
        if (typeof value === "string") {
            wellFormed(value, field);
        }
    }
    return create(input, init);
}
function path(called) {
    return `/annals.v1.EventStoreService/${called.name}`;
}
function serializer(schema) {
    return (message) => {
        const bytes = toBinary(schema, message);
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    };
}
function deserializer(schema) {
    return (bytes) => fromBinary(schema, bytes);
}
/** Makes a unary call. */
export function unary({ stub, hold }, called, message, deadline) {
    return new Promise((resolve, reject) => {
        const { signal } = deadline;
        const abort = () => {
            call.cancel();
        };
        const call = stub.makeUnaryRequest(path(called), serializer(called.input), deserializer(called.output), message, new Metadata(), { deadline: deadline.at }, (error, answer) => {
            signal?.removeEventListener("abort", abort);
            if (answer !== undefined) {
                resolve(answer);
            }
            else if (signal?.aborted === true) {
                reject(reasonOf(signal));
            }
            else {
                reject(Date.now() >= deadline.at
                    ? new DeadlineExceededError(deadline.afterMs)
                    : (error ?? new Error("no response")));
            }
        });
        hold(call);
        signal?.addEventListener("abort", abort, { once: true });
    });
}
/** Starts a call with a stream of responses. */
export function serverStream({ stub, hold }, called, message, signal) {
    const call = withoutStack(() => stub.makeServerStreamRequest(path(called), serializer(called.input), deserializer(called.output), message));
    hold(call);
    return new Answers(call, signal);
}
/**
 * Starts a call without the stack trace that grpc-js keeps with it. The trace refers to the caller, so an abandoned
 * read could not be collected, and its call would stay open.
 */
function withoutStack(begin) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
        return begin();
    }
    finally {
        Error.stackTraceLimit = stackTraceLimit;
    }
}
/** Starts a bidirectional call. Its requests are passed in encoded form. */
export function bidirectional({ stub, hold }, called) {
    const call = stub.makeBidiStreamRequest(path(called), (message) => message, deserializer(called.output), new Metadata());
    hold(call);
    return call;
}
/**
 * The responses of a call, taken one at a time. Except for a few messages, responses that are not taken stay at the
 * server.
 */
export class Answers {
    #call;
    #answers;
    #signal;
    #abort = () => {
        this.#call.cancel();
    };
    constructor(call, signal) {
        this.#call = call;
        this.#signal = signal;
        // A cancelled call emits an error, which would be thrown if no listener were left.
        call.on("error", () => undefined);
        this.#answers = call[Symbol.asyncIterator]();
        signal?.addEventListener("abort", this.#abort, { once: true });
    }
    /**
     * Returns the next response, or undefined at the end. Fails with a DeadlineExceededError if it does not arrive in
     * time.
     */
    async next(timeoutMs) {
        const wait = { elapsed: false };
        const timer = timeoutMs === undefined
            ? undefined
            : setTimeout(() => {
                wait.elapsed = true;
                this.#call.cancel();
            }, timeoutMs);
        try {
            const { value, done } = await this.#answers.next();
            if (done === true) {
                this.cancel();
            }
            return value;
        }
        catch (error) {
            this.cancel();
            this.#signal?.throwIfAborted();
            throw wait.elapsed && timeoutMs !== undefined ? new DeadlineExceededError(timeoutMs) : error;
        }
        finally {
            clearTimeout(timer);
        }
    }
    /** Cancels the call. */
    cancel() {
        this.#signal?.removeEventListener("abort", this.#abort);
        this.#call.cancel();
    }
}
//# sourceMappingURL=call.js.map