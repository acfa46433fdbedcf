/** What can happen to an order. The same types, in the same streams, as in the Orders of the other languages. */
import { schema } from "annals-client/toolkit";

/** Event types, and what their data is. */
export interface OrderEvents {
  OrderCreated: { orderId: string; customerId: string };
  /** The quantity is 1 to 1,000, the price of one 0 to 100,000,000. */
  OrderItemAdded: { sku: string; quantity: number; unitPriceCents: number };
  OrderConfirmed: { totalCents: number };
  OrderShipped: { carrier: string; trackingNumber: string };
  OrderDelivered: Record<string, never>;
  OrderCancelled: { reason: string };
}

export const orderEvents = schema<OrderEvents>({
  OrderCreated: { tags: ({ customerId }) => [`customer:${customerId}`] },
  OrderItemAdded: {},
  OrderConfirmed: {},
  OrderShipped: {},
  OrderDelivered: {},
  OrderCancelled: {},
});
