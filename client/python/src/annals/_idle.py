"""Calls that are ended because they are no longer used.

An iterator that is dropped ends its call. One that is still referenced, but never asked for more, can't be told from one in
use: an exception that is kept keeps the frames it went through and their variables, and any other reference can be
forgotten. Its call is therefore ended after a while. If it is used after all, it resumes where it was, as after a broken
connection.

1. A call is ended once nothing was asked of it for `REST_SECONDS`, after at most twice that.
2. Watching a call keeps nothing alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Any, Protocol

from annals import _fork

# How long a call stays open without being asked for anything, in seconds. Long enough that resuming costs a slow consumer next
# to nothing; short enough that a program that forgets its iterators does not collect many open calls.
REST_SECONDS = 5.0


class Watched(Protocol):
    """An object that holds a call open."""

    def rest_if_idle(self) -> bool:
        """Ends the call if nothing was asked of it since the last time; returns whether a call is still open."""
        ...


class Idle:
    """Everything that holds calls of one client open."""

    def __init__(self) -> None:
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()
        self._next: asyncio.TimerHandle | None = None

    def watch(self, one: Watched) -> None:
        """Watches it until it has no open call."""
        self._watched.add(one)
        if self._next is None:
            self._later()

    def _later(self) -> None:
        self._next = asyncio.get_running_loop().call_later(REST_SECONDS, self._look)

    def _look(self) -> None:
        self._next = None
        for one in list(self._watched):
            if not one.rest_if_idle():
                self._watched.discard(one)
        if self._watched:
            self._later()


def soon(loop: asyncio.AbstractEventLoop | None, work: Any) -> None:
    """Schedules work in a loop, from a finalizer: those run in any thread, at any point, and must neither block nor raise."""
    if loop is None or _fork.broken():
        return
    # A loop that is closed has ended its calls.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work)
