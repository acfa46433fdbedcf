"""A pipelined append session: many appends in flight on one call, judged and answered in order.

1. Appends are sent in the order in which `AppendSession.append` took them, and answered in that order.
2. At most `SessionLimits` are unanswered; `append` waits for room, so memory stays bounded however fast the caller.
3. If the call breaks, or the server refuses an append for a passing reason, everything unanswered is sent again from there
   on, in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
4. If nothing is answered for the client's timeout although appends wait, all of them fail and the session is over.
5. Messages are split by size, and an append that is too large to share one is made by a call of its own, so that its
   refusal fails no other append.
6. A session that is dropped without being closed ends as soon as the appends it took are answered. A session that is not
   used for a while ends its call; the next append opens another.

Limit of 3: appends behind one that was refused for a passing reason may have been written by then, if they did not expect
an exact revision; they then stand before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from annals import _idle
from annals._exchange import Exchange, SessionLimits
from annals._retry import Caller
from annals.append import (
    Appended,
    AppendedToMany,
    Check,
    Expected,
    ExpectedRevision,
    Write,
    to_many_request,
    to_stream_request,
)
from annals.event import Event
from annals.v1 import append_pb2 as pb

__all__ = ["AppendSession", "SessionLimits"]


class AppendSession:
    """An open append session, for one event loop and any number of its tasks.

    async with client.append_session() as session:
        waiting = [await session.append("sensor-1", [event]) for event in events]
        for appended in await asyncio.gather(*waiting):
            ...
    """

    # A default for `__del__`, in case `__init__` fails.
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, caller: Caller, timeout: float, limits: SessionLimits) -> None:
        self._exchange = Exchange(caller, timeout, limits)

    def __del__(self) -> None:
        if self._loop is not None:
            _idle.soon(self._loop, self._exchange.finish)

    async def append(
        self,
        stream: str,
        events: Iterable[Event],
        *,
        expected: ExpectedRevision = Expected.ANY,
        recorded_at: datetime | None = None,
    ) -> asyncio.Future[Appended]:
        """Hands an append to the session, waiting while too many are unanswered; returns the future of its result.

        The append is made whether or not that future is awaited.

        Raises:
            SessionClosed: The session is over.
        """
        return await self.take(to_stream_request(stream, events, expected, recorded_at))

    async def take(self, request: pb.AppendToStreamRequest) -> asyncio.Future[Appended]:
        """`append` of a request that is made already."""
        return await self._take(pb.SessionAppend(append_to_stream=request))

    async def append_to_many(
        self,
        writes: Iterable[Write],
        *,
        checks: Iterable[Check] = (),
        recorded_at: datetime | None = None,
    ) -> asyncio.Future[AppendedToMany]:
        """The same for events of any number of streams, with checks.

        Raises:
            SessionClosed: The session is over.
        """
        return await self.take_to_many(to_many_request(writes, checks, recorded_at))

    async def take_to_many(self, request: pb.AppendRequest) -> asyncio.Future[AppendedToMany]:
        """`append_to_many` of a request that is made already."""
        return await self._take(pb.SessionAppend(append_to_many=request))

    async def _take(self, append: pb.SessionAppend) -> asyncio.Future[Any]:
        self._loop = asyncio.get_running_loop()
        return await self._exchange.take(append)

    @property
    def closed(self) -> bool:
        """Whether it takes no more appends."""
        return self._exchange.closing

    async def aclose(self) -> None:
        """Waits until every append is answered, and ends the session."""
        self._loop = None
        await self._exchange.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
