/** Parses requests from JSON, headers and parameters. Throws an InvalidRequest that names the field. */
import type { Decide } from "annals-client/toolkit";
import type { InventoryEvents } from "./events.js";
import { type Item } from "./item.js";
import type { ListQuery } from "./projections/list.js";
/** A field of the request is missing or invalid. */
export declare class InvalidRequest extends Error {
    readonly field: string;
    constructor(field: string, message: string);
}
/** A command of a request. */
export interface CommandRequest {
    readonly name: string;
    readonly sku: string;
    readonly decide: Decide<Item, InventoryEvents>;
}
/** Parses the command in the body of a request. */
export declare function parseCommand(text: string): CommandRequest;
/** Parses the id of a command, if one is given, with which the command can be retried. */
export declare function parseIdempotencyKey(given: string | undefined): string | undefined;
/** Parses which page of the list is requested. */
export declare function parseListQuery(parameters: URLSearchParams): ListQuery;
/** Parses the position that the response must include; 0 if none is given. */
export declare function parsePosition(header: string | undefined, parameters: URLSearchParams): number;
//# sourceMappingURL=requests.d.ts.map