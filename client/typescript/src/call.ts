/** Calls of the service over a gRPC stub: messages in and out, with the transport's errors. */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ClientDuplexStream, type ClientReadableStream, Metadata } from "@grpc/grpc-js";

import { DeadlineExceededError } from "./errors.js";
import {
  AppendPipelineRequestSchema,
  AppendPipelineResponseSchema,
  AppendToManyRequestSchema,
  AppendToManyResponseSchema,
  AppendToStreamRequestSchema,
  AppendToStreamResponseSchema,
} from "./generated/annals/v1/append_pb.js";
import * as store from "./generated/annals/v1/event_store_pb.js";
import * as group from "./generated/annals/v1/group_pb.js";
import * as scavenge from "./generated/annals/v1/scavenge_pb.js";
import * as snapshot from "./generated/annals/v1/snapshot_pb.js";
import * as state from "./generated/annals/v1/state_pb.js";
import * as stream from "./generated/annals/v1/stream_pb.js";
import type { Picked } from "./connection.js";
import { type Deadline, reasonOf } from "./retry.js";
import { wellFormed } from "./text.js";

/** A method of a service: its names, and the types of its request and response. */
export interface Method<I extends DescMessage, O extends DescMessage> {
  readonly service: "EventStoreService" | "StateService" | "GroupService";
  readonly name: string;
  readonly input: I;
  readonly output: O;
}

function method<I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O): Method<I, O> {
  return { service: "EventStoreService", name, input, output };
}

function stateMethod<I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O): Method<I, O> {
  return { service: "StateService", name, input, output };
}

function groupMethod<I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O): Method<I, O> {
  return { service: "GroupService", name, input, output };
}

/** All methods of annals.v1.EventStoreService, annals.v1.StateService and annals.v1.GroupService. */
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
  getPositionAtTime: method(
    "GetPositionAtTime",
    store.GetPositionAtTimeRequestSchema,
    store.GetPositionAtTimeResponseSchema,
  ),
  getServerInfo: method("GetServerInfo", store.GetServerInfoRequestSchema, store.GetServerInfoResponseSchema),
  setRetention: method("SetRetention", stream.SetRetentionRequestSchema, stream.SetRetentionResponseSchema),
  getRetention: method("GetRetention", stream.GetRetentionRequestSchema, stream.GetRetentionResponseSchema),
  setPrefixRetention: method(
    "SetPrefixRetention",
    stream.SetPrefixRetentionRequestSchema,
    stream.SetPrefixRetentionResponseSchema,
  ),
  getPrefixRetention: method(
    "GetPrefixRetention",
    stream.GetPrefixRetentionRequestSchema,
    stream.GetPrefixRetentionResponseSchema,
  ),
  listPrefixRetentions: method(
    "ListPrefixRetentions",
    stream.ListPrefixRetentionsRequestSchema,
    stream.ListPrefixRetentionsResponseSchema,
  ),
  deleteStream: method("DeleteStream", stream.DeleteStreamRequestSchema, stream.DeleteStreamResponseSchema),
  tombstoneStream: method(
    "TombstoneStream",
    stream.TombstoneStreamRequestSchema,
    stream.TombstoneStreamResponseSchema,
  ),
  saveSnapshot: method("SaveSnapshot", snapshot.SaveSnapshotRequestSchema, snapshot.SaveSnapshotResponseSchema),
  loadSnapshot: method("LoadSnapshot", snapshot.LoadSnapshotRequestSchema, snapshot.LoadSnapshotResponseSchema),
  startScavenge: method("StartScavenge", scavenge.StartScavengeRequestSchema, scavenge.StartScavengeResponseSchema),
  stopScavenge: method("StopScavenge", scavenge.StopScavengeRequestSchema, scavenge.StopScavengeResponseSchema),
  getScavenge: method("GetScavenge", scavenge.GetScavengeRequestSchema, scavenge.GetScavengeResponseSchema),
  getState: stateMethod("GetState", state.GetStateRequestSchema, state.GetStateResponseSchema),
  listState: stateMethod("ListState", state.ListStateRequestSchema, state.ListStateResponseSchema),
  writeState: stateMethod("WriteState", state.WriteStateRequestSchema, state.WriteStateResponseSchema),
  subscribeState: stateMethod("SubscribeState", state.SubscribeStateRequestSchema, state.SubscribeStateResponseSchema),
  createGroup: groupMethod("CreateGroup", group.CreateGroupRequestSchema, group.CreateGroupResponseSchema),
  updateGroup: groupMethod("UpdateGroup", group.UpdateGroupRequestSchema, group.UpdateGroupResponseSchema),
  deleteGroup: groupMethod("DeleteGroup", group.DeleteGroupRequestSchema, group.DeleteGroupResponseSchema),
  listGroups: groupMethod("ListGroups", group.ListGroupsRequestSchema, group.ListGroupsResponseSchema),
  describeGroup: groupMethod("DescribeGroup", group.DescribeGroupRequestSchema, group.DescribeGroupResponseSchema),
  resetGroup: groupMethod("ResetGroup", group.ResetGroupRequestSchema, group.ResetGroupResponseSchema),
  listParked: groupMethod("ListParked", group.ListParkedRequestSchema, group.ListParkedResponseSchema),
  replayParked: groupMethod("ReplayParked", group.ReplayParkedRequestSchema, group.ReplayParkedResponseSchema),
  discardParked: groupMethod("DiscardParked", group.DiscardParkedRequestSchema, group.DiscardParkedResponseSchema),
  consume: groupMethod("Consume", group.ConsumeRequestSchema, group.ConsumeResponseSchema),
};

/**
 * Creates the request of a call. Throws an InvalidFieldError if a string field, such as the stream's name, is not
 * valid Unicode.
 */
export function requestOf<I extends DescMessage>(
  { input }: Method<I, DescMessage>,
  init: MessageInitShape<I>,
): MessageShape<I> {
  for (const [field, value] of Object.entries(init)) {
    if (typeof value === "string") {
      wellFormed(value, field);
    }
  }
  return create(input, init);
}

function path(called: Method<DescMessage, DescMessage>): string {
  return `/annals.v1.${called.service}/${called.name}`;
}

function serializer<M extends DescMessage>(schema: M): (message: MessageShape<M>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function deserializer<M extends DescMessage>(schema: M): (bytes: Buffer) => MessageShape<M> {
  return (bytes) => fromBinary(schema, bytes);
}

/** Makes a unary call. */
export function unary<I extends DescMessage, O extends DescMessage>(
  { stub, hold }: Picked,
  called: Method<I, O>,
  message: MessageShape<I>,
  deadline: Deadline,
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    const { signal } = deadline;
    const abort = () => {
      call.cancel();
    };
    const call = stub.makeUnaryRequest(
      path(called),
      serializer(called.input),
      deserializer(called.output),
      message,
      new Metadata(),
      { deadline: deadline.at },
      (error, answer) => {
        signal?.removeEventListener("abort", abort);
        if (answer !== undefined) {
          resolve(answer);
        } else if (signal?.aborted === true) {
          reject(reasonOf(signal));
        } else {
          reject(
            Date.now() >= deadline.at
              ? new DeadlineExceededError(deadline.afterMs)
              : (error ?? new Error("no response")),
          );
        }
      },
    );
    hold(call);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Starts a call with a stream of responses. */
export function serverStream<I extends DescMessage, O extends DescMessage>(
  { stub, hold }: Picked,
  called: Method<I, O>,
  message: MessageShape<I>,
  signal?: AbortSignal,
): Answers<MessageShape<O>> {
  const call = withoutStack(() =>
    stub.makeServerStreamRequest(path(called), serializer(called.input), deserializer(called.output), message),
  );
  hold(call);
  return new Answers(call, signal);
}

/**
 * Starts a call without the stack trace that grpc-js keeps with it. The trace refers to the caller, so an abandoned
 * read could not be collected, and its call would stay open.
 */
function withoutStack<T>(begin: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return begin();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Starts a bidirectional call. Its requests are passed in encoded form. */
export function bidirectional<O extends DescMessage>(
  { stub, hold }: Picked,
  called: Method<DescMessage, O>,
): ClientDuplexStream<Buffer, MessageShape<O>> {
  const call = stub.makeBidiStreamRequest(
    path(called),
    (message: Buffer) => message,
    deserializer(called.output),
    new Metadata(),
  );
  hold(call);
  return call;
}

/**
 * The responses of a call, taken one at a time. Except for a few messages, responses that are not taken stay at the
 * server.
 */
export class Answers<T> {
  readonly #call: ClientReadableStream<T>;
  readonly #answers: AsyncIterator<T, undefined>;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = () => {
    this.#call.cancel();
  };

  constructor(call: ClientReadableStream<T>, signal: AbortSignal | undefined) {
    this.#call = call;
    this.#signal = signal;
    // A cancelled call emits an error, which would be thrown if no listener were left.
    call.on("error", () => undefined);
    this.#answers = (call as AsyncIterable<T>)[Symbol.asyncIterator]() as AsyncIterator<T, undefined>;
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /**
   * Returns the next response, or undefined at the end. Fails with a DeadlineExceededError if it does not arrive in
   * time.
   */
  async next(timeoutMs?: number): Promise<T | undefined> {
    const wait = { elapsed: false };
    const timer =
      timeoutMs === undefined
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
    } catch (error) {
      this.cancel();
      this.#signal?.throwIfAborted();
      throw wait.elapsed && timeoutMs !== undefined ? new DeadlineExceededError(timeoutMs) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Cancels the call. */
  cancel(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#call.cancel();
  }
}
