"""Parsing of requests. Malformed requests are rejected with the name of the field, before any decision is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from inventory.events import ItemEvent
from inventory.item import Item

QUANTITY_MAX = 1_000_000
NAME_CHARACTERS_MAX = 200
PAGE_ITEMS_MAX = 1_000
PAGE_ITEMS = 100

_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Invalid(Exception):
    """A field of a request is malformed.

    Attributes:
        field: The name of the field.
    """

    def __init__(self, field: str, must: str) -> None:
        super().__init__(f"{field} must be {must}")
        self.field = field


@dataclass(frozen=True)
class Command:
    """A command for an item."""

    name: str
    sku: str
    decide: Callable[[Item], list[ItemEvent]]
    id: UUID | None
    """If given, the command takes effect once, however often it is sent."""


@dataclass(frozen=True)
class Page:
    """Selects a page of items."""

    search: str
    """Part of the SKU or name, case-insensitive."""
    below_threshold: bool
    """Whether to return only items below their threshold."""
    limit: int
    after: str
    """Returns items after this SKU."""


def command(body: object, idempotency_key: str | None) -> Command:
    """Parses the command in the body of a POST."""
    if not isinstance(body, dict):
        raise Invalid("body", "a JSON object")
    name, sku = body.get("command"), body.get("sku")
    if not isinstance(sku, str) or not _SKU.fullmatch(sku):
        raise Invalid("sku", "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or a digit")
    command_id = None if idempotency_key is None else _uuid(idempotency_key)
    return Command(str(name), sku, _decision(name, sku, body), command_id)


def _decision(name: object, sku: str, body: Mapping[str, object]) -> Callable[[Item], list[ItemEvent]]:
    match name:
        case "register":
            name_text = body.get("name")
            if not isinstance(name_text, str) or not 1 <= len(name_text.strip()) <= NAME_CHARACTERS_MAX:
                raise Invalid("name", f"a text of 1 to {NAME_CHARACTERS_MAX} characters")
            threshold = _whole(body.get("lowStockThreshold", 0), "lowStockThreshold", 0, QUANTITY_MAX)
            return lambda item: item.register(sku, name_text.strip(), threshold)
        case "receive" | "reserve" | "release" | "ship":
            quantity = _whole(body.get("quantity"), "quantity", 1, QUANTITY_MAX)
            return lambda item: getattr(item, name)(quantity)
    raise Invalid("command", "register, receive, reserve, release or ship")


def page(query: Mapping[str, str]) -> Page:
    """Parses the page that a GET requests."""
    below = query.get("belowThreshold", "false")
    if below not in ("true", "false"):
        raise Invalid("belowThreshold", "true or false")
    limit = number(query, "limit", 1, PAGE_ITEMS_MAX)
    return Page(query.get("search", ""), below == "true", limit or PAGE_ITEMS, query.get("after", ""))


def number(query: Mapping[str, str], field: str, least: int, most: int) -> int | None:
    """Parses an integer of a query, if it is given."""
    text = query.get(field)
    if text is None:
        return None
    return _whole(int(text) if text.isascii() and text.isdigit() else None, field, least, most)


def _whole(value: Any, field: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(field, f"a whole number from {least} to {most}")
    return value


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("Idempotency-Key", "a UUID") from None
