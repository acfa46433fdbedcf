import { projection } from "annals-client/toolkit";
import { inventoryEvents, STREAM_PREFIXES } from "../events.js";
export const inventoryList = projection({
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
export function listItems(database, { search, belowThreshold, limit, after }) {
    const pattern = `%${(search ?? "").replace(/[\\%_]/g, "\\$&")}%`;
    const found = database
        .prepare(`SELECT sku, name, on_hand AS onHand, reserved, on_hand - reserved AS available,
         threshold AS lowStockThreshold
       FROM inventory_list
       WHERE sku > ? AND (sku LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\')
         AND (? = 0 OR on_hand - reserved < threshold)
       ORDER BY sku LIMIT ?`)
        .all(after, pattern, pattern, belowThreshold ? 1 : 0, limit + 1);
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? (items.at(-1)?.sku ?? null) : null };
}
function change(tx, table, sku, onHand, reserved) {
    tx.prepare(`UPDATE ${table} SET on_hand = on_hand + ?, reserved = reserved + ? WHERE sku = ?`).run(onHand, reserved, sku);
}
//# sourceMappingURL=list.js.map