/** Read model of the items that are low on stock, and since when. */
import type { SqliteDatabase } from "annals-client/sqlite";
import { projection } from "annals-client/toolkit";

import { type InventoryEvents, inventoryEvents, STREAM_PREFIXES } from "../events.js";

/** An item with less available stock than its threshold. */
export interface Alert {
  readonly sku: string;
  readonly name: string;
  readonly available: number;
  readonly lowStockThreshold: number;
  /** The time at which the event that made it low was recorded. */
  readonly since: string;
}

export const inventoryAlerts = projection<InventoryEvents, SqliteDatabase>({
  name: "inventory-alerts",
  schema: inventoryEvents,
  streamPrefixes: STREAM_PREFIXES,
  tables: ["inventory_alerts"],
  setup: ({ tx, table }) => {
    tx.exec(`CREATE TABLE ${table("inventory_alerts")} (
      sku TEXT PRIMARY KEY, name TEXT NOT NULL, available INTEGER NOT NULL, threshold INTEGER NOT NULL, since TEXT)`);
  },
  handlers: {
    ItemRegistered: ({ sku, name, lowStockThreshold }, event, { tx, table }) => {
      tx.prepare(`INSERT INTO ${table("inventory_alerts")} VALUES (?, ?, 0, ?, NULL)`).run(
        sku,
        name,
        lowStockThreshold,
      );
      change(tx, table("inventory_alerts"), sku, 0, event.recordedAt.toString());
    },
    StockReceived: ({ sku, quantity }, event, { tx, table }) => {
      change(tx, table("inventory_alerts"), sku, quantity, event.recordedAt.toString());
    },
    StockReserved: ({ sku, quantity }, event, { tx, table }) => {
      change(tx, table("inventory_alerts"), sku, -quantity, event.recordedAt.toString());
    },
    StockReleased: ({ sku, quantity }, event, { tx, table }) => {
      change(tx, table("inventory_alerts"), sku, quantity, event.recordedAt.toString());
    },
    // StockShipped changes nothing: shipped units were reserved, so they were not available.
  },
});

/** Returns the items that are low, by sku. */
export function alerts(database: SqliteDatabase): Alert[] {
  const columns = "sku, name, available, threshold AS lowStockThreshold, since";
  return database
    .prepare(`SELECT ${columns} FROM inventory_alerts WHERE since IS NOT NULL ORDER BY sku`)
    .all() as Alert[];
}

/**
 * Changes the available quantity. An item that becomes low is low since `at`; one that was low already keeps its
 * time.
 */
function change(tx: SqliteDatabase, table: string, sku: string, available: number, at: string): void {
  tx.prepare(
    `UPDATE ${table} SET available = available + ?, since = CASE WHEN available + ? < threshold THEN ` +
      "COALESCE(since, ?) END WHERE sku = ?",
  ).run(available, available, at, sku);
}
