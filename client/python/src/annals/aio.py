"""The asynchronous client: all calls to a store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from annals import _fork, _rpc
from annals._connection import Connection, Patience, Tls
from annals._group_calls import GroupCalls
from annals._retry import Caller, RetryPolicy
from annals._shared_pipeline import SharedPipeline
from annals._state_calls import StateCalls
from annals._streams import StreamCalls
from annals.append import (
    Appended,
    AppendedToMany,
    Check,
    Expected,
    ExpectedRevision,
    Write,
    to_appended,
    to_appended_to_many,
    to_many_request,
    to_stream_request,
)
from annals.event import Event, set_timestamp
from annals.info import Scavenge, ServerInfo, to_scavenge, to_server_info
from annals.pipeline import AppendPipeline, PipelineLimits
from annals.query import Query
from annals.read import Read
from annals.read import Target as ReadTarget
from annals.state import StateChange, StateCheck
from annals.subscription import Subscription
from annals.subscription import Target as SubscriptionTarget
from annals.v1 import event_store_pb2 as store_pb
from annals.v1 import scavenge_pb2

__all__ = ["AsyncClient"]

# With a shorter timeout, a busy server would count as dead.
_SILENCE_SECONDS_MIN = 0.1


class AsyncClient(StreamCalls, StateCalls, GroupCalls):
    """A client of an Annals store, for one asyncio event loop and any number of its tasks.

        async with AsyncClient("http://127.0.0.1:2113") as client:
            await client.append("order-1", [Event.json("OrderPlaced", {"total": 42})], expected=Expected.NO_STREAM)
            async for event in client.read_stream("order-1"):
                print(event.revision, event.type, event.json())

    The client connects at the first call, and reconnects after a lost connection. A call that fails for a transient
    reason is retried on the next endpoint, then after growing pauses, until its deadline. This includes appends: an
    `Event` has its id from the moment it is created, and the store writes each id once. After that, every call can
    raise a `TransientError`. Arguments of the wrong type or range raise `InvalidValue`.
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
        """Creates the client; no connection is opened yet.

        Args:
            endpoints: One or more servers of the same store: `http://host:port`, `https://host:port`, or `host:port`.
                The port defaults to 2113. All calls go to one endpoint while it works, then to the next, in random
                order.
            timeout: The deadline of every call in seconds, including retries and pauses. For reads it applies to the
                first response and to the wait for each further one; for pipelines, to the wait for a result.
            connect_timeout: How long one endpoint may take to accept a connection, in seconds.
            keepalive_timeout: How long a server with open calls may send nothing at all, not even the reply to a
                ping, before it counts as dead, in seconds; at least 0.1.
            shuffle_endpoints: Whether endpoints are tried in random order. `False` tries them in the given order, for
                a first endpoint that is closer than the others. If many clients use this, they all fail over to the
                second endpoint at once.
            return_after: Mean time between probes of the first endpoint after the client has left it, in seconds; the
                client returns when it answers. `None` disables returning.
            retry: How calls that failed for a transient reason are retried.
            tls: TLS settings for `https` endpoints.

        Raises:
            InvalidEndpoint: There is no endpoint, or one is not valid.
        """
        names = [endpoints] if isinstance(endpoints, str) else list(endpoints)
        patience = Patience(connect_timeout, max(keepalive_timeout, _SILENCE_SECONDS_MIN), return_after)
        connection = Connection(names, shuffle_endpoints=shuffle_endpoints, patience=patience, tls=tls)
        self._caller = Caller(connection, retry or RetryPolicy())
        self._timeout = timeout
        self._appends = SharedPipeline(self._caller, timeout)

    def with_timeout(self, timeout: float) -> AsyncClient:
        """Returns a client with another deadline (seconds) for its calls, which shares the connections of this one."""
        other = object.__new__(AsyncClient)
        other._caller = self._caller
        other._timeout = timeout
        other._appends = SharedPipeline(self._caller, timeout)
        return other

    async def aclose(self) -> None:
        """Closes the connections and all calls. A later call would connect again."""
        if _fork.broken():
            # The connections belong to the parent process.
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
        """Appends events to a stream, all or none, if the stream is in the expected state.

        Concurrent appends of many tasks share a pipeline; each is still checked and answered independently. Every
        attempt sends the same ids, so nothing is written twice. This holds for callers too: after `DeadlineExceeded`
        or `Unreachable`, append the same events again.

        Args:
            stream: The stream's name: 1 to 512 bytes, not starting with `$`. It need not exist.
            events: 1 to 10,000 events.
            expected: The state that the stream must be in.
            recorded_at: The time at which the events were recorded, for moving a log here from another store. The
                server must have been started with `--accept-recorded-times`.

        Raises:
            RevisionConflict: The stream is not in the expected state.
            EventIdConflict: The first event's id is already stored, from a different append.
            InvalidField: A name, an id or a tag is malformed.
            TooLarge: An event, or the whole append, exceeds the server's limit.
            StreamTombstoned: The stream was permanently deleted.
            RecordedTimeNotAccepted: The server does not accept `recorded_at`.
            RecordedTimeOutOfRange: The time is not between that of the log's last event and now.
        """
        request = to_stream_request(stream, events, expected, recorded_at)

        async def alone() -> Appended:
            return to_appended(await self._caller.unary(_rpc.APPEND_TO_STREAM, request, self._timeout))

        return await self._appends.append(request.ByteSize(), alone, lambda pipeline: pipeline.take(request))

    async def append_to_many(
        self,
        writes: Iterable[Write],
        *,
        checks: Iterable[Check] = (),
        recorded_at: datetime | None = None,
        state_changes: Iterable[StateChange] = (),
        state_checks: Iterable[StateCheck] = (),
    ) -> AppendedToMany:
        """Appends events to one or more streams, all or none, if every check passes. Idempotent like `append`.

        Args:
            writes: The events to write, in this order: 1 to 1,000 writes with 1 to 10,000 events in total.
            checks: The checks, at most 64 including the `expected` of the writes, and at most one expected state per
                stream. Nothing is written unless all of them pass.
            recorded_at: As for `append`.
            state_changes: Changes of state in the same transaction: at most 1,000, of different entries.
            state_checks: Checks of state, which must pass like `checks`: at most 1,000, of different entries.

        Raises:
            ChecksFailed: One or more checks failed; the error lists them.
            PositionBeyondHead: The position `after` of a check does not exist in this store.
            EventIdConflict: The first event's id is already stored, from a different append.
            InvalidField: A name, an id, a tag or a query is malformed.
            TooLarge: An event, or the whole append, exceeds the server's limit.
            StreamTombstoned: A stream was permanently deleted.
        """
        request = to_many_request(writes, checks, recorded_at, state_changes, state_checks)

        async def alone() -> AppendedToMany:
            return to_appended_to_many(await self._caller.unary(_rpc.APPEND_TO_MANY, request, self._timeout))

        return await self._appends.append(request.ByteSize(), alone, lambda pipeline: pipeline.take_to_many(request))

    async def append_each(
        self, appends: Iterable[tuple[str, Sequence[Event]]], *, expected: ExpectedRevision = Expected.ANY
    ) -> list[Appended]:
        """Makes many independent appends in order, through one pipeline, and waits for all of them.

        Args:
            appends: A stream and its events for each append.
            expected: The state that the stream of each append must be in.

        Raises the error of the first append that failed. The appends after it may have been written.
        """
        async with self.append_pipeline() as pipeline:
            waiting = [await pipeline.append(stream, events, expected=expected) for stream, events in appends]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        appended = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            appended.append(result)
        return appended

    def append_pipeline(self, limits: PipelineLimits | None = None) -> AppendPipeline:
        """Opens a pipeline for many appends in flight at once. No call is made before the first append."""
        return AppendPipeline(self._caller, self._timeout, limits or PipelineLimits())

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
        """Reads one stream up to its current end. Iterate over the result, or await it first.

        Args:
            stream: The stream.
            from_revision: The first revision to return, at most one after the last. By default the first, or the last
                when reading backwards.
            limit: Maximum number of events to return, 1 or more.
            backwards: Whether to read from newest to oldest.
            query: Returns only events that match.
            until: Reads the stream as it was when this was its last revision, or at this time.

        Raises (when awaited or iterated over):
            StreamNotFound: The stream has no events.
            StreamTombstoned: The stream was permanently deleted.
            RevisionBeyondEnd: The stream has not reached that revision.
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
        """Reads the whole log up to its current head. Iterate over the result, or await it first.

        Args:
            from_position: The first position to return, from 1 to one after the head. By default the first, or the
                last when reading backwards.
            limit: Maximum number of events to return, 1 or more.
            backwards: Whether to read from newest to oldest.
            query: Returns only events that match.
            until: Reads the log as it was when this was its head, or at this time.

        Raises (when awaited or iterated over):
            PositionBeyondHead: The log has not reached that position.
        """
        target = ReadTarget(None, backwards, from_position, limit, query, until)
        return Read(self._caller, self._timeout, target)

    async def position_at_time(self, time: datetime) -> int:
        """Returns the position of the last event recorded at that time or before; 0 if there is none."""
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
        reconnect_timeout: float | None = None,
    ) -> Subscription:
        """Subscribes to the whole log. Iterate over the result, or await it first. It resumes automatically.

        Args:
            after: Begins after this position, the last one handled. By default at the beginning.
            from_end: Begins after the last event that exists now.
            query: Returns only events that match.
            reconnect_timeout: How long reconnecting is tried after a lost connection, in seconds, before the
                subscription fails. By default without a limit.

        Raises (when awaited or iterated over):
            PositionBeyondHead: The position `after` does not exist in this store.
            Overloaded: The server's limit of subscriptions is reached.
        """
        return self._subscribe(SubscriptionTarget(None, query), after, from_end, reconnect_timeout)

    def subscribe_stream(
        self,
        stream: str,
        *,
        after_revision: int | None = None,
        from_end: bool = False,
        query: Query | None = None,
        reconnect_timeout: float | None = None,
    ) -> Subscription:
        """Subscribes to one stream, which need not exist yet. It resumes automatically.

        Args:
            stream: The stream.
            after_revision: Begins after this revision, that of the last event handled or of a `CaughtUp`,
                `FellBehind` or `Checkpoint`. By default at the beginning.
            from_end: Begins after the last event that exists now.
            query: Returns only events that match.
            reconnect_timeout: As for `subscribe_all`.

        Raises (when awaited or iterated over):
            RevisionBeyondEnd: The stream has not reached `after_revision`.
            StreamTombstoned: The stream was permanently deleted.
            Overloaded: The server's limit of subscriptions is reached.
        """
        return self._subscribe(SubscriptionTarget(stream, query), after_revision, from_end, reconnect_timeout)

    def _subscribe(
        self, target: SubscriptionTarget, after: int | None, from_end: bool, reconnect_timeout: float | None
    ) -> Subscription:
        return Subscription(
            self._caller, self._timeout, target, after=after, from_end=from_end, reconnect_timeout=reconnect_timeout
        )

    # The server

    async def start_scavenge(self) -> Scavenge:
        """Starts to reclaim the space of removed events in the background, or continues a stopped scavenge."""
        answer = await self._caller.unary(_rpc.START_SCAVENGE, scavenge_pb2.StartScavengeRequest(), self._timeout)
        return to_scavenge(answer.scavenge)

    async def stop_scavenge(self) -> Scavenge | None:
        """Stops the running scavenge, if there is one, until it is started again.

        Returns the scavenge that was stopped, or that ran last; `None` if none was ever started.
        """
        answer = await self._caller.unary(_rpc.STOP_SCAVENGE, scavenge_pb2.StopScavengeRequest(), self._timeout)
        return to_scavenge(answer.scavenge) if answer.HasField("scavenge") else None

    async def scavenge_status(self) -> Scavenge | None:
        """Returns the progress of the running scavenge, or of the last one; `None` if none was ever started."""
        answer = await self._caller.unary(_rpc.GET_SCAVENGE, scavenge_pb2.GetScavengeRequest(), self._timeout)
        return to_scavenge(answer.scavenge) if answer.HasField("scavenge") else None

    async def server_info(self) -> ServerInfo:
        """Returns the server's version, engine, log head and limits."""
        answer = await self._caller.unary(_rpc.GET_SERVER_INFO, store_pb.GetServerInfoRequest(), self._timeout)
        return to_server_info(answer)
