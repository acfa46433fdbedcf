"""Forked processes.

gRPC does its work in threads, and a forked process has only the thread that forked. If a client was connected at the
time of the fork, gRPC hangs or crashes in the child, whichever client is used there. Every call in such a child
therefore raises `Forked`, and nothing uses gRPC. If no client was connected (none had made a call, or all were
closed), clients work in the child.

gRPC has fork handlers of its own, which restart its threads in the child. There they read from the parent's
connections, and crash the child even if it only exits. They can only be disabled before gRPC is loaded, by its
environment variable. This module does so unless the application has set the variable or loaded gRPC before.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from typing import Any

from annals.errors import Forked

log = logging.getLogger("annals")

_SUPPORT = "GRPC_ENABLE_FORK_SUPPORT"

# Part of the name of gRPC's own thread, which runs while a channel, or a call on one, is open.
_GRPC_THREAD = "_poll_wrapper"


def _load_grpc() -> bool:
    """Loads gRPC without its fork handlers; returns whether it was loaded without them."""
    if _SUPPORT in os.environ or "grpc" in sys.modules:
        return os.environ.get(_SUPPORT, "").lower() in ("0", "false", "no")
    os.environ[_SUPPORT] = "0"
    try:
        import grpc  # noqa: F401
    finally:
        # For this process only, not for its child processes.
        del os.environ[_SUPPORT]
    return True


_without_handlers = _load_grpc()
_channels: weakref.WeakSet[Any] = weakref.WeakSet()
_connected = False
# The process that was forked while a client was connected.
_parent: int | None = None


def opened(channel: Any) -> None:
    """Registers an open channel."""
    _channels.add(channel)


def closed(channel: Any) -> None:
    """Removes a closed channel."""
    _channels.discard(channel)


def broken() -> bool:
    """Returns whether this process was forked while a client was connected."""
    return _parent is not None


def check() -> None:
    """Fails where gRPC would hang or crash.

    Raises:
        Forked: This process was forked while a client was connected.
    """
    if _parent is not None:
        raise Forked(_parent)


def _before() -> None:
    global _connected
    _connected = len(_channels) > 0 or any(_GRPC_THREAD in thread.name for thread in threading.enumerate())
    if _connected and not _without_handlers:
        log.warning(
            "this process forks while an Annals client is connected, and gRPC's fork handlers can crash the child; "
            "import annals before grpc or set %s=0, or close all clients before the fork",
            _SUPPORT,
        )


def _in_child() -> None:
    global _parent
    if _connected and _parent is None:
        _parent = os.getppid()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before, after_in_child=_in_child)
