"""Appends: expected states, checks and results."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from google.protobuf.empty_pb2 import Empty

from annals._arguments import UINT64_MAX, integer, shown, text
from annals.errors import InvalidValue
from annals.event import Event, set_timestamp, to_datetime
from annals.query import Query
from annals.state import StateChange, StateCheck, to_change, to_check
from annals.v1 import append_pb2 as pb

__all__ = ["Appended", "AppendedToMany", "Expected", "ExpectedRevision", "NoMatch", "StreamIs", "Write", "Written"]


class Expected(enum.Enum):
    """The state in which a stream must be for an append to be written, if not at an exact revision.

    With any of these, an append whose result was lost can be retried with the same events: it then returns the result
    of the first attempt (see `Appended.already_appended`), whether or not its events still exist.
    """

    ANY = "anything"
    """The stream may be in any state."""
    NO_STREAM = "no stream"
    """The stream has no events."""
    STREAM_EXISTS = "a stream that exists"
    """The stream has at least one event."""

    def __str__(self) -> str:
        return self.value


ExpectedRevision: TypeAlias = int | Expected
"""The state in which a stream must be: its last event has this revision, or one of `Expected`."""


@dataclass(frozen=True, slots=True)
class Appended:
    """The result of an append. Its events have consecutive revisions and positions."""

    first_revision: int
    last_revision: int
    first_position: int
    last_position: int
    recorded_at: datetime
    """The time at which the events were recorded (UTC)."""
    already_appended: bool
    """Whether an earlier append with the same ids had already written the events, so that this one wrote nothing."""


@dataclass(frozen=True, slots=True)
class Written:
    """The revisions that an append added to a stream."""

    stream: str
    first_revision: int
    last_revision: int


@dataclass(frozen=True, slots=True)
class AppendedToMany:
    """The result of an append to several streams. Its events have consecutive positions."""

    first_position: int
    last_position: int
    recorded_at: datetime
    """The time at which the events were recorded (UTC)."""
    already_appended: bool
    """Whether an earlier append with the same ids had already written the events, so that this one wrote nothing."""
    streams: tuple[Written, ...]
    """The revisions that the append added to each stream, in the order in which the streams first occur."""
    state_versions: tuple[int, ...] = ()
    """The versions that the entries got, one for each change of state, in order.

    0: the entry that was to be deleted did not exist. Empty in the result of a retry more than a day after the append.
    """


@dataclass(frozen=True, slots=True)
class Write:
    """Events for one stream, as part of an append to several."""

    stream: str
    events: Sequence[Event]
    expected: ExpectedRevision | None = None
    """The state that the stream must be in before the append: short for a `StreamIs` check of this stream.

    `None`: any, unless a check names the stream. If the stream occurs in several writes, at most one of them sets it.
    """


@dataclass(frozen=True, slots=True)
class StreamIs:
    """A check that a stream is in this state, whether or not the append writes to it."""

    stream: str
    expected: ExpectedRevision


@dataclass(frozen=True, slots=True)
class NoMatch:
    """A check that no event after a position matches the query, so that the data of the decision is unchanged.

    The items of the query name types, streams and tags, not prefixes.
    """

    query: Query
    after: int
    """The `head` returned by the read that the decision depends on; 0: no event at all may match."""


Check: TypeAlias = StreamIs | NoMatch


def to_expected(expected: ExpectedRevision, argument: str = "expected") -> pb.ExpectedRevision:
    """Encodes an expected state, which the caller gave as this argument.

    Raises:
        InvalidValue: It is not one of the valid values; the error lists them.
    """
    match expected:
        case Expected.ANY:
            return pb.ExpectedRevision(any=Empty())
        case Expected.NO_STREAM:
            return pb.ExpectedRevision(no_stream=Empty())
        case Expected.STREAM_EXISTS:
            return pb.ExpectedRevision(stream_exists=Empty())
        case int() if not isinstance(expected, bool) and 0 <= expected <= UINT64_MAX:
            return pb.ExpectedRevision(revision=expected)
    raise InvalidValue(
        argument,
        f"is {shown(expected)}; give a revision (an integer, 0 or more), Expected.ANY, Expected.NO_STREAM or "
        "Expected.STREAM_EXISTS",
    )


def to_stream_request(
    stream: str, events: Iterable[Event], expected: ExpectedRevision, recorded_at: datetime | None
) -> pb.AppendToStreamRequest:
    """Encodes an append to one stream.

    Raises:
        InvalidValue: An argument is of a type or in a range that can't be sent.
    """
    text("stream", stream)
    request = pb.AppendToStreamRequest(
        stream=stream, expected=to_expected(expected), events=[event.to_proto() for event in events]
    )
    if recorded_at is not None:
        set_timestamp(request.recorded_at, recorded_at)
    return request


def to_many_request(
    writes: Iterable[Write],
    checks: Iterable[Check],
    recorded_at: datetime | None,
    state_changes: Iterable[StateChange],
    state_checks: Iterable[StateCheck],
) -> pb.AppendToManyRequest:
    """Encodes an append to several streams.

    Raises:
        InvalidValue: An argument is of a type or in a range that can't be sent.
    """
    request = pb.AppendToManyRequest(
        writes=[_to_write(write, f"writes[{index}]") for index, write in enumerate(writes)],
        checks=[_to_check(check) for check in checks],
        state_changes=[to_change(change, f"state_changes[{nth}]") for nth, change in enumerate(state_changes)],
        state_checks=[to_check(check, f"state_checks[{nth}]") for nth, check in enumerate(state_checks)],
    )
    if recorded_at is not None:
        set_timestamp(request.recorded_at, recorded_at)
    return request


def _to_write(write: Write, argument: str) -> pb.Write:
    text(f"{argument}.stream", write.stream)
    expected = None if write.expected is None else to_expected(write.expected, f"{argument}.expected")
    return pb.Write(stream=write.stream, events=[event.to_proto() for event in write.events], expected=expected)


def _to_check(check: Check) -> pb.Check:
    match check:
        case StreamIs(stream, expected):
            text("stream", stream)
            return pb.Check(stream=pb.StreamCheck(stream=stream, expected=to_expected(expected)))
        case NoMatch(query, after):
            integer("after", after)
            return pb.Check(no_match=pb.NoMatchCheck(query=query.to_proto(), after=after))


def to_appended(response: pb.AppendToStreamResponse) -> Appended:
    """Decodes the result of an append to one stream."""
    return Appended(
        first_revision=response.first_revision,
        last_revision=response.last_revision,
        first_position=response.first_position,
        last_position=response.last_position,
        recorded_at=to_datetime(response.recorded_at),
        already_appended=response.already_appended,
    )


def to_appended_to_many(response: pb.AppendToManyResponse) -> AppendedToMany:
    """Decodes the result of an append to several streams."""
    return AppendedToMany(
        first_position=response.first_position,
        last_position=response.last_position,
        recorded_at=to_datetime(response.recorded_at),
        already_appended=response.already_appended,
        streams=tuple(
            Written(written.stream, written.first_revision, written.last_revision) for written in response.streams
        ),
        state_versions=tuple(response.state_versions),
    )
