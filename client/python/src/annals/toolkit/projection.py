"""Projections: read models made from the log, each event once in effect, whatever dies on the way.

    class OrderList(Projection[SqliteModel]):
        name = "order-list"
        query = types.query()
        tables = ("orders",)
        schema = ("CREATE TABLE {orders} (id TEXT PRIMARY KEY, status TEXT NOT NULL)",)

        def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
            match types.decode(event):
                case OrderCreated():
                    model.execute("INSERT INTO {orders} VALUES (?, 'created')", (event.stream,))
                case OrderConfirmed():
                    model.execute("UPDATE {orders} SET status = 'confirmed' WHERE id = ?", (event.stream,))

    async with SqliteStore("models.db") as store, Projections(client, store, [OrderList()]) as projections:
        done = await orders.execute("42", lambda order: order.confirm())
        await projections["order-list"].wait_for(done.position)
        rows = await store.read("SELECT * FROM orders")

1. The checkpoint stands in the same transaction as what the events changed: after a crash it goes on exactly behind it.
2. A handler that fails is tried again on that event alone, with growing pauses, and then passed over: the event becomes a dead
   letter, with the reason. The events before it are applied first, so that order is kept.
3. An event store or a database that is away for the moment is waited for, without end and without dead letters.
4. Several projections run independently; one that fails does not stop the others.
5. `rebuild` makes a new generation from the beginning, beside the live one, and switches when it has caught up. The same
   happens when a projection's `version` is not that of the live generation; that one is then left as it is until the switch,
   because this code may not fit it.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from annals.event import RecordedEvent
from annals.query import Query

__all__ = ["Lag", "Projection", "ProjectionPolicy", "State"]

M = TypeVar("M")


class Projection(Generic[M]):
    """What events mean for a read model. Subclass it: set `name`, and write `handle`."""

    name: ClassVar[str]
    """What its checkpoint is kept under. Two projections with one name would take each other's events."""
    query: ClassVar[Query] = Query.all()
    """The events that it is about."""
    version: ClassVar[int] = 1
    """Raise it when the tables or the meaning of events change: the read model is then rebuilt."""
    tables: ClassVar[Sequence[str]] = ()
    """Its tables, by the names that readers use. They are views of the live generation, so readers can't write them."""
    schema: ClassVar[Sequence[str]] = ()
    """The statements that make the tables, with `{table}` for each: `CREATE TABLE {orders} (…)`."""

    in_transaction: ClassVar[bool] = True
    """Whether `handle` changes the read model, in the transaction of the checkpoint; otherwise it is called before that."""

    def handle(self, event: RecordedEvent, model: M) -> Awaitable[None] | None:
        """Takes over what an event changes. May be a coroutine, except for SQLite.

        It must change nothing but the read model: a transaction may be undone and done again.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ProjectionPolicy:
    """How projections go about it."""

    batch_max: int = 500
    """The most events in one transaction."""
    attempts_max: int = 5
    """How often a handler is tried on an event before it is passed over."""
    pause_first_seconds: float = 0.1
    """Pause after the first failure; twice as long each time."""
    pause_max_seconds: float = 10.0
    """The longest pause."""

    def pause(self, failed: int) -> float:
        """The pause after the n-th (from 1) failure, half of it drawn at random."""
        return min(self.pause_first_seconds * (1 << min(failed - 1, 20)), self.pause_max_seconds) * random.uniform(
            0.5, 1
        )


class State(enum.Enum):
    """What a projection is about."""

    STARTING = "starting"
    CATCHING_UP = "catching up"
    LIVE = "live"
    REBUILDING = "rebuilding, because its version is new"
    WAITING = "waiting for the event store or the database"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a projection is behind the log."""

    events: int
    """Positions that it has not looked at yet."""
    seconds: float
    """Since when the oldest event that it has not handled has been waiting; 0 if there is none."""
