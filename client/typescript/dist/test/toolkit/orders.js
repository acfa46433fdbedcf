/** The order domain of the tests. */
import { Aggregate, projection, schema, } from "../../src/toolkit/index.js";
export const orders = schema({
    OrderPlaced: {
        version: 2,
        upcasters: { 1: (old) => ({ ...old, currency: "EUR" }) },
        formerly: ["OrderSubmitted"],
        tags: ({ customer }) => [`customer:${customer}`],
    },
    ItemAdded: {},
    OrderConfirmed: {},
});
export const order = new Aggregate({
    category: "order",
    schema: orders,
    initial: () => ({ status: "none", cents: 0, items: 0 }),
    evolve: {
        OrderPlaced: (state) => ({ ...state, status: "open" }),
        ItemAdded: (state, { cents }) => ({ ...state, cents: state.cents + cents, items: state.items + 1 }),
        OrderConfirmed: (state) => ({ ...state, status: "confirmed" }),
    },
    snapshot: { version: 1, every: 10 },
});
export class Refused extends Error {
}
export const place = (customer) => (state) => {
    if (state.status !== "none")
        throw new Refused("the order was placed before");
    return { type: "OrderPlaced", data: { customer, currency: "CHF" } };
};
export const addItem = (item, cents) => (state) => {
    if (state.status !== "open")
        throw new Refused(`no items when an order is ${state.status}`);
    return { type: "ItemAdded", data: { item, cents } };
};
export const confirm = (state) => {
    if (state.items === 0)
        throw new Refused("an empty order can't be confirmed");
    return state.status === "confirmed" ? undefined : { type: "OrderConfirmed", data: {} };
};
/** Totals by order, in which an event applied twice would be visible. */
export function totals(table, name = "totals") {
    return projection({
        name,
        schema: orders,
        tables: [name],
        setup: (target) => table.create(target),
        handlers: {
            ItemAdded: async ({ cents, item }, event, target) => {
                if (item === "poison")
                    throw new Refused("this item is poison");
                await table.add(target, event.stream, cents);
            },
        },
    });
}
//# sourceMappingURL=orders.js.map