"""The read model: a row for each order, in SQLite. The table is the same in all languages, which may share the file."""

from __future__ import annotations

from typing import Any

from annals import RecordedEvent
from annals.toolkit import Projection, SqliteModel, SqliteStore
from orders.events import (
    STREAMS,
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderItemAdded,
    OrderShipped,
    types,
)


class OrderList(Projection[SqliteModel]):
    """All orders, with their status."""

    name = "order-list"
    query = types.query(stream_prefixes=f"{STREAMS}-")
    tables = ("orders",)
    schema = (
        "CREATE TABLE {orders} (order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, status TEXT NOT NULL, "
        "item_count INTEGER NOT NULL, total_cents INTEGER NOT NULL)",
    )

    def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
        """Updates the row of an order with an event."""
        order_id = event.stream.removeprefix(f"{STREAMS}-")
        match types.decode(event):
            case OrderCreated(_, customer_id):
                model.execute("INSERT INTO {orders} VALUES (?, ?, 'open', 0, 0)", (order_id, customer_id))
            case OrderItemAdded(_, quantity, unit_price_cents):
                model.execute(
                    "UPDATE {orders} SET item_count = item_count + 1, total_cents = total_cents + ? WHERE order_id = ?",
                    (quantity * unit_price_cents, order_id),
                )
            case OrderConfirmed():
                _set_status(model, order_id, "confirmed")
            case OrderShipped():
                _set_status(model, order_id, "shipped")
            case OrderDelivered():
                _set_status(model, order_id, "delivered")
            case OrderCancelled():
                _set_status(model, order_id, "cancelled")


def _set_status(model: SqliteModel, order_id: str, status: str) -> None:
    model.execute("UPDATE {orders} SET status = ? WHERE order_id = ?", (status, order_id))


async def listed(store: SqliteStore, status: str | None = None) -> list[dict[str, Any]]:
    """Returns the orders (with that status) by their ids."""
    rows = await store.read(
        "SELECT order_id, customer_id, status, item_count, total_cents FROM orders "
        "WHERE :status IS NULL OR status = :status ORDER BY order_id",
        {"status": status},
    )
    return [dict(zip(("orderId", "customerId", "status", "itemCount", "totalCents"), row, strict=True)) for row in rows]
