"""Conversion of a gRPC status to an error.

The reason in its `google.rpc.ErrorInfo` selects the error, and the typed detail fills it.

A status without a reason of the `annals` domain does not come from an Annals server, but from the transport, a proxy
or another kind of server; then its code selects the error. A detail that is missing or malformed never hides the
failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from annals import errors
from annals.append import Expected, ExpectedRevision
from annals.event import to_datetime
from annals.v1 import errors_pb2 as pb

if TYPE_CHECKING:
    from grpc.aio import AioRpcError

DOMAIN = "annals"
_DETAILS = "grpc-status-details-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}

M = TypeVar("M", bound=Message)
Details = Iterable[AnyMessage]


def from_rpc_error(failed: AioRpcError, endpoint: str, call: str) -> errors.AnnalsError:
    """Returns the error of a call to `endpoint`."""
    message = failed.details() or ""
    details = _details(failed)
    if details is not None:
        error = _from_reason(message or details.message, details.details)
        if error is not None:
            return error
    code = failed.code()
    if _is_http(code, message):
        return errors.NotGrpc(endpoint)
    # A lost connection is reported with any of these codes, depending on which layer noticed it first. Servers send
    # none of them without a reason.
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED):
        return errors.Unreachable(endpoint, message)
    # The second message is what grpcio reports for a call that ended while it was being written to, instead of the
    # call's status (https://github.com/grpc/grpc/issues/36066). In most cases the connection broke; otherwise the
    # next attempt gets the status.
    if code is grpc.StatusCode.INTERNAL and ("RST_STREAM" in message or message == "Internal error from Core"):
        return errors.Unreachable(endpoint, message)
    # The caller handles the client's own deadline; any other was set by a proxy.
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.Unavailable(errors.Unavailability.UNKNOWN, message)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return errors.Unsupported(call)
    return errors.StatusError(code, message)


def _is_http(code: grpc.StatusCode, message: str) -> bool:
    """Returns whether an HTTP server without gRPC answered: with HTTP/1, or with HTTP/2 but without this path."""
    return "http1.x server" in message or (
        code is grpc.StatusCode.UNIMPLEMENTED and message.startswith("Received http2 header with status: ")
    )


def from_result(status: Status) -> errors.AnnalsError:
    """Returns the error of one append of a pipeline."""
    error = _from_reason(status.message, status.details)
    if error is not None:
        return error
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    if code is grpc.StatusCode.UNAVAILABLE:
        return errors.Unavailable(errors.Unavailability.UNKNOWN, status.message)
    return errors.StatusError(code, status.message)


def _details(failed: AioRpcError) -> Status | None:
    for key, value in failed.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None


def _from_reason(message: str, details: Details) -> errors.AnnalsError | None:
    info = _detail(details, ErrorInfo)
    if info is None or info.domain != DOMAIN:
        return None
    make = _REASONS.get(info.reason)
    return None if make is None else make(message, details)


def _detail(details: Details, kind: type[M]) -> M | None:
    for detail in details:
        if detail.TypeName() == kind.DESCRIPTOR.full_name:
            message = kind()
            try:
                message.MergeFromString(detail.value)
            except DecodeError:
                return None
            return message
    return None


def _violations(message: str, details: Details) -> list[errors.FieldViolation]:
    listed = _detail(details, BadRequest)
    if listed is None or not listed.field_violations:
        return [errors.FieldViolation("", message)]
    return [errors.FieldViolation(one.field, one.description) for one in listed.field_violations]


def _expected(found: pb.RevisionConflict) -> ExpectedRevision | None:
    """Returns the expected state; `None` if it is missing or of a kind that this client does not know."""
    match found.expected.WhichOneof("expected"):
        case "revision":
            return found.expected.revision
        case "no_stream":
            return Expected.NO_STREAM
        case "stream_exists":
            return Expected.STREAM_EXISTS
    return None


def _actual(found: pb.RevisionConflict) -> int | None:
    return found.actual_revision if found.HasField("actual_revision") else None


def _revision_conflict(_: str, details: Details) -> errors.AnnalsError | None:
    found = _detail(details, pb.RevisionConflict)
    if found is None or (expected := _expected(found)) is None:
        return None
    return errors.RevisionConflict(found.stream, expected, _actual(found))


def _event_id_conflict(_: str, details: Details) -> errors.AnnalsError | None:
    found = _detail(details, pb.EventIdConflict)
    if found is None:
        return None
    revision = found.revision if found.HasField("revision") else None
    try:
        return errors.EventIdConflict(UUID(found.id), found.stream, revision, found.position)
    except ValueError:
        return None


def _checks_failed(_: str, details: Details) -> errors.AnnalsError | None:
    found = _detail(details, pb.ChecksFailed)
    if found is None or not found.failed:
        return None
    failed = []
    for one in found.failed:
        what: errors.StreamMismatch | errors.MatchFound | errors.StateMismatch
        if one.HasField("stream"):
            if (expected := _expected(one.stream)) is None:
                return None
            what = errors.StreamMismatch(one.stream.stream, expected, _actual(one.stream))
        elif one.HasField("state"):
            what = _state_mismatch(one.state)
        else:
            what = errors.MatchFound(one.match.after, one.match.position)
        failed.append(errors.FailedCheck(one.index, what))
    return errors.ChecksFailed(failed, found.count)


def _state_mismatch(found: pb.StateConflict) -> errors.StateMismatch:
    expected = found.expected_version if found.HasField("expected_version") else None
    actual = found.actual_version if found.HasField("actual_version") else None
    return errors.StateMismatch(found.scope, found.key, expected, actual)


def _recorded_time_out_of_range(_: str, details: Details) -> errors.AnnalsError | None:
    found = _detail(details, pb.RecordedTimeOutOfRange)
    if found is None:
        return None
    earliest = to_datetime(found.earliest) if found.HasField("earliest") else None
    return errors.RecordedTimeOutOfRange(to_datetime(found.recorded_at), earliest, to_datetime(found.latest))


def _revision_beyond_end(_: str, details: Details) -> errors.AnnalsError | None:
    found = _detail(details, pb.RevisionBeyondEnd)
    if found is None:
        return None
    last = found.last_revision if found.HasField("last_revision") else None
    return errors.RevisionBeyondEnd(found.stream, found.revision, last)


def _checkpoint_conflict(_: str, details: Details) -> errors.AnnalsError | None:
    found = _detail(details, pb.CheckpointConflict)
    if found is None:
        return None
    expected = found.expected_position if found.HasField("expected_position") else None
    actual = found.actual_position if found.HasField("actual_position") else None
    return errors.CheckpointConflict(found.name, expected, actual)


def _value(details: Details, key: str) -> str:
    """Returns a value that the server has added to the reason; empty if there is none."""
    info = _detail(details, ErrorInfo)
    return "" if info is None else info.metadata[key]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _named(key: str, make: Callable[[str], errors.AnnalsError]) -> Callable[[str, Details], errors.AnnalsError]:
    return lambda _, details: make(_value(details, key))


def _with(
    kind: type[M], make: Callable[[M], errors.AnnalsError]
) -> Callable[[str, Details], errors.AnnalsError | None]:
    def from_detail(_: str, details: Details) -> errors.AnnalsError | None:
        found = _detail(details, kind)
        return None if found is None else make(found)

    return from_detail


def _unavailable(reason: errors.Unavailability) -> Callable[[str, Details], errors.AnnalsError]:
    return lambda message, _: errors.Unavailable(reason, message)


# All reasons of annals.v1.ErrorReason; a test fails if one is missing.
_REASONS: dict[str, Callable[[str, Details], errors.AnnalsError | None]] = {
    "INVALID_FIELD": lambda message, details: errors.InvalidField(_violations(message, details)),
    "TOO_LARGE": lambda message, details: errors.TooLarge(_violations(message, details)),
    "REVISION_CONFLICT": _revision_conflict,
    "EVENT_ID_CONFLICT": _event_id_conflict,
    "STREAM_NOT_FOUND": _with(pb.StreamNotFound, lambda found: errors.StreamNotFound(found.stream)),
    "POSITION_BEYOND_HEAD": _with(
        pb.PositionBeyondHead, lambda found: errors.PositionBeyondHead(found.position, found.head)
    ),
    "REVISION_BEYOND_END": _revision_beyond_end,
    "SHUTTING_DOWN": _unavailable(errors.Unavailability.SHUTTING_DOWN),
    "OVERLOADED": lambda message, _: errors.Overloaded(message),
    "ENGINE_UNAVAILABLE": _unavailable(errors.Unavailability.ENGINE),
    "CORRUPT": lambda message, _: errors.Corrupt(message),
    "STORAGE_FAILED": _unavailable(errors.Unavailability.STORAGE_FAILED),
    "INTERNAL": lambda message, _: errors.InternalError(message),
    "RECORDED_TIME_NOT_ACCEPTED": lambda message, _: errors.RecordedTimeNotAccepted(message),
    "RECORDED_TIME_OUT_OF_RANGE": _recorded_time_out_of_range,
    "CHECKS_FAILED": _checks_failed,
    "STREAM_TOMBSTONED": _with(pb.StreamTombstoned, lambda found: errors.StreamTombstoned(found.stream)),
    "VERSION_CONFLICT": _with(
        pb.VersionConflict,
        lambda found: errors.VersionConflict(
            found.stream, found.expected_version, found.actual_version, found.prefix or None, found.group or None
        ),
    ),
    "MOVE_REFUSED": lambda message, _: errors.MoveRefused(message),
    "MOVE_UNFINISHED": lambda message, _: errors.MoveUnfinished(message),
    "STATE_ID_CONFLICT": lambda message, _: errors.StateIdConflict(message),
    "STATE_VERSION_EXPIRED": _with(
        pb.StateVersionOutOfRange,
        lambda found: errors.StateVersionExpired(found.scope, found.version, found.first_version, found.last_version),
    ),
    "STATE_VERSION_BEYOND_END": _with(
        pb.StateVersionOutOfRange,
        lambda found: errors.StateVersionBeyondEnd(found.scope, found.version, found.last_version),
    ),
    "CHECKPOINT_CONFLICT": _checkpoint_conflict,
    "CHECKPOINT_NOT_FOUND": _named("checkpoint", errors.CheckpointNotFound),
    "GROUP_NOT_FOUND": _named("group", errors.GroupNotFound),
    "GROUP_EXISTS": _named("group", errors.GroupExists),
    "GROUP_UNAVAILABLE": _named("group", errors.GroupUnavailable),
    "UNKNOWN_DELIVERY": lambda _, details: errors.UnknownDelivery(_number(_value(details, "delivery"))),
    "CONSUMER_REPLACED": _named("consumer", errors.ConsumerReplaced),
    "SNAPSHOT_NOT_FOUND": _with(pb.SnapshotNotFound, lambda found: errors.SnapshotNotFound(found.stream)),
}
