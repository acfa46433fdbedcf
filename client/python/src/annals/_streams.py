"""The calls about single streams: their properties, retention, deletion and snapshots."""

from __future__ import annotations

from collections.abc import AsyncIterator

from annals import _rpc
from annals._arguments import UINT32_MAX, integer, optional_integer, shown, text
from annals._retry import Caller
from annals.append import Expected, ExpectedRevision, to_expected
from annals.errors import InvalidValue, SnapshotNotFound
from annals.info import (
    Deleted,
    PrefixRetention,
    Retention,
    RetentionInfo,
    Snapshot,
    StreamInfo,
    Tombstoned,
    to_prefix_retention,
    to_retention,
    to_snapshot,
    to_stream_info,
)
from annals.v1 import snapshot_pb2, stream_pb2

# Maximum number of streams per page, from the protocol.
_PAGE_STREAMS = 1_000


class StreamCalls:
    """The part of `AsyncClient` for single streams."""

    _caller: Caller
    _timeout: float

    async def stream_info(self, stream: str) -> StreamInfo:
        """Returns the properties of a stream.

        Raises:
            StreamNotFound: The stream has no events.
            StreamTombstoned: The stream was permanently deleted.
        """
        text("stream", stream)
        request = stream_pb2.GetStreamRequest(stream=stream)
        return to_stream_info((await self._caller.unary(_rpc.GET_STREAM, request, self._timeout)).stream)

    async def list_streams(self, prefix: str = "") -> AsyncIterator[StreamInfo]:
        """Returns the streams whose names start with `prefix`, in the byte order of their names, page by page."""
        text("prefix", prefix)
        token = ""
        while True:
            request = stream_pb2.ListStreamsRequest(prefix=prefix, page_size=_PAGE_STREAMS, page_token=token)
            page = await self._caller.unary(_rpc.LIST_STREAMS, request, self._timeout)
            for stream in page.streams:
                yield to_stream_info(stream)
            token = page.next_page_token
            if not token:
                return

    async def retention(self, stream: str) -> RetentionInfo:
        """Returns the retention of a stream. Works for every valid name, including streams without events."""
        text("stream", stream)
        request = stream_pb2.GetRetentionRequest(stream=stream)
        answer = await self._caller.unary(_rpc.GET_RETENTION, request, self._timeout)
        return RetentionInfo(to_retention(answer.retention), answer.version, answer.tombstoned)

    async def set_retention(
        self, stream: str, retention: Retention, *, expected_version: int | None = None
    ) -> RetentionInfo:
        """Sets the retention of a stream, replacing the previous one.

        A call whose response was lost is retried. With `expected_version`, the retry can then fail with a
        `VersionConflict` with the caller's own change.

        Raises:
            VersionConflict: The retention is not at `expected_version`, as returned by `retention`.
            StreamTombstoned: The stream was permanently deleted.
            InvalidField: A field is out of range.
        """
        text("stream", stream)
        optional_integer("expected_version", expected_version)
        request = stream_pb2.SetRetentionRequest(
            stream=stream, retention=retention.to_proto(), expected_version=expected_version
        )
        answer = await self._caller.unary(_rpc.SET_RETENTION, request, self._timeout)
        return RetentionInfo(to_retention(answer.retention), answer.version)

    async def prefix_retention(self, prefix: str) -> PrefixRetention:
        """Returns the retention that is set for exactly this prefix of stream names."""
        request = stream_pb2.GetPrefixRetentionRequest(prefix=prefix)
        answer = await self._caller.unary(_rpc.GET_PREFIX_RETENTION, request, self._timeout)
        return to_prefix_retention(answer.retention)

    async def set_prefix_retention(
        self, prefix: str, retention: Retention, *, expected_version: int | None = None
    ) -> PrefixRetention:
        """Sets the retention of all streams whose names begin with a prefix, replacing the previous one.

        It applies to streams that have no `max_count` and no `max_age` of their own, as one entry for any number of
        streams. `Retention()` removes it.

        Raises:
            VersionConflict: The retention is not at `expected_version`, as returned by `prefix_retention`.
            InvalidField: A field is out of range, or the maximum number of prefixes already has a retention.
        """
        request = stream_pb2.SetPrefixRetentionRequest(
            prefix=prefix, retention=retention.to_proto(), expected_version=expected_version
        )
        answer = await self._caller.unary(_rpc.SET_PREFIX_RETENTION, request, self._timeout)
        return to_prefix_retention(answer.retention)

    async def prefix_retentions(self) -> list[PrefixRetention]:
        """Returns all prefixes that have a retention, in byte order: at most 1,000."""
        found: list[PrefixRetention] = []
        token = ""
        while True:
            request = stream_pb2.ListPrefixRetentionsRequest(page_size=_PAGE_STREAMS, page_token=token)
            page = await self._caller.unary(_rpc.LIST_PREFIX_RETENTIONS, request, self._timeout)
            found.extend(to_prefix_retention(kept) for kept in page.retentions)
            token = page.next_page_token
            if not token:
                return found

    async def delete_stream(self, stream: str, *, expected: ExpectedRevision = Expected.ANY) -> Deleted:
        """Deletes a stream and its events. A later append begins it again, with the revision after its last.

        Raises:
            RevisionConflict: The stream is not in the expected state.
            StreamNotFound: The stream has no events.
            StreamTombstoned: The stream was permanently deleted.
        """
        text("stream", stream)
        request = stream_pb2.DeleteStreamRequest(stream=stream, expected=to_expected(expected))
        answer = await self._caller.unary(_rpc.DELETE_STREAM, request, self._timeout)
        return Deleted(answer.last_revision, answer.position, answer.already_deleted)

    async def tombstone_stream(self, stream: str, *, expected: ExpectedRevision = Expected.ANY) -> Tombstoned:
        """Permanently deletes a stream: its name accepts no more appends. The stream need not exist.

        Raises:
            RevisionConflict: The stream is not in the expected state.
        """
        text("stream", stream)
        request = stream_pb2.TombstoneStreamRequest(stream=stream, expected=to_expected(expected))
        answer = await self._caller.unary(_rpc.TOMBSTONE_STREAM, request, self._timeout)
        return Tombstoned(answer.position, answer.already_tombstoned)

    # Snapshots

    async def save_snapshot(
        self, stream: str, revision: int, data: bytes, *, schema_version: int = 0, keep: int | None = None
    ) -> None:
        """Saves a snapshot of a stream, replacing one with the same revision and schema version.

        Args:
            stream: The stream.
            revision: The revision of the last event included.
            data: The state, in any encoding; at most 4,000,000 bytes unless the server is configured otherwise.
            schema_version: The version of the data's format, defined by the application.
            keep: The number of snapshots of the stream to keep, 1 to 100. By default 3.

        Raises:
            StreamNotFound: The stream has no events.
            RevisionBeyondEnd: The stream has not reached that revision.
            StreamTombstoned: The stream was permanently deleted.
            TooLarge: The data exceeds the server's limit.
        """
        text("stream", stream)
        integer("revision", revision)
        integer("schema_version", schema_version, most=UINT32_MAX)
        optional_integer("keep", keep, most=UINT32_MAX)
        if not isinstance(data, bytes):
            raise InvalidValue("data", f"is {shown(data)}; give bytes")
        request = snapshot_pb2.SaveSnapshotRequest(
            stream=stream, revision=revision, schema_version=schema_version, data=data, keep=keep
        )
        await self._caller.unary(_rpc.SAVE_SNAPSHOT, request, self._timeout)

    async def load_snapshot(
        self, stream: str, *, at_or_before: int | None = None, schema_version: int | None = None
    ) -> Snapshot | None:
        """Returns the latest snapshot of a stream; `None` if there is none.

        Args:
            stream: The stream.
            at_or_before: Only snapshots at this revision or an earlier one.
            schema_version: Only snapshots of this schema version.

        Raises:
            StreamTombstoned: The stream was permanently deleted.
        """
        text("stream", stream)
        optional_integer("at_or_before", at_or_before)
        optional_integer("schema_version", schema_version, most=UINT32_MAX)
        request = snapshot_pb2.LoadSnapshotRequest(
            stream=stream, at_or_before=at_or_before, schema_version=schema_version
        )
        try:
            response = await self._caller.unary(_rpc.LOAD_SNAPSHOT, request, self._timeout)
        except SnapshotNotFound:
            return None
        return to_snapshot(response.snapshot)
