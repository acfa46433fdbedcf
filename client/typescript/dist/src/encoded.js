/**
 * Encoded appends of a pipeline.
 *
 * Each append is encoded once, when the pipeline takes it: its exact size is known before it is put into a message
 * with others, an append that can't be encoded fails on its own, and a retry does not encode again. Each is encoded
 * as a complete message; protobuf parses the concatenation of such messages as one message with all their appends.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { InvalidFieldError } from "./errors.js";
import { AppendPipelineRequestSchema, PipelinedAppendSchema, } from "./generated/annals/v1/append_pb.js";
/** Maximum number of appends in a message, from the protocol. */
const MESSAGE_APPENDS_MAX = 1_000;
/**
 * Maximum bytes in a message with several appends: small enough that the server starts early, and that every server
 * accepts it, however low its limits are (it accepts 1 MiB more than those). A larger append is sent in a message of
 * its own.
 */
export const MESSAGE_BYTES_MAX = 512 * 1_024;
/** Encodes a message with one append. Throws an InvalidFieldError if it can't be encoded. */
export function encodeAppend(append) {
    const one = append.$typeName === "annals.v1.AppendToManyRequest"
        ? { case: "appendToMany", value: append }
        : { case: "appendToStream", value: append };
    const message = create(AppendPipelineRequestSchema, { appends: [create(PipelinedAppendSchema, { append: one })] });
    try {
        return toBinary(AppendPipelineRequestSchema, message);
    }
    catch (cause) {
        throw new InvalidFieldError([{ field: "", description: cause instanceof Error ? cause.message : String(cause) }]);
    }
}
/** Returns how many of the appends, starting at `from`, fit into the next message. */
export function nextInMessage(appends, from) {
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
/** Returns one message with all of these appends. */
export function messageOf(appends) {
    return Buffer.concat(appends.map(({ message }) => message));
}
//# sourceMappingURL=encoded.js.map