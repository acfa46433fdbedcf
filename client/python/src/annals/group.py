"""Consumer groups: consumers that share the work of processing events. Settings, progress and parked events."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.empty_pb2 import Empty

from annals._arguments import integer, optional_integer, shown, text
from annals.errors import InvalidValue, ProtocolError
from annals.event import RecordedEvent, decode_all, set_timestamp, to_datetime
from annals.query import Query, QueryItem
from annals.v1 import group_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

__all__ = [
    "ConsumerStatus",
    "Group",
    "GroupMode",
    "GroupSettings",
    "GroupStart",
    "GroupStatus",
    "ParkedEvent",
    "ParkedSelection",
]

# Maximum duration of a setting or a retry, in seconds: a day.
DURATION_MAX = 86_400.0


class GroupMode(enum.Enum):
    """How a group distributes its events."""

    ORDERED = pb.GROUP_MODE_ORDERED
    """The events of one stream, or with one tag if `order_by_tag_prefix` is set, are delivered in order, to one
    consumer at a time. Other streams proceed independently."""
    UNORDERED = pb.GROUP_MODE_UNORDERED
    """Events are delivered to any consumer, about in order."""
    EXCLUSIVE = pb.GROUP_MODE_EXCLUSIVE
    """One consumer gets all events, in order. The others stand by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """The settings of a group. What is `None` gets the server's default. All durations are in seconds."""

    query: Query = Query()  # noqa: RUF009 (frozen)
    """The events of the group. By default the whole log."""
    mode: GroupMode = GroupMode.ORDERED
    """How events are distributed."""
    order_by_tag_prefix: str = ""
    """For ordered groups: order by tag instead of stream.

    The order of an event is that of its first tag that begins with this prefix (`customer:`), or that of its stream
    if it has none. Up to 256 bytes. Empty: by stream.
    """
    ack_timeout: float | None = None
    """A delivery that is not settled within this time is withdrawn and counts as a failed attempt.

    1 s to 1 hour. By default 30 s.
    """
    max_attempts: int | None = None
    """An event is parked after this number of failed attempts, 1 to 1,000. By default 10."""
    retry_delay: float | None = None
    """How long a failed event waits before its second attempt; doubles with each one. Up to 1 hour. By default 1 s."""
    max_retry_delay: float | None = None
    """The longest time that a failed event waits: at least `retry_delay`, up to 1 day. By default 1 minute."""
    park_following: bool = False
    """For ordered groups: while an event of a stream is parked, park the later events of the stream as well.

    They can be replayed in order. Otherwise they proceed.
    """

    def to_proto(self) -> pb.GroupSettings:
        """Encodes the settings.

        Raises:
            InvalidValue: A field is of another type, or out of range.
        """
        if not isinstance(self.mode, GroupMode):
            raise InvalidValue("mode", f"is {shown(self.mode)}; give a GroupMode")
        text("order_by_tag_prefix", self.order_by_tag_prefix)
        optional_integer("max_attempts", self.max_attempts, most=(1 << 32) - 1)
        settings = pb.GroupSettings(
            query=self.query.to_proto(),
            mode=self.mode.value,
            order_by_tag_prefix=self.order_by_tag_prefix,
            max_attempts=self.max_attempts,
            park_following=self.park_following,
        )
        for name in ("ack_timeout", "retry_delay", "max_retry_delay"):
            seconds = getattr(self, name)
            if seconds is not None:
                set_duration(getattr(settings, name), name, seconds)
        return settings


@dataclass(frozen=True, slots=True)
class Group:
    """A group as stored."""

    name: str
    settings: GroupSettings
    """Its settings. Defaults are filled in."""
    version: int
    """Number of the settings: 1 when the group is created, and 1 more with each update."""
    created_at: datetime
    """The time at which it was created (UTC), by the server's clock."""


class GroupStart:
    """A place in the log at which a group starts or continues."""

    def __init__(self, start: pb.GroupStart) -> None:
        self._start = start

    @classmethod
    def beginning(cls) -> GroupStart:
        """Before the first event."""
        return cls(pb.GroupStart(beginning=Empty()))

    @classmethod
    def end(cls) -> GroupStart:
        """After the last event."""
        return cls(pb.GroupStart(end=Empty()))

    @classmethod
    def after(cls, position: int) -> GroupStart:
        """After this position."""
        integer("position", position)
        return cls(pb.GroupStart(after_position=position))

    @classmethod
    def at(cls, time: datetime) -> GroupStart:
        """Before the first event that was recorded at this time or later."""
        start = pb.GroupStart()
        set_timestamp(start.time, time)
        return cls(start)

    def to_proto(self) -> pb.GroupStart:
        """Returns the encoded place."""
        return self._start

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupStart) and self._start == other._start

    def __hash__(self) -> int:
        return hash(self._start.SerializeToString())

    def __repr__(self) -> str:
        return f"GroupStart({str(self._start).strip()})"


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """A connected consumer of a group."""

    name: str
    permits: int
    """The most deliveries that it holds at a time."""
    in_flight: int
    """How many it holds."""
    active: bool
    """False if it stands by in an exclusive group."""
    connected_at: datetime
    """The time at which it connected (UTC), by the server's clock."""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """A group with its progress and its consumers."""

    group: Group
    done_position: int
    """All events of the group up to this position are acked, skipped or parked."""
    read_position: int
    """The log is read up to this position. Events up to here are done, in flight or waiting."""
    head: int
    """The last position of the log."""
    lag_events: int
    """Number of positions of the log after `done_position`."""
    lag_seconds: float
    """Age of the first event after `done_position`, by the server's clock. 0 if there is none."""
    in_flight: int
    """Number of events that consumers hold."""
    retrying: int
    """Number of events that have failed and wait for their next attempt."""
    parked: int
    """Number of parked events."""
    consumers: tuple[ConsumerStatus, ...]
    """The connected consumers, in the order in which they connected."""
    leader: str
    """Address of the server that leads the group. Empty if no consumer is connected."""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """Why and when an event was parked."""

    position: int
    """Position of the event."""
    stream: str
    """Name of its stream."""
    revision: int
    """Its revision in the stream."""
    reason: str
    """Why it is parked: what the consumer gave as the reason, or what happened."""
    consumer: str
    """Name of the consumer that had it last. Empty if none had it."""
    attempts: int
    """How often it was delivered."""
    parked_at: datetime
    """When it was parked (UTC), by the server's clock."""
    first_delivered_at: datetime | None
    """When it was first delivered since the group's leader started. `None` if it was not."""
    event: RecordedEvent | None
    """The event. `None` unless it was requested, and if it was removed since."""


class ParkedSelection:
    """Selects parked events of a group."""

    def __init__(self, selection: pb.ParkedSelection) -> None:
        self._selection = selection

    @classmethod
    def positions(cls, positions: Iterable[int]) -> ParkedSelection:
        """The events at these positions, 1 to 1,000."""
        listed = list(positions)
        for nth, position in enumerate(listed):
            integer(f"positions[{nth}]", position)
        return cls(pb.ParkedSelection(positions=pb.ParkedPositions(positions=listed)))

    @classmethod
    def stream(cls, stream: str) -> ParkedSelection:
        """The events of this stream."""
        text("stream", stream)
        return cls(pb.ParkedSelection(stream=stream))

    @classmethod
    def all(cls) -> ParkedSelection:
        """All parked events."""
        return cls(pb.ParkedSelection(all=Empty()))

    def to_proto(self) -> pb.ParkedSelection:
        """Returns the encoded selection."""
        return self._selection


def set_duration(target: Duration, name: str, seconds: Any) -> None:
    """Encodes a duration.

    Raises:
        InvalidValue: It is not a number of seconds from 0 to a day.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= DURATION_MAX:
        raise InvalidValue(name, f"is {shown(seconds)}; give seconds from 0 to {DURATION_MAX:.0f}")
    target.FromTimedelta(timedelta(seconds=seconds))


def seconds_of(duration: Duration) -> float:
    """Decodes a duration, to seconds."""
    return duration.seconds + duration.nanos / 1e9


def to_mode(mode: int) -> GroupMode:
    """Decodes a mode.

    Raises:
        ProtocolError: It is unknown.
    """
    try:
        return GroupMode(mode)
    except ValueError:
        raise ProtocolError(f"a group has the unknown mode {mode}") from None


def to_group(group: pb.Group) -> Group:
    """Decodes a group."""
    settings = group.settings
    items = tuple(
        QueryItem(
            types=tuple(item.types),
            type_prefixes=tuple(item.type_prefixes),
            streams=tuple(item.streams),
            stream_prefixes=tuple(item.stream_prefixes),
            tags=tuple(item.tags),
        )
        for item in settings.query.items
    )
    decoded = GroupSettings(
        query=Query(items),
        mode=to_mode(settings.mode),
        order_by_tag_prefix=settings.order_by_tag_prefix,
        ack_timeout=seconds_of(settings.ack_timeout),
        max_attempts=settings.max_attempts,
        retry_delay=seconds_of(settings.retry_delay),
        max_retry_delay=seconds_of(settings.max_retry_delay),
        park_following=settings.park_following,
    )
    return Group(group.name, decoded, group.version, to_datetime(group.created_at))


def to_status(status: pb.DescribeGroupResponse) -> GroupStatus:
    """Decodes a group with its progress."""
    return GroupStatus(
        group=to_group(status.group),
        done_position=status.done_position,
        read_position=status.read_position,
        head=status.head,
        lag_events=status.lag_events,
        lag_seconds=seconds_of(status.lag),
        in_flight=status.in_flight,
        retrying=status.retrying,
        parked=status.parked,
        consumers=tuple(
            ConsumerStatus(one.name, one.permits, one.in_flight, one.active, to_datetime(one.connected_at))
            for one in status.consumers
        ),
        leader=status.leader,
    )


def to_parked(parked: pb.ParkedEvent) -> ParkedEvent:
    """Decodes a parked event."""
    first = to_datetime(parked.first_delivered_at) if parked.HasField("first_delivered_at") else None
    event = decode_all([parked.event])[0] if parked.HasField("event") else None
    return ParkedEvent(
        parked.position,
        parked.stream,
        parked.revision,
        parked.reason,
        parked.consumer,
        parked.attempts,
        to_datetime(parked.parked_at),
        first,
        event,
    )
