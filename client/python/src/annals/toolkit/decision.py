"""Decision models: decisions on whatever events matter to them, in any streams, also known as dynamic consistency boundaries.

    @dataclass
    class Enrolment:
        course: str
        capacity: int = 0
        students: set[str] = field(default_factory=set)

        @property
        def query(self) -> Query:
            return types.query(CourseOffered, StudentEnrolled, tags=f"course:{self.course}")

        def apply(self, fact) -> None: ...

        def enrol(self, student: str) -> list[To]:
            if len(self.students) >= self.capacity:
                raise RuleBroken("the course is full")
            return [To(f"course-{self.course}", StudentEnrolled(self.course, student))]

    decisions = Decisions(client, types)
    await decisions.execute(lambda: Enrolment("c1"), lambda enrolment: enrolment.enrol("s7"))

A decision is appended only if no event that its models' queries match has come since they were read; else it is made again.
Several models may be given together, as a tuple: each sees the events of its own query.

The queries name types, streams and tags, not prefixes: that is what the store can check at an append.
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
    """What a decision model must have."""

    @property
    def query(self) -> Query:
        """The events that matter to it."""

    def apply(self, fact: Any, /) -> None:
        """Takes over what happened. Must not fail: it has happened."""


class To(NamedTuple):
    """A fact, and the stream that it is to stand in."""

    stream: str
    fact: object


M = TypeVar("M")
Tos = Iterable[To] | None


@dataclass(frozen=True)
class Decided(Generic[M]):
    """What a decision led to."""

    models: M
    """The models that it rests on, as they were before it."""
    facts: tuple[To, ...]
    """What was decided; empty if nothing was to be done."""
    position: int | None
    """The position of the last event, for `wait_for` of a projection; `None` if there is none."""
    already_executed: bool = False
    """Whether the command had its effect before, and this time had none."""


class Decisions:
    """Where decision models are loaded from and decisions on them are appended to."""

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
        """The model (or the tuple of models) as it is now: to be looked at, not to decide on.

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
        """Executes a command: loads the models, decides, appends; again if something that matters has happened meanwhile.

        Args:
            make: Makes the model (or a tuple of models) to which nothing has happened yet.
            decide: Given the model or models, says what is to happen; none, if nothing is. It must not change them, and
                may be called several times. What it raises is raised here.
            command_id: The command's id, if it may come several times: it has its effect once. In a process manager it
                need not be given.

        Raises:
            ChecksFailed: Others were faster each time.
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
            facts = tuple((await decided if inspect.isawaitable(decided) else decided) or ())
            if not facts:
                return Decided(made, (), None)
            try:
                appended = await self._client.append_to_many(
                    self._writes(facts, command_id), checks=[NoMatch(query, head)]
                )
            except ChecksFailed as conflict:
                failed += 1
                if failed >= self._conflicts.tries_max:
                    raise
                log.debug("something that matters has happened, deciding again: %s", conflict)
                await self._conflicts.pause(failed)
                continue
            return Decided(made, facts, appended.last_position, appended.already_appended)

    @staticmethod
    def _boundary(models: Sequence[DecisionModel], command_id: UUID | None) -> Query:
        query = models[0].query
        for model in models[1:]:
            query |= model.query
        return query if command_id is None else query | Query.of(tags=command_tag(command_id))

    async def _load(
        self, models: Sequence[DecisionModel], query: Query, command_id: UUID | None
    ) -> tuple[int, int | None]:
        """Applies the events; the head up to which they were read, and where the command stands if it was executed."""
        tag = None if command_id is None else command_tag(command_id)
        done = None
        queries = [model.query for model in models]
        # Closed even if an event can't be read: the caller may keep that error, and with it this read.
        async with self._client.read_all(query=query) as read:
            async for batch in read.batches():
                for event in batch:
                    if tag is not None and tag in event.tags:
                        done = event.position
                    matching = [model for model, own in zip(models, queries, strict=True) if own.matches(event)]
                    if matching:
                        fact = self._types.decode(event)
                        for model in matching:
                            model.apply(fact)
        return read.head, done

    def _writes(self, facts: Sequence[To], command_id: UUID | None) -> list[Write]:
        events = encode_all(self._types, [to.fact for to in facts], command_id)
        return [Write(to.stream, [event]) for to, event in zip(facts, events, strict=True)]


def _models(made: Any) -> Sequence[DecisionModel]:
    return made if isinstance(made, tuple) else (made,)
