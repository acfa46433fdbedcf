import Database from "better-sqlite3";
import { Client, newId } from "annals-client";
import { SqliteStore } from "annals-client/sqlite";
import { Aggregate, inContext, projection, Projections, Repository, schema } from "annals-client/toolkit";
const orders = schema({
    OrderPlaced: { tags: ({ customer }) => [`customer:${customer}`] },
    OrderShipped: {},
});
// The state of an order, built from its events.
const order = new Aggregate({
    category: "order", // entity 42 is stream order-42
    schema: orders,
    initial: () => ({ status: "none" }),
    evolve: {
        OrderPlaced: () => ({ status: "placed" }),
        OrderShipped: () => ({ status: "shipped" }),
    },
});
// A decision: returns the events to append for the current state.
const place = (customer) => (state) => {
    if (state.status !== "none")
        throw new Error("the order exists already");
    return { type: "OrderPlaced", data: { customer } };
};
// A read model of all orders: a table, written in the same transaction as the checkpoint.
const list = projection({
    name: "order_list",
    schema: orders,
    tables: ["order_list"],
    setup: ({ tx, table }) => {
        tx.exec(`CREATE TABLE ${table("order_list")} (id TEXT PRIMARY KEY, customer TEXT, status TEXT)`);
    },
    handlers: {
        OrderPlaced: ({ customer }, event, { tx, table }) => {
            tx.prepare(`INSERT INTO ${table("order_list")} VALUES (?, ?, 'placed')`).run(event.stream, customer);
        },
        OrderShipped: (_, event, { tx, table }) => {
            tx.prepare(`UPDATE ${table("order_list")} SET status = 'shipped' WHERE id = ?`).run(event.stream);
        },
    },
});
const client = new Client("http://127.0.0.1:40333");
const database = new Database("read-model.db");
const projections = new Projections(client, new SqliteStore(database), [list]);
const repository = new Repository(client, order);
const { position } = await inContext({ userId: "ada" }, () => repository.execute(newId(), place("ada")));
await projections.waitFor(position); // the caller reads its own write
console.log(database.prepare("SELECT * FROM order_list").all());
await projections.stop();
client.close();
