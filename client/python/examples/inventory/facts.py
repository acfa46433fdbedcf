"""What can happen to an item of the inventory. Names and fields are those that every language stores and reads."""

from __future__ import annotations

from dataclasses import dataclass

from annals.toolkit import EventTypes

STREAMS = "inventory"
"""The stream of the item with the SKU `tea` is `inventory-tea`."""

types = EventTypes(camel_case=True)


@types.register()
@dataclass(frozen=True)
class ItemRegistered:
    """There is an item."""

    sku: str
    name: str
    low_stock_threshold: int


@types.register()
@dataclass(frozen=True)
class StockReceived:
    """Units came in."""

    sku: str
    quantity: int


@types.register()
@dataclass(frozen=True)
class StockReserved:
    """Units that are here are promised to somebody."""

    sku: str
    quantity: int


@types.register()
@dataclass(frozen=True)
class StockReleased:
    """Units that were promised are not any more."""

    sku: str
    quantity: int


@types.register()
@dataclass(frozen=True)
class StockShipped:
    """Units that were promised went out."""

    sku: str
    quantity: int


Fact = ItemRegistered | StockReceived | StockReserved | StockReleased | StockShipped
