"""The contract of read-model stores.

A read model has *generations*. One of them is live and visible to readers. Another may be built alongside it from the
beginning and then become live. Each has its own checkpoint.

1. `apply` changes the read model and its checkpoint in one transaction: both or neither.
2. It does so only if the checkpoint is where the caller expects it. If another process has moved it, `apply` fails
   with `Superseded`, so that no event is applied twice.
3. `switch` makes another generation live and removes the old one, in one transaction, but only if it is as far as the
   old one, so that data that readers have seen does not disappear.
"""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from uuid import UUID

from annals.event import RecordedEvent

if TYPE_CHECKING:
    from annals.toolkit.projection import Projection

__all__ = [
    "Behind",
    "DeadLetter",
    "DoesNotFit",
    "Generation",
    "HandlerFailed",
    "ReadModelStore",
    "Superseded",
    "WrongStore",
]

M = TypeVar("M")
"""The object with which handlers change the read model."""

Handler = Callable[[RecordedEvent, M], Awaitable[None] | None]


class Superseded(Exception):
    """Another process moved the checkpoint. Continue from its current position."""


class Behind(Exception):
    """The generation is not as far as the live one yet."""


class WrongStore(Exception):
    """The read model was built from another event store. Rebuild it, or correct the configuration."""

    def __init__(self, name: str, made_from: UUID, given: UUID) -> None:
        super().__init__(
            f'projection "{name}" was built from store {made_from}, but the client is connected to store {given}; '
            "connect to the right store, or rebuild it"
        )


class HandlerFailed(Exception):
    """A handler failed on an event; the transaction was rolled back.

    Attributes:
        index: The index of the event, from 0.
        reason: The handler's exception.
    """

    def __init__(self, index: int, reason: Exception) -> None:
        super().__init__(f"{type(reason).__name__}: {reason}")
        self.index = index
        self.reason = reason


class DoesNotFit(Exception):
    """The changes of a batch do not fit into one transaction, which was rolled back. Divide the batch.

    Attributes:
        fitting: The number of events to handle first, at least 1 and fewer than all.
    """

    def __init__(self, fitting: int) -> None:
        super().__init__(f"the changes do not fit into one transaction; handle {fitting} of the events first")
        self.fitting = fitting


@dataclass(frozen=True, slots=True)
class Generation:
    """A read model that is live or being built."""

    name: str
    """The projection's name."""
    number: int
    """The number of the generation, from 1."""
    version: int
    """The projection's version when the generation was begun."""
    position: int
    """The checkpoint: everything up to this position is included."""
    live: bool
    """Whether readers see it."""
    store_id: UUID
    """The event store that it is built from."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was skipped because a handler failed on it at every attempt."""

    name: str
    generation: int
    position: int
    event_id: UUID
    stream: str
    revision: int
    type: str
    reason: str
    """The handler's exception at the last attempt."""
    attempts: int
    buried_at: datetime


class ReadModelStore(abc.ABC, Generic[M]):
    """Stores read models and their checkpoints."""

    def check(self, projection: Projection[M]) -> None:
        """Rejects a projection that this store can't serve.

        Raises:
            TypeError: Its handler is of the wrong kind.
        """

    @abc.abstractmethod
    async def generations(self, name: str) -> Sequence[Generation]:
        """Returns all generations of a projection, in the order of their numbers."""

    @abc.abstractmethod
    async def create(self, projection: Projection[M], number: int, store_id: UUID, *, live: bool) -> Generation:
        """Creates an empty generation, or returns the one with that number if another process has just created it."""

    @abc.abstractmethod
    async def apply(
        self, generation: Generation, expected: int, position: int, events: Sequence[RecordedEvent], handle: Handler[M]
    ) -> None:
        """Handles the events and moves the checkpoint from `expected` to `position`, in one transaction.

        Raises:
            HandlerFailed: The handler failed on one of them.
            DoesNotFit: The changes of several events do not fit into one transaction.
            Superseded: The checkpoint is not at `expected`.
        """

    @abc.abstractmethod
    async def bury(self, generation: Generation, expected: int, letter: DeadLetter) -> None:
        """Stores a dead letter and moves the checkpoint from `expected` to its position, in one transaction.

        Raises:
            Superseded: The checkpoint is not at `expected`.
        """

    @abc.abstractmethod
    async def switch(self, projection: Projection[M], number: int) -> None:
        """Makes that generation live and removes all before it, in one transaction.

        Raises:
            Behind: It is not as far as the live one.
            Superseded: There is no such generation.
        """

    @abc.abstractmethod
    async def remove(self, projection: Projection[M], number: int) -> None:
        """Removes a generation that is not live, with its tables."""

    @abc.abstractmethod
    async def dead_letters(self, name: str) -> Sequence[DeadLetter]:
        """Returns the dead letters of a projection's generations, in the order of their positions."""

    @abc.abstractmethod
    def is_transient(self, error: Exception) -> bool:
        """Returns whether an error is a transient one of the database (locked, unreachable), not of the handler."""

    async def aclose(self) -> None:
        """Closes the store's connections."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def demand_as_far(generations: Sequence[Generation], number: int) -> None:
    """Checks that a generation is as far as the live one.

    Raises:
        Behind: It is not.
        Superseded: There is no such generation.
    """
    positions = [one.position for one in generations if one.number == number]
    if not positions:
        raise Superseded
    if any(one.live and one.position > positions[0] for one in generations):
        raise Behind


def dead_letter(
    generation: Generation, event: RecordedEvent, reason: Exception, attempts: int, now: datetime
) -> DeadLetter:
    """Creates the dead letter of an event."""
    text = f"{type(reason).__name__}: {reason}"
    return DeadLetter(
        generation.name,
        generation.number,
        event.position,
        event.id,
        event.stream,
        event.revision,
        event.type,
        text,
        attempts,
        now,
    )


def physical(table: str, generation: int) -> str:
    """Returns the name of a generation's table in the database; readers use a view with the plain name."""
    return f"{table}__{generation}"


def placed(statement: str, tables: Sequence[str], generation: int) -> str:
    """Replaces `{table}` in a statement by the name of that table in the generation."""
    for table in tables:
        statement = statement.replace("{" + table + "}", physical(table, generation))
    return statement


AnyStore = ReadModelStore[Any]
