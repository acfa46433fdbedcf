"""An order and its rules. This module does no I/O.

nothing -> open -> confirmed -> shipped -> delivered
            |          |           |
            `------> cancelled <---'
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderEvent,
    OrderItemAdded,
    OrderShipped,
)

QUANTITY_MAX = 1_000
PRICE_MAX_CENTS = 100_000_000


class Refused(Exception):
    """A rule rejects the command.

    Attributes:
        code: The code of the rule, the same in all languages.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Item:
    """An item of an order."""

    sku: str
    quantity: int
    unit_price_cents: int


@dataclass
class Order:
    """An order, built from its events. The status is empty before the first."""

    order_id: str = ""
    customer_id: str = ""
    status: str = ""
    items: list[Item] = field(default_factory=list)

    @property
    def total_cents(self) -> int:
        """The total price of all items."""
        return sum(item.quantity * item.unit_price_cents for item in self.items)

    def apply(self, event: OrderEvent) -> None:
        """Updates the order with an event."""
        match event:
            case OrderCreated(order_id, customer_id):
                self.order_id, self.customer_id, self.status = order_id, customer_id, "open"
            case OrderItemAdded(sku, quantity, unit_price_cents):
                self.items.append(Item(sku, quantity, unit_price_cents))
            case OrderConfirmed():
                self.status = "confirmed"
            case OrderShipped():
                self.status = "shipped"
            case OrderDelivered():
                self.status = "delivered"
            case OrderCancelled():
                self.status = "cancelled"

    def create(self, order_id: str, customer_id: str) -> list[OrderEvent]:
        """Creates the order."""
        if self.status:
            raise Refused("order_exists", f"order {order_id} exists already")
        return [OrderCreated(order_id, customer_id)]

    def add_item(self, sku: str, quantity: int, unit_price_cents: int) -> list[OrderEvent]:
        """Adds an item, while the order is open."""
        if not 1 <= quantity <= QUANTITY_MAX:
            raise Refused("invalid_quantity", f"quantity {quantity} is not between 1 and {QUANTITY_MAX}")
        if not 0 <= unit_price_cents <= PRICE_MAX_CENTS:
            raise Refused(
                "invalid_price", f"unit price {unit_price_cents} is not between 0 and {PRICE_MAX_CENTS} cents"
            )
        self._demand_alive()
        if self.status != "open":
            raise Refused("order_not_open", f"order {self.order_id} is {self.status}, and takes no more items")
        return [OrderItemAdded(sku, quantity, unit_price_cents)]

    def confirm(self) -> list[OrderEvent]:
        """Confirms the order."""
        self._demand_alive()
        if self.status != "open":
            raise Refused("order_already_confirmed", f"order {self.order_id} is {self.status} already")
        if not self.items:
            raise Refused("order_empty", f"order {self.order_id} has no items, and can't be confirmed")
        return [OrderConfirmed(self.total_cents)]

    def ship(self, carrier: str, tracking_number: str) -> list[OrderEvent]:
        """Ships the order."""
        self._demand_alive()
        match self.status:
            case "confirmed":
                return [OrderShipped(carrier, tracking_number)]
            case "open":
                raise Refused("order_not_confirmed", f"order {self.order_id} is not confirmed, and can't be shipped")
        raise Refused("order_already_shipped", f"order {self.order_id} is {self.status} already")

    def deliver(self) -> list[OrderEvent]:
        """Marks the order as delivered."""
        self._demand_alive()
        match self.status:
            case "shipped":
                return [OrderDelivered()]
            case "delivered":
                raise Refused("order_delivered", f"order {self.order_id} is delivered already")
        raise Refused("order_not_shipped", f"order {self.order_id} is {self.status}, and was not shipped")

    def cancel(self, reason: str) -> list[OrderEvent]:
        """Cancels the order, unless it has been delivered."""
        self._demand_alive()
        if self.status == "delivered":
            raise Refused("order_delivered", f"order {self.order_id} is delivered, and can't be cancelled")
        return [OrderCancelled(reason)]

    def _demand_alive(self) -> None:
        if not self.status:
            raise not_found()
        if self.status == "cancelled":
            raise Refused("order_cancelled", f"order {self.order_id} is cancelled")


def not_found() -> Refused:
    """Returns the rejection for an order that does not exist."""
    return Refused("order_not_found", "there is no such order; create it first")
