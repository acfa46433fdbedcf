"""The service: commands that append events, queries that read only projections, and the running projections."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from annals import Client
from annals.toolkit import Projection, Projections, Repository, SqliteModel, SqliteStore, metadata
from inventory import projections
from inventory.events import STREAMS, types
from inventory.item import Item, Refused
from inventory.projections import ItemList, LowStock, Statistics
from inventory.requests import Command, Page

log = logging.getLogger("inventory")

WAIT_SECONDS_MAX = 5.0


class NotCaughtUp(Exception):
    """The projection did not reach the position in time."""


class Service:
    """The application, for any number of threads."""

    def __init__(self, endpoint: str, database: str, also: Sequence[Projection[SqliteModel]] = ()) -> None:
        """Creates the service.

        Args:
            endpoint: The endpoint of the event store.
            database: The SQLite file of the read models.
            also: Additional projections to run.
        """
        self._client = Client(endpoint)
        self.run = self._client.run
        self._items = Repository(self._client.aio, Item, types, prefix=STREAMS)
        self._store = SqliteStore(database)
        self.projections = Projections(self._client.aio, self._store, [ItemList(), Statistics(), LowStock(), *also])

    def __enter__(self) -> Self:
        self.run(self.projections.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.run(self.projections.__aexit__(kind, error, traceback))
        self.run(self._items.settle())
        self.run(self._store.aclose())
        self._client.close()

    def execute(self, command: Command, traceparent: str | None = None) -> dict[str, Any]:
        """Executes a command; returns the item's revision and position after it.

        Raises:
            Refused: A rule rejects the command.
        """
        began = time.perf_counter()
        entry: dict[str, Any] = {"command": command.name, "sku": command.sku}
        try:
            with metadata.context(traceparent=traceparent):
                work = self._items.execute(command.sku, command.decide, command_id=command.id)
                done = self.run(work)
            entry |= {"outcome": "done", "revision": done.revision, "position": done.position}
        except Refused as refused:
            entry |= {"outcome": refused.code}
            raise
        except Exception as error:
            entry |= {"outcome": type(error).__name__}
            raise
        finally:
            log.info("command", extra={**entry, "seconds": time.perf_counter() - began})
        return {"sku": command.sku, "revision": done.revision, "position": done.position}

    def items(self, page: Page, at_least: int | None = None) -> tuple[dict[str, Any], int]:
        """Returns a page of items, and the position of the read model.

        Raises:
            NotCaughtUp: The projection did not reach the position `at_least` in time. The other queries raise it too.
        """
        position = self._seen(ItemList.name, at_least)
        return self.run(projections.items(self._store, page)), position

    def statistics(self, at_least: int | None = None) -> tuple[dict[str, Any], int]:
        """Returns the totals over all items."""
        position = self._seen(Statistics.name, at_least)
        return self.run(projections.statistics(self._store)), position

    def alerts(self, at_least: int | None = None) -> tuple[dict[str, Any], int]:
        """Returns the items below their threshold."""
        position = self._seen(LowStock.name, at_least)
        return self.run(projections.alerts(self._store)), position

    def _seen(self, projection: str, at_least: int | None) -> int:
        """Waits until a projection has reached a position; returns its position."""
        running = self.projections[projection]
        try:
            self.run(running.wait_for(at_least or 0, WAIT_SECONDS_MAX))
        except TimeoutError:
            raise NotCaughtUp(f"{projection} has not seen position {at_least} yet; try again") from None
        return running.position
