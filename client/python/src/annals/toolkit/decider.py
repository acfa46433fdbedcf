"""Decisions in a functional style: three functions instead of an aggregate class.

    def decide(command: Confirm, order: Order) -> list[OrderEvent]: ...

    def evolve(order: Order, event: OrderEvent) -> Order: ...

    orders = Decider(client, types, prefix="order", decide=decide, evolve=evolve, initial=Order)
    done = await orders.execute("42", Confirm())

The functions do no I/O, and can be tested by calling them. The state can be of any type, and need not be mutable.
Conflicts, command ids and metadata work as for a `Repository`. There are no snapshots: the whole stream is read for
each command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from annals.aio import AsyncClient
from annals.append import ExpectedRevision
from annals.toolkit.aggregate import Events, Executed, Loaded, Repository
from annals.toolkit.command import ConflictPolicy
from annals.toolkit.schema import EventTypes

__all__ = ["Decider"]

C = TypeVar("C")
S = TypeVar("S")


class _Folded(Generic[S]):
    """The aggregate that a repository sees: the state so far, replaced at each event."""

    def __init__(self, state: S, evolve: Callable[[S, Any], S]) -> None:
        self.state = state
        self._evolve = evolve

    def apply(self, event: Any) -> None:
        self.state = self._evolve(self.state, event)


class Decider(Generic[C, S]):
    """Executes commands on the state of one entity, given as functions."""

    def __init__(
        self,
        client: AsyncClient,
        types: EventTypes,
        *,
        prefix: str,
        decide: Callable[[C, S], Events | Awaitable[Events]],
        evolve: Callable[[S, Any], S],
        initial: Callable[[], S],
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> None:
        """Creates a decider.

        Args:
            client: The client.
            types: The types of the events.
            prefix: The prefix of the streams: the entity `42` with the prefix `order` is the stream `order-42`.
            decide: Gets a command and the state, and returns the events to append, in order; none if there is nothing
                to do. May be called several times for a command, and may be a coroutine function. Its exceptions are
                raised by `execute`.
            evolve: Gets the state and an event, and returns the state after it. Must not fail.
            initial: Returns the state before the first event.
            conflicts: How often a decision is made again after a conflict.
        """
        self._decide = decide
        self._repository: Repository[_Folded[S]] = Repository(
            client, lambda: _Folded(initial(), evolve), types, prefix=prefix, snapshots=None, conflicts=conflicts
        )

    def stream(self, id: object) -> str:  # noqa: A002
        """Returns the stream of the entity with this id."""
        return self._repository.stream(id)

    async def load(self, id: object, *, until: int | datetime | None = None) -> Loaded[S]:  # noqa: A002
        """Loads the state of an entity. See `Repository.load`."""
        loaded = await self._repository.load(id, until=until)
        return Loaded(loaded.state.state, loaded.revision, None, loaded.events)

    async def execute(
        self,
        id: object,  # noqa: A002
        command: C,
        *,
        command_id: UUID | None = None,
        expected: ExpectedRevision | None = None,
    ) -> Executed[S]:
        """Executes a command: loads, decides and appends; after a conflict, all of it again.

        See `Repository.execute` for the other arguments and the errors.
        """
        done = await self._repository.execute(
            id, lambda folded: self._decide(command, folded.state), command_id=command_id, expected=expected
        )
        return Executed(done.state.state, done.stream, done.events, done.revision, done.position, done.already_executed)
