import { type AppendToManyRequest, type AppendToStreamRequest } from "./generated/annals/v1/append_pb.js";
/**
 * Maximum bytes in a message with several appends: small enough that the server starts early, and that every server
 * accepts it, however low its limits are (it accepts 1 MiB more than those). A larger append is sent in a message of
 * its own.
 */
export declare const MESSAGE_BYTES_MAX: number;
/** An encoded append. */
export interface Encoded {
    /** The encoding of a message with only this append. */
    readonly message: Uint8Array;
}
/** Encodes a message with one append. Throws an InvalidFieldError if it can't be encoded. */
export declare function encodeAppend(append: AppendToStreamRequest | AppendToManyRequest): Uint8Array;
/** Returns how many of the appends, starting at `from`, fit into the next message. */
export declare function nextInMessage(appends: readonly Encoded[], from: number): number;
/** Returns one message with all of these appends. */
export declare function messageOf(appends: readonly Encoded[]): Buffer;
//# sourceMappingURL=encoded.d.ts.map