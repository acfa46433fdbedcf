/** The events of an item in stock. */
import { schema } from "annals-client/toolkit";

/** A quantity of an item, 1 or more. */
export interface Units {
  readonly sku: string;
  readonly quantity: number;
}

/** Event types and their data. */
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

/** The streams that the projections follow: `inventory-<sku>`. */
export const STREAM_PREFIXES = ["inventory-"];
