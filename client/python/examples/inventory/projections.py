"""Three read models of the same events, each with tables, a checkpoint and failures of its own; and the queries of them."""

from __future__ import annotations

from typing import Any, ClassVar

from annals import Query, RecordedEvent
from annals.toolkit import Projection, SqliteModel, SqliteStore
from inventory.facts import (
    STREAMS,
    Fact,
    ItemRegistered,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
    types,
)
from inventory.requests import Page


class Stock(Projection[SqliteModel]):
    """What the three share: the events that they are about."""

    query: ClassVar[Query] = types.query(stream_prefixes=f"{STREAMS}-")

    def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
        """Takes over what happened."""
        self.take(types.decode(event), event, model)

    def take(self, fact: Fact, event: RecordedEvent, model: SqliteModel) -> None:
        """Takes over a fact."""
        raise NotImplementedError


def moved(fact: Fact) -> tuple[int, int]:
    """By how much a fact changes what is on hand, and what is reserved."""
    match fact:
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
    """Every item, to be searched."""

    name = "inventory-list"
    tables = ("items",)
    schema = (
        "CREATE TABLE {items} (sku TEXT PRIMARY KEY, name TEXT NOT NULL, on_hand INTEGER NOT NULL, "
        "reserved INTEGER NOT NULL, low_stock_threshold INTEGER NOT NULL)",
    )

    def take(self, fact: Fact, event: RecordedEvent, model: SqliteModel) -> None:
        """Takes over a fact."""
        match fact:
            case ItemRegistered(sku, name, threshold):
                model.execute("INSERT INTO {items} VALUES (?, ?, 0, 0, ?)", (sku, name, threshold))
            case _:
                on_hand, reserved = moved(fact)
                model.execute(
                    "UPDATE {items} SET on_hand = on_hand + ?, reserved = reserved + ? WHERE sku = ?",
                    (on_hand, reserved, fact.sku),
                )


class Statistics(Stock):
    """Figures of all items together: one row."""

    name = "inventory-statistics"
    tables = ("statistics",)
    schema = (
        "CREATE TABLE {statistics} (items INTEGER NOT NULL, on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL, "
        "received INTEGER NOT NULL, shipped INTEGER NOT NULL)",
        "INSERT INTO {statistics} VALUES (0, 0, 0, 0, 0)",
    )

    def take(self, fact: Fact, event: RecordedEvent, model: SqliteModel) -> None:
        """Takes over a fact."""
        on_hand, reserved = moved(fact)
        model.execute(
            "UPDATE {statistics} SET items = items + ?, on_hand = on_hand + ?, reserved = reserved + ?, "
            "received = received + ?, shipped = shipped + ?",
            (
                isinstance(fact, ItemRegistered),
                on_hand,
                reserved,
                fact.quantity if isinstance(fact, StockReceived) else 0,
                fact.quantity if isinstance(fact, StockShipped) else 0,
            ),
        )


class LowStock(Stock):
    """The items of which fewer are available than their threshold, since when."""

    name = "inventory-alerts"
    tables = ("levels", "alerts")
    schema = (
        "CREATE TABLE {levels} (sku TEXT PRIMARY KEY, name TEXT NOT NULL, available INTEGER NOT NULL, "
        "low_stock_threshold INTEGER NOT NULL)",
        "CREATE TABLE {alerts} (sku TEXT PRIMARY KEY, since TEXT NOT NULL)",
    )

    def take(self, fact: Fact, event: RecordedEvent, model: SqliteModel) -> None:
        """Takes over a fact; raises an alert, or takes it back."""
        match fact:
            case ItemRegistered(sku, name, threshold):
                model.execute("INSERT INTO {levels} VALUES (?, ?, 0, ?)", (sku, name, threshold))
            case _:
                on_hand, reserved = moved(fact)
                model.execute(
                    "UPDATE {levels} SET available = available + ? WHERE sku = ?", (on_hand - reserved, fact.sku)
                )
        model.execute(
            "DELETE FROM {alerts} WHERE sku IN "
            "(SELECT sku FROM {levels} WHERE sku = ? AND available >= low_stock_threshold)",
            (fact.sku,),
        )
        model.execute(
            "INSERT INTO {alerts} SELECT sku, ? FROM {levels} WHERE sku = ? AND available < low_stock_threshold "
            "ON CONFLICT DO NOTHING",
            (event.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"), fact.sku),
        )


async def items(store: SqliteStore, page: Page) -> dict[str, Any]:
    """A page of items by SKU; `next` is what the following one is asked for with, if there is one."""
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
    """The figures."""
    [row] = await store.read("SELECT items, on_hand, reserved, received, shipped FROM statistics")
    names = ("items", "unitsOnHand", "unitsReserved", "unitsReceived", "unitsShipped")
    return dict(zip(names, row, strict=True))


async def alerts(store: SqliteStore) -> dict[str, Any]:
    """The alerts, by SKU."""
    rows = await store.read(
        "SELECT sku, name, available, low_stock_threshold, since FROM alerts JOIN levels USING (sku) ORDER BY sku"
    )
    names = ("sku", "name", "available", "lowStockThreshold", "since")
    return {"alerts": [dict(zip(names, row, strict=True)) for row in rows]}
