/** Read model of all items, with search. */
import type { SqliteDatabase } from "annals-client/sqlite";
import { projection } from "annals-client/toolkit";

import { type InventoryEvents, inventoryEvents, STREAM_PREFIXES } from "../events.js";

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

export const inventoryList = projection<InventoryEvents, SqliteDatabase>({
  name: "inventory-list",
  schema: inventoryEvents,
  streamPrefixes: STREAM_PREFIXES,
  tables: ["inventory_list"],
  setup: ({ tx, table }) => {
    tx.exec(`CREATE TABLE ${table("inventory_list")} (
      sku TEXT PRIMARY KEY, name TEXT NOT NULL, threshold INTEGER NOT NULL,
      on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL)`);
  },
  handlers: {
    ItemRegistered: ({ sku, name, lowStockThreshold }, _, { tx, table }) => {
      tx.prepare(`INSERT INTO ${table("inventory_list")} VALUES (?, ?, ?, 0, 0)`).run(sku, name, lowStockThreshold);
    },
    StockReceived: ({ sku, quantity }, _, { tx, table }) => {
      change(tx, table("inventory_list"), sku, quantity, 0);
    },
    StockReserved: ({ sku, quantity }, _, { tx, table }) => {
      change(tx, table("inventory_list"), sku, 0, quantity);
    },
    StockReleased: ({ sku, quantity }, _, { tx, table }) => {
      change(tx, table("inventory_list"), sku, 0, -quantity);
    },
    StockShipped: ({ sku, quantity }, _, { tx, table }) => {
      change(tx, table("inventory_list"), sku, -quantity, -quantity);
    },
  },
});

/** Returns a page of the list, and the sku after which the next page begins, or null on the last page. */
export function listItems(
  database: SqliteDatabase,
  { search, belowThreshold, limit, after }: ListQuery,
): { items: ListedItem[]; next: string | null } {
  const pattern = `%${(search ?? "").replace(/[\\%_]/g, "\\$&")}%`;
  const found = database
    .prepare(
      `SELECT sku, name, on_hand AS onHand, reserved, on_hand - reserved AS available,
         threshold AS lowStockThreshold
       FROM inventory_list
       WHERE sku > ? AND (sku LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\')
         AND (? = 0 OR on_hand - reserved < threshold)
       ORDER BY sku LIMIT ?`,
    )
    .all(after, pattern, pattern, belowThreshold ? 1 : 0, limit + 1) as ListedItem[];
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.sku ?? null) : null };
}

function change(tx: SqliteDatabase, table: string, sku: string, onHand: number, reserved: number): void {
  tx.prepare(`UPDATE ${table} SET on_hand = on_hand + ?, reserved = reserved + ? WHERE sku = ?`).run(
    onHand,
    reserved,
    sku,
  );
}
