"""Transient errors, which have already been retried when the caller sees them."""

from __future__ import annotations

import enum

from annals.errors.base import AnnalsError, TransientError, duration

__all__ = ["DeadlineExceeded", "Overloaded", "Unavailability", "Unavailable", "Unreachable"]


class Unreachable(TransientError, ConnectionError):
    """No endpoint answered, or the connection broke. Already retried; try again later.

    An append may have been written: append the same events (they keep their ids) to find out.

    Attributes:
        endpoint: The endpoint tried last.
        message: The transport's message.
    """

    def __init__(self, endpoint: str, message: str) -> None:
        super().__init__(f"{endpoint} is not reachable: {message}")
        self.endpoint = endpoint
        self.message = message


class Unavailability(enum.Enum):
    """Why a reachable server can't serve."""

    SHUTTING_DOWN = "shutting down"
    ENGINE = "its engine does not answer"
    STORAGE_FAILED = "its storage failed"
    UNKNOWN = "no reason given"


class Unavailable(TransientError):
    """The server reported that it can't serve at the moment. Already retried; try again later.

    An append may have been written: append the same events to find out.

    Attributes:
        reason: The reason.
        message: The server's message.
    """

    def __init__(self, reason: Unavailability, message: str) -> None:
        super().__init__(f"the server is not available ({reason.value}): {message}")
        self.reason = reason
        self.message = message


class Overloaded(TransientError):
    """A limit of the server (subscriptions, queued appends) is reached. Already retried; slow down.

    Attributes:
        message: The server's message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"the server is overloaded: {message}")
        self.message = message


class DeadlineExceeded(TransientError, TimeoutError):
    """The call did not finish within its deadline.

    An append may have been written: append the same events to find out.

    Attributes:
        after_seconds: The deadline of the call.
        last: The error of the last failed attempt, if any.
    """

    def __init__(self, after_seconds: float, last: AnnalsError | None = None) -> None:
        attempt = "" if last is None else f"; the last attempt: {last}"
        super().__init__(f"no answer within {duration(after_seconds)}{attempt}")
        self.after_seconds = after_seconds
        self.last = last
