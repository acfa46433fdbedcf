import { projection } from "annals-client/toolkit";
import { inventoryEvents, STREAM_PREFIXES } from "../events.js";
export const inventoryStatistics = projection({
    name: "inventory-statistics",
    schema: inventoryEvents,
    streamPrefixes: STREAM_PREFIXES,
    tables: ["inventory_statistics"],
    setup: ({ tx, table }) => {
        tx.exec(`CREATE TABLE ${table("inventory_statistics")} (
      items INTEGER NOT NULL, on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL,
      received INTEGER NOT NULL, shipped INTEGER NOT NULL)`);
        tx.exec(`INSERT INTO ${table("inventory_statistics")} VALUES (0, 0, 0, 0, 0)`);
    },
    handlers: {
        ItemRegistered: (_, __, { tx, table }) => {
            tx.exec(`UPDATE ${table("inventory_statistics")} SET items = items + 1`);
        },
        StockReceived: ({ quantity }, _, { tx, table }) => {
            change(tx, table("inventory_statistics"), { onHand: quantity, received: quantity });
        },
        StockReserved: ({ quantity }, _, { tx, table }) => {
            change(tx, table("inventory_statistics"), { reserved: quantity });
        },
        StockReleased: ({ quantity }, _, { tx, table }) => {
            change(tx, table("inventory_statistics"), { reserved: -quantity });
        },
        StockShipped: ({ quantity }, _, { tx, table }) => {
            change(tx, table("inventory_statistics"), { onHand: -quantity, reserved: -quantity, shipped: quantity });
        },
    },
});
/** Returns the current totals. */
export function statistics(database) {
    const columns = "items, on_hand AS unitsOnHand, reserved AS unitsReserved, received AS unitsReceived, shipped AS unitsShipped";
    const [found] = database.prepare(`SELECT ${columns} FROM inventory_statistics`).all();
    return found;
}
function change(tx, table, { onHand = 0, reserved = 0, received = 0, shipped = 0, }) {
    tx.prepare(`UPDATE ${table} SET on_hand = on_hand + ?, reserved = reserved + ?, received = received + ?, ` +
        "shipped = shipped + ?").run(onHand, reserved, received, shipped);
}
//# sourceMappingURL=statistics.js.map