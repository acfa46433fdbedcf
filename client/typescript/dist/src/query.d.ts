import { type Query as PbQuery } from "./generated/annals/v1/query_pb.js";
/**
 * Matches events that satisfy all of these conditions: the type is one of `types` or starts with one of
 * `typePrefixes` (if either is given), likewise for the stream, and the event has all of `tags`. An item without
 * conditions matches every event. An item has at most 1,000 names in all.
 */
export interface QueryItem {
    readonly types?: readonly string[];
    /** Prefixes of types. */
    readonly typePrefixes?: readonly string[];
    readonly streams?: readonly string[];
    /** Prefixes of streams: `order-` selects the category of all orders. */
    readonly streamPrefixes?: readonly string[];
    /** Tags, all of which an event must have. */
    readonly tags?: readonly string[];
}
/** Matches events that match at least one item, with at most 64 items; without items, every event. */
export type Query = QueryItem | readonly QueryItem[];
/** The properties of an event that a query compares. */
export interface Matchable {
    readonly type: string;
    readonly stream: string;
    readonly tags: readonly string[];
}
/** Whether an event matches a query, by the same rules as on the server. */
export declare function matches(query: Query, event: Matchable): boolean;
/** Returns the items of a query. */
export declare function itemsOf(query: Query): readonly QueryItem[];
/** Converts to the protocol; undefined if every event matches. */
export declare function toPbQuery(query: Query | undefined): PbQuery | undefined;
//# sourceMappingURL=query.d.ts.map