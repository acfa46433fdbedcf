"""Appends: what must hold, and where the events then stand."""

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
from annals.v1 import append_pb2 as pb

__all__ = ["Appended", "AppendedToMany", "Expected", "ExpectedRevision", "NoMatch", "StreamIs", "Write", "Written"]


class Expected(enum.Enum):
    """What a stream must be like for an append to be written, where that is no exact revision.

    Whatever is expected, an append whose result was lost can be sent again with the same events: it is then answered with
    the result of the first (see `Appended.already_appended`), whether or not its events still exist.
    """

    ANY = "anything"
    """Whatever it is like."""
    NO_STREAM = "no stream"
    """It has no events."""
    STREAM_EXISTS = "a stream that exists"
    """It has at least one event."""

    def __str__(self) -> str:
        return self.value


ExpectedRevision: TypeAlias = int | Expected
"""What a stream must be like: its last event has this revision, or one of `Expected`."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the events of an append stand: at consecutive revisions and positions."""

    first_revision: int
    last_revision: int
    first_position: int
    last_position: int
    recorded_at: datetime
    """When they were recorded (UTC)."""
    already_appended: bool
    """Whether an earlier append with the same ids had written them, so that this one wrote nothing."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an append added to a stream."""

    stream: str
    first_revision: int
    last_revision: int


@dataclass(frozen=True, slots=True)
class AppendedToMany:
    """Where the events of an append to many streams stand: at consecutive positions."""

    first_position: int
    last_position: int
    recorded_at: datetime
    """When they were recorded (UTC)."""
    already_appended: bool
    """Whether an earlier append with the same ids had written them, so that this one wrote nothing."""
    streams: tuple[Written, ...]
    """For each stream that was written to, in the order in which they first occur, which revisions its events got."""


@dataclass(frozen=True, slots=True)
class Write:
    """Events for one stream, as part of an append to many."""

    stream: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class StreamIs:
    """A check: the stream is as expected, whether it is written to or not."""

    stream: str
    expected: ExpectedRevision


@dataclass(frozen=True, slots=True)
class NoMatch:
    """A check: no event matches the query after a position, so that nothing has changed what was decided on.

    The items of the query name types, streams and tags, not prefixes.
    """

    query: Query
    after: int
    """The `head` that the read told on which the decision rests; 0: no event may match, however old."""


Check: TypeAlias = StreamIs | NoMatch


def to_expected(expected: ExpectedRevision) -> pb.ExpectedRevision:
    """What is expected, as the protocol has it.

    Raises:
        InvalidValue: It is none of the values that there are; lists them.
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
        "expected",
        f"is {shown(expected)}; give a revision (an integer, 0 or more), Expected.ANY, Expected.NO_STREAM or "
        "Expected.STREAM_EXISTS",
    )


def to_stream_request(
    stream: str, events: Iterable[Event], expected: ExpectedRevision, recorded_at: datetime | None
) -> pb.AppendToStreamRequest:
    """An append to one stream, as the protocol has it.

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


def to_many_request(writes: Iterable[Write], checks: Iterable[Check], recorded_at: datetime | None) -> pb.AppendRequest:
    """An append to many streams, as the protocol has it.

    Raises:
        InvalidValue: An argument is of a type or in a range that can't be sent.
    """
    writes = list(writes)
    for index, write in enumerate(writes):
        text(f"writes[{index}].stream", write.stream)
    request = pb.AppendRequest(
        writes=[pb.Write(stream=write.stream, events=[event.to_proto() for event in write.events]) for write in writes],
        checks=[_to_check(check) for check in checks],
    )
    if recorded_at is not None:
        set_timestamp(request.recorded_at, recorded_at)
    return request


def _to_check(check: Check) -> pb.Check:
    match check:
        case StreamIs(stream, expected):
            text("stream", stream)
            return pb.Check(stream=pb.StreamCheck(stream=stream, expected=to_expected(expected)))
        case NoMatch(query, after):
            integer("after", after)
            return pb.Check(no_match=pb.NoMatchCheck(query=query.to_proto(), after=after))


def to_appended(response: pb.AppendToStreamResponse) -> Appended:
    """The answer to an append to one stream."""
    return Appended(
        first_revision=response.first_revision,
        last_revision=response.last_revision,
        first_position=response.first_position,
        last_position=response.last_position,
        recorded_at=to_datetime(response.recorded_at),
        already_appended=response.already_appended,
    )


def to_appended_to_many(response: pb.AppendResponse) -> AppendedToMany:
    """The answer to an append to many streams."""
    return AppendedToMany(
        first_position=response.first_position,
        last_position=response.last_position,
        recorded_at=to_datetime(response.recorded_at),
        already_appended=response.already_appended,
        streams=tuple(
            Written(written.stream, written.first_revision, written.last_revision) for written in response.streams
        ),
    )
