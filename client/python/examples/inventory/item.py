"""An item and its rules. This module does no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.events import ItemEvent, ItemRegistered, StockReceived, StockReleased, StockReserved, StockShipped


class Refused(Exception):
    """A rule rejects the command.

    Attributes:
        code: The code of the rule.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass
class Item:
    """An item, built from its events. The SKU is empty before the first."""

    sku: str = ""
    on_hand: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        """The number of units on hand that are not reserved."""
        return self.on_hand - self.reserved

    def apply(self, event: ItemEvent) -> None:
        """Updates the item with an event."""
        match event:
            case ItemRegistered(sku):
                self.sku = sku
            case StockReceived(_, quantity):
                self.on_hand += quantity
            case StockReserved(_, quantity):
                self.reserved += quantity
            case StockReleased(_, quantity):
                self.reserved -= quantity
            case StockShipped(_, quantity):
                self.on_hand -= quantity
                self.reserved -= quantity

    def register(self, sku: str, name: str, low_stock_threshold: int) -> list[ItemEvent]:
        """Registers the item."""
        if self.sku:
            raise Refused("item_exists", f"item {sku} is registered already")
        return [ItemRegistered(sku, name, low_stock_threshold)]

    def receive(self, quantity: int) -> list[ItemEvent]:
        """Receives units."""
        self._demand_registered()
        return [StockReceived(self.sku, quantity)]

    def reserve(self, quantity: int) -> list[ItemEvent]:
        """Reserves units."""
        self._demand_registered()
        if quantity > self.available:
            raise Refused("insufficient_stock", f"only {self.available} of {self.sku} are available, not {quantity}")
        return [StockReserved(self.sku, quantity)]

    def release(self, quantity: int) -> list[ItemEvent]:
        """Releases reserved units."""
        self._demand_reserved(quantity)
        return [StockReleased(self.sku, quantity)]

    def ship(self, quantity: int) -> list[ItemEvent]:
        """Ships reserved units."""
        self._demand_reserved(quantity)
        return [StockShipped(self.sku, quantity)]

    def _demand_registered(self) -> None:
        if not self.sku:
            raise Refused("item_not_found", "there is no such item; register it first")

    def _demand_reserved(self, quantity: int) -> None:
        self._demand_registered()
        if quantity > self.reserved:
            raise Refused("not_reserved", f"only {self.reserved} of {self.sku} are reserved, not {quantity}")
