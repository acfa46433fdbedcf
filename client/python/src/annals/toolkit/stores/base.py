"""What a projection keeps its read model in: the contract that the adapters fulfil.

A read model has *generations*. One of them is live, which is the one that readers see; another may be built beside it from the
beginning, and then be switched to. Each has its own checkpoint.

1. `apply` changes the read model and its checkpoint in one transaction: both or neither.
2. It does so only if the checkpoint is where the caller thinks it is. Whoever else works on the same generation, in another
   process perhaps, makes it fail with `Superseded`, so that no event is applied twice.
3. `switch` makes another generation live, and removes the old one, in one transaction; but only if it is as far as the old one,
   so that what readers have seen does not disappear.
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

__all__ = ["Behind", "DeadLetter", "Generation", "HandlerFailed", "ReadModelStore", "Superseded", "WrongStore"]

M = TypeVar("M")
"""What handlers are given to change the read model with."""

Handler = Callable[[RecordedEvent, M], Awaitable[None] | None]


class Superseded(Exception):
    """Somebody else moved the checkpoint. Go on from where it is now."""


class Behind(Exception):
    """The generation is not as far as the live one yet."""


class WrongStore(Exception):
    """The read model was made from another event store. Rebuild it, or mend the configuration."""

    def __init__(self, name: str, made_from: UUID, given: UUID) -> None:
        super().__init__(
            f"projection {name!r} was made from the store {made_from}, but the client is connected to {given}; "
            "rebuild it, or connect to the right one"
        )


class HandlerFailed(Exception):
    """A handler failed on an event; nothing of the transaction is left.

    Attributes:
        index: Which of the events, counted from 0.
        reason: What it failed with.
    """

    def __init__(self, index: int, reason: Exception) -> None:
        super().__init__(f"{type(reason).__name__}: {reason}")
        self.index = index
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Generation:
    """A read model that is built or live."""

    name: str
    """The projection's name."""
    number: int
    """Which generation, counted from 1."""
    version: int
    """The projection's version when it was begun."""
    position: int
    """The checkpoint: everything up to this position is in it."""
    live: bool
    """Whether readers see it."""
    store_id: UUID
    """The event store that it is made from."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event on which a handler failed each time, and which was passed over."""

    name: str
    generation: int
    position: int
    event_id: UUID
    stream: str
    revision: int
    type: str
    reason: str
    """What the handler failed with at the last try."""
    attempts: int
    buried_at: datetime


class ReadModelStore(abc.ABC, Generic[M]):
    """Keeps read models and their checkpoints."""

    def check(self, projection: Projection[M]) -> None:
        """Refuses a projection that this store can't serve.

        Raises:
            TypeError: Its handler is of the wrong kind.
        """

    @abc.abstractmethod
    async def generations(self, name: str) -> Sequence[Generation]:
        """All generations of a projection, in the order of their numbers."""

    @abc.abstractmethod
    async def create(self, projection: Projection[M], number: int, store_id: UUID, *, live: bool) -> Generation:
        """Creates an empty generation, or gives the one with that number if somebody else has just created it."""

    @abc.abstractmethod
    async def apply(
        self, generation: Generation, expected: int, position: int, events: Sequence[RecordedEvent], handle: Handler[M]
    ) -> None:
        """Handles the events and moves the checkpoint from `expected` to `position`, in one transaction.

        Raises:
            HandlerFailed: The handler failed on one of them.
            Superseded: The checkpoint is not at `expected`.
        """

    @abc.abstractmethod
    async def bury(self, generation: Generation, expected: int, letter: DeadLetter) -> None:
        """Keeps a dead letter and moves the checkpoint from `expected` to its position, in one transaction.

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
        """The dead letters of a projection's generations, in the order of their positions."""

    @abc.abstractmethod
    def is_passing(self, error: Exception) -> bool:
        """Whether an error is the database's and of the moment (locked, unreachable), and no fault of the handler."""

    async def aclose(self) -> None:
        """Closes what is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def demand_as_far(generations: Sequence[Generation], number: int) -> None:
    """Refuses a switch to a generation that is not as far as the live one.

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
    """A dead letter of that event."""
    told = f"{type(reason).__name__}: {reason}"
    return DeadLetter(
        generation.name,
        generation.number,
        event.position,
        event.id,
        event.stream,
        event.revision,
        event.type,
        told,
        attempts,
        now,
    )


def physical(table: str, generation: int) -> str:
    """What a generation's table is called in a database; readers use a view with the plain name."""
    return f"{table}__{generation}"


def placed(statement: str, tables: Sequence[str], generation: int) -> str:
    """The statement with `{table}` replaced by what that table is called in the generation."""
    for table in tables:
        statement = statement.replace("{" + table + "}", physical(table, generation))
    return statement


AnyStore = ReadModelStore[Any]
