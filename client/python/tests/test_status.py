"""Errors: every reason of the protocol has its own error, and nothing hides a failure."""

from datetime import UTC, datetime
from uuid import UUID

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from annals import _status, errors
from annals.append import Expected, ExpectedRevision
from annals.v1 import append_pb2 as append_pb
from annals.v1 import errors_pb2 as pb


def failure(reason: str, *details: object, code: int = 10, domain: str = "annals") -> Status:
    packed = []
    for detail in (ErrorInfo(reason=reason, domain=domain), *details):
        message = AnyMessage()
        message.Pack(detail)  # type: ignore[arg-type]
        packed.append(message)
    return Status(code=code, message="message", details=packed)


DETAILS = {
    "REVISION_CONFLICT": pb.RevisionConflict(
        stream="s", expected=append_pb.ExpectedRevision(revision=3), actual_revision=4
    ),
    "EVENT_ID_CONFLICT": pb.EventIdConflict(id="01a1fda7-ded8-76f4-a19b-7a7216b9f4cf", stream="s"),
    "CHECKS_FAILED": pb.ChecksFailed(failed=[pb.FailedCheck(match=pb.MatchFound(after=1, position=2))], count=1),
    "STREAM_NOT_FOUND": pb.StreamNotFound(stream="s"),
    "STREAM_TOMBSTONED": pb.StreamTombstoned(stream="s"),
    "CHECKPOINT_CONFLICT": pb.CheckpointConflict(name="c", expected_position=1, actual_position=2),
    "SNAPSHOT_NOT_FOUND": pb.SnapshotNotFound(stream="s"),
    "VERSION_CONFLICT": pb.VersionConflict(stream="s", expected_version=1, actual_version=2),
    "POSITION_BEYOND_HEAD": pb.PositionBeyondHead(position=9, head=3),
    "REVISION_BEYOND_END": pb.RevisionBeyondEnd(stream="s", revision=2),
    "RECORDED_TIME_OUT_OF_RANGE": pb.RecordedTimeOutOfRange(),
    "STATE_VERSION_EXPIRED": pb.StateVersionOutOfRange(scope="s", version=1, first_version=2, last_version=3),
    "STATE_VERSION_BEYOND_END": pb.StateVersionOutOfRange(scope="s", version=4, first_version=2, last_version=3),
}


@pytest.mark.parametrize("reason", [name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.keys()[1:]])
def test_every_reason_has_its_own_error(reason: str) -> None:
    detail = DETAILS.get(reason)
    error = _status.from_result(failure(reason, *([detail] if detail else [])))
    assert not isinstance(error, errors.StatusError), reason
    assert str(error)


def test_a_conflict_reports_the_expected_and_the_actual_state() -> None:
    detail = pb.RevisionConflict(
        stream="order-1", expected=append_pb.ExpectedRevision(no_stream=Empty()), actual_revision=4
    )
    error = _status.from_result(failure("REVISION_CONFLICT", detail))
    assert isinstance(error, errors.RevisionConflict)
    assert isinstance(error, errors.Conflict)
    assert (error.expected, error.actual) == (Expected.NO_STREAM, 4)
    assert str(error) == 'stream "order-1" is not as expected: expected no stream, but it is at revision 4'


@pytest.mark.parametrize(
    ("expected", "decoded"),
    [
        (append_pb.ExpectedRevision(revision=0), 0),
        (append_pb.ExpectedRevision(no_stream=Empty()), Expected.NO_STREAM),
        (append_pb.ExpectedRevision(stream_exists=Empty()), Expected.STREAM_EXISTS),
    ],
)
def test_expected_states_are_decoded(expected: append_pb.ExpectedRevision, decoded: ExpectedRevision) -> None:
    detail = pb.RevisionConflict(stream="s", expected=expected)
    conflict = _status.from_result(failure("REVISION_CONFLICT", detail))
    assert isinstance(conflict, errors.RevisionConflict)
    assert (conflict.expected, conflict.actual) == (decoded, None)
    listed = pb.ChecksFailed(failed=[pb.FailedCheck(index=1, stream=detail)], count=1)
    failed = _status.from_result(failure("CHECKS_FAILED", listed))
    assert isinstance(failed, errors.ChecksFailed)
    assert failed.failed == (errors.FailedCheck(1, errors.StreamMismatch("s", decoded, None)),)


@pytest.mark.parametrize(
    ("sent", "decoded"),
    [({}, (None, None)), ({"expected_version": 2}, (2, None)), ({"actual_version": 3}, (None, 3))],
)
def test_a_failed_check_of_state_reports_the_entry(sent: dict[str, int], decoded: tuple[int | None, ...]) -> None:
    found = pb.FailedCheck(index=4, state=pb.StateConflict(scope="s", key="k", **sent))
    failed = _status.from_result(failure("CHECKS_FAILED", pb.ChecksFailed(failed=[found], count=1)))
    assert isinstance(failed, errors.ChecksFailed)
    assert failed.failed == (errors.FailedCheck(4, errors.StateMismatch("s", "k", *decoded)),)


@pytest.mark.parametrize(("sent", "revision"), [({}, None), ({"revision": 0}, 0)])
def test_an_id_conflict_with_a_removed_event_has_no_revision(sent: dict[str, int], revision: int | None) -> None:
    detail = pb.EventIdConflict(id=str(ID), stream="s", position=7, **sent)
    error = _status.from_result(failure("EVENT_ID_CONFLICT", detail))
    assert isinstance(error, errors.EventIdConflict)
    assert (error.revision, error.position) == (revision, 7)


@pytest.mark.parametrize(
    ("reason", "named", "text"),
    [
        ("GROUP_NOT_FOUND", {"group": "g"}, 'group "g" does not exist; create it'),
        ("GROUP_EXISTS", {"group": "g"}, 'group "g" exists with other settings; update it, or use another name'),
        ("GROUP_UNAVAILABLE", {"group": "g"}, 'group "g" has no leader at the moment; retry later'),
        (
            "UNKNOWN_DELIVERY",
            {"delivery": "7"},
            "delivery 7 was never given to this consumer on this call; use the ids of its deliveries",
        ),
        (
            "CONSUMER_REPLACED",
            {"consumer": "c"},
            'another consumer with the name "c" has opened; give each consumer its own name',
        ),
    ],
)
def test_errors_of_groups_name_their_subject(reason: str, named: dict[str, str], text: str) -> None:
    info = AnyMessage()
    info.Pack(ErrorInfo(reason=reason, domain="annals", metadata=named))
    error = _status.from_result(Status(code=10, message="message", details=[info]))
    assert str(error) == text
    assert isinstance(error, errors.TransientError) == (reason == "GROUP_UNAVAILABLE")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"expected_position": 0}, 'checkpoint "c" was expected to be at position 0, but it is absent'),
        ({"actual_position": 3}, 'checkpoint "c" was expected to be absent, but it is at position 3'),
    ],
)
def test_a_conflict_of_a_checkpoint_has_both_positions(sent: dict[str, int], text: str) -> None:
    error = _status.from_result(failure("CHECKPOINT_CONFLICT", pb.CheckpointConflict(name="c", **sent)))
    assert isinstance(error, errors.CheckpointConflict)
    assert (error.expected, error.actual) == (sent.get("expected_position"), sent.get("actual_position"))
    assert str(error) == text


STREAM = errors.FailedCheck(0, errors.StreamMismatch("s", Expected.NO_STREAM, None))
MATCH = errors.FailedCheck(2, errors.MatchFound(3, 5))
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = UUID("01a1fda7-ded8-76f4-a19b-7a7216b9f4cf")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            errors.RevisionConflict('a "b"', 3, None),
            'stream "a \\"b\\"" is not as expected: expected revision 3, but it has no events',
        ),
        (
            errors.ChecksFailed([STREAM, MATCH], 5),
            'check 0: stream "s" was expected to be no stream, but it has no events; '
            "check 2: the event at position 5 matches, and none should after 3; and 3 more",
        ),
        (
            errors.EventIdConflict(ID, "s", 1, 2),
            f'event id {ID} was already appended to stream "s" at revision 1 (position 2), '
            "by a different append; use a new id, or send exactly the same append again",
        ),
        (
            errors.EventIdConflict(ID, "s", None, 2),
            f"event id {ID} was already appended at position 2 (since removed), "
            "by a different append; use a new id, or send exactly the same append again",
        ),
        (
            errors.ChecksFailed([errors.FailedCheck(1, errors.StateMismatch("s", "k", None, 3))], 1),
            'check of state 1: key "k" of scope "s" was expected to be absent, but it is at version 3',
        ),
        (
            errors.ChecksFailed([errors.FailedCheck(0, errors.StateMismatch("s", "k", 2, None))], 1),
            'check of state 0: key "k" of scope "s" was expected to be at version 2, but it is absent',
        ),
        (
            errors.StateVersionExpired("s", 1, 2, 3),
            'scope "s" can be followed only after version 2, not after 1, because deletions since are no longer known; '
            "forget its entries, and subscribe without a version",
        ),
        (errors.StateVersionBeyondEnd("s", 4, 3), 'version 4 is beyond the end of scope "s", which is at version 3'),
        (errors.StreamTombstoned("s"), 'stream "s" was permanently deleted; use another name'),
        (
            errors.VersionConflict("s", 1, 2),
            'the retention of stream "s" was expected to be at version 1, but is at version 2; read it again',
        ),
        (
            errors.VersionConflict("", 1, 2, "p-"),
            'the retention of prefix "p-" was expected to be at version 1, but is at version 2; read it again',
        ),
        (errors.RecordedTimeNotAccepted("m"), "the server does not accept recorded times: m"),
        (
            errors.RecordedTimeOutOfRange(TIME, None, TIME),
            "events recorded at 2026-01-02T03:04:05.000000Z can't be next in the log: its last event was recorded at "
            "none, as the log is empty, and the server's clock is at 2026-01-02T03:04:05.000000Z",
        ),
        (errors.MoveRefused("m"), "the log can't be moved here: m"),
        (errors.MoveUnfinished("m"), "m"),
        (errors.InvalidField([errors.FieldViolation("f", "d")]), "the server rejected the request: f: d"),
        (errors.DeadlineExceeded(10), "no answer within 10s"),
        (
            errors.DeadlineExceeded(0.3, errors.Overloaded("m")),
            "no answer within 300ms; the last attempt: the server is overloaded: m",
        ),
        (errors.ProtocolError("m"), "the response violates the annals.v1 protocol: m"),
        (errors.StatusError(grpc.StatusCode.FAILED_PRECONDITION, "m"), "FailedPrecondition: m"),
    ],
)
def test_error_texts_are_those_of_the_other_clients(error: errors.AnnalsError, text: str) -> None:
    assert str(error) == text


def test_violations_are_listed() -> None:
    listed = BadRequest(field_violations=[BadRequest.FieldViolation(field="events[0].id", description="no UUID")])
    error = _status.from_result(failure("INVALID_FIELD", listed))
    assert isinstance(error, errors.InvalidField)
    assert error.violations == (errors.FieldViolation("events[0].id", "no UUID"),)
    unlisted = _status.from_result(failure("TOO_LARGE"))
    assert str(unlisted) == "larger than the server takes: message"


def test_a_foreign_or_missing_detail_hides_nothing() -> None:
    foreign = failure("REVISION_CONFLICT", DETAILS["REVISION_CONFLICT"], domain="elsewhere")
    no_state = failure("REVISION_CONFLICT", pb.RevisionConflict(stream="s"))
    statuses = (foreign, no_state, failure("REVISION_CONFLICT"), failure("NEW_REASON"))
    for status in (*statuses, Status(code=10, message="message")):
        error = _status.from_result(status)
        assert isinstance(error, errors.StatusError)
        assert (error.code, error.message) == (grpc.StatusCode.ABORTED, "message")


def test_a_status_without_a_reason_goes_by_its_code() -> None:
    def error(code: grpc.StatusCode) -> errors.AnnalsError:
        failed = AioRpcError(code, Metadata(), Metadata(), "message")
        return _status.from_rpc_error(failed, "http://a", "AppendToMany")

    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED):
        assert isinstance(error(code), errors.Unreachable)
    assert isinstance(error(grpc.StatusCode.DEADLINE_EXCEEDED), errors.Unavailable)
    assert isinstance(error(grpc.StatusCode.UNIMPLEMENTED), errors.Unsupported)
    for code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED):
        assert isinstance(error(code), errors.StatusError)
    for text in ("stream terminated by RST_STREAM", "Internal error from Core"):
        broken = AioRpcError(grpc.StatusCode.INTERNAL, Metadata(), Metadata(), text)
        assert isinstance(_status.from_rpc_error(broken, "http://a", "AppendPipeline"), errors.Unreachable)
    garbage = AioRpcError(
        grpc.StatusCode.ABORTED, Metadata(), Metadata(("grpc-status-details-bin", b"\xff" * 9)), "message"
    )
    assert isinstance(_status.from_rpc_error(garbage, "http://a", "AppendToMany"), errors.StatusError)
