/** The order domain of the tests. */
import { Aggregate, type DomainEvent, type Projection, type Target } from "../../src/toolkit/index.js";
export interface OrderTypes {
    OrderPlaced: {
        customer: string;
        currency: string;
    };
    ItemAdded: {
        item: string;
        cents: number;
    };
    OrderConfirmed: object;
}
export type OrderEvent = DomainEvent<OrderTypes>;
export declare const orders: import("../../src/toolkit/schema.js").Schema<OrderTypes>;
export interface Order {
    status: "none" | "open" | "confirmed";
    cents: number;
    items: number;
}
export declare const order: Aggregate<Order, OrderTypes>;
export declare class Refused extends Error {
}
export declare const place: (customer: string) => (state: Order) => OrderEvent;
export declare const addItem: (item: string, cents: number) => (state: Order) => OrderEvent;
export declare const confirm: (state: Order) => OrderEvent | undefined;
/** How totals are stored in each kind of store. */
export interface TotalsTable<Tx> {
    create(target: Target<Tx>): Promise<void>;
    /** Adds to an order's total. */
    add(target: Target<Tx>, order: string, cents: number): Promise<void>;
}
/** Totals by order, in which an event applied twice would be visible. */
export declare function totals<Tx>(table: TotalsTable<Tx>, name?: string): Projection<Tx>;
//# sourceMappingURL=orders.d.ts.map