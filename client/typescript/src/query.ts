/** Which events a read, a subscription or a check is about. */
import { create } from "@bufbuild/protobuf";

import { type Query as PbQuery, QuerySchema } from "./generated/annals/v1/query_pb.js";
import { wellFormed } from "./text.js";

/**
 * An event matches if it satisfies each of: its type is one of `types` or starts with one of `typePrefixes` (if there are
 * any of either), the same for its stream, and it bears all of `tags`. One without any matches every event. The names in
 * one item, added up, are at most 1,000.
 */
export interface QueryItem {
  /** Types. */
  readonly types?: readonly string[];
  /** Beginnings of types. */
  readonly typePrefixes?: readonly string[];
  /** Streams. */
  readonly streams?: readonly string[];
  /** Beginnings of streams: `order-` is the category of all orders. */
  readonly streamPrefixes?: readonly string[];
  /** Tags, all of which an event must bear. */
  readonly tags?: readonly string[];
}

/** Events that match at least one of the items, of which there are at most 64; without items, every event. */
export type Query = QueryItem | readonly QueryItem[];

/** What a query looks at in an event. */
export interface Matchable {
  readonly type: string;
  readonly stream: string;
  readonly tags: readonly string[];
}

/** Whether the event matches, judged here as the server judges it. */
export function matches(query: Query, event: Matchable): boolean {
  const items = itemsOf(query);
  return items.length === 0 || items.some((item) => itemMatches(item, event));
}

/** The query's items. */
export function itemsOf(query: Query): readonly QueryItem[] {
  return isItems(query) ? query : [query];
}

/** For the protocol; undefined if every event matches. */
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
