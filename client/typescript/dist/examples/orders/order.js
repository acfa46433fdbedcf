/**
 * The order: its state, built from its events, and its commands.
 *
 * 1. Every rule is a pure function of the state. A command that it forbids throws an OrderError, whose code is the
 *    same in every language.
 * 2. Totals are in whole cents.
 */
import { Aggregate } from "annals-client/toolkit";
import { orderEvents } from "./events.js";
export const STATUSES = ["open", "confirmed", "shipped", "delivered", "cancelled"];
/** Thrown if a rule forbids a command. */
export class OrderError extends Error {
    code;
    constructor(
    /** The code of the rule. */
    code, message) {
        super(message);
        this.code = code;
    }
}
export const order = new Aggregate({
    category: "order",
    schema: orderEvents,
    initial: () => ({ orderId: "", customerId: "", status: "none", items: [], totalCents: 0 }),
    evolve: {
        OrderCreated: (state, { orderId, customerId }) => ({ ...state, orderId, customerId, status: "open" }),
        OrderItemAdded: (state, { sku, quantity, unitPriceCents }) => ({
            ...state,
            items: [...state.items, { sku, quantity, unitPriceCents }],
            totalCents: state.totalCents + quantity * unitPriceCents,
        }),
        OrderConfirmed: (state) => ({ ...state, status: "confirmed" }),
        OrderShipped: (state) => ({ ...state, status: "shipped" }),
        OrderDelivered: (state) => ({ ...state, status: "delivered" }),
        OrderCancelled: (state) => ({ ...state, status: "cancelled" }),
    },
    // The streams are shared with other languages, whose snapshots have other versions.
    snapshot: { version: 2 },
});
const QUANTITY_MAX = 1_000;
const PRICE_CENTS_MAX = 100_000_000;
export const create = (orderId, customerId) => ({ status }) => {
    if (status !== "none") {
        throw new OrderError("order_exists", `order ${orderId} exists already`);
    }
    return { type: "OrderCreated", data: { orderId, customerId } };
};
export const addItem = (orderId, item) => {
    const { quantity, unitPriceCents } = item;
    if (!isWhole(quantity, 1, QUANTITY_MAX)) {
        throw new OrderError("invalid_quantity", `the quantity must be a whole number from 1 to ${QUANTITY_MAX}, not ${quantity}`);
    }
    if (!isWhole(unitPriceCents, 0, PRICE_CENTS_MAX)) {
        throw new OrderError("invalid_price", `the unit price must be a whole number of cents from 0 to ${PRICE_CENTS_MAX}, not ${unitPriceCents}`);
    }
    return (state) => {
        demandAlive(orderId, state);
        if (state.status !== "open") {
            throw new OrderError("order_not_open", `order ${orderId} is ${state.status}; items can only be added to an open one`);
        }
        return { type: "OrderItemAdded", data: item };
    };
};
export const confirm = (orderId) => (state) => {
    demandAlive(orderId, state);
    if (state.status !== "open") {
        throw new OrderError("order_already_confirmed", `order ${orderId} is ${state.status} already`);
    }
    if (state.items.length === 0) {
        throw new OrderError("order_empty", `order ${orderId} has no items; add one before you confirm it`);
    }
    return { type: "OrderConfirmed", data: { totalCents: state.totalCents } };
};
export const ship = (orderId, carrier, trackingNumber) => (state) => {
    demandAlive(orderId, state);
    if (state.status === "open") {
        throw new OrderError("order_not_confirmed", `order ${orderId} is not confirmed; confirm it before you ship it`);
    }
    if (state.status !== "confirmed") {
        throw new OrderError("order_already_shipped", `order ${orderId} is ${state.status} already`);
    }
    return { type: "OrderShipped", data: { carrier, trackingNumber } };
};
export const deliver = (orderId) => (state) => {
    demandAlive(orderId, state);
    if (state.status === "delivered") {
        throw new OrderError("order_delivered", `order ${orderId} is delivered already`);
    }
    if (state.status !== "shipped") {
        throw new OrderError("order_not_shipped", `order ${orderId} is not shipped; ship it before you deliver it`);
    }
    return { type: "OrderDelivered", data: {} };
};
export const cancel = (orderId, reason) => (state) => {
    demandAlive(orderId, state);
    if (state.status === "delivered") {
        throw new OrderError("order_delivered", `order ${orderId} is delivered, and can't be cancelled`);
    }
    return { type: "OrderCancelled", data: { reason } };
};
/** Throws if the order was never created, or was cancelled. */
export function demandAlive(orderId, { status }) {
    demandCreated(orderId, status);
    if (status === "cancelled") {
        throw new OrderError("order_cancelled", `order ${orderId} is cancelled`);
    }
}
/** Throws if the order was never created. */
export function demandCreated(orderId, status) {
    if (status === "none") {
        throw new OrderError("order_not_found", `order ${orderId} does not exist; create it first`);
    }
}
function isWhole(value, least, most) {
    return Number.isInteger(value) && value >= least && value <= most;
}
//# sourceMappingURL=order.js.map