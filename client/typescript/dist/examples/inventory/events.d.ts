/** A quantity of an item, 1 or more. */
export interface Units {
    readonly sku: string;
    readonly quantity: number;
}
/** Event types and their data. */
export interface InventoryEvents {
    ItemRegistered: {
        readonly sku: string;
        readonly name: string;
        readonly lowStockThreshold: number;
    };
    StockReceived: Units;
    StockReserved: Units;
    StockReleased: Units;
    StockShipped: Units;
}
export declare const inventoryEvents: import("annals-client/toolkit").Schema<InventoryEvents>;
/** The streams that the projections follow: `inventory-<sku>`. */
export declare const STREAM_PREFIXES: string[];
//# sourceMappingURL=events.d.ts.map