/**
 * Converts steps of the interoperability cases to arguments of the client. Fields are taken by name; fields that are
 * left over are an error.
 */
import { newEvent, Timestamp, } from "../../src/index.js";
/** Fields of a JSON object, each taken once. */
export class Taken {
    #left;
    constructor(fields) {
        this.#left = new Map(Object.entries(fields));
    }
    get(name) {
        const value = this.#left.get(name);
        this.#left.delete(name);
        return value;
    }
    /** Takes a required text field. */
    text(name) {
        const value = this.get(name);
        if (typeof value !== "string")
            throw new TypeError(`${name} must be text`);
        return value;
    }
    number(name) {
        const value = this.get(name);
        if (typeof value !== "number")
            throw new TypeError(`${name} must be a number`);
        return value;
    }
    list(name, make) {
        return (this.get(name) ?? []).map((fields) => whole(fields, make));
    }
    /** Takes those of these fields that are present, and returns them under other names. */
    some(names) {
        const there = Object.entries(names).map(([name, as]) => [as, this.get(name)]);
        return Object.fromEntries(there.filter(([, value]) => value !== undefined));
    }
    end() {
        const names = [...this.#left.keys()];
        if (names.length > 0)
            throw new TypeError(`unknown: ${names.join(", ")}`);
    }
}
/** Converts fields, all of which must be taken. */
export function whole(fields, make) {
    const taken = new Taken(fields);
    const made = make(taken);
    taken.end();
    return made;
}
export function makeEvent(fields) {
    const data = bytes(fields.get("data"));
    const options = fields.some({ id: "id", tags: "tags", content_type: "contentType" });
    return newEvent(fields.text("type"), data, { ...options, metadata: bytes(fields.get("metadata")) });
}
export function bytes(base64) {
    return new Uint8Array(Buffer.from((base64 ?? ""), "base64"));
}
export function expectedOf(fields) {
    return (fields.get("expected") ?? "any");
}
export function makeAppend(fields) {
    return { stream: fields.text("stream"), expected: expectedOf(fields), events: fields.list("events", makeEvent) };
}
export function makeWrite(fields) {
    return {
        stream: fields.text("stream"),
        events: fields.list("events", makeEvent),
        ...fields.some({ expected: "expected" }),
    };
}
export function makeCheck(fields) {
    const { noMatch, stream } = fields.some({ no_match: "noMatch", stream: "stream" });
    if (noMatch === undefined)
        return { stream: stream, expected: expectedOf(fields) };
    return { noMatch: noMatch.map((item) => whole(item, makeItem)), after: fields.number("after") };
}
export function makeItem(fields) {
    const names = {
        types: "types",
        type_prefixes: "typePrefixes",
        streams: "streams",
        stream_prefixes: "streamPrefixes",
        tags: "tags",
    };
    return fields.some(names);
}
export function makeRetention(fields) {
    const seconds = fields.get("max_age_seconds");
    return {
        ...fields.some({ max_count: "maxCount", truncate_before: "truncateBefore" }),
        ...(seconds !== undefined && { maxAge: { seconds: seconds } }),
    };
}
/** Takes the options of a read. `until` is `until_revision` or `until_position`, as in the protocol. */
export function readOptions(fields, until) {
    const micros = fields.get("until_time");
    return {
        ...fields.some({ from: "from", limit: "limit", backwards: "backwards", [until]: "until" }),
        query: fields.list("query", makeItem),
        ...(micros !== undefined && { untilTime: new Timestamp(micros) }),
    };
}
//# sourceMappingURL=steps.js.map