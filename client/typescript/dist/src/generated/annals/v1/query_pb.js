// Queries: select the events that a read, a subscription or a check applies to.
import { enumDesc, fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
/**
 * Describes the file annals/v1/query.proto.
 */
export const file_annals_v1_query = /*@__PURE__*/ fileDesc("ChVhbm5hbHMvdjEvcXVlcnkucHJvdG8SCWFubmFscy52MSIsCgVRdWVyeRIjCgVpdGVtcxgBIAMoCzIULmFubmFscy52MS5RdWVyeUl0ZW0iaQoJUXVlcnlJdGVtEg0KBXR5cGVzGAEgAygJEhUKDXR5cGVfcHJlZml4ZXMYAiADKAkSDwoHc3RyZWFtcxgDIAMoCRIXCg9zdHJlYW1fcHJlZml4ZXMYBCADKAkSDAoEdGFncxgFIAMoCSpXCglEaXJlY3Rpb24SGQoVRElSRUNUSU9OX1VOU1BFQ0lGSUVEEAASFgoSRElSRUNUSU9OX0ZPUldBUkRTEAESFwoTRElSRUNUSU9OX0JBQ0tXQVJEUxACYgZwcm90bzM");
/**
 * Describes the message annals.v1.Query.
 * Use `create(QuerySchema)` to create a new message.
 */
export const QuerySchema = /*@__PURE__*/ messageDesc(file_annals_v1_query, 0);
/**
 * Describes the message annals.v1.QueryItem.
 * Use `create(QueryItemSchema)` to create a new message.
 */
export const QueryItemSchema = /*@__PURE__*/ messageDesc(file_annals_v1_query, 1);
/**
 * The order in which a read returns events.
 *
 * @generated from enum annals.v1.Direction
 */
export var Direction;
(function (Direction) {
    /**
     * Equivalent to DIRECTION_FORWARDS.
     *
     * @generated from enum value: DIRECTION_UNSPECIFIED = 0;
     */
    Direction[Direction["UNSPECIFIED"] = 0] = "UNSPECIFIED";
    /**
     * Oldest first.
     *
     * @generated from enum value: DIRECTION_FORWARDS = 1;
     */
    Direction[Direction["FORWARDS"] = 1] = "FORWARDS";
    /**
     * Newest first.
     *
     * @generated from enum value: DIRECTION_BACKWARDS = 2;
     */
    Direction[Direction["BACKWARDS"] = 2] = "BACKWARDS";
})(Direction || (Direction = {}));
/**
 * Describes the enum annals.v1.Direction.
 */
export const DirectionSchema = /*@__PURE__*/ enumDesc(file_annals_v1_query, 0);
//# sourceMappingURL=query_pb.js.map