"""Ends calls that are no longer used.

An iterator that is dropped ends its call. An iterator that is still referenced but never advanced can't be
distinguished from one in use: a stored exception keeps the frames it passed through and their variables, and any
other reference can be forgotten. Such a call is therefore ended after a while. If the iterator is used after all, it
resumes where it was, as after a lost connection.

1. A call is ended when it has not been used for `REST_SECONDS`, at most twice that later.
2. Watching a call does not keep it alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Any, Protocol

from annals import _fork

# How long a call stays open without being used, in seconds. Long enough that resuming costs a slow consumer almost
# nothing; short enough that a program that forgets its iterators does not accumulate many open calls.
REST_SECONDS = 5.0


class Watched(Protocol):
    """An object that holds a call open."""

    def rest_if_idle(self) -> bool:
        """Ends the call if it was not used since the last check; returns whether a call is still open."""
        ...


class Idle:
    """All objects of one client that hold a call open."""

    def __init__(self) -> None:
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()
        self._next: asyncio.TimerHandle | None = None

    def watch(self, one: Watched) -> None:
        """Watches an object until it has no open call."""
        self._watched.add(one)
        if self._next is None:
            self._later()

    def _later(self) -> None:
        self._next = asyncio.get_running_loop().call_later(REST_SECONDS, self._check)

    def _check(self) -> None:
        self._next = None
        for one in list(self._watched):
            if not one.rest_if_idle():
                self._watched.discard(one)
        if self._watched:
            self._later()


def soon(loop: asyncio.AbstractEventLoop | None, work: Any) -> None:
    """Schedules work in a loop from a finalizer.

    Finalizers run in any thread at any point, and must neither block nor raise.
    """
    if loop is None or _fork.broken():
        return
    # A closed loop has already ended its calls.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work)
