"""Projections and process managers as consumers of a group, which divides their work between processes.

    await consume_projection(client, store, OrderList())          # the processes stand by for each other
    await consume_process(client, Shipping(), concurrency=8)      # the processes share the events

1. A projection gets its events through an exclusive group. Its checkpoint remains in the read model, which all its
   processes share: events at or before the checkpoint are acked without being applied. Before it consumes, the
   projection catches up by a subscription, also with a read model that is new or of an older version.
2. A handler of a projection that fails is retried and becomes a dead letter, as in `Projections`. If the event store or
   the database is unavailable, the event is retried by the group.
3. A process manager gets its events through an ordered group, and needs no store: reactions to events of one stream
   run in order, those to different streams concurrently. A reaction that fails is retried by the group, which parks
   the event after the last attempt. It may run several times; its commands then have the same ids.
4. The group is named after the projection and created if it does not exist. An operator can change its times and
   limits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from annals.aio import AsyncClient
from annals.consumer import Consumer, Delivery, Handler
from annals.errors import GroupExists
from annals.group import GroupMode, GroupSettings
from annals.toolkit.follower import Follower, Removed
from annals.toolkit.process import ProcessManager
from annals.toolkit.projection import Projection, ProjectionPolicy
from annals.toolkit.running import Projections
from annals.toolkit.stores.base import ReadModelStore, Superseded

__all__ = ["consume_process", "consume_projection"]

M = TypeVar("M")

# Attempts at an event while the event store or the database is unavailable: most of a day.
_ATTEMPTS = 1_000


def consume_projection(
    client: AsyncClient,
    store: ReadModelStore[M],
    projection: Projection[M],
    policy: ProjectionPolicy = ProjectionPolicy(),  # noqa: B008
    *,
    group: str | None = None,
    consumer: str | None = None,
) -> Consumer:
    """Keeps a read model up to date through an exclusive group, named after the projection unless `group` is given.

    Await the result, or use it as a context. See `AsyncClient.consume`.

    Raises (when awaited):
        GroupExists: A group of this name exists with another query or mode.
        NewerVersion, WrongStore, Exception: As `RunningProjection.run`.
    """
    name = group or projection.name
    settings = GroupSettings(query=projection.query, mode=GroupMode.EXCLUSIVE, max_attempts=_ATTEMPTS)
    follower: Follower[M] | None = None

    async def follow() -> Follower[M]:
        [live] = [one for one in await store.generations(projection.name) if one.live]
        return Follower(client, store, projection, live, policy)

    async def prepare() -> None:
        nonlocal follower
        await _ensure(client, name, settings)
        status = await client.describe_group(name)
        async with Projections(client, store, [projection], policy) as projections:
            await projections[projection.name].wait_for(status.done_position, None)
        follower = await follow()

    async def handle(delivery: Delivery) -> None:
        nonlocal follower
        assert follower is not None
        while delivery.event.position > follower.position:
            try:
                await follower.apply([delivery.event])
            except Superseded:
                try:
                    await follower.reload()
                except Removed:
                    # Another process has built a new generation.
                    follower = await follow()

    return _consumer(client, name, handle, prepare, consumer)


def consume_process(
    client: AsyncClient,
    process: ProcessManager,
    *,
    group: str | None = None,
    consumer: str | None = None,
    concurrency: int = 1,
    settings: GroupSettings = GroupSettings(),  # noqa: B008
) -> Consumer:
    """Runs a process manager through an ordered group, named after the process unless `group` is given.

    Await the result, or use it as a context. See `AsyncClient.consume`.

    Args:
        client: The client.
        process: The process manager.
        group: The name of the group.
        consumer: The name of the consumer.
        concurrency: How many reactions run at a time.
        settings: Settings of a group that does not exist yet. Its query is that of the process, its mode ordered.

    Raises (when awaited):
        GroupExists: A group of this name exists with another query or mode.
    """
    name = group or process.name
    settings = replace(settings, query=process.query, mode=GroupMode.ORDERED)

    async def prepare() -> None:
        await _ensure(client, name, settings)

    async def handle(delivery: Delivery) -> None:
        await process.handle(delivery.event, None)

    return _consumer(client, name, handle, prepare, consumer, concurrency)


def _consumer(
    client: AsyncClient,
    group: str,
    handler: Handler,
    prepare: Callable[[], Coroutine[Any, Any, None]],
    name: str | None,
    concurrency: int = 1,
) -> Consumer:
    return Consumer(
        client._caller,
        client._timeout,
        group,
        handler,
        name=name,
        concurrency=concurrency,
        permits=None,
        prepare=prepare,
    )


async def _ensure(client: AsyncClient, name: str, settings: GroupSettings) -> None:
    """Creates a group unless it exists with the same query and mode."""
    try:
        await client.create_group(name, settings)
    except GroupExists:
        existing = (await client.describe_group(name)).group.settings
        if (existing.query, existing.mode) != (settings.query, settings.mode):
            raise
