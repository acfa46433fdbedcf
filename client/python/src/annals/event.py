"""Events, as given to the store and as read from it.

An event has its id from the moment it is created, before the first attempt to append it. Every retry therefore sends
the same id, and the store can tell a retry from a second event.
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
from annals.errors.base import quoted
from annals.v1 import event_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["Event", "RecordedEvent", "new_id"]

# The content type of an event that has none of its own.
_JSON_TYPE = "application/json"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> UUID:
    """Returns a new UUIDv7: the time in milliseconds, then 74 random bits. The store indexes such ids efficiently."""
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
    """The event's type, a word of the domain: `OrderPlaced`. 1 to 256 bytes, not starting with `$`."""
    data: bytes = b""
    """The payload, encoded as `content_type` states. At most 1 MiB unless the server is configured otherwise."""
    metadata: bytes = b""
    """Metadata about the event, such as correlation ids or trace context; JSON by convention. At most 64 KiB."""
    tags: tuple[str, ...] = ()
    """Indexed labels, at most 32 of at most 256 bytes, without duplicates."""
    id: UUID = field(default_factory=new_id)
    """Identifies the event. Appends are idempotent by it: an id derived from the command makes the command
    idempotent.

    It is not a unique key: an append that expects a revision is written even if other events have the same ids.
    """
    content_type: str = ""
    """The media type of the data, such as `application/protobuf`. Empty: `application/json`. At most 127 bytes."""

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
        """Creates an event with these values as JSON (RFC 8259) as data and, if given, metadata.

        Every client decodes the same values: dicts with text keys, lists, text, numbers, booleans and `None`.

        Raises:
            InvalidValue: A value has no JSON form, such as NaN, bytes or a date; the error names the location.
        """
        return cls(
            type,
            _json.encode(data, type, "data"),
            b"" if metadata is None else _json.encode(metadata, type, "metadata"),
            tuple(tags),
            new_id() if id is None else id,
        )

    @classmethod
    def binary(
        cls,
        type: str,  # noqa: A002
        data: bytes,
        content_type: str,
        *,
        metadata: Any = None,
        tags: Iterable[str] = (),
        id: UUID | None = None,  # noqa: A002
    ) -> Event:
        """Creates an event with bytes of this content type as data and, if given, a value as JSON as metadata.

        >>> event = Event.binary("LabelPrinted", b"%PDF-1.7", "application/pdf", tags=["order:1"])

        Raises:
            InvalidValue: A value in the metadata has no JSON form; the error names the location.
        """
        return cls(
            type,
            data,
            b"" if metadata is None else _json.encode(metadata, type, "metadata"),
            tuple(tags),
            new_id() if id is None else id,
            content_type,
        )

    def to_proto(self) -> pb.NewEvent:
        """Encodes the event.

        Raises:
            InvalidValue: A field is not of the type that the event declares.
        """
        try:
            return pb.NewEvent(
                id=str(self.id),
                type=self.type,
                data=self.data,
                metadata=self.metadata,
                tags=self.tags,
                content_type=self.content_type,
            )
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
        text("content_type", self.content_type)


class RecordedEvent(NamedTuple):
    """An event as stored. It never changes.

    It is a tuple, because a read creates many of them and tuples are the fastest to create.
    """

    id: UUID
    """Identifies the event."""
    stream: str
    """The stream it was appended to."""
    revision: int
    """Its index in the stream, from 0."""
    position: int
    """Its index in the whole log, from 1."""
    type: str
    """The event's type."""
    data: bytes
    """The payload, encoded as `content_type` states."""
    metadata: bytes
    """Metadata about the event."""
    tags: tuple[str, ...]
    """Its tags, in the order in which they were given."""
    recorded_at: datetime
    """The time at which the store recorded it (UTC, microseconds). Never decreases along the log."""
    content_type: str = _JSON_TYPE
    """The media type of the data: `application/json` unless the event was appended with another one."""

    def json(self) -> Any:
        """Decodes the data from JSON (RFC 8259).

        Raises:
            UnreadableEvent: The content type is neither `application/json` nor one that ends in `+json`, or the data
                is empty, is not JSON, or can't be represented in Python; the error names the event.
        """
        demand_json(self)
        if not self.data:
            raise UnreadableEvent(self, "it is empty")
        try:
            return _json.decode(self.data)
        except ValueError as error:
            raise UnreadableEvent(self, error) from None

    def json_metadata(self) -> dict[str, Any]:
        """Decodes the metadata from JSON. Returns an empty dict if there is no metadata or it is not a JSON object."""
        if not self.metadata:
            return {}
        try:
            value = _json.decode(self.metadata)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def demand_json(event: RecordedEvent) -> None:
    """Checks that the content type of an event is a form of JSON: `application/json` or one that ends in `+json`.

    Raises:
        UnreadableEvent: It is another one.
    """
    if event.content_type == _JSON_TYPE:
        return
    media_type = event.content_type.partition(";")[0].strip().lower()
    if media_type != _JSON_TYPE and not media_type.endswith("+json"):
        raise UnreadableEvent(event, f"its content type is {quoted(event.content_type)}; read its data as bytes")


def decode_all(events: Iterable[pb.RecordedEvent]) -> list[RecordedEvent]:
    """Decodes the events of one message.

    A single loop with local names, because reads spend most of their time here.
    """
    make, uuid, micros, epoch = RecordedEvent, UUID, timedelta, _EPOCH
    decoded = []
    for event in events:
        at = event.recorded_at
        tags = event.tags
        try:
            id = uuid(event.id)  # noqa: A001
        except ValueError:
            raise ProtocolError(f'id "{event.id}" is not a UUID') from None
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
                event.content_type or _JSON_TYPE,
            )
        )
    return decoded


def to_datetime(time: Timestamp) -> datetime:
    """Decodes a time (UTC, microseconds)."""
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1_000)


def set_timestamp(target: Timestamp, time: datetime) -> None:
    """Encodes a time. A time without a zone is rejected, because its meaning would be a guess.

    Raises:
        ValueError: `time` has no time zone.
        InvalidValue: It is not a datetime.
    """
    if not isinstance(time, datetime):
        raise InvalidValue("time", f"is {shown(time)}; give a datetime with a time zone")
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone; give one, such as datetime.UTC")
    since = time - _EPOCH
    target.seconds = since.days * 86_400 + since.seconds
    target.nanos = since.microseconds * 1_000
