/** Read model of all items, with search. */
import type { SqliteDatabase } from "annals-client/sqlite";
/** An item in the list. */
export interface ListedItem {
    readonly sku: string;
    readonly name: string;
    readonly onHand: number;
    readonly reserved: number;
    /** On hand and not reserved. */
    readonly available: number;
    readonly lowStockThreshold: number;
}
/** A page of the list. */
export interface ListQuery {
    /** Only items with this text in their sku or name, ignoring case. */
    readonly search: string | undefined;
    /** Only items with less available stock than their threshold. */
    readonly belowThreshold: boolean;
    /** Maximum number of items. */
    readonly limit: number;
    /** Only items after this sku, in the order of skus. */
    readonly after: string;
}
export declare const inventoryList: import("annals-client/toolkit").Projection<SqliteDatabase>;
/** Returns a page of the list, and the sku after which the next page begins, or null on the last page. */
export declare function listItems(database: SqliteDatabase, { search, belowThreshold, limit, after }: ListQuery): {
    items: ListedItem[];
    next: string | null;
};
//# sourceMappingURL=list.d.ts.map