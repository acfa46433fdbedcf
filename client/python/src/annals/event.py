"""Events: what is given to the store, and what it gives back.

An event has its id from the moment it is made, before the first try to append it, so that every retry sends the same id and
the store can tell a retry from a second event.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from annals import _json
from annals._arguments import shown, text
from annals.errors import InvalidValue, ProtocolError, UnreadableEvent
from annals.v1 import event_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["Event", "RecordedEvent", "new_id"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> UUID:
    """A new UUIDv7: the time in milliseconds, then 74 random bits. Such ids are cheap for the store to index."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (7 << 76)
    return UUID(int=value & ~(0x3 << 62) | (2 << 62))


@dataclass(frozen=True, slots=True)
class Event:
    """An event to append.

    >>> event = Event.json("OrderPlaced", {"total": 42}, tags=["customer:7"], metadata={"user": "ada"})
    >>> event.data
    b'{"total":42}'
    """

    type: str
    """What happened, in the words of the domain: `OrderPlaced`. 1 to 256 bytes, not starting with `$`."""
    data: bytes = b""
    """The event itself, in any encoding. At most 1 MiB unless the server is configured otherwise."""
    metadata: bytes = b""
    """What is said about it rather than by it; JSON by convention. At most 64 KiB."""
    tags: tuple[str, ...] = ()
    """Indexed labels, at most 32 of at most 256 bytes, no two the same."""
    id: UUID = field(default_factory=new_id)
    """Identity. Appends are idempotent by it: one that follows from the command makes the command idempotent.

    It is no unique key: an append that expects a revision is written even if its ids occur in other events.
    """

    @classmethod
    def json(
        cls,
        type: str,  # noqa: A002
        data: Any,
        *,
        metadata: Any = None,
        tags: Iterable[str] = (),
        id: UUID | None = None,  # noqa: A002
    ) -> Event:
        """An event whose data (and metadata, if any) are these values as JSON (RFC 8259).

        Every client decodes the same values from it: dicts with keys of text, lists, text, numbers, booleans and `None`.

        Raises:
            InvalidValue: A value has no JSON form, such as NaN, bytes or a date; it names the place.
        """
        return cls(
            type,
            _json.encode(data, type, "data"),
            b"" if metadata is None else _json.encode(metadata, type, "metadata"),
            tuple(tags),
            new_id() if id is None else id,
        )

    def to_proto(self) -> pb.NewEvent:
        """The event as the protocol has it.

        Raises:
            InvalidValue: A field is of another type than the event declares.
        """
        try:
            return pb.NewEvent(id=str(self.id), type=self.type, data=self.data, metadata=self.metadata, tags=self.tags)
        except (TypeError, ValueError):
            self._demand_types()
            raise

    def _demand_types(self) -> None:
        text("type", self.type)
        for place, value in (("data", self.data), ("metadata", self.metadata)):
            if not isinstance(value, bytes):
                raise InvalidValue(place, f"is {shown(value)}; give bytes, or use Event.json", self.type)
        for index, tag in enumerate(self.tags):
            text(f"tags[{index}]", tag)


class RecordedEvent(NamedTuple):
    """An event as the store keeps it. It never changes.

    A tuple, because a read makes many of them and nothing in Python is made faster.
    """

    id: UUID
    """Identity."""
    stream: str
    """The stream it was appended to."""
    revision: int
    """Its place in the stream, counted from 0."""
    position: int
    """Its place in the whole log, counted from 1."""
    type: str
    """What happened."""
    data: bytes
    """The event itself."""
    metadata: bytes
    """What is said about it."""
    tags: tuple[str, ...]
    """Its labels, in the order in which they were given."""
    recorded_at: datetime
    """When the store recorded it (UTC, microseconds). Never goes backwards along the log."""

    def json(self) -> Any:
        """The data, decoded from JSON (RFC 8259).

        Raises:
            UnreadableEvent: It has no data, or they are not JSON, or not such as Python can hold; it names the event.
        """
        if not self.data:
            raise UnreadableEvent(self, "it has no data")
        try:
            return _json.decode(self.data)
        except ValueError as error:
            raise UnreadableEvent(self, error) from None

    def json_metadata(self) -> dict[str, Any]:
        """The metadata, decoded from JSON. Empty if there is none, or none that is a JSON object."""
        if not self.metadata:
            return {}
        try:
            value = _json.decode(self.metadata)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def decode_all(events: Iterable[pb.RecordedEvent]) -> list[RecordedEvent]:
    """Decodes what one message holds. One loop with local names: this is where reads spend their time."""
    make, uuid, micros, epoch = RecordedEvent, UUID, timedelta, _EPOCH
    decoded = []
    for event in events:
        at = event.recorded_at
        tags = event.tags
        try:
            id = uuid(event.id)  # noqa: A001
        except ValueError:
            raise ProtocolError(f"id {event.id!r} is no UUID") from None
        decoded.append(
            make(
                id,
                event.stream,
                event.revision,
                event.position,
                event.type,
                event.data,
                event.metadata,
                tuple(tags) if tags else (),
                epoch + micros(0, at.seconds, at.nanos // 1_000),
            )
        )
    return decoded


def to_datetime(time: Timestamp) -> datetime:
    """A time of the protocol (UTC, microseconds)."""
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1_000)


def set_timestamp(target: Timestamp, time: datetime) -> None:
    """Sets a time of the protocol. A time without a zone would be guesswork.

    Raises:
        ValueError: `time` has no time zone.
        InvalidValue: It is no time.
    """
    if not isinstance(time, datetime):
        raise InvalidValue("time", f"is {shown(time)}; give a datetime with a time zone")
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone; give one, such as datetime.UTC")
    since = time - _EPOCH
    target.seconds = since.days * 86_400 + since.seconds
    target.nanos = since.microseconds * 1_000
