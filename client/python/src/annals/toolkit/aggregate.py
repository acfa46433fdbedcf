"""Aggregates: state from the events of one stream, and commands that decide on more of them.

    @dataclass
    class Order:
        lines: list[str] = field(default_factory=list)
        confirmed: bool = False

        def apply(self, fact: OrderFact) -> None:      # what happened, without a question
            match fact:
                case ItemAdded(item):
                    self.lines.append(item)
                case OrderConfirmed():
                    self.confirmed = True

        def confirm(self) -> list[OrderFact]:          # what may happen
            if not self.lines:
                raise RuleBroken("an empty order can't be confirmed")
            return [OrderConfirmed()]

    orders = Repository(client, Order, types, prefix="order")
    done = await orders.execute("42", lambda order: order.confirm())

1. A decision is made on the whole stream, and appended only if the stream has not moved since. If it has, the aggregate is
   loaded again and the decision made again: a bounded number of times, with a random pause.
2. A command with an id has its effect once, however often it is executed: its events bear the tag `command:ID`, by which the
   effect is found again, snapshots or not. (Not found again is what is gone by retention or deletion.)
3. Snapshots are saved after the append, outside the caller's path; a lost or old one costs time and nothing else.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from annals import _json
from annals.aio import AsyncClient
from annals.append import Expected, ExpectedRevision
from annals.errors import AnnalsError, RevisionConflict, SnapshotNotFound, StreamNotFound
from annals.event import RecordedEvent
from annals.query import Query
from annals.toolkit import codec, metadata
from annals.toolkit.command import ConflictPolicy, command_tag, encode_all
from annals.toolkit.schema import EventTypes

__all__ = ["Aggregate", "Executed", "Loaded", "Repository", "Snapshots"]

log = logging.getLogger("annals.toolkit")


class Aggregate(Protocol):
    """What an aggregate must have."""

    def apply(self, fact: Any, /) -> None:
        """Takes over what happened. Must not fail: it has happened."""


S = TypeVar("S", bound=Aggregate)

Facts = Iterable[object] | None
Decide = Callable[[S], Facts | Awaitable[Facts]]


@dataclass(frozen=True, kw_only=True)
class Snapshots:
    """When snapshots are saved. The aggregate must be a dataclass, or have `model_dump` and `model_validate`."""

    every: int = 50
    """A snapshot is saved when so many events came after the last one."""
    schema_version: int = 1
    """Which form the aggregate has: raise it when its fields change, and older snapshots are passed over."""
    keep: int = 2
    """How many are kept for each stream."""


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """An aggregate, and how far its stream was read."""

    state: S
    """The aggregate."""
    revision: int | None
    """The stream's last revision; `None` if it has no events."""
    snapshot_revision: int | None
    """The revision of the snapshot that it was made from, if it was."""
    events: tuple[RecordedEvent, ...]
    """The events after the snapshot, if they were asked for."""

    @property
    def expected(self) -> ExpectedRevision:
        """What an append that rests on it expects."""
        return Expected.NO_STREAM if self.revision is None else self.revision


@dataclass(frozen=True)
class Executed(Generic[S]):
    """What a command led to."""

    state: S
    """The aggregate after it."""
    stream: str
    facts: tuple[object, ...]
    """What was decided; empty if nothing was to be done."""
    revision: int | None
    """The stream's last revision after it; `None` if it has no events."""
    position: int | None
    """The position of its last event, for `wait_for` of a projection; `None` if there is none."""
    already_executed: bool = False
    """Whether the command had its effect before, and this time had none."""


class Repository(Generic[S]):
    """Where aggregates of one kind are loaded from and decisions on them are appended to."""

    def __init__(
        self,
        client: AsyncClient,
        new: Callable[[], S],
        types: EventTypes,
        *,
        prefix: str,
        snapshots: Snapshots | None = Snapshots(),
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> None:
        """Makes a repository.

        Args:
            client: The client.
            new: Makes an aggregate to which nothing has happened yet: its class, as a rule.
            types: The types of its events.
            prefix: What its streams begin with: the aggregate `42` with the prefix `order` is the stream `order-42`.
            snapshots: When snapshots are saved; `None`: never.
            conflicts: How often a decision is made again.

        Raises:
            TypeError: Snapshots are to be saved, and the aggregate is no dataclass.
        """
        kind = new if isinstance(new, type) else type(new())
        if snapshots is not None and not (is_dataclass(kind) or hasattr(kind, "model_validate")):
            raise TypeError(f"{kind.__name__} must be a dataclass for snapshots; or give snapshots=None")
        self._client = client
        self._new = new
        self._kind: type[S] = kind
        self._types = types
        self._prefix = prefix
        self._snapshots = snapshots
        self._conflicts = conflicts
        self._saving: dict[str, asyncio.Task[None]] = {}

    def stream(self, id: object) -> str:  # noqa: A002
        """The stream of the aggregate with that id."""
        return f"{self._prefix}-{id}"

    async def load(
        self,
        id: object,  # noqa: A002
        *,
        until: int | datetime | None = None,
        keep_events: bool = False,
    ) -> Loaded[S]:
        """The aggregate from its snapshot, if there is one, and the events after it.

        Args:
            id: Which one.
            until: As it was at this revision, or at this time.
            keep_events: Give back also the events that were read.

        Raises:
            UnknownEventType, UnreadableEvent: An event is not one of its types.
            StreamTombstoned: It was deleted for ever.
        """
        stream = self.stream(id)
        if isinstance(until, datetime):
            try:
                async with self._client.read_stream(stream, until=until, backwards=True, limit=1) as last:
                    until = last.last_revision
            except StreamNotFound:
                return Loaded(self._new(), None, None, ())
        state, snapshot_revision = await self._from_snapshot(stream, until)
        first = None if snapshot_revision is None else snapshot_revision + 1
        events: list[RecordedEvent] = []
        try:
            read = await self._client.read_stream(stream, from_revision=first, until=until)
        except StreamNotFound:
            return Loaded(self._new(), None, None, ())
        # Closed even if an event can't be read: the caller may keep that error, and with it this read.
        async with read:
            async for batch in read.batches():
                for event in batch:
                    state.apply(self._types.decode(event))
                if keep_events:
                    events += batch
        return Loaded(state, read.last_revision, snapshot_revision, tuple(events))

    async def execute(
        self,
        id: object,  # noqa: A002
        decide: Decide[S],
        *,
        command_id: UUID | None = None,
        expected: ExpectedRevision | None = None,
    ) -> Executed[S]:
        """Executes a command: loads, decides, appends; from the beginning again if somebody else was faster.

        Args:
            id: Which aggregate.
            decide: Given the aggregate, says what is to happen: facts, in order; none, if nothing is. It must not change
                the aggregate, and may be called several times. What it raises is raised here.
            command_id: The command's id, if it may come several times: it has its effect once. In a process manager it
                need not be given.
            expected: What the caller's own decision rests on, such as the revision that a form was filled in from.

        Raises:
            RevisionConflict: The stream is not as `expected`, or others were faster each time.
            StreamTombstoned: It was deleted for ever.
        """
        stream = self.stream(id)
        reaction = metadata.current().reaction
        if command_id is None and reaction is not None:
            command_id = reaction.next_command(stream)
        failed = 0
        while True:
            loaded = await self.load(id, keep_events=command_id is not None)
            if command_id is not None and (done := await self._already(stream, loaded, command_id)):
                return done
            self._demand(stream, loaded, expected)
            decided = decide(loaded.state)
            facts = tuple((await decided if inspect.isawaitable(decided) else decided) or ())
            if not facts:
                return Executed(loaded.state, stream, (), loaded.revision, None)
            events = encode_all(self._types, facts, command_id)
            try:
                appended = await self._client.append(stream, events, expected=loaded.expected)
            except RevisionConflict as conflict:
                failed += 1
                if failed >= self._conflicts.tries_max:
                    raise
                log.debug("%s moved on, deciding again: %s", stream, conflict)
                await self._conflicts.pause(failed)
                continue
            for fact in facts:
                loaded.state.apply(fact)
            self._save_later(stream, loaded, appended.last_revision)
            return Executed(
                loaded.state, stream, facts, appended.last_revision, appended.last_position, appended.already_appended
            )

    @staticmethod
    def _demand(stream: str, loaded: Loaded[S], expected: ExpectedRevision | None) -> None:
        match expected:
            case None | Expected.ANY:
                fits = True
            case Expected.NO_STREAM:
                fits = loaded.revision is None
            case Expected.STREAM_EXISTS:
                fits = loaded.revision is not None
            case _:
                fits = loaded.revision == expected
        if not fits and expected is not None:
            raise RevisionConflict(stream, expected, loaded.revision)

    async def _already(self, stream: str, loaded: Loaded[S], command_id: UUID) -> Executed[S] | None:
        """What the command led to when it was executed before.

        Nobody can execute it between this and the append: that would move the stream, and the append fail.
        """
        tag = command_tag(command_id)
        events = [event for event in loaded.events if tag in event.tags]
        if not events and loaded.snapshot_revision is not None:
            # It may lie before the snapshot.
            events = await self._client.read_all(query=Query.of(streams=stream, tags=tag)).collect()
        if not events:
            return None
        facts = tuple(self._types.decode(event) for event in events)
        return Executed(loaded.state, stream, facts, loaded.revision, events[-1].position, already_executed=True)

    async def _from_snapshot(self, stream: str, until: int | None) -> tuple[S, int | None]:
        if self._snapshots is None:
            return self._new(), None
        version = self._snapshots.schema_version
        try:
            snapshot = await self._client.load_snapshot(stream, at_or_before=until, schema_version=version)
        except SnapshotNotFound:
            return self._new(), None
        try:
            return codec.from_json(self._kind, _json.decode(snapshot.data)), snapshot.revision
        except ValueError as error:
            log.warning("the snapshot of %s at revision %d is passed over: %s", stream, snapshot.revision, error)
            return self._new(), None

    def _save_later(self, stream: str, loaded: Loaded[S], revision: int) -> None:
        """Saves a snapshot in the background, if it is time for one."""
        if self._snapshots is None or stream in self._saving:
            return
        since = -1 if loaded.snapshot_revision is None else loaded.snapshot_revision
        if revision - since < self._snapshots.every:
            return
        # Encoded now: the caller may change what it is given.
        try:
            data = _json.encode(codec.to_json(loaded.state), self._kind.__name__, "snapshot")
        except (TypeError, ValueError, RecursionError) as error:
            # The command has had its effect; a snapshot less costs time and nothing else.
            log.warning("no snapshot of %s at revision %d is saved: %s", stream, revision, error)
            return
        saving = asyncio.create_task(self._save(stream, revision, data, self._snapshots))
        self._saving[stream] = saving
        saving.add_done_callback(lambda _: self._saving.pop(stream, None))

    async def _save(self, stream: str, revision: int, data: bytes, snapshots: Snapshots) -> None:
        try:
            await self._client.save_snapshot(
                stream, revision, data, schema_version=snapshots.schema_version, keep=snapshots.keep
            )
        except AnnalsError as error:
            log.warning("the snapshot of %s at revision %d was not saved: %s", stream, revision, error)

    async def settle(self) -> None:
        """Waits until the snapshots that are being saved are: before the client is closed."""
        await asyncio.gather(*self._saving.values(), return_exceptions=True)
