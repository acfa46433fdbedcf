"""Iteration over responses made of messages with many items.

Items are iterated over one by one or message by message, from tasks and from threads.

1. One message is held at a time, decoded at once. The rest stays at the server, except for the window of the call.
2. Closing ends an iteration in progress without an error, even from another task or thread.
3. An abandoned iteration ends its call: immediately when the feed is dropped, or, if a reference to it remains, when
   it has not been used for a while (`_idle`). No task, timer or queue of the client refers to a feed meanwhile.
4. Subclasses (`Read`, `Subscription`) implement how the call is begun, continued and resumed.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc.aio

from annals import _fork, _idle, _portal
from annals._connection import Link
from annals._retry import Caller

T = TypeVar("T")


class Feed(abc.ABC, Generic[T]):
    """Items that are received in messages."""

    # The open call, and its endpoint. A class attribute for `__del__`, in case `__init__` fails.
    _live: tuple[Any, Link] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, caller: Caller, timeout: float) -> None:
        self._caller = caller
        self._timeout = timeout
        self._received: Iterator[T] = iter(())
        self._opened = self._closed = False
        # Whether the next message is awaited, and whether the feed was used since the last idle check.
        self._waiting = self._asked = False
        # Whether the call was ended because the feed was not used.
        self._rested = False
        self._tries = caller.tries()
        # The time since which no call has returned anything.
        self._lost_at: float | None = None

    @abc.abstractmethod
    async def _begin(self) -> None:
        """Begins the first call."""

    @abc.abstractmethod
    async def _next_message(self) -> list[T]:
        """Returns the items of the next message, possibly none; resumes a call that broke."""

    @property
    def _over(self) -> bool:
        """Whether there are no more items."""
        return self._closed

    def _connected(self, call: Any, link: Link) -> None:
        """Stores a call that has begun."""
        self._live = call, link
        self._loop = asyncio.get_running_loop()
        if self._closed:
            # Closed while the call was being made.
            self._hang_up()
        else:
            self._asked = True
            self._caller.idle.watch(self)

    def _hang_up(self) -> None:
        """Ends the call, if one is open."""
        live, self._live = self._live, None
        if live is not None and not _fork.broken():
            live[0].cancel()

    def __del__(self) -> None:
        if self._live is not None:
            _idle.soon(self._loop, self._live[0].cancel)

    def rest_if_idle(self) -> bool:
        """Ends the call if the feed was not used since the last check; returns whether a call is still open."""
        if self._live is None:
            return False
        if self._waiting or self._asked:
            self._asked = False
            return True
        self._hang_up()
        self._rested = True
        return False

    async def _open(self) -> Self:
        if not self._opened:
            await self._begin()
            self._opened = True
            if self._closed:
                # Closed while it was being opened.
                self._received = iter(())
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        """Waits until a server has accepted the call."""
        return self._open().__await__()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        self._asked = True
        for item in self._received:
            return item
        batch = await self._next_batch()
        if batch is None:
            raise StopAsyncIteration
        self._received = iter(batch)
        return next(self._received)

    def batches(self) -> AsyncIterator[list[T]]:
        """Returns the items as lists, one per message, each with at least one item.

        This takes fewer iterations of the event loop per item.
        """
        return _Batches(self)

    async def _next_batch(self) -> list[T] | None:
        if self._closed:
            return None
        _fork.check()
        if self._waiting:
            raise RuntimeError(
                "another task or thread already waits for the next message; iterate in one task or thread"
            )
        self._waiting = self._asked = True
        try:
            await self._open()
            if rest := list(self._received):
                self._received = iter(())
                return rest
            while not self._over:
                if batch := await self._next_message():
                    return batch
            return None
        except BaseException:
            # A failed call can't be used. One whose wait was cancelled is resumed by the next iteration.
            self._hang_up()
            raise
        finally:
            self._waiting = False
            self._asked = True

    async def _read(self, call: Any) -> Any:
        """Returns the next message of a call; `EOF` at its end, or if the feed was closed meanwhile."""
        try:
            return await call.read()
        except asyncio.CancelledError:
            if self._closed and not _being_cancelled():
                return grpc.aio.EOF
            raise

    async def aclose(self) -> None:
        """Ends the call early; iterations over it end."""
        self._closed = True
        self._received = iter(())
        self._hang_up()

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class _Batches(AsyncIterator[list[T]]):
    """The messages of a feed.

    Not a generator, because a dropped generator keeps the feed until a later iteration of its loop.
    """

    def __init__(self, feed: Feed[T]) -> None:
        self._feed: Feed[T] | None = feed

    async def __anext__(self) -> list[T]:
        batch = None if self._feed is None else await self._feed._next_batch()
        if batch is None:
            raise StopAsyncIteration
        return batch

    async def aclose(self) -> None:
        """Ends this iteration."""
        self._feed = None


def _being_cancelled() -> bool:
    """Returns whether the task itself is being cancelled, and not only the call."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class SyncFeed(Generic[T]):
    """A feed for threads. Another thread may `close()` it, which ends the iteration."""

    def __init__(self, feed: Feed[T]) -> None:
        self._feed = feed

    def open(self) -> Self:
        """Waits until a server has accepted the call, so that errors are raised before the first item."""

        async def work() -> None:
            await self._feed

        _portal.run(work())
        return self

    def batches(self) -> Iterator[list[T]]:
        """Returns the items as lists, one per message, each with at least one item."""
        while batch := _portal.run(self._feed._next_batch()):
            yield batch

    def __iter__(self) -> Iterator[T]:
        for batch in self.batches():
            yield from batch

    def close(self) -> None:
        """Ends the call early. A read need not be closed after its last event."""
        _portal.run(self._feed.aclose())

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
