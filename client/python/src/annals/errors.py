"""What can go wrong, sorted by what the caller does about it.

The server names the reason of every failure (`google.rpc.ErrorInfo`, see `annals/v1/errors.proto`); each is an exception
here. What the client may safely try again it has already tried again, within the call's deadline, before an error is seen:
those are the subclasses of `TransientError`.

    AnnalsError
    ├── InvalidEndpoint (HttpEndpoint), InvalidField, TooLarge, Unsupported    mend the configuration or the request
    ├── InvalidValue                                             give a value that can be stored or asked for
    ├── UnreadableEvent                                          the event is not what the code reads
    ├── Forked                                                   close clients before forking, or spawn
    ├── Conflict                                                 read again, decide anew
    │   ├── RevisionConflict, ChecksFailed, VersionConflict
    ├── EventIdConflict                                          use a new id, or send exactly what was sent first
    ├── StreamNotFound, SnapshotNotFound, StreamTombstoned
    ├── PositionBeyondHead, RevisionBeyondEnd                    the checkpoint is of another store
    ├── RecordedTimeNotAccepted, RecordedTimeOutOfRange, MoveRefused, MoveUnfinished
    ├── TransientError                                           tried again already; try later
    │   ├── Unreachable, Unavailable, Overloaded, DeadlineExceeded
    ├── Corrupt, InternalError                                   an operator must look
    └── SessionClosed, ProtocolError, StatusError
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import grpc

    from annals.append import ExpectedRevision
    from annals.event import RecordedEvent

__all__ = [
    "AnnalsError",
    "ChecksFailed",
    "Conflict",
    "Corrupt",
    "DeadlineExceeded",
    "EventIdConflict",
    "FailedCheck",
    "FieldViolation",
    "Forked",
    "HttpEndpoint",
    "InternalError",
    "InvalidEndpoint",
    "InvalidField",
    "InvalidValue",
    "MatchFound",
    "MoveRefused",
    "MoveUnfinished",
    "Overloaded",
    "PositionBeyondHead",
    "ProtocolError",
    "RecordedTimeNotAccepted",
    "RecordedTimeOutOfRange",
    "RevisionBeyondEnd",
    "RevisionConflict",
    "SessionClosed",
    "SnapshotNotFound",
    "StatusError",
    "StreamMismatch",
    "StreamNotFound",
    "StreamTombstoned",
    "TooLarge",
    "TransientError",
    "Unavailability",
    "Unavailable",
    "Unreachable",
    "UnreadableEvent",
    "Unsupported",
    "VersionConflict",
]


def _actual(revision: int | None) -> str:
    return "has no events" if revision is None else f"is at revision {revision}"


class AnnalsError(Exception):
    """Everything that a call to the store can fail with."""


class TransientError(AnnalsError):
    """Trying again later may help, without anything being decided anew.

    Safe for appends too, if the same events (which keep their ids) are sent: the first try may have written them.
    """


class Conflict(AnnalsError):
    """Somebody else changed what the request rests on. Read that again and decide anew."""


class InvalidEndpoint(AnnalsError, ValueError):
    """An endpoint is not one that can be connected to. Mend the configuration.

    Attributes:
        endpoint: What was given.
        reason: What is wrong with it, and what to write instead.
    """

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f'endpoint "{endpoint}" {reason}')
        self.endpoint = endpoint
        self.reason = reason


class InvalidValue(AnnalsError, ValueError, TypeError):
    """A value was given that can't be stored or asked for; nothing was sent. Fix the code, or convert the value.

    Attributes:
        place: The argument, or the place in the data or metadata of an event: `data.lines[3].price`.
        reason: What is wrong with it, and what to do.
        event_type: The type of the event that it is part of, if it is.
    """

    def __init__(self, place: str, reason: str, event_type: str | None = None) -> None:
        of_event = "" if event_type is None else f"event {event_type!r}: "
        super().__init__(f"{of_event}{place} {reason}")
        self.place = place
        self.reason = reason
        self.event_type = event_type


class UnreadableEvent(AnnalsError, ValueError):
    """The data of an event are not JSON, or not those of its class, or an upcaster fails on them.

    Attributes:
        event: The event.
    """

    def __init__(self, event: RecordedEvent, reason: Exception | str) -> None:
        why = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
        super().__init__(
            f"event {event.type!r} at position {event.position} (stream {event.stream!r}, revision {event.revision}) "
            f"can't be read: {why}"
        )
        self.event = event


class Forked(AnnalsError, RuntimeError):
    """This process was forked while a client was connected, and gRPC does not work in it.

    Close all clients before a process is forked, or start processes in another way: `multiprocessing.set_start_method("spawn")`
    (or `"forkserver"`).

    Attributes:
        parent: The id of the process that was forked.
    """

    def __init__(self, parent: int) -> None:
        super().__init__(
            f"process {parent} was forked while an Annals client was connected, and gRPC does not work in the process that "
            "came of it: close all clients before the fork, or start processes with multiprocessing's method 'spawn' or "
            "'forkserver'"
        )
        self.parent = parent


class HttpEndpoint(InvalidEndpoint):
    """An endpoint is the port on which a server answers health checks and metrics. Name the port for gRPC."""

    def __init__(self, endpoint: str) -> None:
        reason = (
            "answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port (2113 by default)"
        )
        super().__init__(endpoint, reason)
        self.args = (f'"{endpoint}" {reason}',)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that the server refused."""

    field: str
    """The field's path in the request: `events[3].type`. Empty if the server named none."""
    description: str
    """What is wrong with it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field else self.description


class InvalidField(AnnalsError, ValueError):
    """The server refused fields of the request: missing, too long or malformed. Mend the request.

    Attributes:
        violations: Which fields, at least one.
    """

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super().__init__("the server refused the request: " + "; ".join(map(str, violations)))
        self.violations = tuple(violations)


class TooLarge(AnnalsError, ValueError):
    """An event or an append is larger than the server takes (see `AsyncClient.server_info`).

    Split the append, or keep the large part elsewhere.

    Attributes:
        violations: Which fields, at least one.
    """

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super().__init__("larger than the server takes: " + "; ".join(map(str, violations)))
        self.violations = tuple(violations)


class Unsupported(AnnalsError, NotImplementedError):
    """The server does not know this call: it is older than this client. Update it.

    Attributes:
        call: The name of the RPC.
    """

    def __init__(self, call: str) -> None:
        super().__init__(f"the server does not offer {call}; update it")
        self.call = call


class RevisionConflict(Conflict):
    """The stream is not at the expected revision: somebody else appended. Read it again and decide anew.

    Attributes:
        stream: The stream.
        expected: What the append expected.
        actual: The stream's last revision; `None` if it has no events.
    """

    def __init__(self, stream: str, expected: ExpectedRevision, actual: int | None) -> None:
        super().__init__(
            f"stream {stream!r} is not as expected: expected {_expected(expected)}, but it {_actual(actual)}"
        )
        self.stream = stream
        self.expected = expected
        self.actual = actual


def _expected(expected: ExpectedRevision) -> str:
    return f"revision {expected}" if isinstance(expected, int) else str(expected)


@dataclass(frozen=True, slots=True)
class StreamMismatch:
    """A stream that is not as a check expected."""

    stream: str
    expected: ExpectedRevision
    actual: int | None
    """Its last revision; `None` if it has no events."""

    def __str__(self) -> str:
        return f"stream {self.stream!r} was expected to be {_expected(self.expected)}, but it {_actual(self.actual)}"


@dataclass(frozen=True, slots=True)
class MatchFound:
    """An event that matches a check's query, and should not be."""

    after: int
    """The position after which none should match."""
    position: int
    """The position of the first one that does."""

    def __str__(self) -> str:
        return f"the event at position {self.position} matches, and none should after {self.after}"


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of an append that does not hold."""

    index: int
    """Which of the append's checks, counted from 0."""
    found: StreamMismatch | MatchFound
    """What was found instead."""

    def __str__(self) -> str:
        return f"check {self.index}: {self.found}"


class ChecksFailed(Conflict):
    """Checks of the append do not hold: somebody else changed what it rests on. Read that again and decide anew.

    Attributes:
        failed: The first of them (at most 16), in the order of the append's checks; at least one.
        count: How many there are.
    """

    def __init__(self, failed: Sequence[FailedCheck], count: int) -> None:
        super().__init__("; ".join(map(str, failed)))
        self.failed = tuple(failed)
        self.count = count


class VersionConflict(Conflict):
    """What is kept of the stream, or of the streams of a prefix, was changed since. Look at it again and decide anew.

    Attributes:
        stream: The stream; empty if it is about a prefix.
        expected: The version that was expected.
        actual: The version that it has.
        prefix: The prefix; `None` if it is about a stream.
    """

    def __init__(self, stream: str, expected: int, actual: int, prefix: str | None = None) -> None:
        subject = f"stream {stream!r}" if prefix is None else f"prefix {prefix!r}"
        super().__init__(
            f"what is kept of {subject} was expected to be version {expected}, but it is at version {actual}"
        )
        self.stream = stream
        self.prefix = prefix
        self.expected = expected
        self.actual = actual


class EventIdConflict(AnnalsError):
    """The id of the append's first event was already appended, but not as part of this same append.

    If this is a retry, send exactly what was sent first; otherwise use a new id.

    Attributes:
        id: The id.
        stream: The stream in which it was recorded.
        revision: The revision at which it was recorded.
        position: The position at which it was recorded.
    """

    def __init__(self, id: UUID, stream: str, revision: int, position: int) -> None:  # noqa: A002
        super().__init__(
            f"event id {id} was already appended to stream {stream!r} at revision {revision} (position {position}), "
            "by an append that was not this one; use a new id, or send exactly what was sent then"
        )
        self.id = id
        self.stream = stream
        self.revision = revision
        self.position = position


class StreamNotFound(AnnalsError, LookupError):
    """Nothing was ever appended to the stream, or nothing since it was deleted. Check the name, or take it as empty.

    Attributes:
        stream: The stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(f"stream {stream!r} does not exist")
        self.stream = stream


class StreamTombstoned(AnnalsError):
    """The stream was deleted for ever. Use another name.

    Attributes:
        stream: The stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(f"stream {stream!r} was deleted for ever; use another name")
        self.stream = stream


class SnapshotNotFound(AnnalsError, LookupError):
    """The stream has no such snapshot. Begin with its first event.

    Attributes:
        stream: The stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(f"stream {stream!r} has no such snapshot")
        self.stream = stream


class PositionBeyondHead(AnnalsError):
    """The position has not been given to an event yet.

    A checkpoint that leads here is of another store, or of one that was restored from an older backup: rebuild the
    projection.

    Attributes:
        position: The position that was asked for.
        head: The log's last position; 0 if it is empty.
    """

    def __init__(self, position: int, head: int) -> None:
        super().__init__(f"position {position} is beyond the head of the log, which is {head}")
        self.position = position
        self.head = head


class RevisionBeyondEnd(AnnalsError):
    """The revision has not been given to an event of the stream yet.

    Attributes:
        stream: The stream.
        revision: The revision that was asked for.
        last_revision: The stream's last revision; `None` if it has no events.
    """

    def __init__(self, stream: str, revision: int, last_revision: int | None) -> None:
        super().__init__(f"revision {revision} is beyond the end of stream {stream!r}, which {_actual(last_revision)}")
        self.stream = stream
        self.revision = revision
        self.last_revision = last_revision


class RecordedTimeNotAccepted(AnnalsError):
    """The append says when its events were recorded, and the server does not take that from clients.

    Have it started with `--accept-recorded-times` for as long as a log is moved to it.
    """


class MoveRefused(AnnalsError):
    """A log can't be moved to this store, which holds something else. Move it to an empty store."""


class MoveUnfinished(AnnalsError):
    """A log is being moved to this store, and not all of it has come.

    Import the rest, or begin again with an empty store.
    """


class RecordedTimeOutOfRange(AnnalsError):
    """The append says that its events were recorded before the log's last event, or after now.

    Recorded times never go backwards along a log: move one to an empty store, from its beginning, with nobody else
    appending.

    Attributes:
        recorded_at: The time that was given.
        earliest: When the log's last event was recorded; `None` if it is empty.
        latest: The server's now.
    """

    def __init__(self, recorded_at: datetime, earliest: datetime | None, latest: datetime) -> None:
        last = "it is empty" if earliest is None else f"its last event was recorded at {earliest.isoformat()}"
        super().__init__(
            f"events recorded at {recorded_at.isoformat()} can't be next in the log: {last}, "
            f"and the server's clock says {latest.isoformat()}"
        )
        self.recorded_at = recorded_at
        self.earliest = earliest
        self.latest = latest


class Unreachable(TransientError, ConnectionError):
    """No endpoint answered, or the connection broke.

    Attributes:
        endpoint: The endpoint that was tried last.
        message: What the transport said.
    """

    def __init__(self, endpoint: str, message: str) -> None:
        super().__init__(f"{endpoint} is not reachable: {message}")
        self.endpoint = endpoint
        self.message = message


class Unavailability(enum.Enum):
    """Why a server that was reached can't serve."""

    SHUTTING_DOWN = "shutting down"
    ENGINE = "its engine does not answer"
    STORAGE_FAILED = "its storage failed"
    UNKNOWN = "no reason given"


class Unavailable(TransientError):
    """The server answered that it can't serve for the moment.

    Attributes:
        reason: Why.
        message: What the server said.
    """

    def __init__(self, reason: Unavailability, message: str) -> None:
        super().__init__(f"the server is not available ({reason.value}): {message}")
        self.reason = reason
        self.message = message


class Overloaded(TransientError):
    """A bound of the server (subscriptions, appends that wait) is reached. Slow down."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the server is overloaded: {message}")
        self.message = message


class DeadlineExceeded(TransientError, TimeoutError):
    """The call did not finish within its deadline. An append may have been written: append the same events to find out.

    Attributes:
        after_seconds: The time that the call was given.
        last: What the last try within it failed with, if one did.
    """

    def __init__(self, after_seconds: float, last: AnnalsError | None = None) -> None:
        told = "" if last is None else f"; the last try: {last}"
        super().__init__(f"no answer within {after_seconds:g} s{told}")
        self.after_seconds = after_seconds
        self.last = last


class Corrupt(AnnalsError):
    """What the server read from its disk is not what can have been written. The server's log says where."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the server found corrupt data: {message}")
        self.message = message


class InternalError(AnnalsError):
    """A fault of the server itself. Report it with the server's log."""

    def __init__(self, message: str) -> None:
        super().__init__(f"internal error of the server: {message}")
        self.message = message


class SessionClosed(AnnalsError):
    """The append session has ended. Open a new one, and append again, in order, what was not answered."""

    def __init__(self) -> None:
        super().__init__("the append session has ended; open a new one")


class ProtocolError(AnnalsError):
    """The answer breaks the protocol: the other side is no Annals server, or a faulty or much newer one. Report it."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the answer breaks the annals.v1 protocol: {message}")


class StatusError(AnnalsError):
    """Any other gRPC status: something between client and server answered, or the server is of another kind.

    Attributes:
        code: The gRPC code.
        message: Its message.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
