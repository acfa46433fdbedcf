"""The asynchronous client: everything a store can be asked, in one handle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from annals import _fork, _rpc
from annals._arguments import UINT32_MAX, integer, optional_integer, shown, text
from annals._connection import Connection, Patience, Tls
from annals._pipeline import Pipeline
from annals._retry import Caller, RetryPolicy
from annals.append import (
    Appended,
    AppendedToMany,
    Check,
    Expected,
    ExpectedRevision,
    Write,
    to_appended,
    to_appended_to_many,
    to_expected,
    to_many_request,
    to_stream_request,
)
from annals.errors import InvalidValue
from annals.event import Event, set_timestamp
from annals.info import (
    Deleted,
    KeptRetention,
    PrefixRetention,
    Retention,
    Scavenge,
    ServerInfo,
    Snapshot,
    StreamInfo,
    Tombstoned,
    to_prefix_retention,
    to_retention,
    to_scavenge,
    to_server_info,
    to_snapshot,
    to_stream_info,
)
from annals.query import Query
from annals.read import Read
from annals.read import Target as ReadTarget
from annals.session import AppendSession, SessionLimits
from annals.subscription import Subscription
from annals.subscription import Target as SubscriptionTarget
from annals.v1 import event_store_pb2 as store_pb
from annals.v1 import scavenge_pb2, snapshot_pb2, stream_pb2

__all__ = ["AsyncClient"]

# The most streams a page may hold, from the protocol.
_PAGE_STREAMS = 1_000
# A shorter silence would take a server that is busy for one that is dead.
_SILENCE_SECONDS_MIN = 0.1


class AsyncClient:
    """A handle on an Annals store, for one asyncio event loop and any number of its tasks.

        async with AsyncClient("http://127.0.0.1:2113") as client:
            await client.append("order-1", [Event.json("OrderPlaced", {"total": 42})], expected=Expected.NO_STREAM)
            async for event in client.read_stream("order-1"):
                print(event.revision, event.type, event.json())

    Connects at the first call, and again whenever a connection broke. A call that failed for a passing reason is tried again
    on the next endpoint, then after growing pauses, until its deadline; appends too, because an `Event` has its id from the
    moment it is made, and the store writes an id once. Every call can fail with the `TransientError`s, after that. Arguments
    of the wrong type or range raise `InvalidValue`.
    """

    def __init__(
        self,
        endpoints: str | Sequence[str] = "http://127.0.0.1:2113",
        *,
        timeout: float = 10.0,
        connect_timeout: float = 3.0,
        dead_after: float = 5.0,
        in_given_order: bool = False,
        return_after: float | None = 10.0,
        retry: RetryPolicy | None = None,
        tls: Tls | None = None,
    ) -> None:
        """Makes the client; nothing is connected yet.

        Args:
            endpoints: One or several servers of the same store: `http://host:port`, `https://host:port`, or `host:port`. A port
                that is left out is 2113.
                All calls go to the first of them while it works, then to the next, in an order drawn at random.
            timeout: The deadline of every call in seconds, tries and pauses included; for reads, of the first answer and
                of the wait for each further one; for sessions, of the wait for an answer.
            connect_timeout: How long one endpoint may take to accept a connection, in seconds.
            dead_after: How long a server may say nothing at all, not even to a ping, while calls to it are open, before
                it counts as dead: in seconds, 0.1 or more.
            in_given_order: Try the endpoints in the order given, if the first is nearer than the others.
            return_after: How often it is looked whether the first endpoint answers again after it was left, so that calls go
                back to it: about every so many seconds. `None`: never.
            retry: How calls that failed for a passing reason are tried again.
            tls: How `https` endpoints are talked to.

        Raises:
            InvalidEndpoint: There is no endpoint, or one is not valid.
        """
        names = [endpoints] if isinstance(endpoints, str) else list(endpoints)
        patience = Patience(connect_timeout, max(dead_after, _SILENCE_SECONDS_MIN), return_after)
        connection = Connection(names, in_given_order=in_given_order, patience=patience, tls=tls)
        self._caller = Caller(connection, retry or RetryPolicy())
        self._timeout = timeout
        self._appends = Pipeline(self._caller, timeout)

    def with_timeout(self, timeout: float) -> AsyncClient:
        """The same client, connections shared, with another deadline (seconds) for the calls made through it."""
        other = object.__new__(AsyncClient)
        other._caller = self._caller
        other._timeout = timeout
        other._appends = Pipeline(self._caller, timeout)
        return other

    async def aclose(self) -> None:
        """Closes the connections, and with them all calls. A later call would connect again."""
        if _fork.broken():
            # They are the parent's.
            return
        await self._appends.aclose()
        await self._caller.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # Appends

    async def append(
        self,
        stream: str,
        events: Iterable[Event],
        *,
        expected: ExpectedRevision = Expected.ANY,
        recorded_at: datetime | None = None,
    ) -> Appended:
        """Appends events to a stream, all or none, if the stream is as expected.

        Those of many tasks at once share a session, each still judged and answered on its own. Every try sends the same
        ids, so that nothing is written twice. The same holds for the caller: after `DeadlineExceeded` or `Unreachable`,
        append the same events again.

        Args:
            stream: The stream's name: 1 to 512 bytes, not starting with `$`. It need not exist.
            events: 1 to 10,000 events.
            expected: What the stream must be like.
            recorded_at: When they were recorded, for moving a log here from another store; the server must have been
                started with `--accept-recorded-times`.

        Raises:
            RevisionConflict: The stream is not as expected.
            EventIdConflict: The first event's id is known from another append.
            InvalidField: A name, an id or a tag is malformed.
            TooLarge: An event or all of them are.
            StreamTombstoned: The stream was deleted for ever.
            RecordedTimeNotAccepted: The server takes no `recorded_at`.
            RecordedTimeOutOfRange: It is not between the log's last time and now.
        """
        request = to_stream_request(stream, events, expected, recorded_at)

        async def alone() -> Appended:
            return to_appended(await self._caller.unary(_rpc.APPEND_TO_STREAM, request, self._timeout))

        return await self._appends.append(request.ByteSize(), alone, lambda session: session.take(request))

    async def append_to_many(
        self,
        writes: Iterable[Write],
        *,
        checks: Iterable[Check] = (),
        recorded_at: datetime | None = None,
    ) -> AppendedToMany:
        """Appends events to any number of streams, all or none, if every check holds. Idempotent like `append`.

        Args:
            writes: What to write, in this order: 1 to 1,000 writes with 1 to 10,000 events in all.
            checks: What must hold, all of it, for anything to be written: at most 64.
            recorded_at: As for `append`.

        Raises:
            ChecksFailed: Checks do not hold; those that don't are listed.
            PositionBeyondHead: A check's `after` is not of this store.
            EventIdConflict: The first event's id is known from another append.
            InvalidField: A name, an id, a tag or a query is malformed.
            TooLarge: An event or all of them are.
            StreamTombstoned: A stream was deleted for ever.
        """
        request = to_many_request(writes, checks, recorded_at)

        async def alone() -> AppendedToMany:
            return to_appended_to_many(await self._caller.unary(_rpc.APPEND, request, self._timeout))

        return await self._appends.append(request.ByteSize(), alone, lambda session: session.take_to_many(request))

    def append_session(self, limits: SessionLimits | None = None) -> AppendSession:
        """Opens a session for many appends in flight at once. Nothing is connected before the first of them."""
        return AppendSession(self._caller, self._timeout, limits or SessionLimits())

    # Reads

    def read_stream(
        self,
        stream: str,
        *,
        from_revision: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
        query: Query | None = None,
        until: int | datetime | None = None,
    ) -> Read:
        """Reads one stream up to its end as it is now: iterate over it, or await it first.

        Args:
            stream: The stream.
            from_revision: The first revision to return, at most one after the last. Otherwise the first, or when reading
                backwards the last.
            limit: The most events to return, 1 or more.
            backwards: Newest first.
            query: Only the events that match.
            until: The stream as it was when this was its last revision, or at this time.

        Raises (when it is awaited or iterated over):
            StreamNotFound: The stream has no events.
            StreamTombstoned: It was deleted for ever.
            RevisionBeyondEnd: It has not reached that revision.
        """
        target = ReadTarget(stream, backwards, from_revision, limit, query, until)
        return Read(self._caller, self._timeout, target)

    def read_all(
        self,
        *,
        from_position: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
        query: Query | None = None,
        until: int | datetime | None = None,
    ) -> Read:
        """Reads the whole log up to its head as it is now: iterate over it, or await it first.

        Args:
            from_position: The first position to return, 1 to one after the head. Otherwise the first, or when reading
                backwards the last.
            limit: The most events to return, 1 or more.
            backwards: Newest first.
            query: Only the events that match.
            until: The log as it was when this was its head, or at this time.

        Raises (when it is awaited or iterated over):
            PositionBeyondHead: The log has not reached that position.
        """
        target = ReadTarget(None, backwards, from_position, limit, query, until)
        return Read(self._caller, self._timeout, target)

    async def position_at(self, time: datetime) -> int:
        """The position of the last event that was recorded at that time or before; 0 if there is none."""
        request = store_pb.GetPositionAtTimeRequest()
        set_timestamp(request.time, time)
        return (await self._caller.unary(_rpc.GET_POSITION_AT_TIME, request, self._timeout)).position

    # Subscriptions

    def subscribe_all(
        self,
        *,
        after: int | None = None,
        from_end: bool = False,
        query: Query | None = None,
        give_up_after: float | None = None,
    ) -> Subscription:
        """Subscribes to the whole log: iterate over it, or await it first. It resumes by itself.

        Args:
            after: Begin after this position: the last that was handled. Otherwise at the beginning.
            from_end: Begin after the last event there is now.
            query: Only the events that match.
            give_up_after: Fail if a connection that was lost can't be resumed for so long, in seconds. Otherwise never.

        Raises (when it is awaited or iterated over):
            PositionBeyondHead: `after` is not of this store.
            Overloaded: The server has as many subscriptions as it takes.
        """
        return self._subscribe(SubscriptionTarget(None, query), after, from_end, give_up_after)

    def subscribe_stream(
        self,
        stream: str,
        *,
        after_revision: int | None = None,
        from_end: bool = False,
        query: Query | None = None,
        give_up_after: float | None = None,
    ) -> Subscription:
        """The same for one stream, which need not exist yet.

        Raises (when it is awaited or iterated over):
            RevisionBeyondEnd: The stream has not reached `after_revision`.
            StreamTombstoned: It was deleted for ever.
            Overloaded: The server has as many subscriptions as it takes.
        """
        return self._subscribe(SubscriptionTarget(stream, query), after_revision, from_end, give_up_after)

    def _subscribe(
        self, target: SubscriptionTarget, after: int | None, from_end: bool, give_up_after: float | None
    ) -> Subscription:
        return Subscription(
            self._caller, self._timeout, target, after=after, from_end=from_end, give_up_after=give_up_after
        )

    # Streams

    async def stream_info(self, stream: str) -> StreamInfo:
        """What the store knows of a stream.

        Raises:
            StreamNotFound: It has no events.
            StreamTombstoned: It was deleted for ever.
        """
        text("stream", stream)
        request = stream_pb2.GetStreamRequest(stream=stream)
        return to_stream_info((await self._caller.unary(_rpc.GET_STREAM, request, self._timeout)).stream)

    async def list_streams(self, prefix: str = "") -> AsyncIterator[StreamInfo]:
        """The streams whose names start with `prefix`, in the order of their names' bytes; a page at a time."""
        text("prefix", prefix)
        token = ""
        while True:
            request = stream_pb2.ListStreamsRequest(prefix=prefix, page_size=_PAGE_STREAMS, page_token=token)
            page = await self._caller.unary(_rpc.LIST_STREAMS, request, self._timeout)
            for stream in page.streams:
                yield to_stream_info(stream)
            token = page.next_page_token
            if not token:
                return

    async def retention(self, stream: str) -> KeptRetention:
        """How much of a stream is kept. Answers for every name, also of streams that have no events."""
        text("stream", stream)
        request = stream_pb2.GetRetentionRequest(stream=stream)
        answer = await self._caller.unary(_rpc.GET_RETENTION, request, self._timeout)
        return KeptRetention(to_retention(answer.retention), answer.version, answer.tombstoned)

    async def set_retention(
        self, stream: str, retention: Retention, *, expected_version: int | None = None
    ) -> KeptRetention:
        """Sets how much of a stream is kept, in place of what was set before.

        A try whose answer was lost is made again; with `expected_version`, that may then be a `VersionConflict` with
        one's own change.

        Raises:
            VersionConflict: It is not at `expected_version`, as `retention` told it.
            StreamTombstoned: The stream was deleted for ever.
            InvalidField: A field is out of range.
        """
        text("stream", stream)
        optional_integer("expected_version", expected_version)
        request = stream_pb2.SetRetentionRequest(
            stream=stream, retention=retention.to_proto(), expected_version=expected_version
        )
        answer = await self._caller.unary(_rpc.SET_RETENTION, request, self._timeout)
        return KeptRetention(to_retention(answer.retention), answer.version)

    async def prefix_retention(self, prefix: str) -> PrefixRetention:
        """How much is kept of the streams whose names begin with a prefix, as it is set for just this prefix."""
        request = stream_pb2.GetPrefixRetentionRequest(prefix=prefix)
        answer = await self._caller.unary(_rpc.GET_PREFIX_RETENTION, request, self._timeout)
        return to_prefix_retention(answer.retention)

    async def set_prefix_retention(
        self, prefix: str, retention: Retention, *, expected_version: int | None = None
    ) -> PrefixRetention:
        """Sets how much is kept of all streams whose names begin with a prefix, in place of what was set before.

        It holds for streams without a count and an age of their own; one entry for any number of streams.
        `Retention()` takes it back.

        Raises:
            VersionConflict: It is not at `expected_version`, as `prefix_retention` returned it.
            InvalidField: A field is out of range, or a retention is set for as many prefixes as can be.
        """
        request = stream_pb2.SetPrefixRetentionRequest(
            prefix=prefix, retention=retention.to_proto(), expected_version=expected_version
        )
        answer = await self._caller.unary(_rpc.SET_PREFIX_RETENTION, request, self._timeout)
        return to_prefix_retention(answer.retention)

    async def prefix_retentions(self) -> list[PrefixRetention]:
        """All prefixes for which a retention is set, in the order of their bytes: at most a thousand."""
        found: list[PrefixRetention] = []
        token = ""
        while True:
            request = stream_pb2.ListPrefixRetentionsRequest(page_size=_PAGE_STREAMS, page_token=token)
            page = await self._caller.unary(_rpc.LIST_PREFIX_RETENTIONS, request, self._timeout)
            found.extend(to_prefix_retention(kept) for kept in page.retentions)
            token = page.next_page_token
            if not token:
                return found

    async def delete_stream(self, stream: str, *, expected: ExpectedRevision = Expected.ANY) -> Deleted:
        """Deletes a stream: its events are gone. A later append begins it again, with the revision after its last.

        Raises:
            RevisionConflict: The stream is not as expected.
            StreamNotFound: It has no events.
            StreamTombstoned: It was deleted for ever.
        """
        text("stream", stream)
        request = stream_pb2.DeleteStreamRequest(stream=stream, expected=to_expected(expected))
        answer = await self._caller.unary(_rpc.DELETE_STREAM, request, self._timeout)
        return Deleted(answer.last_revision, answer.position, answer.already_deleted)

    async def tombstone_stream(self, stream: str, *, expected: ExpectedRevision = Expected.ANY) -> Tombstoned:
        """Deletes a stream for ever: its name takes no more appends. The stream need not exist.

        Raises:
            RevisionConflict: The stream is not as expected.
        """
        text("stream", stream)
        request = stream_pb2.TombstoneStreamRequest(stream=stream, expected=to_expected(expected))
        answer = await self._caller.unary(_rpc.TOMBSTONE_STREAM, request, self._timeout)
        return Tombstoned(answer.position, answer.already_tombstoned)

    # Snapshots

    async def save_snapshot(
        self, stream: str, revision: int, data: bytes, *, schema_version: int = 0, keep: int = 3
    ) -> None:
        """Keeps a snapshot of a stream, in place of one with the same revision and schema version.

        Args:
            stream: The stream.
            revision: The last revision that it holds.
            data: The state, in any encoding; at most 4,000,000 bytes unless the server is configured otherwise.
            schema_version: Which form it has, in your own counting.
            keep: How many snapshots of the stream to keep, 1 to 100.

        Raises:
            StreamNotFound: The stream has no events.
            RevisionBeyondEnd: It has not reached that revision.
            StreamTombstoned: It was deleted for ever.
            TooLarge: The data are.
        """
        text("stream", stream)
        integer("revision", revision)
        integer("schema_version", schema_version, most=UINT32_MAX)
        integer("keep", keep, most=UINT32_MAX)
        if not isinstance(data, bytes):
            raise InvalidValue("data", f"is {shown(data)}; give bytes")
        request = snapshot_pb2.SaveSnapshotRequest(
            stream=stream, revision=revision, schema_version=schema_version, data=data, keep=keep
        )
        await self._caller.unary(_rpc.SAVE_SNAPSHOT, request, self._timeout)

    async def load_snapshot(
        self, stream: str, *, at_or_before: int | None = None, schema_version: int | None = None
    ) -> Snapshot:
        """The latest snapshot of a stream (at that revision or before, of that form).

        Raises:
            SnapshotNotFound: There is none.
            StreamTombstoned: The stream was deleted for ever.
        """
        text("stream", stream)
        optional_integer("at_or_before", at_or_before)
        optional_integer("schema_version", schema_version, most=UINT32_MAX)
        request = snapshot_pb2.LoadSnapshotRequest(
            stream=stream, at_or_before=at_or_before, schema_version=schema_version
        )
        return to_snapshot((await self._caller.unary(_rpc.LOAD_SNAPSHOT, request, self._timeout)).snapshot)

    # The server

    async def start_scavenge(self) -> Scavenge:
        """Begins to reclaim the space of what is gone, or goes on with a scavenge that was stopped; in the background."""
        answer = await self._caller.unary(_rpc.START_SCAVENGE, scavenge_pb2.StartScavengeRequest(), self._timeout)
        return to_scavenge(answer.scavenge)

    async def stop_scavenge(self) -> Scavenge:
        """Stops the scavenge that runs, if one does, until it is started again."""
        answer = await self._caller.unary(_rpc.STOP_SCAVENGE, scavenge_pb2.StopScavengeRequest(), self._timeout)
        return to_scavenge(answer.scavenge)

    async def scavenge(self) -> Scavenge:
        """How far the scavenge is that runs, was stopped or ran last."""
        answer = await self._caller.unary(_rpc.GET_SCAVENGE, scavenge_pb2.GetScavengeRequest(), self._timeout)
        return to_scavenge(answer.scavenge)

    async def server_info(self) -> ServerInfo:
        """What runs at the endpoint, up to where its log goes, and the limits in force."""
        answer = await self._caller.unary(_rpc.GET_SERVER_INFO, store_pb.GetServerInfoRequest(), self._timeout)
        return to_server_info(answer)
