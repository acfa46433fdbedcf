"""Performs steps of the interoperability cases with the asynchronous client; see tests/interop/README.md.

A line of JSON in, a line of JSON out, until the input ends. Arguments are those of the methods of `Steps`, and fields those of
the makers below, so that one that is not known is a TypeError, and told.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from annals import (
    Appended,
    AppendedToMany,
    AsyncClient,
    CaughtUp,
    Check,
    Checkpoint,
    Event,
    Expected,
    ExpectedRevision,
    FellBehind,
    NoMatch,
    Query,
    QueryItem,
    Read,
    RecordedEvent,
    Retention,
    ScavengeState,
    StreamInfo,
    StreamIs,
    Subscription,
    SubscriptionItem,
    Write,
    errors,
    new_id,
)

Answer = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EXPECTED = {"any": Expected.ANY, "no-stream": Expected.NO_STREAM, "stream-exists": Expected.STREAM_EXISTS}


class Steps:
    """The client of the last `connect`, and its subscriptions; a method for each action."""

    def __init__(self) -> None:
        self.client: AsyncClient | None = None
        self.subscriptions: dict[str, Subscription] = {}

    @property
    def store(self) -> AsyncClient:
        assert self.client is not None, "connect comes first"
        return self.client

    async def connect(self, endpoint: str) -> Answer:
        await self.close()
        self.client = AsyncClient(endpoint)
        return {}

    async def close(self) -> None:
        for subscription in self.subscriptions.values():
            await subscription.aclose()
        self.subscriptions.clear()
        if self.client is not None:
            await self.client.aclose()

    async def server_info(self) -> Answer:
        info = await self.store.server_info()
        limits = {name: getattr(info.limits, name) for name in type(info.limits).__dataclass_fields__}
        return {"version": info.version, "engine": info.engine, "head": info.head, "limits": limits}

    async def append(self, stream: str, events: list[Answer], expected: int | str = "any") -> Answer:
        made = [make_event(**event) for event in events]
        return appended(await self.store.append(stream, made, expected=make_expected(expected)))

    async def append_to_many(self, writes: list[Answer], checks: list[Answer] | None = None) -> Answer:
        made = [make_write(**write) for write in writes]
        conditions = [make_check(**check) for check in checks or []]
        return appended_to_many(await self.store.append_to_many(made, checks=conditions))

    async def append_session(self, appends: list[Answer]) -> Answer:
        async def append(stream: str, events: list[Answer], expected: int | str = "any") -> asyncio.Future[Appended]:
            return await session.append(stream, [make_event(**one) for one in events], expected=make_expected(expected))

        async with self.store.append_session() as session:
            waiting = [await append(**one) for one in appends]
            return {"results": [await outcome(told(appended, answer)) for answer in waiting]}

    async def read_stream(
        self,
        stream: str,
        until_revision: int | None = None,
        until_time: int | None = None,
        query: list[Answer] | None = None,
        backwards: bool = False,
        limit: int | None = None,
        **rest: int,
    ) -> Answer:
        read = self.store.read_stream(
            stream,
            from_revision=only("from", rest),
            limit=limit,
            backwards=backwards,
            query=make_query(query),
            until=make_until(until_revision, until_time),
        )
        return await events_of(read)

    async def read_all(
        self,
        until_position: int | None = None,
        until_time: int | None = None,
        query: list[Answer] | None = None,
        backwards: bool = False,
        limit: int | None = None,
        **rest: int,
    ) -> Answer:
        read = self.store.read_all(
            from_position=only("from", rest),
            limit=limit,
            backwards=backwards,
            query=make_query(query),
            until=make_until(until_position, until_time),
        )
        return await events_of(read)

    async def subscribe(
        self,
        name: str,
        stream: str | None = None,
        after: int | None = None,
        from_end: bool = False,
        query: list[Answer] | None = None,
    ) -> Answer:
        wanted = make_query(query)
        if stream is None:
            subscription = self.store.subscribe_all(after=after, from_end=from_end, query=wanted)
        else:
            subscription = self.store.subscribe_stream(stream, after_revision=after, from_end=from_end, query=wanted)
        self.subscriptions[name] = subscription
        return {}

    async def take(self, name: str, count: int) -> Answer:
        subscription = self.subscriptions[name]
        return {"items": [item(await anext(subscription)) for _ in range(count)]}

    async def unsubscribe(self, name: str) -> Answer:
        await self.subscriptions.pop(name).aclose()
        return {}

    async def stream_info(self, stream: str) -> Answer:
        return stream_info(await self.store.stream_info(stream))

    async def list_streams(self, prefix: str = "") -> Answer:
        return {"streams": [stream_info(stream) async for stream in self.store.list_streams(prefix)]}

    async def position_at(self, time: int) -> Answer:
        return {"position": await self.store.position_at(EPOCH + time * MICROSECOND)}

    async def set_retention(self, stream: str, retention: Answer, expected_version: int | None = None) -> Answer:
        kept = await self.store.set_retention(stream, make_retention(**retention), expected_version=expected_version)
        return {"retention": to_retention(kept.retention), "version": kept.version, "tombstoned": kept.tombstoned}

    async def retention(self, stream: str) -> Answer:
        kept = await self.store.retention(stream)
        return {"retention": to_retention(kept.retention), "version": kept.version, "tombstoned": kept.tombstoned}

    async def delete_stream(self, stream: str, expected: int | str = "any") -> Answer:
        done = await self.store.delete_stream(stream, expected=make_expected(expected))
        return {"last_revision": done.last_revision, "position": done.position, "already_deleted": done.already_deleted}

    async def tombstone_stream(self, stream: str, expected: int | str = "any") -> Answer:
        done = await self.store.tombstone_stream(stream, expected=make_expected(expected))
        return {"position": done.position, "already_tombstoned": done.already_tombstoned}

    async def save_snapshot(
        self, stream: str, revision: int, data: str, schema_version: int = 0, keep: int = 0
    ) -> Answer:
        state = base64.b64decode(data)
        await self.store.save_snapshot(stream, revision, state, schema_version=schema_version, keep=keep)
        return {}

    async def load_snapshot(
        self, stream: str, at_or_before: int | None = None, schema_version: int | None = None
    ) -> Answer:
        loaded = await self.store.load_snapshot(stream, at_or_before=at_or_before, schema_version=schema_version)
        return {
            "stream": loaded.stream,
            "revision": loaded.revision,
            "schema_version": loaded.schema_version,
            "data": base64.b64encode(loaded.data).decode(),
            "saved_at": micros(loaded.saved_at),
        }

    async def scavenge(self) -> Answer:
        found = await self.store.start_scavenge()
        while found.state is ScavengeState.RUNNING:
            await asyncio.sleep(0.02)
            found = await self.store.scavenge()
        return {"streams_done": found.streams_done, "streams_total": found.streams_total}


# From steps


def only(name: str, rest: dict[str, int]) -> int | None:
    """An argument whose name is a keyword of Python."""
    value = rest.pop(name, None)
    if rest:
        raise TypeError(f"unknown arguments: {rest}")
    return value


def make_event(
    type: str, id: str | None = None, data: str = "", metadata: str = "", tags: tuple[str, ...] = ()
) -> Event:
    identity = new_id() if id is None else UUID(id)
    return Event(type, base64.b64decode(data), base64.b64decode(metadata), tuple(tags), identity)


def make_expected(expected: int | str) -> ExpectedRevision:
    return EXPECTED[expected] if isinstance(expected, str) else expected


def make_write(stream: str, events: list[Answer]) -> Write:
    return Write(stream, [make_event(**event) for event in events])


def make_check(
    stream: str | None = None,
    expected: int | str = "any",
    no_match: list[Answer] | None = None,
    after: int | None = None,
) -> Check:
    if stream is not None and no_match is None and after is None:
        return StreamIs(stream, make_expected(expected))
    if stream is None and no_match is not None and after is not None:
        return NoMatch(make_query(no_match), after)
    raise TypeError("a check is about a stream, or about what matches a query after a position")


def make_query(items: list[Answer] | None) -> Query:
    return Query(tuple(QueryItem(**item) for item in items or []))


def make_until(place: int | None, time: int | None) -> int | datetime | None:
    return place if time is None else EPOCH + time * MICROSECOND


def make_retention(
    max_count: int | None = None, max_age_seconds: int | None = None, truncate_before: int = 0
) -> Retention:
    age = None if max_age_seconds is None else timedelta(seconds=max_age_seconds)
    return Retention(max_count=max_count, max_age=age, truncate_before=truncate_before)


# To answers


def present(**fields: Any) -> Answer:
    """What is there."""
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
    return {
        "first_position": done.first_position,
        "last_position": done.last_position,
        "recorded_at": micros(done.recorded_at),
        "already_appended": done.already_appended,
        "streams": streams,
    }


def recorded(event: RecordedEvent) -> Answer:
    return {
        "id": str(event.id),
        "stream": event.stream,
        "revision": event.revision,
        "position": event.position,
        "type": event.type,
        "data": base64.b64encode(event.data).decode(),
        "metadata": base64.b64encode(event.metadata).decode(),
        "tags": list(event.tags),
        "recorded_at": micros(event.recorded_at),
    }


async def events_of(read: Read) -> Answer:
    events = [recorded(event) for event in await (await read).collect()]
    return present(head=read.head, last_revision=read.last_revision, events=events)


def item(found: SubscriptionItem) -> Answer:
    match found:
        case RecordedEvent():
            return {"event": recorded(found)}
        case CaughtUp(position):
            return {"caught_up": position}
        case Checkpoint(position):
            return {"checkpoint": position}
        case FellBehind(position):
            return {"fell_behind": position}


def to_retention(kept: Retention) -> Answer:
    age = None if kept.max_age is None else kept.max_age // timedelta(seconds=1)
    return present(max_count=kept.max_count, max_age_seconds=age, truncate_before=kept.truncate_before)


def stream_info(stream: StreamInfo) -> Answer:
    return {
        "name": stream.name,
        "first_revision": stream.first_revision,
        "last_revision": stream.last_revision,
        "first_position": stream.first_position,
        "last_position": stream.last_position,
        "created_at": micros(stream.created_at),
        "retention": to_retention(stream.retention),
    }


def to_expected(expected: ExpectedRevision) -> int | str:
    return expected if isinstance(expected, int) else next(name for name, one in EXPECTED.items() if one is expected)


def to_failed(failed: errors.FailedCheck) -> Answer:
    match failed.found:
        case errors.MatchFound(after, position):
            return {"index": failed.index, "match": {"after": after, "position": position}}
        case errors.StreamMismatch(stream, expected, actual):
            found = present(stream=stream, expected=to_expected(expected), actual=actual)
            return {"index": failed.index, "stream": found}


def failure(error: errors.AnnalsError) -> Answer:
    """An error by its reason, with the fields that the client's error has."""
    match error:
        case errors.InvalidField():
            return {"reason": "INVALID_FIELD", "fields": [violation.field for violation in error.violations]}
        case errors.TooLarge():
            return {"reason": "TOO_LARGE", "fields": [violation.field for violation in error.violations]}
        case errors.RevisionConflict():
            wanted = to_expected(error.expected)
            return present(reason="REVISION_CONFLICT", stream=error.stream, expected=wanted, actual=error.actual)
        case errors.EventIdConflict():
            place = {"stream": error.stream, "revision": error.revision, "position": error.position}
            return {"reason": "EVENT_ID_CONFLICT", "id": str(error.id), **place}
        case errors.ChecksFailed():
            failed = [to_failed(one) for one in error.failed]
            return {"reason": "CHECKS_FAILED", "count": error.count, "failed": failed}
        case errors.StreamNotFound():
            return {"reason": "STREAM_NOT_FOUND", "stream": error.stream}
        case errors.StreamTombstoned():
            return {"reason": "STREAM_TOMBSTONED", "stream": error.stream}
        case errors.SnapshotNotFound():
            return {"reason": "SNAPSHOT_NOT_FOUND", "stream": error.stream}
        case errors.VersionConflict():
            versions = {"expected": error.expected, "actual": error.actual}
            return {"reason": "VERSION_CONFLICT", "stream": error.stream, **versions}
        case errors.PositionBeyondHead():
            return {"reason": "POSITION_BEYOND_HEAD", "position": error.position, "head": error.head}
        case errors.RevisionBeyondEnd():
            place = present(revision=error.revision, last_revision=error.last_revision)
            return {"reason": "REVISION_BEYOND_END", "stream": error.stream, **place}
    return {"reason": "OTHER", "message": f"{type(error).__name__}: {error}"}


async def told(tell: Callable[[Any], Answer], answer: Awaitable[Any]) -> Answer:
    """An answer to come, as it is told."""
    return tell(await answer)


async def outcome(work: Awaitable[Answer]) -> Answer:
    """What comes of it: `gives` or `fails`."""
    try:
        return {"gives": await work}
    except errors.AnnalsError as error:
        return {"fails": failure(error)}


async def perform(steps: Steps, step: Answer) -> Answer:
    """Performs a step, or says that it is not known how."""
    try:
        return await outcome(getattr(steps, step["do"])(**step["with"]))
    except Exception as error:  # noqa: BLE001
        return {"unknown": f"{type(error).__name__}: {error}"}


async def main() -> None:
    steps = Steps()
    while line := await asyncio.to_thread(sys.stdin.readline):
        answer = await perform(steps, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    await steps.close()


if __name__ == "__main__":
    asyncio.run(main())
