"""Errors: every reason of the protocol is an error of its own, and nothing hides a failure."""

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from annals import _status, errors
from annals.append import Expected
from annals.v1 import errors_pb2 as pb


def failure(reason: str, *details: object, code: int = 10, domain: str = "annals") -> Status:
    packed = []
    for detail in (ErrorInfo(reason=reason, domain=domain), *details):
        message = AnyMessage()
        message.Pack(detail)  # type: ignore[arg-type]
        packed.append(message)
    return Status(code=code, message="told", details=packed)


DETAILS = {
    "REVISION_CONFLICT": pb.RevisionConflict(stream="s", expected_revision=3, actual_revision=4),
    "EVENT_ID_CONFLICT": pb.EventIdConflict(id="01a1fda7-ded8-76f4-a19b-7a7216b9f4cf", stream="s"),
    "CHECKS_FAILED": pb.ChecksFailed(failed=[pb.FailedCheck(match=pb.MatchFound(after=1, position=2))], count=1),
    "STREAM_NOT_FOUND": pb.StreamNotFound(stream="s"),
    "STREAM_TOMBSTONED": pb.StreamTombstoned(stream="s"),
    "SNAPSHOT_NOT_FOUND": pb.SnapshotNotFound(stream="s"),
    "VERSION_CONFLICT": pb.VersionConflict(stream="s", expected_version=1, actual_version=2),
    "POSITION_BEYOND_HEAD": pb.PositionBeyondHead(position=9, head=3),
    "REVISION_BEYOND_END": pb.RevisionBeyondEnd(stream="s", revision=2),
    "RECORDED_TIME_OUT_OF_RANGE": pb.RecordedTimeOutOfRange(),
}


@pytest.mark.parametrize("reason", [name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.keys()[1:]])
def test_every_reason_is_an_error_of_its_own(reason: str) -> None:
    detail = DETAILS.get(reason)
    error = _status.from_result(failure(reason, *([detail] if detail else [])))
    assert not isinstance(error, errors.StatusError), reason
    assert str(error)


def test_a_conflict_tells_people_what_was_expected_and_what_is() -> None:
    detail = pb.RevisionConflict(stream="order-1", expected_no_stream=True, actual_revision=4)
    error = _status.from_result(failure("REVISION_CONFLICT", detail))
    assert isinstance(error, errors.RevisionConflict)
    assert isinstance(error, errors.Conflict)
    assert (error.expected, error.actual) == (Expected.NO_STREAM, 4)
    assert str(error) == "stream 'order-1' is not as expected: expected no stream, but it is at revision 4"


def test_violations_are_listed() -> None:
    listed = BadRequest(field_violations=[BadRequest.FieldViolation(field="events[0].id", description="no UUID")])
    error = _status.from_result(failure("INVALID_FIELD", listed))
    assert isinstance(error, errors.InvalidField)
    assert error.violations == (errors.FieldViolation("events[0].id", "no UUID"),)
    unlisted = _status.from_result(failure("TOO_LARGE"))
    assert str(unlisted) == "larger than the server takes: told"


def test_a_foreign_or_missing_detail_hides_nothing() -> None:
    foreign = failure("REVISION_CONFLICT", DETAILS["REVISION_CONFLICT"], domain="elsewhere")
    for status in (foreign, failure("REVISION_CONFLICT"), failure("NEW_REASON"), Status(code=10, message="told")):
        error = _status.from_result(status)
        assert isinstance(error, errors.StatusError)
        assert (error.code, error.message) == (grpc.StatusCode.ABORTED, "told")


def test_a_status_without_a_reason_goes_by_its_code() -> None:
    def error(code: grpc.StatusCode) -> errors.AnnalsError:
        failed = AioRpcError(code, Metadata(), Metadata(), "told")
        return _status.from_rpc_error(failed, "http://a", "Append")

    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED):
        assert isinstance(error(code), errors.Unreachable)
    assert isinstance(error(grpc.StatusCode.DEADLINE_EXCEEDED), errors.Unavailable)
    assert isinstance(error(grpc.StatusCode.UNIMPLEMENTED), errors.Unsupported)
    for code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED):
        assert isinstance(error(code), errors.StatusError)
    for told in ("stream terminated by RST_STREAM", "Internal error from Core"):
        broken = AioRpcError(grpc.StatusCode.INTERNAL, Metadata(), Metadata(), told)
        assert isinstance(_status.from_rpc_error(broken, "http://a", "AppendSession"), errors.Unreachable)
    garbage = AioRpcError(
        grpc.StatusCode.ABORTED, Metadata(), Metadata(("grpc-status-details-bin", b"\xff" * 9)), "told"
    )
    assert isinstance(_status.from_rpc_error(garbage, "http://a", "Append"), errors.StatusError)
