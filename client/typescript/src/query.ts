/** Queries: select the events that a read, a subscription or a check applies to. */
import { create } from "@bufbuild/protobuf";

import { type Query as PbQuery, QuerySchema } from "./generated/annals/v1/query_pb.js";
import { wellFormed } from "./text.js";

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
export function matches(query: Query, event: Matchable): boolean {
  const items = itemsOf(query);
  return items.length === 0 || items.some((item) => itemMatches(item, event));
}

/** Returns the items of a query. */
export function itemsOf(query: Query): readonly QueryItem[] {
  return isItems(query) ? query : [query];
}

/** Converts to the protocol; undefined if every event matches. */
export function toPbQuery(query: Query | undefined): PbQuery | undefined {
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

/** Converts from the protocol. */
export function fromPbQuery(query: PbQuery | undefined): readonly QueryItem[] {
  return (query?.items ?? []).map((item) => {
    const { types, typePrefixes, streams, streamPrefixes, tags } = item;
    const given = Object.entries({ types, typePrefixes, streams, streamPrefixes, tags });
    return Object.fromEntries(given.filter(([, names]) => names.length > 0));
  });
}

function textsOf(names: readonly string[] | undefined, field: string): string[] {
  return (names ?? []).map((name) => wellFormed(name, `query.${field}`));
}

function isItems(query: Query): query is readonly QueryItem[] {
  return Array.isArray(query);
}

function itemMatches(item: QueryItem, event: Matchable): boolean {
  return (
    named(event.type, item.types, item.typePrefixes) &&
    named(event.stream, item.streams, item.streamPrefixes) &&
    (item.tags ?? []).every((tag) => event.tags.includes(tag))
  );
}

function named(name: string, names: readonly string[] = [], prefixes: readonly string[] = []): boolean {
  return (
    (names.length === 0 && prefixes.length === 0) ||
    names.includes(name) ||
    prefixes.some((prefix) => name.startsWith(prefix))
  );
}
