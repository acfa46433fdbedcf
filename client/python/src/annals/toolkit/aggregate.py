"""Aggregates: the state of one entity, built from the events of its stream, on which commands decide.

    @dataclass
    class Order:
        lines: list[str] = field(default_factory=list)
        confirmed: bool = False

        def apply(self, event: OrderEvent) -> None:    # how an event changes the state
            match event:
                case ItemAdded(item):
                    self.lines.append(item)
                case OrderConfirmed():
                    self.confirmed = True

        def confirm(self) -> list[OrderEvent]:         # the events of a command, or its rejection
            if not self.lines:
                raise RuleBroken("an empty order can't be confirmed")
            return [OrderConfirmed()]

    orders = Repository(client, Order, types, prefix="order")
    done = await orders.execute("42", lambda order: order.confirm())

1. A decision depends on the whole stream, and is appended only if the stream is still at the same revision. Otherwise
   the aggregate is loaded again and the decision is made again: a bounded number of times, after a random pause.
2. A command with an id takes effect once, however often it is executed: its events have the tag `command:ID`, by
   which the effect is found, with or without snapshots. (Events removed by retention or deletion are not found.)
3. Snapshots are saved after the append, in the background. A lost or outdated snapshot only costs time.
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
from annals.errors import AnnalsError, RevisionConflict, StreamNotFound
from annals.event import RecordedEvent
from annals.query import Query
from annals.toolkit import codec, metadata
from annals.toolkit.command import ConflictPolicy, command_tag, encode_all
from annals.toolkit.schema import EventTypes

__all__ = ["Aggregate", "Executed", "Loaded", "Repository", "Snapshots"]

log = logging.getLogger("annals.toolkit")


class Aggregate(Protocol):
    """The methods that an aggregate must have."""

    def apply(self, event: Any, /) -> None:
        """Updates the state with an event. Must not fail, because the event has already been recorded."""


S = TypeVar("S", bound=Aggregate)
V = TypeVar("V")

Events = Iterable[object] | None
Decide = Callable[[S], Events | Awaitable[Events]]


@dataclass(frozen=True, kw_only=True)
class Snapshots:
    """When snapshots are saved. The aggregate must be a dataclass, or have `model_dump` and `model_validate`."""

    every: int = 50
    """A snapshot is saved when the stream has this many events after the last one."""
    schema_version: int = 1
    """The version of the aggregate's fields. Raise it when they change; older snapshots are then ignored."""
    keep: int = 2
    """The number of snapshots kept per stream."""


@dataclass(frozen=True)
class Loaded(Generic[V]):
    """An aggregate, and the revision up to which its stream was read."""

    state: V
    """The aggregate."""
    revision: int | None
    """The stream's last revision; `None` if it has no events."""
    snapshot_revision: int | None
    """The revision of the snapshot that the state was loaded from; `None` if it was loaded from the first event."""
    events: tuple[RecordedEvent, ...]
    """The events after the snapshot, if they were requested."""

    @property
    def expected(self) -> ExpectedRevision:
        """The expected revision for an append that depends on this state."""
        return Expected.NO_STREAM if self.revision is None else self.revision


@dataclass(frozen=True)
class Executed(Generic[V]):
    """The result of a command."""

    state: V
    """The aggregate after the command."""
    stream: str
    events: tuple[object, ...]
    """The events decided; empty if there was nothing to do."""
    revision: int | None
    """The stream's last revision after the command; `None` if it has no events."""
    position: int | None
    """The position of the last event, for `wait_for` of a projection; `None` if there is none."""
    already_executed: bool = False
    """Whether the command had already been executed, so that it had no effect this time."""


class Repository(Generic[S]):
    """Loads aggregates of one kind, and appends the events of decisions on them."""

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
        """Creates a repository.

        Args:
            client: The client.
            new: Creates an aggregate without events; usually its class.
            types: The types of its events.
            prefix: The prefix of its streams: the aggregate `42` with the prefix `order` is the stream `order-42`.
            snapshots: When snapshots are saved; `None`: never.
            conflicts: How often a decision is made again after a conflict.

        Raises:
            TypeError: Snapshots are enabled, and the aggregate is not a dataclass.
        """
        kind = new if isinstance(new, type) else type(new())
        if snapshots is not None and not (is_dataclass(kind) or hasattr(kind, "model_validate")):
            raise TypeError(f"{kind.__name__} must be a dataclass for snapshots, or pass snapshots=None")
        self._client = client
        self._new = new
        self._kind: type[S] = kind
        self._types = types
        self._prefix = prefix
        self._snapshots = snapshots
        self._conflicts = conflicts
        self._saving: dict[str, asyncio.Task[None]] = {}

    def stream(self, id: object) -> str:  # noqa: A002
        """Returns the stream of the aggregate with this id."""
        return f"{self._prefix}-{id}"

    async def load(
        self,
        id: object,  # noqa: A002
        *,
        until: int | datetime | None = None,
        keep_events: bool = False,
    ) -> Loaded[S]:
        """Loads an aggregate from its snapshot, if there is one, and the events after it.

        Args:
            id: The aggregate's id.
            until: Loads the aggregate as it was at this revision or time.
            keep_events: Whether to return the events read.

        Raises:
            UnknownEventType, UnreadableEvent: An event is not one of its types.
            StreamTombstoned: The stream was permanently deleted.
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
        # Closed even if an event can't be decoded: the caller may keep that error, and with it this read.
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
        """Executes a command: loads, decides and appends; after a conflict, all of it again.

        Args:
            id: The aggregate's id.
            decide: Gets the aggregate, and returns the events to append, in order; none if there is nothing to do. It
                must not change the aggregate, and may be called several times. Its exceptions are raised here.
            command_id: The command's id, if it may be executed several times: it takes effect once. Not needed in a
                process manager.
            expected: The state that the caller's own decision depends on, such as the revision from which a form was
                filled in.

        Raises:
            RevisionConflict: The stream is not in the `expected` state, or there was a conflict at every attempt.
            StreamTombstoned: The stream was permanently deleted.
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
            events = tuple((await decided if inspect.isawaitable(decided) else decided) or ())
            if not events:
                return Executed(loaded.state, stream, (), loaded.revision, None)
            encoded = encode_all(self._types, events, command_id)
            try:
                appended = await self._client.append(stream, encoded, expected=loaded.expected)
            except RevisionConflict as conflict:
                failed += 1
                if failed >= self._conflicts.tries_max:
                    raise
                log.debug("stream %s has changed, deciding again: %s", stream, conflict)
                await self._conflicts.pause(failed)
                continue
            for event in events:
                loaded.state.apply(event)
            self._save_later(stream, loaded, appended.last_revision)
            return Executed(
                loaded.state, stream, events, appended.last_revision, appended.last_position, appended.already_appended
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
        """Returns the result of the command if it was already executed.

        Another client can't execute it between this and the append: that would change the stream, and the append
        would fail.
        """
        tag = command_tag(command_id)
        recorded = [event for event in loaded.events if tag in event.tags]
        if not recorded and loaded.snapshot_revision is not None:
            # The events may be before the snapshot.
            recorded = await self._client.read_all(query=Query.of(streams=stream, tags=tag)).collect()
        if not recorded:
            return None
        events = tuple(self._types.decode(event) for event in recorded)
        return Executed(loaded.state, stream, events, loaded.revision, recorded[-1].position, already_executed=True)

    async def _from_snapshot(self, stream: str, until: int | None) -> tuple[S, int | None]:
        if self._snapshots is None:
            return self._new(), None
        version = self._snapshots.schema_version
        snapshot = await self._client.load_snapshot(stream, at_or_before=until, schema_version=version)
        if snapshot is None:
            return self._new(), None
        try:
            return codec.from_json(self._kind, _json.decode(snapshot.data)), snapshot.revision
        except ValueError as error:
            log.warning("the snapshot of %s at revision %d is ignored: %s", stream, snapshot.revision, error)
            return self._new(), None

    def _save_later(self, stream: str, loaded: Loaded[S], revision: int) -> None:
        """Saves a snapshot in the background, if one is due."""
        if self._snapshots is None or stream in self._saving:
            return
        since = -1 if loaded.snapshot_revision is None else loaded.snapshot_revision
        if revision - since < self._snapshots.every:
            return
        # Encoded now, because the caller may change the state.
        try:
            data = _json.encode(codec.to_json(loaded.state), self._kind.__name__, "snapshot")
        except (TypeError, ValueError, RecursionError) as error:
            # The command has taken effect; a missing snapshot only costs time.
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
        """Waits until all snapshots in progress are saved. Call it before the client is closed."""
        await asyncio.gather(*self._saving.values(), return_exceptions=True)
