/** One call of a consumer: deliveries in one direction, settlements in the other. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ClientDuplexStream, status as Code } from "@grpc/grpc-js";

import { bidirectional, METHODS } from "./call.js";
import type { Picked } from "./connection.js";
import {
  type ConsumeRequest,
  ConsumeRequestSchema,
  type ConsumeResponse,
  type OpenConsumerSchema,
} from "./generated/annals/v1/group_pb.js";

/** The consumer's side of a call. */
export interface ConsumerCallHooks {
  /** Returns the next message, encoded; undefined if there is nothing to send. */
  readonly next: () => Buffer | undefined;
  /** Called when a message was sent, and another one can be. */
  readonly sent: () => void;
  /** Processes a response. An error that it throws ends the call. */
  readonly received: (response: ConsumeResponse) => void;
}

/** One call, with one message in transit at a time: what queues up meanwhile forms the next message. */
export class ConsumerCall {
  /** Resolves when the server has ended the call normally. */
  readonly done: Promise<void>;
  /** Whether the client has ended its requests. */
  ended = false;
  readonly #call: ClientDuplexStream<Buffer, ConsumeResponse>;
  readonly #hooks: ConsumerCallHooks;
  #sending = false;
  #over = false;

  constructor(picked: Picked, open: MessageInitShape<typeof OpenConsumerSchema>, hooks: ConsumerCallHooks) {
    this.#hooks = hooks;
    const call = bidirectional(picked, METHODS.consume);
    this.#call = call;
    this.done = new Promise<void>((resolve, reject) => {
      call.on("data", (response: ConsumeResponse) => {
        if (this.#over) {
          return;
        }
        try {
          hooks.received(response);
        } catch (thrown) {
          this.#over = true;
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
          call.cancel();
        }
      });
      call.on("error", (error: Error) => {
        this.#over = true;
        reject(error);
      });
      call.on("status", ({ code }) => {
        this.#over = true;
        if (code === Code.OK) resolve();
      });
    });
    // The first failure may come before the caller awaits it.
    this.done.catch(() => undefined);
    this.#write(encoded(create(ConsumeRequestSchema, { open })));
  }

  /** Sends the next message, if there is one and none is in transit. */
  wake(): void {
    if (this.#sending || this.ended || this.#over) {
      return;
    }
    const message = this.#hooks.next();
    if (message !== undefined) {
      this.#write(message);
    }
  }

  /** Ends the requests. The server then ends the call, once it has stored the group's progress. */
  end(): void {
    if (!this.ended && !this.#over) {
      this.ended = true;
      this.#call.end();
    }
  }

  /** Cancels the call. */
  cancel(): void {
    this.#call.cancel();
  }

  #write(message: Buffer): void {
    this.#sending = true;
    this.#call.write(message, () => {
      this.#sending = false;
      this.#hooks.sent();
    });
  }
}

function encoded(request: ConsumeRequest): Buffer {
  return Buffer.from(toBinary(ConsumeRequestSchema, request));
}
