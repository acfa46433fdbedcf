"""Sends appends that are made concurrently through one pipeline.

A single append is a separate call, which has the lowest latency. While one is in progress, the appends of other tasks
go through a pipeline, where one message holds many: a call costs this client about as much as the appends of a whole
message. An append too large to share a message is a separate call, so that its rejection fails no other append. The
guarantees are the same either way: each append is checked independently, and retried with the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from annals._exchange import SHARED_BYTES_MAX
from annals._retry import Caller
from annals.errors import DeadlineExceeded, PipelineClosed
from annals.pipeline import AppendPipeline, PipelineLimits

T = TypeVar("T")

# How long an unused pipeline is kept, in seconds.
_IDLE_SECONDS = 1.0


class SharedPipeline:
    """Chooses how to send each append of a client."""

    def __init__(self, caller: Caller, timeout: float) -> None:
        self._caller = caller
        self._timeout = timeout
        self._in_flight = 0
        self._pipeline: AppendPipeline | None = None
        # How often the client had returned to its preferred endpoint when the pipeline was opened.
        self._returns = 0
        self._closing: asyncio.TimerHandle | None = None
        # Pipelines that are closing, once their appends are answered.
        self._ending: set[asyncio.Task[None]] = set()

    async def append(
        self,
        request_bytes: int,
        alone: Callable[[], Awaitable[T]],
        in_pipeline: Callable[[AppendPipeline], Awaitable[asyncio.Future[T]]],
    ) -> T:
        """Sends an append as a separate call if it is large or the only one in flight, otherwise in the pipeline."""
        self._in_flight += 1
        try:
            if self._in_flight == 1 or request_bytes > SHARED_BYTES_MAX:
                return await alone()
            return await self._through_pipeline(in_pipeline)
        finally:
            self._in_flight -= 1
            if self._in_flight == 0 and self._pipeline is not None and self._closing is None:
                self._closing = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._end_idle)

    async def _through_pipeline(self, in_pipeline: Callable[[AppendPipeline], Awaitable[asyncio.Future[T]]]) -> T:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._pipeline is not None and self._returns != self._caller.connection.returns:
            # The old pipeline finishes where it is; later appends go to the preferred endpoint.
            self._end()
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    if self._pipeline is None or self._pipeline.closed:
                        self._pipeline = AppendPipeline(self._caller, self._timeout, PipelineLimits())
                        self._returns = self._caller.connection.returns
                    pipeline = self._pipeline
                    try:
                        return await (await in_pipeline(pipeline))
                    except PipelineClosed:
                        # It ended before this append was sent. Another task may have opened a new one meanwhile.
                        if self._pipeline is pipeline:
                            self._pipeline = None
        except DeadlineExceeded:
            raise
        except TimeoutError:
            raise DeadlineExceeded(self._timeout) from None

    def _end_idle(self) -> None:
        self._closing = None
        self._end()

    def _end(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            ending = asyncio.ensure_future(pipeline.aclose())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """Waits until all appends of the pipelines are answered, and closes the pipelines."""
        if self._closing is not None:
            self._closing.cancel()
        self._end_idle()
        await asyncio.gather(*self._ending, return_exceptions=True)
