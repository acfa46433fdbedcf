"""What the store tells about itself, its streams, and what is kept of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from annals._arguments import integer, optional_integer, shown
from annals.errors import InvalidValue
from annals.event import to_datetime
from annals.v1 import event_store_pb2 as store_pb
from annals.v1 import scavenge_pb2, snapshot_pb2
from annals.v1 import stream_pb2 as pb

__all__ = [
    "Deleted",
    "KeptRetention",
    "Limits",
    "PrefixRetention",
    "Retention",
    "Scavenge",
    "ScavengeState",
    "ServerInfo",
    "Snapshot",
    "StreamInfo",
    "Tombstoned",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much of a stream is kept. An event is gone if any of these says so; its stream's revisions go on."""

    max_count: int | None = None
    """Keeps the last so many events, 1 or more. `None`: any number."""
    max_age: timedelta | None = None
    """Keeps events for so long after they were recorded, 1 second or more, in whole seconds. `None`: for ever."""
    truncate_before: int = 0
    """Events before this revision are gone. It only grows: 0, or less than is in force, changes nothing."""

    def to_proto(self) -> pb.Retention:
        """The retention as the protocol has it.

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
class KeptRetention:
    """What is kept of a stream, and which version of it that is."""

    retention: Retention
    version: int
    """How often it was changed, deletions included; 0: never, everything is kept."""
    tombstoned: bool = False
    """Whether the stream was deleted for ever."""


@dataclass(frozen=True, slots=True)
class PrefixRetention:
    """What is kept of the streams whose names begin with a prefix, and which version of it that is.

    It holds for streams without a count and an age of their own. Of several prefixes of a name the longest counts.
    """

    prefix: str
    retention: Retention
    """The count and the age that are kept; neither: nothing is set."""
    version: int
    """How often it was changed; 0: never."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A stream was deleted."""

    last_revision: int
    """Its last revision; an append to it gets the next."""
    position: int
    """The position at which the log says that it is deleted."""
    already_deleted: bool
    """Whether it was deleted before, and nothing was appended since."""


@dataclass(frozen=True, slots=True)
class Tombstoned:
    """A stream was deleted for ever."""

    position: int
    """The position at which the log says so."""
    already_tombstoned: bool
    """Whether it was before."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What the store knows of a stream."""

    name: str
    last_revision: int
    """Revision of its last event."""
    first_position: int
    """Position of the event that began it."""
    last_position: int
    """Position of its last event."""
    created_at: datetime
    """When the event that began it was recorded (UTC)."""
    first_revision: int
    """Revision of its first event that is not gone; one after `last_revision` if all are."""
    retention: Retention
    """How much of it is kept, as it is set for the stream itself."""
    retention_prefix: str | None = None
    """The prefix whose retention holds, because the stream has no count and no age of its own."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a client made of the events of a stream. It is no event, and may be lost without loss."""

    stream: str
    revision: int
    """The last revision that it holds."""
    schema_version: int
    """Which form it has, in the client's own counting."""
    data: bytes
    """The state, in any encoding."""
    saved_at: datetime
    """When it was saved (UTC)."""


class ScavengeState(enum.Enum):
    """Whether a scavenge runs."""

    NEVER = scavenge_pb2.SCAVENGE_STATE_UNSPECIFIED
    """There was never one."""
    RUNNING = scavenge_pb2.SCAVENGE_STATE_RUNNING
    """It runs."""
    STOPPED = scavenge_pb2.SCAVENGE_STATE_STOPPED
    """It was stopped before its end; starting one goes on with it."""
    FINISHED = scavenge_pb2.SCAVENGE_STATE_FINISHED
    """It came to its end."""


@dataclass(frozen=True, slots=True)
class Scavenge:
    """How far a scavenge is: the reclaiming of the space of what is gone."""

    state: ScavengeState
    started_at: datetime | None
    ended_at: datetime | None
    """When it was finished or stopped; `None` while it runs."""
    streams_done: int
    """Streams looked at so far, of `streams_total`."""
    streams_total: int
    """Streams that have anything set for them, when it was started."""
    events_removed: int
    bytes_removed: int
    """As they were stored before compression."""
    problem: str
    """Why it could not go on at the last try; it is tried again. Empty: nothing went wrong."""
    through_position: int
    """Events up to this position are scavenged; later ones are kept for the next scavenge."""
    ids_kept: int
    """Appends of the last day whose first event is removed. Their ids are kept, so that a retry is recognised."""


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


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What runs at the endpoint, up to where its log goes, and the limits in force."""

    version: str
    """The server's version."""
    engine: str
    """The engine: `embedded`, `memory` or `foundationdb`."""
    store_id: UUID
    """The store's identity. A checkpoint is only worth something in the store it came from."""
    head: int
    """The log's last position; 0 when it is empty."""
    indexed: int
    """The position up to which the indexes are on disk."""
    started_at: datetime
    """When the server started (UTC)."""
    limits: Limits


def to_retention(retention: pb.Retention) -> Retention:
    """What is kept, from the protocol."""
    return Retention(
        max_count=retention.max_count if retention.HasField("max_count") else None,
        max_age=retention.max_age.ToTimedelta() if retention.HasField("max_age") else None,
        truncate_before=retention.truncate_before,
    )


def to_prefix_retention(kept: pb.PrefixRetention) -> PrefixRetention:
    """What is kept of a prefix, from the protocol."""
    return PrefixRetention(kept.prefix, to_retention(kept.retention), kept.version)


def to_stream_info(stream: pb.Stream) -> StreamInfo:
    """A stream, from the protocol."""
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
    """A snapshot, from the protocol."""
    return Snapshot(
        snapshot.stream, snapshot.revision, snapshot.schema_version, snapshot.data, to_datetime(snapshot.saved_at)
    )


def to_scavenge(scavenge: scavenge_pb2.Scavenge) -> Scavenge:
    """A scavenge, from the protocol."""
    return Scavenge(
        state=ScavengeState(scavenge.state),
        started_at=to_datetime(scavenge.started_at) if scavenge.HasField("started_at") else None,
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
    """What a server tells, from the protocol."""
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
