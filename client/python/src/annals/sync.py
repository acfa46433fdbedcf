"""The synchronous client: the same calls, for threads instead of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from annals import _portal
from annals._arguments import integer
from annals._connection import Tls
from annals._feed import SyncFeed
from annals._retry import RetryPolicy
from annals.aio import AsyncClient
from annals.append import Appended, AppendedToMany, Check, Expected, ExpectedRevision, Write
from annals.conflicts import ConflictPolicy
from annals.consumer import Consumer, Delivery, Outcome
from annals.errors import ChecksFailed
from annals.event import Event, RecordedEvent
from annals.group import Group, GroupSettings, GroupStart, GroupStatus, ParkedEvent, ParkedSelection
from annals.info import (
    Deleted,
    PrefixRetention,
    Retention,
    RetentionInfo,
    Scavenge,
    ServerInfo,
    Snapshot,
    StreamInfo,
    Tombstoned,
)
from annals.query import Query
from annals.read import Read
from annals.state import StateChange, StateCheck, StateEntry, StatePage, StateRead, StateWritten, through_json
from annals.state_subscription import StateItem
from annals.subscription import SubscriptionItem

__all__ = ["Client", "SyncConsumer", "SyncRead", "SyncStateSubscription", "SyncSubscription"]

T = TypeVar("T")


class Client:
    """A client of an Annals store, for any number of threads.

        with Client("http://127.0.0.1:2113") as client:
            client.append("order-1", [Event.json("OrderPlaced", {"total": 42})], expected=Expected.NO_STREAM)
            for event in client.read_stream("order-1"):
                print(event.revision, event.type, event.json())

    Every call corresponds to the call of `AsyncClient` with the same name, arguments and errors. It runs in an event
    loop in a separate thread. Other asynchronous code can run there too: `client.run(repository.execute(...))`, with
    `client.aio` as the client of that repository.
    """

    def __init__(
        self,
        endpoints: str | Sequence[str] = "http://127.0.0.1:2113",
        *,
        timeout: float = 10.0,
        connect_timeout: float = 3.0,
        keepalive_timeout: float = 5.0,
        shuffle_endpoints: bool = True,
        return_after: float | None = 10.0,
        retry: RetryPolicy | None = None,
        tls: Tls | None = None,
    ) -> None:
        """Creates the client; no connection is opened yet. See `AsyncClient` for the arguments."""
        self.aio = AsyncClient(
            endpoints,
            timeout=timeout,
            connect_timeout=connect_timeout,
            keepalive_timeout=keepalive_timeout,
            shuffle_endpoints=shuffle_endpoints,
            return_after=return_after,
            retry=retry,
            tls=tls,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs asynchronous code that uses `aio`, in this client's event loop, and waits for its result."""
        return _portal.run(work)

    def with_timeout(self, timeout: float) -> Client:
        """Returns a client with another deadline (seconds) for its calls, which shares the connections of this one."""
        other = object.__new__(Client)
        other.aio = self.aio.with_timeout(timeout)
        return other

    def close(self) -> None:
        """Closes the connections and all calls. A later call would connect again."""
        self.run(self.aio.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def append(
        self,
        stream: str,
        events: Iterable[Event],
        *,
        expected: ExpectedRevision = Expected.ANY,
        recorded_at: datetime | None = None,
    ) -> Appended:
        """Appends events to a stream, all or none, if it is in the expected state. See `AsyncClient.append`."""
        return self.run(self.aio.append(stream, events, expected=expected, recorded_at=recorded_at))

    def append_to_many(
        self,
        writes: Iterable[Write],
        *,
        checks: Iterable[Check] = (),
        recorded_at: datetime | None = None,
        state_changes: Iterable[StateChange] = (),
        state_checks: Iterable[StateCheck] = (),
    ) -> AppendedToMany:
        """Appends events to one or more streams, if every check passes. See `AsyncClient.append_to_many`."""
        append = self.aio.append_to_many(
            writes, checks=checks, recorded_at=recorded_at, state_changes=state_changes, state_checks=state_checks
        )
        return self.run(append)

    def append_each(
        self, appends: Iterable[tuple[str, Sequence[Event]]], *, expected: ExpectedRevision = Expected.ANY
    ) -> list[Appended]:
        """Makes many independent appends in order, and waits for all of them. See `AsyncClient.append_each`."""
        return self.run(self.aio.append_each(appends, expected=expected))

    def read_stream(
        self,
        stream: str,
        *,
        from_revision: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
        query: Query | None = None,
        until: int | datetime | None = None,
    ) -> SyncRead:
        """Reads one stream up to its current end. See `AsyncClient.read_stream`."""
        read = self.aio.read_stream(
            stream, from_revision=from_revision, limit=limit, backwards=backwards, query=query, until=until
        )
        return SyncRead(read)

    def read_all(
        self,
        *,
        from_position: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
        query: Query | None = None,
        until: int | datetime | None = None,
    ) -> SyncRead:
        """Reads the whole log up to its current head. See `AsyncClient.read_all`."""
        read = self.aio.read_all(
            from_position=from_position, limit=limit, backwards=backwards, query=query, until=until
        )
        return SyncRead(read)

    def position_at_time(self, time: datetime) -> int:
        """Returns the position of the last event recorded at that time or before.

        See `AsyncClient.position_at_time`.
        """
        return self.run(self.aio.position_at_time(time))

    def subscribe_all(
        self,
        *,
        after: int | None = None,
        from_end: bool = False,
        query: Query | None = None,
        reconnect_timeout: float | None = None,
    ) -> SyncSubscription:
        """Subscribes to the whole log. See `AsyncClient.subscribe_all`."""
        return SyncSubscription(
            self.aio.subscribe_all(after=after, from_end=from_end, query=query, reconnect_timeout=reconnect_timeout)
        )

    def subscribe_stream(
        self,
        stream: str,
        *,
        after_revision: int | None = None,
        from_end: bool = False,
        query: Query | None = None,
        reconnect_timeout: float | None = None,
    ) -> SyncSubscription:
        """Subscribes to one stream. See `AsyncClient.subscribe_stream`."""
        return SyncSubscription(
            self.aio.subscribe_stream(
                stream,
                after_revision=after_revision,
                from_end=from_end,
                query=query,
                reconnect_timeout=reconnect_timeout,
            )
        )

    def stream_info(self, stream: str) -> StreamInfo:
        """Returns the properties of a stream. See `AsyncClient.stream_info`."""
        return self.run(self.aio.stream_info(stream))

    def list_streams(self, prefix: str = "") -> Iterator[StreamInfo]:
        """Returns the streams whose names start with `prefix`. See `AsyncClient.list_streams`."""
        return _each(self.aio.list_streams(prefix))

    def retention(self, stream: str) -> RetentionInfo:
        """Returns the retention of a stream. See `AsyncClient.retention`."""
        return self.run(self.aio.retention(stream))

    def set_retention(self, stream: str, retention: Retention, *, expected_version: int | None = None) -> RetentionInfo:
        """Sets the retention of a stream. See `AsyncClient.set_retention`."""
        return self.run(self.aio.set_retention(stream, retention, expected_version=expected_version))

    def prefix_retention(self, prefix: str) -> PrefixRetention:
        """Returns the retention of a prefix. See `AsyncClient.prefix_retention`."""
        return self.run(self.aio.prefix_retention(prefix))

    def set_prefix_retention(
        self, prefix: str, retention: Retention, *, expected_version: int | None = None
    ) -> PrefixRetention:
        """Sets the retention of a prefix. See `AsyncClient.set_prefix_retention`."""
        return self.run(self.aio.set_prefix_retention(prefix, retention, expected_version=expected_version))

    def prefix_retentions(self) -> list[PrefixRetention]:
        """Returns all prefixes that have a retention. See `AsyncClient.prefix_retentions`."""
        return self.run(self.aio.prefix_retentions())

    def delete_stream(self, stream: str, *, expected: ExpectedRevision = Expected.ANY) -> Deleted:
        """Deletes a stream. See `AsyncClient.delete_stream`."""
        return self.run(self.aio.delete_stream(stream, expected=expected))

    def tombstone_stream(self, stream: str, *, expected: ExpectedRevision = Expected.ANY) -> Tombstoned:
        """Permanently deletes a stream. See `AsyncClient.tombstone_stream`."""
        return self.run(self.aio.tombstone_stream(stream, expected=expected))

    def save_snapshot(
        self, stream: str, revision: int, data: bytes, *, schema_version: int = 0, keep: int | None = None
    ) -> None:
        """Saves a snapshot of a stream. See `AsyncClient.save_snapshot`."""
        self.run(self.aio.save_snapshot(stream, revision, data, schema_version=schema_version, keep=keep))

    def load_snapshot(
        self, stream: str, *, at_or_before: int | None = None, schema_version: int | None = None
    ) -> Snapshot | None:
        """Returns the latest snapshot of a stream; `None` if there is none. See `AsyncClient.load_snapshot`."""
        return self.run(self.aio.load_snapshot(stream, at_or_before=at_or_before, schema_version=schema_version))

    def get_state(self, scope: str, key: str) -> StateEntry | None:
        """Returns an entry of state; `None` if there is none. See `AsyncClient.get_state`."""
        return self.run(self.aio.get_state(scope, key))

    def get_state_with_version(self, scope: str, key: str) -> StateRead:
        """Returns an entry together with the version of its scope. See `AsyncClient.get_state_with_version`."""
        return self.run(self.aio.get_state_with_version(scope, key))

    def list_state(self, scope: str, *, prefix: str = "", after: str = "", page_size: int | None = None) -> StatePage:
        """Returns a page of the entries of a scope. See `AsyncClient.list_state`."""
        return self.run(self.aio.list_state(scope, prefix=prefix, after=after, page_size=page_size))

    def state_entries(self, scope: str, *, prefix: str = "") -> Iterator[StateEntry]:
        """Returns the entries of a scope. See `AsyncClient.state_entries`."""
        return _each(self.aio.state_entries(scope, prefix=prefix))

    def write_state(
        self,
        changes: Iterable[StateChange],
        *,
        checks: Iterable[StateCheck] = (),
        id: UUID | None = None,  # noqa: A002
    ) -> StateWritten:
        """Changes entries, all or none, if every check passes. See `AsyncClient.write_state`."""
        return self.run(self.aio.write_state(changes, checks=checks, id=id))

    def update_state(
        self,
        scope: str,
        key: str,
        function: Callable[[bytes | None], bytes | None],
        *,
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> StateEntry | None:
        """Changes an entry based on its value. The function runs in this thread. See `AsyncClient.update_state`."""
        failed = 0
        while True:
            entry = self.get_state(scope, key)
            value = function(None if entry is None else entry.value)
            try:
                return self.run(self.aio._replace(scope, key, entry, value))
            except ChecksFailed:
                failed += 1
                if failed >= conflicts.tries_max:
                    raise
                self.run(conflicts.pause(failed))

    def update_state_json(
        self,
        scope: str,
        key: str,
        function: Callable[[Any], Any],
        *,
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> StateEntry | None:
        """Changes an entry whose value is JSON. See `AsyncClient.update_state_json`."""
        return self.update_state(scope, key, through_json(scope, key, function), conflicts=conflicts)

    def subscribe_state(
        self, scope: str, *, prefix: str = "", after: int | None = None, reconnect_timeout: float | None = None
    ) -> SyncStateSubscription:
        """Subscribes to a scope. See `AsyncClient.subscribe_state`."""
        return SyncStateSubscription(
            self.aio.subscribe_state(scope, prefix=prefix, after=after, reconnect_timeout=reconnect_timeout)
        )

    def create_group(
        self,
        name: str,
        settings: GroupSettings = GroupSettings(),  # noqa: B008
        *,
        start: GroupStart = GroupStart.beginning(),  # noqa: B008
    ) -> Group:
        """Creates a consumer group. See `AsyncClient.create_group`."""
        return self.run(self.aio.create_group(name, settings, start=start))

    def update_group(self, name: str, settings: GroupSettings, *, expected_version: int | None = None) -> Group:
        """Replaces the settings of a group. See `AsyncClient.update_group`."""
        return self.run(self.aio.update_group(name, settings, expected_version=expected_version))

    def delete_group(self, name: str) -> bool:
        """Deletes a group; returns whether there was one. See `AsyncClient.delete_group`."""
        return self.run(self.aio.delete_group(name))

    def list_groups(self, prefix: str = "") -> Iterator[Group]:
        """Returns the groups whose names begin with `prefix`. See `AsyncClient.list_groups`."""
        return _each(self.aio.list_groups(prefix))

    def describe_group(self, name: str) -> GroupStatus:
        """Returns a group with its progress and its consumers. See `AsyncClient.describe_group`."""
        return self.run(self.aio.describe_group(name))

    def reset_group(self, name: str, start: GroupStart) -> int:
        """Continues a group at another place. See `AsyncClient.reset_group`."""
        return self.run(self.aio.reset_group(name, start))

    def list_parked(self, group: str, *, stream: str = "", include_events: bool = False) -> Iterator[ParkedEvent]:
        """Returns the parked events of a group. See `AsyncClient.list_parked`."""
        return _each(self.aio.list_parked(group, stream=stream, include_events=include_events))

    def replay_parked(self, group: str, selection: ParkedSelection, *, to_group: str = "") -> int:
        """Delivers parked events again. See `AsyncClient.replay_parked`."""
        return self.run(self.aio.replay_parked(group, selection, to_group=to_group))

    def discard_parked(self, group: str, selection: ParkedSelection) -> int:
        """Discards parked events. See `AsyncClient.discard_parked`."""
        return self.run(self.aio.discard_parked(group, selection))

    def consume(
        self,
        group: str,
        handler: Callable[[Delivery], Outcome | None],
        *,
        consumer: str | None = None,
        concurrency: int = 1,
        permits: int | None = None,
    ) -> SyncConsumer:
        """Consumes the events of a group; the handler runs in `concurrency` threads. See `AsyncClient.consume`."""
        integer("concurrency", concurrency, least=1)
        threads = ThreadPoolExecutor(concurrency, "annals-consumer")

        async def handle(delivery: Delivery) -> Outcome | None:
            return await asyncio.get_running_loop().run_in_executor(threads, handler, delivery)

        made = self.aio.consume(group, handle, consumer=consumer, concurrency=concurrency, permits=permits)
        return SyncConsumer(made, threads)

    def start_scavenge(self) -> Scavenge:
        """Starts to reclaim the space of removed events. See `AsyncClient.start_scavenge`."""
        return self.run(self.aio.start_scavenge())

    def stop_scavenge(self) -> Scavenge | None:
        """Stops the running scavenge, if there is one. See `AsyncClient.stop_scavenge`."""
        return self.run(self.aio.stop_scavenge())

    def scavenge_status(self) -> Scavenge | None:
        """Returns the progress of the running scavenge, or of the last one. See `AsyncClient.scavenge_status`."""
        return self.run(self.aio.scavenge_status())

    def server_info(self) -> ServerInfo:
        """Returns the server's version, engine, log head and limits. See `AsyncClient.server_info`."""
        return self.run(self.aio.server_info())


class SyncConsumer:
    """A consumer of a group, for threads. `run` it, or use it as a context."""

    def __init__(self, consumer: Consumer, threads: ThreadPoolExecutor) -> None:
        self._consumer = consumer
        self._threads = threads

    @property
    def name(self) -> str:
        """Its name, which is shown to operators."""
        return self._consumer.name

    def run(self) -> None:
        """Handles events until it is stopped or fails. Raises as `AsyncClient.consume`."""

        async def work() -> None:
            await self._consumer

        try:
            _portal.run(work())
        finally:
            self._threads.shutdown(wait=False)

    def stop(self) -> None:
        """Stops it gracefully, from any thread: events that are being handled are settled, the others return."""
        _portal.soon(self._consumer.stop)

    def __enter__(self) -> Self:
        _portal.run(self._consumer.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            _portal.run(self._consumer.__aexit__(kind, error, traceback))
        finally:
            self._threads.shutdown(wait=False)


class SyncRead(SyncFeed[RecordedEvent]):
    """The events of a read, one by one. `open()` begins it, so that errors are raised before the first event."""

    def __init__(self, read: Read) -> None:
        super().__init__(read)
        self._read = read

    @property
    def head(self) -> int:
        """The log's last position when the read began. Available once it is open or the first event was received."""
        return self._read.head

    @property
    def last_revision(self) -> int | None:
        """The stream's last revision when the read began; `None` for a read of the whole log."""
        return self._read.last_revision

    def collect(self) -> list[RecordedEvent]:
        """Returns all remaining events as a list. Limit the read if there may be more than fit in memory."""
        return _portal.run(self._read.collect())


class SyncSubscription(SyncFeed[SubscriptionItem]):
    """An open subscription: iterate over it. Another thread may `close()` it, which ends the iteration."""

    def events(self) -> Iterator[RecordedEvent]:
        """Returns the events only."""
        for item in self:
            if isinstance(item, RecordedEvent):
                yield item


class SyncStateSubscription(SyncFeed[StateItem]):
    """An open subscription to state: iterate over it. Another thread may `close()` it, which ends the iteration."""


def _each(items: AsyncIterator[T]) -> Iterator[T]:
    """Returns the items of an asynchronous iterator."""

    async def following() -> tuple[T] | None:
        async for item in items:
            return (item,)
        return None

    while (found := _portal.run(following())) is not None:
        yield found[0]
