"""Conflicts with other clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annals.errors.base import AnnalsError, Conflict, actual_state, expected_state, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from annals.append import ExpectedRevision

__all__ = [
    "ChecksFailed",
    "EventIdConflict",
    "FailedCheck",
    "MatchFound",
    "RevisionConflict",
    "StateIdConflict",
    "StateMismatch",
    "StreamMismatch",
    "VersionConflict",
]


class RevisionConflict(Conflict):
    """The stream is not at the expected revision: another client appended to it.

    Read it again and make a new decision.

    Attributes:
        stream: The stream.
        expected: The state that the append expected.
        actual: The stream's last revision; `None` if it has no events.
    """

    def __init__(self, stream: str, expected: ExpectedRevision, actual: int | None) -> None:
        super().__init__(
            f"stream {quoted(stream)} is not as expected: expected {expected_state(expected)}, "
            f"but it {actual_state(actual)}"
        )
        self.stream = stream
        self.expected = expected
        self.actual = actual


@dataclass(frozen=True, slots=True)
class StreamMismatch:
    """A stream that is not in the state expected by a check."""

    stream: str
    expected: ExpectedRevision
    actual: int | None
    """Its last revision; `None` if it has no events."""

    def __str__(self) -> str:
        expected = expected_state(self.expected)
        return f"stream {quoted(self.stream)} was expected to be {expected}, but it {actual_state(self.actual)}"


@dataclass(frozen=True, slots=True)
class MatchFound:
    """An event that matches the query of a check that expects none."""

    after: int
    """The position after which no event should match."""
    position: int
    """The position of the first event that does."""

    def __str__(self) -> str:
        return f"the event at position {self.position} matches, and none should after {self.after}"


@dataclass(frozen=True, slots=True)
class StateMismatch:
    """An entry of state that is not as expected by a check."""

    scope: str
    key: str
    expected: int | None
    """The expected version; `None` if no entry was expected."""
    actual: int | None
    """The entry's version; `None` if there is no such entry."""

    def __str__(self) -> str:
        expected = "absent" if self.expected is None else f"at version {self.expected}"
        actual = "absent" if self.actual is None else f"at version {self.actual}"
        entry = f"key {quoted(self.key)} of scope {quoted(self.scope)}"
        return f"{entry} was expected to be {expected}, but it is {actual}"


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of an append, or of a write of state, that failed."""

    index: int
    """The index of the check, from 0: first the append's checks, then the `expected` of its writes, in order.

    Checks of state are counted on their own.
    """
    found: StreamMismatch | MatchFound | StateMismatch
    """The state that was found instead."""

    def __str__(self) -> str:
        kind = "check of state" if isinstance(self.found, StateMismatch) else "check"
        return f"{kind} {self.index}: {self.found}"


class ChecksFailed(Conflict):
    """Checks of the append or of the write of state failed: another client changed the data it depends on.

    Read it again and make a new decision.

    Attributes:
        failed: The first failed checks (at most 16), in the order of their indexes, those of state last; at least one.
        count: The number of failed checks.
    """

    def __init__(self, failed: Sequence[FailedCheck], count: int) -> None:
        more = count - len(failed)
        super().__init__("; ".join([*map(str, failed), *([f"and {more} more"] if more > 0 else [])]))
        self.failed = tuple(failed)
        self.count = count


class VersionConflict(Conflict):
    """The retention of the stream or of the prefix, or the consumer group, has changed since the caller read it.

    Read it again and make a new decision.

    Attributes:
        stream: The stream; empty if the conflict is about a prefix or a group.
        expected: The expected version.
        actual: The current version.
        prefix: The prefix; `None` if the conflict is about a stream or a group.
        group: The consumer group; `None` if the conflict is about a retention.
    """

    def __init__(
        self, stream: str, expected: int, actual: int, prefix: str | None = None, group: str | None = None
    ) -> None:
        if group is not None:
            subject = f"group {quoted(group)}"
        elif prefix is not None:
            subject = f"the retention of prefix {quoted(prefix)}"
        else:
            subject = f"the retention of stream {quoted(stream)}"
        super().__init__(
            f"{subject} was expected to be at version {expected}, but is at version {actual}; read it again"
        )
        self.stream = stream
        self.prefix = prefix
        self.group = group
        self.expected = expected
        self.actual = actual


class EventIdConflict(AnnalsError):
    """The id of the append's first event is already stored, but from a different append.

    If this is a retry, send exactly the same append; otherwise use a new id.

    Attributes:
        id: The id.
        stream: The stream in which the event is stored; if it was removed, the stream of the rejected append.
        revision: The event's revision; `None` if it was removed.
        position: The event's position.
    """

    def __init__(self, id: UUID, stream: str, revision: int | None, position: int) -> None:  # noqa: A002
        place = (
            f"at position {position} (since removed)"
            if revision is None
            else f"to stream {quoted(stream)} at revision {revision} (position {position})"
        )
        super().__init__(
            f"event id {id} was already appended {place}, by a different append; "
            "use a new id, or send exactly the same append again"
        )
        self.id = id
        self.stream = stream
        self.revision = revision
        self.position = position


class StateIdConflict(AnnalsError):
    """The id of the write of state was already used by a different write.

    If this is a retry, send exactly the same write; otherwise use a new id.
    """
