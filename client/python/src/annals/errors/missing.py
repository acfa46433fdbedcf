"""Errors about streams, positions, revisions and versions that do not exist, or no longer."""

from __future__ import annotations

from annals.errors.base import AnnalsError, actual_state, quoted

__all__ = [
    "PositionBeyondHead",
    "RevisionBeyondEnd",
    "SnapshotNotFound",
    "StateVersionBeyondEnd",
    "StateVersionExpired",
    "StreamNotFound",
    "StreamTombstoned",
]


class StreamNotFound(AnnalsError, LookupError):
    """The stream has no events: none were ever appended, or none since it was deleted.

    Check the name, or treat it as empty.

    Attributes:
        stream: The stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(f"stream {quoted(stream)} does not exist")
        self.stream = stream


class StreamTombstoned(AnnalsError):
    """The stream was permanently deleted. Use another name.

    Attributes:
        stream: The stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(f"stream {quoted(stream)} was permanently deleted; use another name")
        self.stream = stream


class SnapshotNotFound(AnnalsError, LookupError):
    """The stream has no such snapshot. `load_snapshot` returns `None` instead of raising this error.

    Attributes:
        stream: The stream.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(f"stream {quoted(stream)} has no such snapshot")
        self.stream = stream


class PositionBeyondHead(AnnalsError):
    """The position does not exist yet.

    If it is a checkpoint, it comes from another store, or the store was restored from an older backup: rebuild the
    projection.

    Attributes:
        position: The position requested.
        head: The log's last position; 0 if it is empty.
    """

    def __init__(self, position: int, head: int) -> None:
        super().__init__(f"position {position} is beyond the head of the log, which is {head}")
        self.position = position
        self.head = head


class RevisionBeyondEnd(AnnalsError):
    """The revision does not exist yet in the stream.

    Attributes:
        stream: The stream.
        revision: The revision requested.
        last_revision: The stream's last revision; `None` if it has no events.
    """

    def __init__(self, stream: str, revision: int, last_revision: int | None) -> None:
        super().__init__(
            f"revision {revision} is beyond the end of stream {quoted(stream)}, which {actual_state(last_revision)}"
        )
        self.stream = stream
        self.revision = revision
        self.last_revision = last_revision


class StateVersionExpired(AnnalsError):
    """Deletions after the version are no longer known, so the subscriber can't learn what has changed.

    Forget all entries of the scope, and subscribe without a version.

    Attributes:
        scope: The scope.
        version: The version requested.
        first_version: The earliest version after which the scope can be followed.
        last_version: The scope's last version.
    """

    def __init__(self, scope: str, version: int, first_version: int, last_version: int) -> None:
        super().__init__(
            f"scope {quoted(scope)} can be followed only after version {first_version}, not after {version}, "
            "because deletions since are no longer known; forget its entries, and subscribe without a version"
        )
        self.scope = scope
        self.version = version
        self.first_version = first_version
        self.last_version = last_version


class StateVersionBeyondEnd(AnnalsError):
    """The version does not exist yet in the scope.

    It comes from another store, or the store was restored from an older backup: forget all entries of the scope, and
    subscribe without a version.

    Attributes:
        scope: The scope.
        version: The version requested.
        last_version: The scope's last version; 0 if nothing was ever written to it.
    """

    def __init__(self, scope: str, version: int, last_version: int) -> None:
        super().__init__(
            f"version {version} is beyond the end of scope {quoted(scope)}, which is at version {last_version}"
        )
        self.scope = scope
        self.version = version
        self.last_version = last_version
