"""Exceptions, grouped by what the caller does about them.

The server states the reason of every failure (`google.rpc.ErrorInfo`, see `annals/v1/errors.proto`), and each reason is
an exception here. Failures that are safe to retry have already been retried within the call's deadline when the caller
sees the error: they are the subclasses of `TransientError`.

    AnnalsError
    ├── InvalidEndpoint (NotGrpc), InvalidField, TooLarge, Unsupported    correct the configuration or the request
    ├── InvalidValue                                             change the value or its type
    ├── UnreadableEvent, UnreadableState                         correct the type, or read the bytes
    ├── Forked                                                   close clients before forking, or spawn
    ├── Conflict                                                 read again, and make a new decision
    │   ├── RevisionConflict, ChecksFailed, VersionConflict, CheckpointConflict
    ├── EventIdConflict, StateIdConflict                         use a new id, or send exactly the same request
    ├── StreamNotFound, StreamTombstoned, SnapshotNotFound, CheckpointNotFound
    ├── GroupNotFound, GroupExists                               create the group, or use another name
    ├── ConsumerReplaced, UnknownDelivery                        give each consumer its own name; report it
    ├── PositionBeyondHead, RevisionBeyondEnd, StateVersionBeyondEnd    the checkpoint is from another store
    ├── StateVersionExpired                                      forget all entries, and subscribe again
    ├── RecordedTimeNotAccepted, RecordedTimeOutOfRange, MoveRefused, MoveUnfinished
    ├── TransientError                                           already retried; try again later
    │   ├── Unreachable, Unavailable, Overloaded, DeadlineExceeded, GroupUnavailable
    ├── Corrupt, InternalError                                   an operator must act
    └── PipelineClosed, ProtocolError, StatusError
"""

from annals.errors.base import AnnalsError, Conflict, TransientError
from annals.errors.conflict import (
    ChecksFailed,
    EventIdConflict,
    FailedCheck,
    MatchFound,
    RevisionConflict,
    StateIdConflict,
    StateMismatch,
    StreamMismatch,
    VersionConflict,
)
from annals.errors.group import (
    CheckpointConflict,
    CheckpointNotFound,
    ConsumerReplaced,
    GroupExists,
    GroupNotFound,
    GroupUnavailable,
    UnknownDelivery,
)
from annals.errors.missing import (
    PositionBeyondHead,
    RevisionBeyondEnd,
    SnapshotNotFound,
    StateVersionBeyondEnd,
    StateVersionExpired,
    StreamNotFound,
    StreamTombstoned,
)
from annals.errors.move import MoveRefused, MoveUnfinished, RecordedTimeNotAccepted, RecordedTimeOutOfRange
from annals.errors.request import (
    FieldViolation,
    Forked,
    InvalidEndpoint,
    InvalidField,
    InvalidValue,
    NotGrpc,
    TooLarge,
    UnreadableEvent,
    UnreadableState,
    Unsupported,
)
from annals.errors.server import Corrupt, InternalError, PipelineClosed, ProtocolError, StatusError
from annals.errors.transient import DeadlineExceeded, Overloaded, Unavailability, Unavailable, Unreachable

__all__ = [
    "AnnalsError",
    "CheckpointConflict",
    "CheckpointNotFound",
    "ChecksFailed",
    "Conflict",
    "ConsumerReplaced",
    "Corrupt",
    "DeadlineExceeded",
    "EventIdConflict",
    "FailedCheck",
    "FieldViolation",
    "Forked",
    "GroupExists",
    "GroupNotFound",
    "GroupUnavailable",
    "InternalError",
    "InvalidEndpoint",
    "InvalidField",
    "InvalidValue",
    "MatchFound",
    "MoveRefused",
    "MoveUnfinished",
    "NotGrpc",
    "Overloaded",
    "PipelineClosed",
    "PositionBeyondHead",
    "ProtocolError",
    "RecordedTimeNotAccepted",
    "RecordedTimeOutOfRange",
    "RevisionBeyondEnd",
    "RevisionConflict",
    "SnapshotNotFound",
    "StateIdConflict",
    "StateMismatch",
    "StateVersionBeyondEnd",
    "StateVersionExpired",
    "StatusError",
    "StreamMismatch",
    "StreamNotFound",
    "StreamTombstoned",
    "TooLarge",
    "TransientError",
    "Unavailability",
    "Unavailable",
    "UnknownDelivery",
    "Unreachable",
    "UnreadableEvent",
    "UnreadableState",
    "Unsupported",
    "VersionConflict",
]
