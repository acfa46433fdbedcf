/**
 * Events: as clients append them, and as the store returns them.
 *
 * An event gets its id when it is created, before the first attempt to append it. Every retry therefore sends the
 * same id, and the store can distinguish a retry from a second event.
 */
import { create } from "@bufbuild/protobuf";
import { NewEventSchema, } from "./generated/annals/v1/event_pb.js";
import { InvalidValueError, JsonError } from "./errors.js";
import { bytesOf, decodeJson, encodeJson } from "./json.js";
import { toNumber } from "./numbers.js";
import { wellFormed } from "./text.js";
import { fromPbTime } from "./timestamp.js";
import { newId } from "./uuid.js";
const NOTHING = new Uint8Array();
/** The content type of an event that has none of its own. */
const JSON_TYPE = "application/json";
/**
 * Creates an event with its id.
 *
 * A value is stored as JSON only if it decodes to the same value. Rejected are NaN and infinities, BigInt, undefined
 * (a property that is undefined is omitted), Date, Map, Set, typed arrays and other bytes within a value, functions,
 * and strings with lone surrogates. An object with a toJSON method is stored as its result.
 *
 * @param data Bytes (Uint8Array, ArrayBuffer, DataView) are stored unchanged, anything else as JSON; no data if
 *   omitted. For an event with options and without data, pass `new Uint8Array()`.
 * @throws InvalidValueError if data or metadata can't be represented in JSON, or if the content type of data other
 *   than bytes is not JSON; it names the place.
 *
 * @example
 * newEvent("OrderPlaced", { total: 42 }, { tags: ["customer:7"], metadata: { userId: "ada" } })
 * newEvent("LabelPrinted", pdf, { contentType: "application/pdf" })
 */
export function newEvent(...given) {
    const [type, data, options = {}] = given;
    const { id = newId(), metadata, tags = [], contentType = "" } = options;
    const subject = `an event of type ${JSON.stringify(type)}`;
    if (contentType !== "" && !isJson(contentType) && bytesOf(data) === undefined) {
        const problem = `has the content type ${JSON.stringify(contentType)}; give bytes`;
        throw new InvalidValueError(subject, "data", problem);
    }
    return {
        id,
        type,
        // An omitted argument means no data. An explicit undefined is a mistake, and is rejected.
        data: given.length === 1 ? NOTHING : encode(data, subject, "data"),
        metadata: metadata === undefined ? NOTHING : encode(metadata, `the metadata of ${subject}`, "metadata"),
        tags,
        contentType,
    };
}
/** An event as the store keeps it. It never changes. */
export class RecordedEvent {
    id;
    stream;
    revision;
    position;
    type;
    data;
    metadata;
    tags;
    recordedAt;
    contentType;
    constructor(
    /** The event's id, a UUID in lower case. */
    id, 
    /** The stream that the event belongs to. */
    stream, 
    /** The event's number in its stream. Revisions count from 0, and none is skipped. */
    revision, 
    /** The event's number in the log. Positions count from 1, and none is skipped. */
    position, 
    /** The event's type. */
    type, 
    /**
     * The payload, encoded as contentType states. It is a view of the message that the event arrived in with its
     * neighbours: copy it (`data.slice()`) to keep it for long.
     */
    data, 
    /** Metadata about the event; a view, like data. */
    metadata, 
    /** The tags, in the order in which they were given. */
    tags, 
    /** The time at which the store recorded the event. Recorded times never decrease along the log. */
    recordedAt, 
    /** The media type of the data: `application/json` unless the event was appended with another one. */
    contentType = JSON_TYPE) {
        this.id = id;
        this.stream = stream;
        this.revision = revision;
        this.position = position;
        this.type = type;
        this.data = data;
        this.metadata = metadata;
        this.tags = tags;
        this.recordedAt = recordedAt;
        this.contentType = contentType;
    }
    /**
     * Returns the data, decoded from JSON. The type T is not checked.
     *
     * @throws JsonError if its content type is neither `application/json` nor one that ends in `+json`, if it is not
     *   JSON, or if it contains a number that a JavaScript number can't hold (2^53 + 1, 1e400).
     */
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a typed result without a cast
    json() {
        demandJson(this);
        return decodeJson(this.data, `the data of ${nameOf(this)}`);
    }
    /**
     * Returns the metadata, decoded from JSON; undefined if there is none.
     *
     * @throws JsonError if it is not JSON, or contains a number that a JavaScript number can't hold.
     */
    metadataJson() {
        return this.metadata.length === 0 ? undefined : decodeJson(this.metadata, `the metadata of ${nameOf(this)}`);
    }
}
/** Throws a JsonError if the content type of an event is neither `application/json` nor one that ends in `+json`. */
export function demandJson(event) {
    if (!isJson(event.contentType)) {
        throw new JsonError(`the data of ${nameOf(event)} is not the expected JSON: its content type is ` +
            `${JSON.stringify(event.contentType)}; read its data as bytes`);
    }
}
/** Whether a content type is a form of JSON. Its parameters are ignored. */
function isJson(contentType) {
    if (contentType === JSON_TYPE) {
        return true;
    }
    const mediaType = contentType.replace(/;.*/, "").trim().toLowerCase();
    return mediaType === JSON_TYPE || mediaType.endsWith("+json");
}
function nameOf({ type, revision, stream, position }) {
    return (`event ${JSON.stringify(type)} at revision ${revision} of stream ` +
        `${JSON.stringify(stream)} (position ${position})`);
}
/** Converts to the protocol. */
export function toPbEvent(event) {
    return create(NewEventSchema, {
        id: event.id,
        type: wellFormed(event.type, "type"),
        data: event.data,
        metadata: event.metadata,
        tags: event.tags.map((tag) => wellFormed(tag, "tags")),
        contentType: wellFormed(event.contentType, "contentType"),
    });
}
/** Converts from the protocol. */
export function fromPbEvent(event) {
    return new RecordedEvent(event.id, event.stream, toNumber(event.revision), toNumber(event.position), event.type, event.data, event.metadata, event.tags, fromPbTime(event.recordedAt, "recorded_at"), event.contentType === "" ? JSON_TYPE : event.contentType);
}
function encode(value, subject, root) {
    return bytesOf(value) ?? encodeJson(value, subject, root);
}
//# sourceMappingURL=events.js.map