"""What can happen to an order. The names and fields are those that every language stores and reads."""

from __future__ import annotations

from dataclasses import dataclass

from annals.toolkit import EventTypes

STREAMS = "order"
"""The stream of the order 42 is `order-42`."""

types = EventTypes(camel_case=True)


@types.register(tags=lambda fact: [f"customer:{fact.customer_id}"])
@dataclass(frozen=True)
class OrderCreated:
    """A customer began an order."""

    order_id: str
    customer_id: str


@types.register()
@dataclass(frozen=True)
class OrderItemAdded:
    """Something was put on the order."""

    sku: str
    quantity: int
    unit_price_cents: int


@types.register()
@dataclass(frozen=True)
class OrderConfirmed:
    """The customer ordered what is on it."""

    total_cents: int


@types.register()
@dataclass(frozen=True)
class OrderShipped:
    """It left the house."""

    carrier: str
    tracking_number: str


@types.register()
@dataclass(frozen=True)
class OrderDelivered:
    """It arrived."""


@types.register()
@dataclass(frozen=True)
class OrderCancelled:
    """It is not wanted any more."""

    reason: str


Fact = OrderCreated | OrderItemAdded | OrderConfirmed | OrderShipped | OrderDelivered | OrderCancelled
