"""Three read models of the same events, each with its own tables, checkpoint and failures, and the queries on them."""

from __future__ import annotations

from typing import Any, ClassVar

from annals import Query, RecordedEvent
from annals.toolkit import Projection, SqliteModel, SqliteStore
from inventory.events import (
    STREAMS,
    ItemEvent,
    ItemRegistered,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
    types,
)
from inventory.requests import Page


class Stock(Projection[SqliteModel]):
    """Base of the three read models, with their common query."""

    query: ClassVar[Query] = types.query(stream_prefixes=f"{STREAMS}-")

    def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
        """Decodes an event and applies it."""
        self.take(types.decode(event), event, model)

    def take(self, event: ItemEvent, recorded: RecordedEvent, model: SqliteModel) -> None:
        """Applies an event."""
        raise NotImplementedError


def moved(event: ItemEvent) -> tuple[int, int]:
    """Returns the changes of the units on hand and of the reserved units."""
    match event:
        case StockReceived(_, quantity):
            return quantity, 0
        case StockReserved(_, quantity):
            return 0, quantity
        case StockReleased(_, quantity):
            return 0, -quantity
        case StockShipped(_, quantity):
            return -quantity, -quantity
    return 0, 0


class ItemList(Stock):
    """All items, for searches."""

    name = "inventory-list"
    tables = ("items",)
    schema = (
        "CREATE TABLE {items} (sku TEXT PRIMARY KEY, name TEXT NOT NULL, on_hand INTEGER NOT NULL, "
        "reserved INTEGER NOT NULL, low_stock_threshold INTEGER NOT NULL)",
    )

    def take(self, event: ItemEvent, recorded: RecordedEvent, model: SqliteModel) -> None:
        """Applies an event."""
        match event:
            case ItemRegistered(sku, name, threshold):
                model.execute("INSERT INTO {items} VALUES (?, ?, 0, 0, ?)", (sku, name, threshold))
            case _:
                on_hand, reserved = moved(event)
                model.execute(
                    "UPDATE {items} SET on_hand = on_hand + ?, reserved = reserved + ? WHERE sku = ?",
                    (on_hand, reserved, event.sku),
                )


class Statistics(Stock):
    """Totals over all items, in one row."""

    name = "inventory-statistics"
    tables = ("statistics",)
    schema = (
        "CREATE TABLE {statistics} (items INTEGER NOT NULL, on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL, "
        "received INTEGER NOT NULL, shipped INTEGER NOT NULL)",
        "INSERT INTO {statistics} VALUES (0, 0, 0, 0, 0)",
    )

    def take(self, event: ItemEvent, recorded: RecordedEvent, model: SqliteModel) -> None:
        """Applies an event."""
        on_hand, reserved = moved(event)
        model.execute(
            "UPDATE {statistics} SET items = items + ?, on_hand = on_hand + ?, reserved = reserved + ?, "
            "received = received + ?, shipped = shipped + ?",
            (
                isinstance(event, ItemRegistered),
                on_hand,
                reserved,
                event.quantity if isinstance(event, StockReceived) else 0,
                event.quantity if isinstance(event, StockShipped) else 0,
            ),
        )


class LowStock(Stock):
    """The items with fewer available units than their threshold, and since when."""

    name = "inventory-alerts"
    tables = ("levels", "alerts")
    schema = (
        "CREATE TABLE {levels} (sku TEXT PRIMARY KEY, name TEXT NOT NULL, available INTEGER NOT NULL, "
        "low_stock_threshold INTEGER NOT NULL)",
        "CREATE TABLE {alerts} (sku TEXT PRIMARY KEY, since TEXT NOT NULL)",
    )

    def take(self, event: ItemEvent, recorded: RecordedEvent, model: SqliteModel) -> None:
        """Applies an event, and adds or removes an alert."""
        match event:
            case ItemRegistered(sku, name, threshold):
                model.execute("INSERT INTO {levels} VALUES (?, ?, 0, ?)", (sku, name, threshold))
            case _:
                on_hand, reserved = moved(event)
                model.execute(
                    "UPDATE {levels} SET available = available + ? WHERE sku = ?", (on_hand - reserved, event.sku)
                )
        model.execute(
            "DELETE FROM {alerts} WHERE sku IN "
            "(SELECT sku FROM {levels} WHERE sku = ? AND available >= low_stock_threshold)",
            (event.sku,),
        )
        model.execute(
            "INSERT INTO {alerts} SELECT sku, ? FROM {levels} WHERE sku = ? AND available < low_stock_threshold "
            "ON CONFLICT DO NOTHING",
            (recorded.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"), event.sku),
        )


async def items(store: SqliteStore, page: Page) -> dict[str, Any]:
    """Returns a page of items by SKU. `next` is the `after` of the next page, if there is one."""
    pattern = "%" + page.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = await store.read(
        "SELECT sku, name, on_hand, reserved, on_hand - reserved, low_stock_threshold FROM items WHERE sku > ? "
        "AND (sku LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\') "
        "AND (NOT ? OR on_hand - reserved < low_stock_threshold) ORDER BY sku LIMIT ?",
        (page.after, pattern, pattern, page.below_threshold, page.limit + 1),
    )
    names = ("sku", "name", "onHand", "reserved", "available", "lowStockThreshold")
    found = [dict(zip(names, row, strict=True)) for row in rows[: page.limit]]
    return {"items": found, "next": found[-1]["sku"] if len(rows) > page.limit else None}


async def statistics(store: SqliteStore) -> dict[str, Any]:
    """Returns the totals."""
    [row] = await store.read("SELECT items, on_hand, reserved, received, shipped FROM statistics")
    names = ("items", "unitsOnHand", "unitsReserved", "unitsReceived", "unitsShipped")
    return dict(zip(names, row, strict=True))


async def alerts(store: SqliteStore) -> dict[str, Any]:
    """Returns the alerts by SKU."""
    rows = await store.read(
        "SELECT sku, name, available, low_stock_threshold, since FROM alerts JOIN levels USING (sku) ORDER BY sku"
    )
    names = ("sku", "name", "available", "lowStockThreshold", "since")
    return {"alerts": [dict(zip(names, row, strict=True)) for row in rows]}
