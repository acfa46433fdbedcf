/** The events of an order. The Orders examples of the other languages use the same types in the same streams. */
import { schema } from "annals-client/toolkit";
export const orderEvents = schema({
    OrderCreated: { tags: ({ customerId }) => [`customer:${customerId}`] },
    OrderItemAdded: {},
    OrderConfirmed: {},
    OrderShipped: {},
    OrderDelivered: {},
    OrderCancelled: {},
});
//# sourceMappingURL=events.js.map