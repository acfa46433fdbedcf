"""Results of steps, in the form of the interoperability cases."""

import base64
from datetime import datetime, timedelta
from typing import Any

from annals import (
    Appended,
    AppendedToMany,
    CaughtUp,
    Checkpoint,
    ExpectedRevision,
    FellBehind,
    PrefixRetention,
    Read,
    RecordedEvent,
    Retention,
    StateCaughtUp,
    StateCheckpoint,
    StateDeletion,
    StateEntry,
    StateItem,
    StreamInfo,
    SubscriptionItem,
    errors,
)
from tests.interop.steps import EPOCH, EXPECTED, MICROSECOND

Answer = dict[str, Any]


def present(**fields: Any) -> Answer:
    """Returns the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def micros(time: datetime) -> int:
    return (time - EPOCH) // MICROSECOND


def appended(done: Appended) -> Answer:
    return {
        "first_revision": done.first_revision,
        "last_revision": done.last_revision,
        "first_position": done.first_position,
        "last_position": done.last_position,
        "recorded_at": micros(done.recorded_at),
        "already_appended": done.already_appended,
    }


def appended_to_many(done: AppendedToMany) -> Answer:
    streams = [
        {"stream": one.stream, "first_revision": one.first_revision, "last_revision": one.last_revision}
        for one in done.streams
    ]
    return present(
        first_position=done.first_position,
        last_position=done.last_position,
        recorded_at=micros(done.recorded_at),
        already_appended=done.already_appended,
        streams=streams,
        state_versions=list(done.state_versions) or None,
    )


def recorded(event: RecordedEvent) -> Answer:
    return present(
        id=str(event.id),
        stream=event.stream,
        revision=event.revision,
        position=event.position,
        type=event.type,
        data=base64.b64encode(event.data).decode(),
        metadata=base64.b64encode(event.metadata).decode(),
        tags=list(event.tags),
        recorded_at=micros(event.recorded_at),
        content_type=None if event.content_type == "application/json" else event.content_type,
    )


async def events_of(read: Read) -> Answer:
    events = [recorded(event) for event in await (await read).collect()]
    return present(head=read.head, last_revision=read.last_revision, events=events)


def state_entry(entry: StateEntry) -> Answer:
    data = base64.b64encode(entry.value).decode()
    return {"key": entry.key, "data": data, "version": entry.version, "changed_at": micros(entry.changed_at)}


def item(found: SubscriptionItem | StateItem) -> Answer:
    match found:
        case StateEntry():
            return {"put": state_entry(found)}
        case StateDeletion():
            return {"deletion": {"key": found.key, "version": found.version}}
        case StateCaughtUp(version):
            return {"caught_up": version}
        case StateCheckpoint(version):
            return {"checkpoint": version}
        case RecordedEvent():
            return {"event": recorded(found)}
        case CaughtUp(position, revision):
            return present(caught_up=position, revision=revision)
        case Checkpoint(position, revision):
            return present(checkpoint=position, revision=revision)
        case FellBehind(position, revision=revision):
            return present(fell_behind=position, revision=revision)


def to_retention(kept: Retention) -> Answer:
    age = None if kept.max_age is None else kept.max_age // timedelta(seconds=1)
    return present(max_count=kept.max_count, max_age_seconds=age, truncate_before=kept.truncate_before)


def to_prefix_retention(kept: PrefixRetention) -> Answer:
    return {"prefix": kept.prefix, "retention": to_retention(kept.retention), "version": kept.version}


def stream_info(stream: StreamInfo) -> Answer:
    return present(
        name=stream.name,
        first_revision=stream.first_revision,
        last_revision=stream.last_revision,
        first_position=stream.first_position,
        last_position=stream.last_position,
        created_at=micros(stream.created_at),
        retention=to_retention(stream.retention),
        retention_prefix=stream.retention_prefix,
    )


def to_expected(expected: ExpectedRevision) -> int | str:
    return expected if isinstance(expected, int) else next(name for name, one in EXPECTED.items() if one is expected)


def to_failed(failed: errors.FailedCheck) -> Answer:
    match failed.found:
        case errors.MatchFound(after, position):
            return {"index": failed.index, "match": {"after": after, "position": position}}
        case errors.StreamMismatch(stream, expected, actual):
            found = present(stream=stream, expected=to_expected(expected), actual=actual)
            return {"index": failed.index, "stream": found}
        case errors.StateMismatch(scope, key, wanted, actual):
            return {"index": failed.index, "state": present(scope=scope, key=key, expected=wanted, actual=actual)}


def failure(error: errors.AnnalsError) -> Answer:
    """Converts an error to its reason, with the fields of the client's error."""
    match error:
        case errors.InvalidValue():
            return {"reason": "INVALID_VALUE"}
        case errors.InvalidField():
            return {"reason": "INVALID_FIELD", "fields": [violation.field for violation in error.violations]}
        case errors.TooLarge():
            return {"reason": "TOO_LARGE", "fields": [violation.field for violation in error.violations]}
        case errors.RevisionConflict():
            wanted = to_expected(error.expected)
            return present(reason="REVISION_CONFLICT", stream=error.stream, expected=wanted, actual=error.actual)
        case errors.EventIdConflict():
            place = present(stream=error.stream, revision=error.revision, position=error.position)
            return {"reason": "EVENT_ID_CONFLICT", "id": str(error.id), **place}
        case errors.ChecksFailed():
            failed = [to_failed(one) for one in error.failed]
            return {"reason": "CHECKS_FAILED", "count": error.count, "failed": failed, "message": str(error)}
        case errors.StateIdConflict():
            return {"reason": "STATE_ID_CONFLICT", "message": str(error)}
        case errors.StateVersionExpired():
            versions = {"version": error.version, "first": error.first_version, "last": error.last_version}
            return {"reason": "STATE_VERSION_EXPIRED", "scope": error.scope, **versions, "message": str(error)}
        case errors.StateVersionBeyondEnd():
            versions = {"version": error.version, "last": error.last_version}
            return {"reason": "STATE_VERSION_BEYOND_END", "scope": error.scope, **versions, "message": str(error)}
        case errors.StreamNotFound():
            return {"reason": "STREAM_NOT_FOUND", "stream": error.stream}
        case errors.StreamTombstoned():
            return {"reason": "STREAM_TOMBSTONED", "stream": error.stream}
        case errors.SnapshotNotFound():
            return {"reason": "SNAPSHOT_NOT_FOUND", "stream": error.stream}
        case errors.VersionConflict():
            versions = {"expected": error.expected, "actual": error.actual}
            subject = {"stream": error.stream} if error.prefix is None else {"prefix": error.prefix}
            return {"reason": "VERSION_CONFLICT", **subject, **versions}
        case errors.PositionBeyondHead():
            return {"reason": "POSITION_BEYOND_HEAD", "position": error.position, "head": error.head}
        case errors.RevisionBeyondEnd():
            place = present(revision=error.revision, last_revision=error.last_revision)
            return {"reason": "REVISION_BEYOND_END", "stream": error.stream, **place}
    return {"reason": "OTHER", "message": f"{type(error).__name__}: {error}"}
