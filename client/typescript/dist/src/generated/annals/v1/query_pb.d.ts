import type { GenEnum, GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/query.proto.
 */
export declare const file_annals_v1_query: GenFile;
/**
 * Matches events that match at least one item. A query without items matches every event.
 *
 * @generated from message annals.v1.Query
 */
export type Query = Message<"annals.v1.Query"> & {
    /**
     * At most 64 items.
     *
     * @generated from field: repeated annals.v1.QueryItem items = 1;
     */
    items: QueryItem[];
};
/**
 * Describes the message annals.v1.Query.
 * Use `create(QuerySchema)` to create a new message.
 */
export declare const QuerySchema: GenMessage<Query>;
/**
 * Matches events that satisfy every non-empty group of fields: types and type_prefixes, streams and stream_prefixes,
 * and tags. An item in which all fields are empty matches every event. An item has at most 1,000 names in all.
 *
 * @generated from message annals.v1.QueryItem
 */
export type QueryItem = Message<"annals.v1.QueryItem"> & {
    /**
     * The event's type is one of these, or starts with one of type_prefixes.
     *
     * @generated from field: repeated string types = 1;
     */
    types: string[];
    /**
     * The event's type starts with one of these, or is one of types.
     *
     * @generated from field: repeated string type_prefixes = 2;
     */
    typePrefixes: string[];
    /**
     * The event's stream is one of these, or starts with one of stream_prefixes.
     *
     * @generated from field: repeated string streams = 3;
     */
    streams: string[];
    /**
     * The event's stream starts with one of these, or is one of streams. `order-` selects the category of all orders.
     *
     * @generated from field: repeated string stream_prefixes = 4;
     */
    streamPrefixes: string[];
    /**
     * The event has all of these tags.
     *
     * @generated from field: repeated string tags = 5;
     */
    tags: string[];
};
/**
 * Describes the message annals.v1.QueryItem.
 * Use `create(QueryItemSchema)` to create a new message.
 */
export declare const QueryItemSchema: GenMessage<QueryItem>;
/**
 * The order in which a read returns events.
 *
 * @generated from enum annals.v1.Direction
 */
export declare enum Direction {
    /**
     * Equivalent to DIRECTION_FORWARDS.
     *
     * @generated from enum value: DIRECTION_UNSPECIFIED = 0;
     */
    UNSPECIFIED = 0,
    /**
     * Oldest first.
     *
     * @generated from enum value: DIRECTION_FORWARDS = 1;
     */
    FORWARDS = 1,
    /**
     * Newest first.
     *
     * @generated from enum value: DIRECTION_BACKWARDS = 2;
     */
    BACKWARDS = 2
}
/**
 * Describes the enum annals.v1.Direction.
 */
export declare const DirectionSchema: GenEnum<Direction>;
//# sourceMappingURL=query_pb.d.ts.map