"""The events of an inventory item. Names and fields are the same in all languages."""

from __future__ import annotations

from dataclasses import dataclass

from annals.toolkit import EventTypes

STREAMS = "inventory"
"""The stream of the item with the SKU `tea` is `inventory-tea`."""

types = EventTypes(camel_case=True)


@types.register()
@dataclass(frozen=True)
class ItemRegistered:
    """An item was registered."""

    sku: str
    name: str
    low_stock_threshold: int


@types.register()
@dataclass(frozen=True)
class StockReceived:
    """Units were received."""

    sku: str
    quantity: int


@types.register()
@dataclass(frozen=True)
class StockReserved:
    """Available units were reserved for a customer."""

    sku: str
    quantity: int


@types.register()
@dataclass(frozen=True)
class StockReleased:
    """A reservation was released."""

    sku: str
    quantity: int


@types.register()
@dataclass(frozen=True)
class StockShipped:
    """Reserved units were shipped."""

    sku: str
    quantity: int


ItemEvent = ItemRegistered | StockReceived | StockReserved | StockReleased | StockShipped
