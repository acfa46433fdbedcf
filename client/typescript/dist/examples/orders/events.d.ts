/** Event types and their data. */
export interface OrderEvents {
    OrderCreated: {
        orderId: string;
        customerId: string;
    };
    /** The quantity is 1 to 1,000, the unit price 0 to 100,000,000 cents. */
    OrderItemAdded: {
        sku: string;
        quantity: number;
        unitPriceCents: number;
    };
    OrderConfirmed: {
        totalCents: number;
    };
    OrderShipped: {
        carrier: string;
        trackingNumber: string;
    };
    OrderDelivered: Record<string, never>;
    OrderCancelled: {
        reason: string;
    };
}
export declare const orderEvents: import("annals-client/toolkit").Schema<OrderEvents>;
//# sourceMappingURL=events.d.ts.map