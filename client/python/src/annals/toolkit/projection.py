"""Projections: read models built from the log, with the effect of each event applied once, whatever fails.

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

1. The checkpoint is updated in the same transaction as the read model: after a crash the projection continues with
   the next event.
2. A handler that fails is retried on that event alone, with growing pauses. Then the event is skipped and becomes a
   dead letter, with the reason. The events before it are applied first, so that order is kept.
3. An event store or a database that is temporarily unavailable is waited for, without a limit and without dead
   letters.
4. Several projections run independently; one that fails does not stop the others.
5. `rebuild` builds a new generation from the beginning, alongside the live one, and switches to it when it has caught
   up. The same happens when a projection's `version` differs from that of the live generation. The live generation is
   then not updated until the switch, because this code may not fit it.
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
    """How events change a read model. Subclass it: set `name`, and implement `handle`."""

    name: ClassVar[str]
    """The name of its checkpoint. Must be unique: two projections with one name would take each other's events."""
    query: ClassVar[Query] = Query.all()
    """The events that it handles."""
    version: ClassVar[int] = 1
    """Raise it when the tables or the meaning of events change: the read model is then rebuilt."""
    tables: ClassVar[Sequence[str]] = ()
    """Its tables, by the names that readers use.

    These are views of the live generation, so readers can't write to them.
    """
    schema: ClassVar[Sequence[str]] = ()
    """The statements that create the tables, with `{table}` for each: `CREATE TABLE {orders} (…)`.

    Stores without SQL do not use them.
    """

    in_transaction: ClassVar[bool] = True
    """Whether `handle` changes the read model, in the transaction of the checkpoint.

    Otherwise it is called before that.
    """

    def handle(self, event: RecordedEvent, model: M) -> Awaitable[None] | None:
        """Updates the read model with an event. May be a coroutine, except for SQLite.

        It must change nothing but the read model, because a transaction may be rolled back and repeated.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ProjectionPolicy:
    """Batch size and retries of projections."""

    batch_max: int = 500
    """Maximum number of events per transaction."""
    attempts_max: int = 5
    """Maximum number of attempts to handle an event before it is skipped."""
    pause_first_seconds: float = 0.1
    """Pause after the first failure; it doubles after each further one."""
    pause_max_seconds: float = 10.0
    """Maximum pause."""

    def pause(self, failed: int) -> float:
        """Returns the pause after the n-th (from 1) failure: half of it, or more, at random."""
        return min(self.pause_first_seconds * (1 << min(failed - 1, 20)), self.pause_max_seconds) * random.uniform(
            0.5, 1
        )


class State(enum.Enum):
    """The state of a projection."""

    STARTING = "starting"
    CATCHING_UP = "catching up"
    LIVE = "live"
    REBUILDING = "rebuilding for a new version"
    WAITING = "waiting for the event store or the database"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a projection lags behind the log."""

    events: int
    """The number of positions not processed yet."""
    seconds: float
    """How long the oldest unhandled event has been waiting; 0 if there is none."""
