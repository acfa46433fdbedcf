/**
 * An item in stock: its state, built from its events, and its commands.
 *
 * Some of the units on hand are reserved. The rest is available, and only available units can be reserved. Only
 * reserved units can be shipped. So neither number ever becomes negative.
 */
import { Aggregate } from "annals-client/toolkit";
import { inventoryEvents } from "./events.js";
/** Thrown if a rule forbids a command. */
export class InventoryError extends Error {
    code;
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}
export const item = new Aggregate({
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
export const register = (sku, name, lowStockThreshold) => ({ registered }) => {
    if (registered) {
        throw new InventoryError("item_exists", `item ${sku} is registered already`);
    }
    return { type: "ItemRegistered", data: { sku, name, lowStockThreshold } };
};
export const receive = (sku, quantity) => (state) => {
    demandRegistered(sku, state);
    return { type: "StockReceived", data: { sku, quantity } };
};
export const reserve = (sku, quantity) => (state) => {
    demandRegistered(sku, state);
    const available = state.onHand - state.reserved;
    if (quantity > available) {
        throw new InventoryError("insufficient_stock", `${quantity} of item ${sku} can't be reserved: only ${available} are available`);
    }
    return { type: "StockReserved", data: { sku, quantity } };
};
export const release = (sku, quantity) => (state) => {
    demandReserved(sku, quantity, state, "released");
    return { type: "StockReleased", data: { sku, quantity } };
};
export const ship = (sku, quantity) => (state) => {
    demandReserved(sku, quantity, state, "shipped");
    return { type: "StockShipped", data: { sku, quantity } };
};
function demandRegistered(sku, { registered }) {
    if (!registered) {
        throw new InventoryError("item_not_found", `item ${sku} does not exist; register it first`);
    }
}
function demandReserved(sku, quantity, state, what) {
    demandRegistered(sku, state);
    if (quantity > state.reserved) {
        throw new InventoryError("not_reserved", `${quantity} of item ${sku} can't be ${what}: only ${state.reserved} are reserved`);
    }
}
//# sourceMappingURL=item.js.map