"""Feeds without an end, which are resumed on any endpoint after a lost connection.

A feed stores its place: the last position, revision or version received. The next call begins after it.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
from typing import Any, TypeVar

import grpc.aio
from grpc.aio import AioRpcError

from annals._connection import Link
from annals._feed import Feed
from annals._retry import Caller, log
from annals._rpc import Method
from annals.errors import AnnalsError, DeadlineExceeded, TransientError, Unreachable

T = TypeVar("T")

# How long to wait for the status of a response that did not begin, in seconds. A later status is raised by the
# iteration.
_STATUS_SECONDS_MAX = 1.0


class ResumedFeed(Feed[T]):
    """A subscription, which ends only with a permanent error, or when it is closed."""

    def __init__(self, caller: Caller, timeout: float, reconnect_timeout: float | None) -> None:
        super().__init__(caller, timeout)
        self._reconnect_timeout = reconnect_timeout
        # How often the client had returned to its preferred endpoint when the call was made.
        self._returns = 0

    @property
    @abc.abstractmethod
    def _method(self) -> Method[Any, Any]:
        """The call that subscribes."""

    @property
    @abc.abstractmethod
    def _place(self) -> int | None:
        """The place after which the next call begins; `None`: at the beginning."""

    @abc.abstractmethod
    def _request(self) -> Any:
        """Encodes the request to subscribe after the current place."""

    @abc.abstractmethod
    def _take(self, message: Any) -> list[T]:
        """Returns the items of a message, and advances the place."""

    @abc.abstractmethod
    def _lost(self) -> None:
        """Notes that the connection was lost."""

    async def _begin(self) -> None:
        call, link = await self._caller.somewhere(self._method, self._subscribe, self._timeout)
        self._connected(call, link)

    async def _subscribe(self, link: Link, left: float) -> Any:
        """Makes the call, and waits until the server has accepted it."""
        self._returns = self._caller.connection.returns
        call = link.call(self._method)(self._request())
        try:
            async with asyncio.timeout(left):
                await call.wait_for_connection()
                # A server that accepts the call begins its response at once. A server that rejects it does not, but
                # its status may not have been processed yet at this point.
                if not await call.initial_metadata():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(call.code(), _STATUS_SECONDS_MAX)
                    await call.wait_for_connection()
        except BaseException:
            call.cancel()
            raise
        return call

    async def _next_message(self) -> list[T]:
        if self._live is None:
            await self._reopen()
            return []
        call, link = self._live
        home = self._caller.connection.pick()
        if self._returns != self._caller.connection.returns and link is not home:
            # The client has returned to its preferred endpoint, and the subscription follows.
            self._hang_up()
            return []
        error: AnnalsError
        try:
            message = await self._read(call)
            if self._closed:
                return []
            if message is not grpc.aio.EOF:
                self._tries.reset()
                self._lost_at = None
                return self._take(message)
            # A server that shuts down may end its subscriptions without an error.
            self._caller.connection.move_on(link)
            error = Unreachable(link.name, "the server ended the subscription")
        except AioRpcError as failed:
            error = self._caller.failed(link, failed, self._method)
        self._live = None
        if not self._closed:
            await self._pause_after(error)
        return []

    async def _reopen(self) -> None:
        """Makes one attempt to open a new call."""
        link = self._caller.connection.pick()
        error: AnnalsError
        try:
            self._connected(await self._subscribe(link, self._timeout), link)
            return
        except AioRpcError as failed:
            error = self._caller.failed(link, failed, self._method)
        except TimeoutError:
            self._caller.connection.move_on(link)
            error = DeadlineExceeded(self._timeout)
        await self._pause_after(error)

    async def _pause_after(self, error: AnnalsError) -> None:
        """Waits before the next attempt, or raises the error if there is none."""
        if not isinstance(error, TransientError):
            raise error
        self._lost()
        now = asyncio.get_running_loop().time()
        if self._lost_at is None:
            self._lost_at = now
        pause = self._tries.after_failure_without_end()
        if self._reconnect_timeout is not None and now - self._lost_at + pause >= self._reconnect_timeout:
            raise error
        log.debug("subscription broke, resuming after %s in %.3f s: %s", self._place, pause, error)
        await asyncio.sleep(pause)
