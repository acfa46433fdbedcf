/**
 * The order: its state, built from its events, and its commands.
 *
 * 1. Every rule is a pure function of the state. A command that it forbids throws an OrderError, whose code is the
 *    same in every language.
 * 2. Totals are in whole cents.
 */
import { Aggregate, type Decide } from "annals-client/toolkit";
import { type OrderEvents } from "./events.js";
export declare const STATUSES: readonly ["open", "confirmed", "shipped", "delivered", "cancelled"];
export type Status = (typeof STATUSES)[number];
export interface Item {
    readonly sku: string;
    readonly quantity: number;
    readonly unitPriceCents: number;
}
/** The state of an order. Status `none`: it was not created. */
export interface Order {
    readonly orderId: string;
    readonly customerId: string;
    readonly status: Status | "none";
    readonly items: readonly Item[];
    readonly totalCents: number;
}
/** Thrown if a rule forbids a command. */
export declare class OrderError extends Error {
    /** The code of the rule. */
    readonly code: string;
    constructor(
    /** The code of the rule. */
    code: string, message: string);
}
export declare const order: Aggregate<Order, OrderEvents>;
type Command = Decide<Order, OrderEvents>;
export declare const create: (orderId: string, customerId: string) => Command;
export declare const addItem: (orderId: string, item: Item) => Command;
export declare const confirm: (orderId: string) => Command;
export declare const ship: (orderId: string, carrier: string, trackingNumber: string) => Command;
export declare const deliver: (orderId: string) => Command;
export declare const cancel: (orderId: string, reason: string) => Command;
/** Throws if the order was never created, or was cancelled. */
export declare function demandAlive(orderId: string, { status }: Order): void;
/** Throws if the order was never created. */
export declare function demandCreated(orderId: string, status: Order["status"]): void;
export {};
//# sourceMappingURL=order.d.ts.map