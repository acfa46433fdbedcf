"""An item and its rules: what may happen when. Nothing here reads or writes."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.facts import Fact, ItemRegistered, StockReceived, StockReleased, StockReserved, StockShipped


class Refused(Exception):
    """A rule does not allow it.

    Attributes:
        code: Which rule.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass
class Item:
    """An item as its events have made it; the SKU is empty before the first."""

    sku: str = ""
    on_hand: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        """How many are here and promised to nobody."""
        return self.on_hand - self.reserved

    def apply(self, fact: Fact) -> None:
        """Takes over what happened."""
        match fact:
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

    def register(self, sku: str, name: str, low_stock_threshold: int) -> list[Fact]:
        """Makes it known."""
        if self.sku:
            raise Refused("item_exists", f"item {sku} is registered already")
        return [ItemRegistered(sku, name, low_stock_threshold)]

    def receive(self, quantity: int) -> list[Fact]:
        """Takes units in."""
        self._demand_registered()
        return [StockReceived(self.sku, quantity)]

    def reserve(self, quantity: int) -> list[Fact]:
        """Promises units to somebody."""
        self._demand_registered()
        if quantity > self.available:
            raise Refused("insufficient_stock", f"only {self.available} of {self.sku} are available, not {quantity}")
        return [StockReserved(self.sku, quantity)]

    def release(self, quantity: int) -> list[Fact]:
        """Takes a promise back."""
        self._demand_reserved(quantity)
        return [StockReleased(self.sku, quantity)]

    def ship(self, quantity: int) -> list[Fact]:
        """Sends out what was promised."""
        self._demand_reserved(quantity)
        return [StockShipped(self.sku, quantity)]

    def _demand_registered(self) -> None:
        if not self.sku:
            raise Refused("item_not_found", "there is no such item; register it first")

    def _demand_reserved(self, quantity: int) -> None:
        self._demand_registered()
        if quantity > self.reserved:
            raise Refused("not_reserved", f"only {self.reserved} of {self.sku} are reserved, not {quantity}")
