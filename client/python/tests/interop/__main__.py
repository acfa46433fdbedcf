"""Executes steps of the interoperability cases; see tests/interop/README.md.

Reads a line of JSON for each step and writes a line of JSON for its result, until the input ends. Actions are the
methods of `Steps`, and arguments their parameters, so an unknown one is an error that is reported.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from annals import Appended, AsyncClient, Event, ScavengeState, StateSubscription, Subscription, errors
from tests.interop.answers import (
    Answer,
    appended,
    appended_to_many,
    events_of,
    failure,
    item,
    micros,
    state_entry,
    stream_info,
    to_prefix_retention,
    to_retention,
)
from tests.interop.steps import (
    EPOCH,
    MICROSECOND,
    NoSuchValue,
    make_check,
    make_event,
    make_expected,
    make_query,
    make_retention,
    make_state_change,
    make_state_check,
    make_until,
    make_value,
    make_write,
    only,
)


class Steps:
    """The client of the last `connect` and its subscriptions, with a method for each action."""

    def __init__(self) -> None:
        self.client: AsyncClient | None = None
        self.subscriptions: dict[str, Subscription | StateSubscription] = {}

    @property
    def store(self) -> AsyncClient:
        assert self.client is not None, "connect must be the first step"
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

    async def append_to_many(
        self,
        writes: list[Answer],
        checks: list[Answer] | None = None,
        state_changes: list[Answer] | None = None,
        state_checks: list[Answer] | None = None,
    ) -> Answer:
        done = await self.store.append_to_many(
            [make_write(**write) for write in writes],
            checks=[make_check(**check) for check in checks or []],
            state_changes=[make_state_change(**change) for change in state_changes or []],
            state_checks=[make_state_check(**check) for check in state_checks or []],
        )
        return appended_to_many(done)

    async def append_pipeline(self, appends: list[Answer]) -> Answer:
        async def append(stream: str, events: list[Answer], expected: int | str = "any") -> asyncio.Future[Appended]:
            return await pipeline.append(
                stream, [make_event(**one) for one in events], expected=make_expected(expected)
            )

        async with self.store.append_pipeline() as pipeline:
            waiting = [await append(**one) for one in appends]
            return {"results": [await outcome(converted(appended, answer)) for answer in waiting]}

    async def json(self, value: Answer) -> Answer:
        try:
            made = make_value(value)
        except NoSuchValue:
            return {"absent": True}
        return {"data": base64.b64encode(Event.json("Odd", made).data).decode()}

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

    async def position_at_time(self, time: int) -> Answer:
        return {"position": await self.store.position_at_time(EPOCH + time * MICROSECOND)}

    async def set_retention(self, stream: str, retention: Answer, expected_version: int | None = None) -> Answer:
        kept = await self.store.set_retention(stream, make_retention(**retention), expected_version=expected_version)
        return {"retention": to_retention(kept.retention), "version": kept.version, "tombstoned": kept.tombstoned}

    async def retention(self, stream: str) -> Answer:
        kept = await self.store.retention(stream)
        return {"retention": to_retention(kept.retention), "version": kept.version, "tombstoned": kept.tombstoned}

    async def set_prefix_retention(self, prefix: str, retention: Answer, expected_version: int | None = None) -> Answer:
        wanted = make_retention(**retention)
        return to_prefix_retention(
            await self.store.set_prefix_retention(prefix, wanted, expected_version=expected_version)
        )

    async def prefix_retention(self, prefix: str) -> Answer:
        return to_prefix_retention(await self.store.prefix_retention(prefix))

    async def prefix_retentions(self) -> Answer:
        return {"retentions": [to_prefix_retention(kept) for kept in await self.store.prefix_retentions()]}

    async def delete_stream(self, stream: str, expected: int | str = "any") -> Answer:
        done = await self.store.delete_stream(stream, expected=make_expected(expected))
        return {"last_revision": done.last_revision, "position": done.position, "already_deleted": done.already_deleted}

    async def tombstone_stream(self, stream: str, expected: int | str = "any") -> Answer:
        done = await self.store.tombstone_stream(stream, expected=make_expected(expected))
        return {"position": done.position, "already_tombstoned": done.already_tombstoned}

    async def save_snapshot(
        self, stream: str, revision: int, data: str, schema_version: int = 0, keep: int | None = None
    ) -> Answer:
        state = base64.b64decode(data)
        await self.store.save_snapshot(stream, revision, state, schema_version=schema_version, keep=keep)
        return {}

    async def load_snapshot(
        self, stream: str, at_or_before: int | None = None, schema_version: int | None = None
    ) -> Answer:
        loaded = await self.store.load_snapshot(stream, at_or_before=at_or_before, schema_version=schema_version)
        if loaded is None:
            raise errors.SnapshotNotFound(stream)
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
            progress = await self.store.scavenge_status()
            assert progress is not None, "a scavenge was started"
            found = progress
        return {"streams_done": found.streams_done, "streams_total": found.streams_total}

    async def get_state(self, scope: str, key: str) -> Answer:
        entry = await self.store.get_state(scope, key)
        return {} if entry is None else {"entry": state_entry(entry)}

    async def list_state(self, scope: str, prefix: str = "", after: str = "", page_size: int | None = None) -> Answer:
        page = await self.store.list_state(scope, prefix=prefix, after=after, page_size=page_size)
        entries = [state_entry(entry) for entry in page.entries]
        return {"entries": entries, "has_more": page.has_more, "scope_version": page.scope_version}

    async def write_state(
        self, changes: list[Answer], checks: list[Answer] | None = None, id: str | None = None
    ) -> Answer:
        done = await self.store.write_state(
            [make_state_change(**change) for change in changes],
            checks=[make_state_check(**check) for check in checks or []],
            id=None if id is None else UUID(id),
        )
        return {
            "versions": list(done.versions),
            "changed_at": micros(done.changed_at),
            "already_written": done.already_written,
        }

    async def update_state(self, scope: str, key: str, data: str | None = None) -> Answer:
        def appended(value: bytes | None) -> bytes | None:
            return None if data is None else (value or b"") + base64.b64decode(data)

        entry = await self.store.update_state(scope, key, appended)
        return {} if entry is None else {"version": entry.version}

    async def subscribe_state(
        self, name: str, scope: str, prefix: str = "", after_version: int | None = None
    ) -> Answer:
        subscription = self.store.subscribe_state(scope, prefix=prefix, after=after_version)
        self.subscriptions[name] = await subscription
        return {}

    async def state_version_expired(self, scope: str, version: int, first: int, last: int) -> Answer:
        raise errors.StateVersionExpired(scope, version, first, last)


async def converted(convert: Callable[[Any], Answer], answer: Awaitable[Any]) -> Answer:
    """Awaits a result and converts it."""
    return convert(await answer)


async def outcome(work: Awaitable[Answer]) -> Answer:
    """Returns the result as `gives`, or the error as `fails`."""
    try:
        return {"gives": await work}
    except errors.AnnalsError as error:
        return {"fails": failure(error)}


async def perform(steps: Steps, step: Answer) -> Answer:
    """Executes a step, or reports that it is unknown."""
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
