"""The base classes of the exceptions, and the formatting that their texts share.

All clients compose the same text for the same error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from annals.append import ExpectedRevision

__all__ = ["AnnalsError", "Conflict", "TransientError"]


class AnnalsError(Exception):
    """Base class of all errors of calls to a store."""


class TransientError(AnnalsError):
    """The same request may succeed later.

    Retrying is safe for appends too, if the same events (which keep their ids) are sent: the first attempt may have
    written them.
    """


class Conflict(AnnalsError):
    """Another client changed the data that the decision depends on. Read it again and make a new decision."""


def quoted(text: str) -> str:
    """Quotes a name in an error text."""
    return json.dumps(text, ensure_ascii=False)


def actual_state(revision: int | None) -> str:
    """Describes the state of a stream by its last revision."""
    return "has no events" if revision is None else f"is at revision {revision}"


def expected_state(expected: ExpectedRevision) -> str:
    """Describes an expected state of a stream."""
    return f"revision {expected}" if isinstance(expected, int) else str(expected)


def timestamp(time: datetime) -> str:
    """Formats a time (UTC, microseconds)."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """Formats a duration in the largest unit of s, ms and µs in which it is at least 1."""
    for factor, unit in ((1, "s"), (1_000, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.9g}{unit}"
    return f"{seconds * 1_000_000:.9g}µs"
