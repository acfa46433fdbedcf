"""Decision models: decisions that depend on the events that match a query, in any streams.

They are also known as dynamic consistency boundaries (https://dcb.events).

    @dataclass
    class Enrolment:
        course: str
        capacity: int = 0
        students: set[str] = field(default_factory=set)

        @property
        def query(self) -> Query:
            return types.query(CourseOffered, StudentEnrolled, tags=f"course:{self.course}")

        def apply(self, event) -> None: ...

        def enrol(self, student: str) -> list[To]:
            if len(self.students) >= self.capacity:
                raise RuleBroken("the course is full")
            return [To(f"course-{self.course}", StudentEnrolled(self.course, student))]

    decisions = Decisions(client, types)
    await decisions.execute(lambda: Enrolment("c1"), lambda enrolment: enrolment.enrol("s7"))

The events of a decision are appended only if no new event matches the queries of its models since they were read;
otherwise the decision is made again, a bounded number of times. Several models can be combined in a tuple: each gets
the events of its own query.

The queries name types, streams and tags, but no prefixes, because only those can be checked at an append.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from annals.aio import AsyncClient
from annals.append import NoMatch, Write
from annals.errors import ChecksFailed
from annals.query import Query
from annals.toolkit import metadata
from annals.toolkit.command import ConflictPolicy, command_tag, encode_all
from annals.toolkit.schema import EventTypes

__all__ = ["Decided", "DecisionModel", "Decisions", "To"]

log = logging.getLogger("annals.toolkit")


class DecisionModel(Protocol):
    """The members that a decision model must have."""

    @property
    def query(self) -> Query:
        """The query for the events of the model."""

    def apply(self, event: Any, /) -> None:
        """Updates the model with an event. Must not fail, because the event has already been recorded."""


class To(NamedTuple):
    """An event, and the stream to append it to."""

    stream: str
    event: object


M = TypeVar("M")
Tos = Iterable[To] | None


@dataclass(frozen=True)
class Decided(Generic[M]):
    """The result of a decision."""

    facts: M
    """The models that the decision depends on, in their state before it."""
    events: tuple[To, ...]
    """The events appended; empty if there was nothing to do."""
    position: int | None
    """The position of the last event, for `wait_for` of a projection; `None` if there is none."""
    already_executed: bool = False
    """Whether the command had already been executed, so that it had no effect this time."""


class Decisions:
    """Loads decision models, and appends the events of decisions on them."""

    def __init__(
        self,
        client: AsyncClient,
        types: EventTypes,
        *,
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> None:
        self._client = client
        self._types = types
        self._conflicts = conflicts

    async def load(self, make: Callable[[], M]) -> M:
        """Loads the model (or the tuple of models) in its current state, for display rather than for a decision.

        Raises:
            UnknownEventType, UnreadableEvent: An event that a query matches is not one of the types.
        """
        made = make()
        models = _models(made)
        await self._load(models, self._boundary(models, None), None)
        return made

    async def execute(
        self,
        make: Callable[[], M],
        decide: Callable[[M], Tos | Awaitable[Tos]],
        *,
        command_id: UUID | None = None,
    ) -> Decided[M]:
        """Executes a command: loads the models, decides and appends; after a conflict, all of it again.

        Args:
            make: Creates the model (or a tuple of models) without events.
            decide: Gets the model or models, and returns the events to append; none if there is nothing to do. It
                must not change the models, and may be called several times. Its exceptions are raised here.
            command_id: The command's id, if it may be executed several times: it takes effect once. Not needed in a
                process manager.

        Raises:
            ChecksFailed: There was a conflict at every attempt.
            UnknownEventType, UnreadableEvent: An event that a query matches is not one of the types.
        """
        reaction = metadata.current().reaction
        if command_id is None and reaction is not None:
            command_id = reaction.next_command("")
        failed = 0
        while True:
            made = make()
            models = _models(made)
            query = self._boundary(models, command_id)
            head, done = await self._load(models, query, command_id)
            if done is not None:
                return Decided(made, (), done, already_executed=True)
            decided = decide(made)
            events = tuple((await decided if inspect.isawaitable(decided) else decided) or ())
            if not events:
                return Decided(made, (), None)
            try:
                appended = await self._client.append_to_many(
                    self._writes(events, command_id), checks=[NoMatch(query, head)]
                )
            except ChecksFailed as conflict:
                failed += 1
                if failed >= self._conflicts.tries_max:
                    raise
                log.debug("a matching event was appended, deciding again: %s", conflict)
                await self._conflicts.pause(failed)
                continue
            return Decided(made, events, appended.last_position, appended.already_appended)

    @staticmethod
    def _boundary(models: Sequence[DecisionModel], command_id: UUID | None) -> Query:
        query = models[0].query
        for model in models[1:]:
            query |= model.query
        return query if command_id is None else query | Query.of(tags=command_tag(command_id))

    async def _load(
        self, models: Sequence[DecisionModel], query: Query, command_id: UUID | None
    ) -> tuple[int, int | None]:
        """Applies the events.

        Returns the head up to which they were read, and the position of the command if it was already executed.
        """
        tag = None if command_id is None else command_tag(command_id)
        done = None
        queries = [model.query for model in models]
        # Closed even if an event can't be decoded: the caller may keep that error, and with it this read.
        async with self._client.read_all(query=query) as read:
            async for batch in read.batches():
                for event in batch:
                    if tag is not None and tag in event.tags:
                        done = event.position
                    matching = [model for model, own in zip(models, queries, strict=True) if own.matches(event)]
                    if matching:
                        decoded = self._types.decode(event)
                        for model in matching:
                            model.apply(decoded)
        return read.head, done

    def _writes(self, events: Sequence[To], command_id: UUID | None) -> list[Write]:
        encoded = encode_all(self._types, [to.event for to in events], command_id)
        return [Write(to.stream, [event]) for to, event in zip(events, encoded, strict=True)]


def _models(made: Any) -> Sequence[DecisionModel]:
    return made if isinstance(made, tuple) else (made,)
