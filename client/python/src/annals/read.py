"""Reads: a bounded range of one stream or of the whole log.

1. The end of a read is fixed when it begins: events appended later are not returned.
2. After a lost connection, a read resumes after the last event received, on any endpoint, and ends where it would
   have ended: each event once, in order.
3. A read that makes no progress for the client's timeout fails, however often it is resumed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc.aio

from annals._arguments import optional_integer, text
from annals._connection import Link
from annals._feed import Feed
from annals._retry import Caller, log
from annals._rpc import READ_ALL, READ_STREAM, Method
from annals.errors import AnnalsError, DeadlineExceeded, TransientError
from annals.event import RecordedEvent, decode_all, set_timestamp
from annals.query import Query
from annals.v1 import event_store_pb2 as pb
from annals.v1 import query_pb2

__all__ = ["Read"]


@dataclass
class Target:
    """The remaining range of a read."""

    stream: str | None
    backwards: bool
    start: int | None
    limit: int | None
    query: Query | None
    until: int | datetime | None

    def __post_init__(self) -> None:
        by = "revision" if self.stream is not None else "position"
        if self.stream is not None:
            text("stream", self.stream)
        optional_integer(f"from_{by}", self.start)
        optional_integer("limit", self.limit)
        if not isinstance(self.until, datetime):
            optional_integer("until", self.until)

    @property
    def method(self) -> Method[Any, Any]:
        """The call that reads it."""
        return READ_ALL if self.stream is None else READ_STREAM

    def request(self) -> pb.ReadStreamRequest | pb.ReadAllRequest:
        """Encodes the request for the remaining range."""
        direction = query_pb2.DIRECTION_BACKWARDS if self.backwards else query_pb2.DIRECTION_FORWARDS
        request: pb.ReadStreamRequest | pb.ReadAllRequest
        if self.stream is not None:
            request = pb.ReadStreamRequest(
                stream=self.stream, direction=direction, from_revision=self.start, limit=self.limit
            )
            if isinstance(self.until, int):
                request.until_revision = self.until
        else:
            request = pb.ReadAllRequest(direction=direction, from_position=self.start, limit=self.limit)
            if isinstance(self.until, int):
                request.until_position = self.until
        if isinstance(self.until, datetime):
            set_timestamp(request.until_time, self.until)
        if self.query is not None and self.query.items:
            request.query.CopyFrom(self.query.to_proto())
        return request


class Read(Feed[RecordedEvent]):
    """The events of a read, one by one, or in lists with `batches()`.

    Iterate over it, or await it first: then errors such as `StreamNotFound` are raised, and `head` is known, before
    the first event.

        async for event in client.read_stream("order-1"):
            ...
        read = await client.read_all(query=query)
        events = await read.collect()
    """

    def __init__(self, caller: Caller, timeout: float, target: Target) -> None:
        super().__init__(caller, timeout)
        self._target = target
        self._head = 0
        # The stream's last revision, or the log's head, when the read began.
        self._last = 0
        # Whether all events were received. The call is still read to its end, so that the server does not count it as
        # cancelled.
        self._complete = False

    @property
    def head(self) -> int:
        """The log's last position when the read began; use it as `after` of a check that depends on the read.

        Available once the read was awaited or the first event was received.
        """
        self._demand_opened()
        return self._head

    @property
    def last_revision(self) -> int | None:
        """The stream's last revision when the read began (or at `until`); `None` for reads of the whole log."""
        self._demand_opened()
        return None if self._target.stream is None else self._last

    def _demand_opened(self) -> None:
        if not self._opened:
            raise RuntimeError("the read has not begun; await it first")

    async def collect(self) -> list[RecordedEvent]:
        """Returns all remaining events as a list. Limit the read if there may be more than fit in memory."""
        return [event async for batch in self.batches() for event in batch]

    @property
    def _over(self) -> bool:
        return self._closed or (self._complete and self._live is None)

    async def _begin(self) -> None:
        part = await self._call()
        self._head = part.head
        self._last = part.head if self._target.stream is None else part.last_revision
        if self._target.backwards and self._target.start is None:
            # Events appended before a resumption are not part of the read.
            self._target.start = self._last
        self._received = iter(self._take(part))

    async def _next_message(self) -> list[RecordedEvent]:
        if self._live is None:
            return self._take(await self._call())
        call, link = self._live
        error: AnnalsError
        try:
            async with asyncio.timeout(self._timeout):
                part = await self._read(call)
            if part is not grpc.aio.EOF:
                return self._take(part)
            self._live = None
            self._complete = True
            return []
        except grpc.aio.AioRpcError as failed:
            error = self._caller.failed(link, failed, self._target.method)
        except TimeoutError:
            error = DeadlineExceeded(self._timeout)
        self._live = None
        if not (self._complete or self._closed):
            await self._pause_after(error)
        return []

    async def _call(self) -> Any:
        """Begins a call, and waits for its first message; there is always at least one."""
        method, request = self._target.method, self._target.request()

        async def attempt(link: Link, left: float) -> tuple[Any, Any]:
            call = link.call(method)(request)
            try:
                async with asyncio.timeout(left):
                    part = await call.read()
            except BaseException:
                call.cancel()
                raise
            if part is grpc.aio.EOF:
                raise ended("the read ended before it began")
            return call, part

        (call, part), link = await self._caller.somewhere(method, attempt, self._timeout)
        self._connected(call, link)
        return part

    async def _pause_after(self, error: AnnalsError) -> None:
        """Waits before the read is resumed, or raises the error if it can't be."""
        # A call that exceeded the timeout has used all the time allowed.
        if not isinstance(error, TransientError) or isinstance(error, DeadlineExceeded):
            raise error
        now = asyncio.get_running_loop().time()
        pause = self._tries.after_failure()
        if self._lost_at is None:
            self._lost_at = now
        if pause is None or now - self._lost_at + pause >= self._timeout:
            raise error
        log.debug("read broke, resuming from %s in %.3f s: %s", self._target.start, pause, error)
        await asyncio.sleep(pause)

    def _take(self, part: Any) -> list[RecordedEvent]:
        """Returns the events of a message, and advances the remaining range."""
        events = decode_all(part.events)
        if not events:
            return events
        target, by_revision = self._target, self._target.stream is not None
        latest = events[-1].revision if by_revision else events[-1].position
        if latest > self._last and not target.backwards:
            # The rest of the call is newer than the read.
            events = [event for event in events if (event.revision if by_revision else event.position) <= self._last]
            self._complete = True
            self._hang_up()
            if not events:
                return events
        self._lost_at = None
        self._tries.reset()
        if target.backwards:
            target.start = latest - 1
            self._complete |= target.start < (0 if by_revision else 1)
        else:
            target.start = latest + 1
            self._complete |= latest >= self._last
        if target.limit is not None:
            target.limit -= len(events)
            self._complete |= target.limit <= 0
        return events


def ended(message: str) -> grpc.aio.AioRpcError:
    """Creates the error of a call that the server ended without an error, but before its first message."""
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, message)
