import { projection } from "annals-client/toolkit";
import { inventoryEvents, STREAM_PREFIXES } from "../events.js";
export const inventoryAlerts = projection({
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
            tx.prepare(`INSERT INTO ${table("inventory_alerts")} VALUES (?, ?, 0, ?, NULL)`).run(sku, name, lowStockThreshold);
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
export function alerts(database) {
    const columns = "sku, name, available, threshold AS lowStockThreshold, since";
    return database
        .prepare(`SELECT ${columns} FROM inventory_alerts WHERE since IS NOT NULL ORDER BY sku`)
        .all();
}
/**
 * Changes the available quantity. An item that becomes low is low since `at`; one that was low already keeps its
 * time.
 */
function change(tx, table, sku, available, at) {
    tx.prepare(`UPDATE ${table} SET available = available + ?, since = CASE WHEN available + ? < threshold THEN ` +
        "COALESCE(since, ?) END WHERE sku = ?").run(available, available, at, sku);
}
//# sourceMappingURL=alerts.js.map