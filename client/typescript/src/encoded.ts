/**
 * Appends of a session, encoded.
 *
 * Each is encoded once, when it is taken: its exact size is known before it shares a message with others, an append that can't
 * be encoded fails alone, and what is sent again need not be encoded again. It is encoded as a message of its own; protobuf
 * reads several such messages, one after the other, as one message with all their appends.
 */
import { create, toBinary } from "@bufbuild/protobuf";

import { InvalidFieldError } from "./errors.js";
import {
  type AppendRequest,
  AppendSessionRequestSchema,
  type AppendToStreamRequest,
  type SessionAppend,
  SessionAppendSchema,
} from "./generated/annals/v1/append_pb.js";

/** The most appends in a message, from the protocol. */
const MESSAGE_APPENDS_MAX = 1_000;
/**
 * The most bytes in a message with several appends: small enough that the server begins early, and that every server takes it,
 * however small its limits are (it takes 1 MiB more than those). A larger append has a message of its own.
 */
export const MESSAGE_BYTES_MAX = 512 * 1_024;

/** An encoded append. */
export interface Encoded {
  /** A message with this append alone. */
  readonly message: Uint8Array;
}

/** A message with this append. Throws an InvalidFieldError if it can't be encoded. */
export function encodeAppend(append: AppendToStreamRequest | AppendRequest): Uint8Array {
  const one: SessionAppend["append"] =
    append.$typeName === "annals.v1.AppendRequest"
      ? { case: "appendToMany", value: append }
      : { case: "appendToStream", value: append };
  const message = create(AppendSessionRequestSchema, { appends: [create(SessionAppendSchema, { append: one })] });
  try {
    return toBinary(AppendSessionRequestSchema, message);
  } catch (cause) {
    throw new InvalidFieldError([{ field: "", description: cause instanceof Error ? cause.message : String(cause) }]);
  }
}

/** How many of the appends, from that place on, go in the next message. */
export function nextInMessage(appends: readonly Encoded[], from: number): number {
  let bytes = 0;
  let count = 0;
  for (let next = appends[from]; next !== undefined && count < MESSAGE_APPENDS_MAX; next = appends[from + count]) {
    bytes += next.message.length;
    if (count > 0 && bytes > MESSAGE_BYTES_MAX) {
      break;
    }
    count += 1;
  }
  return count;
}

/** One message with these appends. */
export function messageOf(appends: readonly Encoded[]): Buffer {
  return Buffer.concat(appends.map(({ message }) => message));
}
