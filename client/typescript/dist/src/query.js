/** Queries: select the events that a read, a subscription or a check applies to. */
import { create } from "@bufbuild/protobuf";
import { QuerySchema } from "./generated/annals/v1/query_pb.js";
import { wellFormed } from "./text.js";
/** Whether an event matches a query, by the same rules as on the server. */
export function matches(query, event) {
    const items = itemsOf(query);
    return items.length === 0 || items.some((item) => itemMatches(item, event));
}
/** Returns the items of a query. */
export function itemsOf(query) {
    return isItems(query) ? query : [query];
}
/** Converts to the protocol; undefined if every event matches. */
export function toPbQuery(query) {
    const items = query === undefined ? [] : itemsOf(query);
    if (items.length === 0) {
        return undefined;
    }
    return create(QuerySchema, {
        items: items.map((item) => ({
            types: textsOf(item.types, "types"),
            typePrefixes: textsOf(item.typePrefixes, "typePrefixes"),
            streams: textsOf(item.streams, "streams"),
            streamPrefixes: textsOf(item.streamPrefixes, "streamPrefixes"),
            tags: textsOf(item.tags, "tags"),
        })),
    });
}
function textsOf(names, field) {
    return (names ?? []).map((name) => wellFormed(name, `query.${field}`));
}
function isItems(query) {
    return Array.isArray(query);
}
function itemMatches(item, event) {
    return (named(event.type, item.types, item.typePrefixes) &&
        named(event.stream, item.streams, item.streamPrefixes) &&
        (item.tags ?? []).every((tag) => event.tags.includes(tag)));
}
function named(name, names = [], prefixes = []) {
    return ((names.length === 0 && prefixes.length === 0) ||
        names.includes(name) ||
        prefixes.some((prefix) => name.startsWith(prefix)));
}
//# sourceMappingURL=query.js.map