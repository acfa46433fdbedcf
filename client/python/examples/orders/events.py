"""The events of an order. Names and fields are the same in all languages."""

from __future__ import annotations

from dataclasses import dataclass

from annals.toolkit import EventTypes

STREAMS = "order"
"""The prefix of the streams: the order 42 is the stream `order-42`."""

types = EventTypes(camel_case=True)


@types.register(tags=lambda event: [f"customer:{event.customer_id}"])
@dataclass(frozen=True)
class OrderCreated:
    """A customer created an order."""

    order_id: str
    customer_id: str


@types.register()
@dataclass(frozen=True)
class OrderItemAdded:
    """An item was added to the order."""

    sku: str
    quantity: int
    unit_price_cents: int


@types.register()
@dataclass(frozen=True)
class OrderConfirmed:
    """The customer confirmed the order."""

    total_cents: int


@types.register()
@dataclass(frozen=True)
class OrderShipped:
    """The order was shipped."""

    carrier: str
    tracking_number: str


@types.register()
@dataclass(frozen=True)
class OrderDelivered:
    """The order was delivered."""


@types.register()
@dataclass(frozen=True)
class OrderCancelled:
    """The order was cancelled."""

    reason: str


OrderEvent = OrderCreated | OrderItemAdded | OrderConfirmed | OrderShipped | OrderDelivered | OrderCancelled
