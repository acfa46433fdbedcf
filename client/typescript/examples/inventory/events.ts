/** What can happen to an item in stock. */
import { schema } from "annals-client/toolkit";

/** A number of units of an item, 1 or more. */
export interface Units {
  readonly sku: string;
  readonly quantity: number;
}

/** Event types, and what their data is. */
export interface InventoryEvents {
  ItemRegistered: { readonly sku: string; readonly name: string; readonly lowStockThreshold: number };
  StockReceived: Units;
  StockReserved: Units;
  StockReleased: Units;
  StockShipped: Units;
}

export const inventoryEvents = schema<InventoryEvents>({
  ItemRegistered: {},
  StockReceived: {},
  StockReserved: {},
  StockReleased: {},
  StockShipped: {},
});

/** What the projections follow: the items' streams, `inventory-<sku>`. */
export const STREAM_PREFIXES = ["inventory-"];
