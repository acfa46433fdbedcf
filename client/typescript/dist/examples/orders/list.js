import { projection } from "annals-client/toolkit";
import Database from "better-sqlite3";
import { orderEvents } from "./events.js";
const PREFIX = "order-";
export const orderList = projection({
    name: "order-list",
    schema: orderEvents,
    streamPrefixes: [PREFIX],
    tables: ["orders"],
    setup: ({ tx, table }) => {
        tx.exec(`CREATE TABLE ${table("orders")} (
      order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, status TEXT NOT NULL,
      item_count INTEGER NOT NULL, total_cents INTEGER NOT NULL)`);
    },
    handlers: {
        OrderCreated: ({ customerId }, { stream }, { tx, table }) => {
            tx.prepare(`INSERT INTO ${table("orders")} VALUES (?, ?, 'open', 0, 0)`).run(idOf(stream), customerId);
        },
        OrderItemAdded: ({ quantity, unitPriceCents }, { stream }, { tx, table }) => {
            tx.prepare(`UPDATE ${table("orders")} SET item_count = item_count + 1, total_cents = total_cents + ? WHERE order_id = ?`).run(quantity * unitPriceCents, idOf(stream));
        },
        OrderConfirmed: (_, { stream }, { tx, table }) => {
            setStatus(tx, table("orders"), stream, "confirmed");
        },
        OrderShipped: (_, { stream }, { tx, table }) => {
            setStatus(tx, table("orders"), stream, "shipped");
        },
        OrderDelivered: (_, { stream }, { tx, table }) => {
            setStatus(tx, table("orders"), stream, "delivered");
        },
        OrderCancelled: (_, { stream }, { tx, table }) => {
            setStatus(tx, table("orders"), stream, "cancelled");
        },
    },
});
/** Opens the database file of the list, and creates it if it does not exist. */
export function openList(path) {
    const database = new Database(path);
    database.pragma("journal_mode = WAL");
    database.pragma("busy_timeout = 5000");
    return database;
}
/** Returns the orders by id, or only those with a status. */
export function listed(database, status) {
    const columns = "order_id AS orderId, customer_id AS customerId, status, item_count AS itemCount, total_cents AS totalCents";
    const where = status === undefined ? "" : "WHERE status = ?";
    const found = database
        .prepare(`SELECT ${columns} FROM orders ${where} ORDER BY order_id`)
        .all(...(status === undefined ? [] : [status]));
    return found;
}
function setStatus(tx, table, stream, status) {
    tx.prepare(`UPDATE ${table} SET status = ? WHERE order_id = ?`).run(status, idOf(stream));
}
function idOf(stream) {
    return stream.slice(PREFIX.length);
}
//# sourceMappingURL=list.js.map