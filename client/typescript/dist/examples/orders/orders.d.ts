/** The operations of the command line and the demo: commands, past states, and the list. */
import type { Client, Time } from "annals-client";
import { type Decide } from "annals-client/toolkit";
import type { OrderEvents } from "./events.js";
import { type ListedOrder } from "./list.js";
import { type Order, type Status } from "./order.js";
/** The result of a command, with the revision and position of its last event. */
export interface Done {
    readonly orderId: string;
    readonly revision: number | undefined;
    readonly position: number | undefined;
}
/** An event in the history of an order. */
export interface Happened {
    readonly revision: number;
    readonly type: string;
    readonly recordedAt: string;
    readonly data: unknown;
}
/** Orders in a store. */
export declare class Orders {
    #private;
    private readonly client;
    private readonly database;
    /** @param database The database file of the list, or `:memory:`. */
    constructor(client: Client, database: string);
    /** Executes a command on an order. Fails with an OrderError if a rule forbids it. */
    execute(orderId: string, decide: Decide<Order, OrderEvents>): Promise<Done>;
    /** Returns the current state of an order, or its state at a time. */
    show(orderId: string, asOf?: Time): Promise<Order>;
    /** Returns the events of an order, until now or until a time. */
    history(orderId: string, asOf?: Time): Promise<Happened[]>;
    /** Returns all orders from the read model, once that has reached the current head of the log. */
    list(status?: Status): Promise<ListedOrder[]>;
    /** Waits for snapshots that are being saved in the background. */
    settled(): Promise<void>;
}
//# sourceMappingURL=orders.d.ts.map