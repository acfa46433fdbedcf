"""What a server sends in messages of many items, iterated over item by item or message by message; by tasks and by threads.

1. One message is held at a time, decoded in one go; the rest waits at the server.
2. Closing ends an iteration that is under way, in another task or thread too, without an error.
3. How it is begun, goes on, and is resumed, is the business of what it is a feed of: `Read`, `Subscription`.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc.aio

from annals import _portal
from annals._connection import Link
from annals._retry import Caller

T = TypeVar("T")


class Feed(abc.ABC, Generic[T]):
    """Items that come in messages."""

    def __init__(self, caller: Caller, timeout: float) -> None:
        self._caller = caller
        self._timeout = timeout
        self._received: Iterator[T] = iter(())
        self._opened = self._closed = False
        # The call that is open, and where.
        self._live: tuple[Any, Link] | None = None
        self._tries = caller.tries()
        # Since when there has been no call that yielded anything.
        self._lost_at: float | None = None

    @abc.abstractmethod
    async def _begin(self) -> None:
        """Begins the first call."""

    @abc.abstractmethod
    async def _next_message(self) -> list[T]:
        """The items of the next message, if there are any in it; resumes a call that broke."""

    @property
    def _over(self) -> bool:
        """Whether nothing comes any more."""
        return self._closed

    async def _open(self) -> Self:
        if not self._opened:
            await self._begin()
            self._opened = True
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        """Waits until a server has accepted it."""
        return self._open().__await__()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        for item in self._received:
            return item
        batch = await self._next_batch()
        if batch is None:
            raise StopAsyncIteration
        self._received = iter(batch)
        return next(self._received)

    async def batches(self) -> AsyncIterator[list[T]]:
        """The same items as they came together, each list with at least one: fewer turns of the loop for each item."""
        while (batch := await self._next_batch()) is not None:
            yield batch

    async def _next_batch(self) -> list[T] | None:
        if self._closed:
            return None
        await self._open()
        if rest := list(self._received):
            self._received = iter(())
            return rest
        while not self._over:
            if batch := await self._next_message():
                return batch
        return None

    async def _read(self, call: Any) -> Any:
        """The next message of a call; `EOF` at its end, and when it was closed meanwhile."""
        try:
            return await call.read()
        except asyncio.CancelledError:
            if self._closed and not _being_cancelled():
                return grpc.aio.EOF
            raise

    async def aclose(self) -> None:
        """Ends it early; an iteration over it ends."""
        self._closed = True
        self._received = iter(())
        live, self._live = self._live, None
        if live is not None:
            live[0].cancel()

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _being_cancelled() -> bool:
    """Whether it is the task itself that is cancelled, and not only the call."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class SyncFeed(Generic[T]):
    """The same for threads. Another thread may `close()` it, which ends the iteration."""

    def __init__(self, feed: Feed[T]) -> None:
        self._feed = feed
        self._batches = feed.batches()

    def open(self) -> Self:
        """Waits until a server has accepted it, so that errors show before the first item."""

        async def work() -> None:
            await self._feed

        _portal.run(work())
        return self

    def batches(self) -> Iterator[list[T]]:
        """The same items as they came together, each list with at least one."""

        async def following() -> list[T]:
            return await anext(self._batches, [])

        while batch := _portal.run(following()):
            yield batch

    def __iter__(self) -> Iterator[T]:
        for batch in self.batches():
            yield from batch

    def close(self) -> None:
        """Ends it early. A read need not be closed after its last event."""
        _portal.run(self._feed.aclose())

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
