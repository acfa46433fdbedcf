/** The order domain of the tests. */
import {
  Aggregate,
  type DomainEvent,
  type Projection,
  projection,
  schema,
  type Target,
} from "../../src/toolkit/index.js";

export interface OrderTypes {
  OrderPlaced: { customer: string; currency: string };
  ItemAdded: { item: string; cents: number };
  OrderConfirmed: object;
}
export type OrderEvent = DomainEvent<OrderTypes>;

export const orders = schema<OrderTypes>({
  OrderPlaced: {
    version: 2,
    upcasters: { 1: (old: { customer: string }) => ({ ...old, currency: "EUR" }) },
    formerly: ["OrderSubmitted"],
    tags: ({ customer }) => [`customer:${customer}`],
  },
  ItemAdded: {},
  OrderConfirmed: {},
});

export interface Order {
  status: "none" | "open" | "confirmed";
  cents: number;
  items: number;
}

export const order = new Aggregate<Order, OrderTypes>({
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

export class Refused extends Error {}

export const place =
  (customer: string) =>
  (state: Order): OrderEvent => {
    if (state.status !== "none") throw new Refused("the order was placed before");
    return { type: "OrderPlaced", data: { customer, currency: "CHF" } };
  };

export const addItem =
  (item: string, cents: number) =>
  (state: Order): OrderEvent => {
    if (state.status !== "open") throw new Refused(`no items when an order is ${state.status}`);
    return { type: "ItemAdded", data: { item, cents } };
  };

export const confirm = (state: Order): OrderEvent | undefined => {
  if (state.items === 0) throw new Refused("an empty order can't be confirmed");
  return state.status === "confirmed" ? undefined : { type: "OrderConfirmed", data: {} };
};

/** How totals are stored in each kind of store. */
export interface TotalsTable<Tx> {
  create(target: Target<Tx>): Promise<void>;
  /** Adds to an order's total. */
  add(target: Target<Tx>, order: string, cents: number): Promise<void>;
}

/** Totals by order, in which an event applied twice would be visible. */
export function totals<Tx>(table: TotalsTable<Tx>, name = "totals"): Projection<Tx> {
  return projection<OrderTypes, Tx>({
    name,
    schema: orders,
    tables: [name],
    setup: (target) => table.create(target),
    handlers: {
      ItemAdded: async ({ cents, item }, event, target) => {
        if (item === "poison") throw new Refused("this item is poison");
        await table.add(target, event.stream, cents);
      },
    },
  });
}
