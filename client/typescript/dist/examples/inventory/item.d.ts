/**
 * An item in stock: its state, built from its events, and its commands.
 *
 * Some of the units on hand are reserved. The rest is available, and only available units can be reserved. Only
 * reserved units can be shipped. So neither number ever becomes negative.
 */
import { Aggregate, type Decide } from "annals-client/toolkit";
import { type InventoryEvents } from "./events.js";
/** The state of an item. */
export interface Item {
    readonly registered: boolean;
    readonly onHand: number;
    readonly reserved: number;
}
/** The rule that forbids a command. The codes are the same in every language. */
export type Code = "item_exists" | "item_not_found" | "insufficient_stock" | "not_reserved";
/** Thrown if a rule forbids a command. */
export declare class InventoryError extends Error {
    readonly code: Code;
    constructor(code: Code, message: string);
}
export declare const item: Aggregate<Item, InventoryEvents>;
type Command = Decide<Item, InventoryEvents>;
export declare const register: (sku: string, name: string, lowStockThreshold: number) => Command;
export declare const receive: (sku: string, quantity: number) => Command;
export declare const reserve: (sku: string, quantity: number) => Command;
export declare const release: (sku: string, quantity: number) => Command;
export declare const ship: (sku: string, quantity: number) => Command;
export {};
//# sourceMappingURL=item.d.ts.map