"""Information about the server, streams, retention and scavenging."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from annals._arguments import integer, optional_integer, shown
from annals.errors import InvalidValue, ProtocolError
from annals.event import to_datetime
from annals.v1 import event_store_pb2 as store_pb
from annals.v1 import scavenge_pb2, snapshot_pb2
from annals.v1 import stream_pb2 as pb

__all__ = [
    "Deleted",
    "Limits",
    "PrefixRetention",
    "Retention",
    "RetentionInfo",
    "Scavenge",
    "ScavengeState",
    "ServerInfo",
    "Snapshot",
    "StreamInfo",
    "Tombstoned",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much of a stream is kept. An event is removed if any limit applies; the stream's revisions continue."""

    max_count: int | None = None
    """Keeps this many of the latest events, 1 or more. `None`: any number."""
    max_age: timedelta | None = None
    """Keeps events for this long after they were recorded, 1 second or more, in whole seconds. `None`: permanently."""
    truncate_before: int = 0
    """Removes the events before this revision.

    It never decreases: 0, or less than the value in force, changes nothing.
    """

    def to_proto(self) -> pb.Retention:
        """Encodes the retention.

        Raises:
            InvalidValue: A field is of another type, or out of range.
        """
        optional_integer("max_count", self.max_count)
        integer("truncate_before", self.truncate_before)
        if not isinstance(self.max_age, timedelta | None):
            raise InvalidValue("max_age", f"is {shown(self.max_age)}; give a timedelta")
        retention = pb.Retention(max_count=self.max_count, truncate_before=self.truncate_before)
        if self.max_age is not None:
            retention.max_age.FromTimedelta(self.max_age)
        return retention


@dataclass(frozen=True, slots=True)
class RetentionInfo:
    """The retention of a stream as stored, with its version."""

    retention: Retention
    version: int
    """How often it has been changed, including deletions; 0: never, and everything is kept."""
    tombstoned: bool = False
    """Whether the stream was permanently deleted."""


@dataclass(frozen=True, slots=True)
class PrefixRetention:
    """The retention of the streams whose names begin with a prefix, with its version.

    It applies to streams that have no `max_count` and no `max_age` of their own. If several prefixes match a name,
    only the longest applies.
    """

    prefix: str
    retention: Retention
    """The retention. Without `max_count` and `max_age`, none is set."""
    version: int
    """How often it has been changed; 0: never."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The result of deleting a stream."""

    last_revision: int
    """The stream's last revision; the next append gets the one after it."""
    position: int
    """The position of the event that records the deletion."""
    already_deleted: bool
    """Whether the stream was already deleted and nothing was appended since."""


@dataclass(frozen=True, slots=True)
class Tombstoned:
    """The result of permanently deleting a stream."""

    position: int
    """The position of the event that records the tombstone."""
    already_tombstoned: bool
    """Whether the stream already had a tombstone."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The properties of a stream."""

    name: str
    last_revision: int
    """Revision of its last event."""
    first_position: int
    """Position of the event that began it, or that began it again after a deletion."""
    last_position: int
    """Position of its last event."""
    created_at: datetime
    """The time at which the event at `first_position` was recorded (UTC)."""
    first_revision: int
    """Revision of the first event that has not been removed; one after `last_revision` if all have been."""
    retention: Retention
    """The retention that is set for the stream itself."""
    retention_prefix: str | None = None
    """The prefix whose retention applies, because the stream has no `max_count` and no `max_age` of its own."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State that a client derived from the events of a stream. It is a cache, and can be rebuilt from the events."""

    stream: str
    revision: int
    """The revision of the last event included."""
    schema_version: int
    """The version of the data's format, defined by the application."""
    data: bytes
    """The state, in any encoding."""
    saved_at: datetime
    """The time at which it was saved (UTC)."""


class ScavengeState(enum.Enum):
    """State of a scavenge."""

    RUNNING = scavenge_pb2.SCAVENGE_STATE_RUNNING
    """It is running."""
    STOPPED = scavenge_pb2.SCAVENGE_STATE_STOPPED
    """It was stopped before it finished; starting a scavenge continues it."""
    FINISHED = scavenge_pb2.SCAVENGE_STATE_FINISHED
    """It finished."""


@dataclass(frozen=True, slots=True)
class Scavenge:
    """The progress of a scavenge, which reclaims the space of removed events."""

    state: ScavengeState
    started_at: datetime
    """The time at which it was started (UTC)."""
    ended_at: datetime | None
    """The time at which it finished or was stopped; `None` while it is running."""
    streams_done: int
    """Streams scavenged so far, of `streams_total`."""
    streams_total: int
    """Streams with a retention, a deletion or a tombstone of their own when it was started.

    Streams that are only subject to a prefix's retention are added as they are found.
    """
    events_removed: int
    bytes_removed: int
    """Measured before compression."""
    problem: str
    """Why the last attempt could not continue; it is retried. Empty if there was no problem."""
    through_position: int
    """Events up to this position are scavenged; later ones are left to the next scavenge."""
    ids_kept: int
    """Appends of the last day whose first event is removed. Their ids are kept, so that retries are recognised."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in force on a server."""

    max_event_bytes: int
    max_append_bytes: int
    max_metadata_bytes: int
    max_append_events: int
    max_stream_name_bytes: int
    max_event_type_bytes: int
    max_tag_bytes: int
    max_tags: int
    max_subscriptions: int
    max_append_checks: int
    max_snapshot_bytes: int
    max_prefix_retentions: int
    max_state_scope_bytes: int
    max_state_key_bytes: int
    max_state_value_bytes: int
    max_state_changes: int
    """Maximum number of changes of state in a write or an append, and of checks of state."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A server's version, engine, log head and limits."""

    version: str
    """The server's version."""
    engine: str
    """The storage engine: `embedded`, `memory` or `foundationdb`."""
    store_id: UUID
    """The store's identity. A checkpoint is valid only in the store it came from."""
    head: int
    """The log's last position; 0 if it is empty."""
    indexed: int
    """The position up to which the indexes are on disk."""
    started_at: datetime
    """The time at which the server started (UTC)."""
    limits: Limits


def to_retention(retention: pb.Retention) -> Retention:
    """Decodes a retention."""
    return Retention(
        max_count=retention.max_count if retention.HasField("max_count") else None,
        max_age=retention.max_age.ToTimedelta() if retention.HasField("max_age") else None,
        truncate_before=retention.truncate_before,
    )


def to_prefix_retention(kept: pb.PrefixRetention) -> PrefixRetention:
    """Decodes the retention of a prefix."""
    return PrefixRetention(kept.prefix, to_retention(kept.retention), kept.version)


def to_stream_info(stream: pb.Stream) -> StreamInfo:
    """Decodes the properties of a stream."""
    return StreamInfo(
        name=stream.name,
        last_revision=stream.last_revision,
        first_position=stream.first_position,
        last_position=stream.last_position,
        created_at=to_datetime(stream.created_at),
        first_revision=stream.first_revision,
        retention=to_retention(stream.retention),
        retention_prefix=stream.retention_prefix or None,
    )


def to_snapshot(snapshot: snapshot_pb2.Snapshot) -> Snapshot:
    """Decodes a snapshot."""
    return Snapshot(
        snapshot.stream, snapshot.revision, snapshot.schema_version, snapshot.data, to_datetime(snapshot.saved_at)
    )


def to_scavenge(scavenge: scavenge_pb2.Scavenge) -> Scavenge:
    """Decodes the progress of a scavenge.

    Raises:
        ProtocolError: Its state is missing or unknown.
    """
    try:
        state = ScavengeState(scavenge.state)
    except ValueError:
        raise ProtocolError(f"a scavenge has the unknown state {scavenge.state}") from None
    return Scavenge(
        state=state,
        started_at=to_datetime(scavenge.started_at),
        ended_at=to_datetime(scavenge.ended_at) if scavenge.HasField("ended_at") else None,
        streams_done=scavenge.streams_done,
        streams_total=scavenge.streams_total,
        events_removed=scavenge.events_removed,
        bytes_removed=scavenge.bytes_removed,
        problem=scavenge.problem,
        through_position=scavenge.through_position,
        ids_kept=scavenge.ids_kept,
    )


def to_server_info(info: store_pb.GetServerInfoResponse) -> ServerInfo:
    """Decodes the information about a server."""
    limits = info.limits
    return ServerInfo(
        version=info.version,
        engine=info.engine,
        store_id=UUID(info.store_id),
        head=info.head,
        indexed=info.indexed,
        started_at=to_datetime(info.started_at),
        limits=Limits(**{name: getattr(limits, name) for name in Limits.__dataclass_fields__}),
    )
