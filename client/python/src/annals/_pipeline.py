"""Appends of many tasks at once, through one session.

An append that is alone is a call of its own, which answers soonest. While one is on its way, those that other tasks make go
through a session, where one message carries many: a call costs this client about as much as the appends of a whole message.
An append that is too large to share one is a call of its own, so that what the server says of it fails no other.
What is promised is the same either way: each append is judged on its own, and sent again with the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from annals._exchange import SHARED_BYTES_MAX
from annals._retry import Caller
from annals.errors import DeadlineExceeded, SessionClosed
from annals.session import AppendSession, SessionLimits

T = TypeVar("T")

# For how long a session that nobody uses is kept, in seconds.
_IDLE_SECONDS = 1.0


class Pipeline:
    """Where a client's appends go."""

    def __init__(self, caller: Caller, timeout: float) -> None:
        self._caller = caller
        self._timeout = timeout
        self._in_flight = 0
        self._session: AppendSession | None = None
        # How often the client had come back to its home when the session was begun.
        self._returns = 0
        self._closing: asyncio.TimerHandle | None = None
        # Sessions that still answer what they were given.
        self._ending: set[asyncio.Task[None]] = set()

    async def append(
        self,
        request_bytes: int,
        alone: Callable[[], Awaitable[T]],
        in_session: Callable[[AppendSession], Awaitable[asyncio.Future[T]]],
    ) -> T:
        """Makes an append: by a call of its own if it is alone or large, in the session otherwise."""
        self._in_flight += 1
        try:
            if self._in_flight == 1 or request_bytes > SHARED_BYTES_MAX:
                return await alone()
            return await self._through_session(in_session)
        finally:
            self._in_flight -= 1
            if self._in_flight == 0 and self._session is not None and self._closing is None:
                self._closing = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._end_idle)

    async def _through_session(self, in_session: Callable[[AppendSession], Awaitable[asyncio.Future[T]]]) -> T:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._session is not None and self._returns != self._caller.connection.returns:
            # It stays where it is, with what it was given; what follows goes home.
            self._end()
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    if self._session is None or self._session.closed:
                        self._session = AppendSession(self._caller, self._timeout, SessionLimits())
                        self._returns = self._caller.connection.returns
                    session = self._session
                    try:
                        return await (await in_session(session))
                    except SessionClosed:
                        # It ended before this append was sent. Others may have begun another meanwhile.
                        if self._session is session:
                            self._session = None
        except DeadlineExceeded:
            raise
        except TimeoutError:
            raise DeadlineExceeded(self._timeout) from None

    def _end_idle(self) -> None:
        self._closing = None
        self._end()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            ending = asyncio.ensure_future(session.aclose())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """Waits until the sessions have answered what they were given, and ends them."""
        if self._closing is not None:
            self._closing.cancel()
        self._end_idle()
        await asyncio.gather(*self._ending, return_exceptions=True)
