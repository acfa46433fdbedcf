/**
 * An item in stock: its state, built from its events, and its commands.
 *
 * Some of the units on hand are reserved. The rest is available, and only available units can be reserved. Only
 * reserved units can be shipped. So neither number ever becomes negative.
 */
import { Aggregate, type Decide, type DomainEvent } from "annals-client/toolkit";

import { type InventoryEvents, inventoryEvents } from "./events.js";

/** The state of an item. */
export interface Item {
  readonly registered: boolean;
  readonly onHand: number;
  readonly reserved: number;
}

/** The rule that forbids a command. The codes are the same in every language. */
export type Code = "item_exists" | "item_not_found" | "insufficient_stock" | "not_reserved";

/** Thrown if a rule forbids a command. */
export class InventoryError extends Error {
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}

export const item = new Aggregate<Item, InventoryEvents>({
  category: "inventory",
  schema: inventoryEvents,
  initial: () => ({ registered: false, onHand: 0, reserved: 0 }),
  evolve: {
    ItemRegistered: (state) => ({ ...state, registered: true }),
    StockReceived: (state, { quantity }) => ({ ...state, onHand: state.onHand + quantity }),
    StockReserved: (state, { quantity }) => ({ ...state, reserved: state.reserved + quantity }),
    StockReleased: (state, { quantity }) => ({ ...state, reserved: state.reserved - quantity }),
    StockShipped: (state, { quantity }) => ({
      ...state,
      onHand: state.onHand - quantity,
      reserved: state.reserved - quantity,
    }),
  },
  // The streams are shared with other languages, whose snapshots have other versions.
  snapshot: { version: 2 },
});

type Command = Decide<Item, InventoryEvents>;
type Event = DomainEvent<InventoryEvents>;

export const register =
  (sku: string, name: string, lowStockThreshold: number): Command =>
  ({ registered }): Event => {
    if (registered) {
      throw new InventoryError("item_exists", `item ${sku} is registered already`);
    }
    return { type: "ItemRegistered", data: { sku, name, lowStockThreshold } };
  };

export const receive =
  (sku: string, quantity: number): Command =>
  (state): Event => {
    demandRegistered(sku, state);
    return { type: "StockReceived", data: { sku, quantity } };
  };

export const reserve =
  (sku: string, quantity: number): Command =>
  (state): Event => {
    demandRegistered(sku, state);
    const available = state.onHand - state.reserved;
    if (quantity > available) {
      throw new InventoryError(
        "insufficient_stock",
        `${quantity} of item ${sku} can't be reserved: only ${available} are available`,
      );
    }
    return { type: "StockReserved", data: { sku, quantity } };
  };

export const release =
  (sku: string, quantity: number): Command =>
  (state): Event => {
    demandReserved(sku, quantity, state, "released");
    return { type: "StockReleased", data: { sku, quantity } };
  };

export const ship =
  (sku: string, quantity: number): Command =>
  (state): Event => {
    demandReserved(sku, quantity, state, "shipped");
    return { type: "StockShipped", data: { sku, quantity } };
  };

function demandRegistered(sku: string, { registered }: Item): void {
  if (!registered) {
    throw new InventoryError("item_not_found", `item ${sku} does not exist; register it first`);
  }
}

function demandReserved(sku: string, quantity: number, state: Item, what: string): void {
  demandRegistered(sku, state);
  if (quantity > state.reserved) {
    throw new InventoryError(
      "not_reserved",
      `${quantity} of item ${sku} can't be ${what}: only ${state.reserved} are reserved`,
    );
  }
}
