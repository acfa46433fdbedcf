"""An append pipeline: many appends in flight on one call, checked and answered in order.

1. Appends are sent in the order in which `AppendPipeline.append` accepted them, and answered in that order.
2. At most `PipelineLimits` are unanswered. `append` waits for room, so memory is bounded however fast the caller is.
3. If the call breaks, or the server rejects an append for a transient reason, that append and everything after it are
   retried, in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
4. If no result is received for the client's timeout while appends are waiting, all of them fail and the pipeline ends.
5. Messages are split by size, and an append too large to share one is sent as a separate call, so that its rejection
   fails no other append.
6. A pipeline dropped without being closed ends as soon as its appends are answered. A pipeline that is not used for a
   while ends its call; the next append opens another.

Limitation of 3: appends after one that was rejected for a transient reason may already have been written, if they did
not expect an exact revision. They are then before it in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from annals import _idle
from annals._exchange import Exchange, PipelineLimits
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
from annals.state import StateChange, StateCheck
from annals.v1 import append_pb2 as pb

__all__ = ["AppendPipeline", "PipelineLimits"]


class AppendPipeline:
    """Many appends in flight at once, for one event loop and any number of its tasks.

    async with client.append_pipeline() as pipeline:
        waiting = [await pipeline.append("sensor-1", [event]) for event in events]
        for appended in await asyncio.gather(*waiting):
            ...
    """

    # A class attribute for `__del__`, in case `__init__` fails.
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, caller: Caller, timeout: float, limits: PipelineLimits) -> None:
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
        """Adds an append to the pipeline, waiting while too many are unanswered; returns the future of its result.

        The append is made whether or not that future is awaited.

        Raises:
            PipelineClosed: The pipeline has ended.
        """
        return await self.take(to_stream_request(stream, events, expected, recorded_at))

    async def take(self, request: pb.AppendToStreamRequest) -> asyncio.Future[Appended]:
        """Adds an append whose request is already encoded."""
        return await self._take(pb.PipelinedAppend(append_to_stream=request))

    async def append_to_many(
        self,
        writes: Iterable[Write],
        *,
        checks: Iterable[Check] = (),
        recorded_at: datetime | None = None,
        state_changes: Iterable[StateChange] = (),
        state_checks: Iterable[StateCheck] = (),
    ) -> asyncio.Future[AppendedToMany]:
        """Adds an append to several streams, with checks and changes of state; otherwise like `append`.

        Raises:
            PipelineClosed: The pipeline has ended.
        """
        return await self.take_to_many(to_many_request(writes, checks, recorded_at, state_changes, state_checks))

    async def take_to_many(self, request: pb.AppendToManyRequest) -> asyncio.Future[AppendedToMany]:
        """Adds an append to several streams whose request is already encoded."""
        return await self._take(pb.PipelinedAppend(append_to_many=request))

    async def _take(self, append: pb.PipelinedAppend) -> asyncio.Future[Any]:
        self._loop = asyncio.get_running_loop()
        return await self._exchange.take(append)

    @property
    def closed(self) -> bool:
        """Whether it accepts no more appends."""
        return self._exchange.closing

    async def aclose(self) -> None:
        """Waits until every append is answered, and ends the pipeline."""
        self._loop = None
        await self._exchange.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
