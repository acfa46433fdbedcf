"""Runs asynchronous code for synchronous callers: one event loop in a dedicated thread, for the whole process.

There is one loop instead of one per client, because gRPC handles several loops in a process badly. The thread is a
daemon: it does not keep the process alive.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid: int | None = None


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop, _pid
    with _lock:
        # A forked child has the loop, but not its thread.
        if _loop is None or _pid != os.getpid():
            _loop, _pid = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="annals", daemon=True).start()
        return _loop


def _in_child() -> None:
    global _lock
    # Another thread may have held the lock.
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_in_child)


def soon(work: Callable[[], object]) -> None:
    """Schedules a function in the loop, from any thread."""
    _running_loop().call_soon_threadsafe(work)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in the loop, in the caller's context (so that its metadata applies), and waits for its result.

    Raises:
        RuntimeError: Called from the loop itself, which would deadlock.
    """
    loop = _running_loop()
    if threading.current_thread().name == "annals" and asyncio._get_running_loop() is loop:
        work.close()
        raise RuntimeError("the synchronous client was called from asynchronous code; use AsyncClient there")
    context = contextvars.copy_context()
    done: Future[T] = Future()
    tasks: list[asyncio.Task[T]] = []

    def finished(task: asyncio.Task[T]) -> None:
        if task.cancelled():
            done.cancel()
        elif (error := task.exception()) is not None:
            done.set_exception(error)
        else:
            done.set_result(task.result())

    def start() -> None:
        task = loop.create_task(work, context=context)
        tasks.append(task)
        task.add_done_callback(finished)

    loop.call_soon_threadsafe(start)
    try:
        return done.result()
    except BaseException:
        # The caller was interrupted (Ctrl-C) while it waited.
        if not done.done():
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
        raise
