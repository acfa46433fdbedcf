"""Projections and process managers as consumers of a group."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from annals import AsyncClient, GroupMode, GroupSettings, GroupStart, RecordedEvent, errors
from annals.toolkit import (
    MemoryStore,
    NewerVersion,
    ProcessManager,
    ReadModelStore,
    Repository,
    SqliteStore,
    StateStore,
    consume_process,
    consume_projection,
)

from .counting import FAST, counts, fill, projection_of
from .domain import Order, OrderConfirmed, Shipment, ShipmentPrepared, types
from .test_groups import until


@pytest.fixture(params=["memory", "sqlite", "state"])
async def store(
    request: pytest.FixtureRequest, client: AsyncClient, tmp_path: Path
) -> AsyncIterator[ReadModelStore[Any]]:
    stores: dict[str, Callable[[], ReadModelStore[Any]]] = {
        "memory": MemoryStore,
        "sqlite": lambda: SqliteStore(tmp_path / "read-models.db"),
        "state": lambda: StateStore(client),
    }
    async with stores[request.param]() as kept:
        yield kept


async def stored(store: ReadModelStore[Any], projection: str, position: int) -> None:
    async def is_there() -> bool:
        return any(one.live and one.position >= position for one in await store.generations(projection))

    await until(is_there)


async def test_each_event_is_applied_once(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
    projection = projection_of(store, name)
    group = projection.name
    await fill(client, f"{name}-a", 700)
    first = asyncio.ensure_future(leader := consume_projection(client, store, projection, FAST))
    await until(lambda: _consumers(client, group, 1))
    async with consume_projection(client, store, projection, FAST):
        await until(lambda: _consumers(client, group, 2))
        await stored(store, group, await fill(client, f"{name}-a", 50))
        leader.stop()
        await first
        await stored(store, group, await fill(client, f"{name}-b", 50))
        # What is at or before the checkpoint is acked without being applied.
        await client.reset_group(group, GroupStart.beginning())
        await stored(store, group, await fill(client, f"{name}-b", 1))
    assert await counts(store, name) == {f"{name}-a": 750, f"{name}-b": 51}
    status = await client.describe_group(group)
    assert (status.group.settings.mode, status.parked) == (GroupMode.EXCLUSIVE, 0)


async def test_a_new_read_model_has_the_events_that_the_group_has_done(
    client: AsyncClient, name: str, tmp_path: Path
) -> None:
    for number in range(2):
        async with SqliteStore(tmp_path / f"{number}.db") as store:
            projection = projection_of(store, name)
            position = await fill(client, f"{name}-a", 10)
            async with consume_projection(client, store, projection, FAST):
                await stored(store, projection.name, position)
            assert await counts(store, name) == {f"{name}-a": 10 * (number + 1)}


async def test_a_handler_that_fails_makes_a_dead_letter(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    projection = projection_of(store, name)
    async with consume_projection(client, store, projection, FAST):
        await until(lambda: _consumers(client, projection.name, 1))
        await fill(client, f"{name}-p", 1, "Poison")
        await stored(store, projection.name, await fill(client, f"{name}-a", 2))
    assert await counts(store, name) == {f"{name}-a": 2}
    [letter] = await store.dead_letters(projection.name)
    assert (letter.stream, letter.reason) == (f"{name}-p", "ValueError: poisoned")
    assert (await client.describe_group(projection.name)).parked == 0


async def test_a_raised_version_is_rebuilt_and_a_lowered_one_is_rejected(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    position = await fill(client, f"{name}-a", 5)
    for version in (1, 2):
        projection = projection_of(store, name, version=version)
        async with consume_projection(client, store, projection, FAST, group=f"{name}-group"):
            await stored(store, projection.name, position)
            await until(lambda: _consumers(client, f"{name}-group", 1))
            position = await fill(client, f"{name}-a", 5)
            await stored(store, projection.name, position)
        assert [one.version for one in await store.generations(projection.name)] == [version]
    assert await counts(store, name) == {f"{name}-a": 15}
    with pytest.raises(NewerVersion):
        await consume_projection(client, store, projection_of(store, name), FAST, group=f"{name}-group")


async def _consumers(client: AsyncClient, group: str, count: int) -> bool:
    try:
        return len((await client.describe_group(group)).consumers) == count
    except errors.GroupNotFound:
        return False


async def test_a_process_manager_reacts_in_parallel_and_its_commands_take_effect_once(
    client: AsyncClient, name: str
) -> None:
    orders = Repository(client, Order, types, prefix=name, snapshots=None)
    shipments = Repository(client, Shipment, types, prefix=f"{name}shipment", snapshots=None)
    reactions = failures = running = most = 0

    class Shipping(ProcessManager):
        query = types.query(OrderConfirmed, stream_prefixes=f"{name}-")

        async def react(self, event: RecordedEvent) -> None:
            nonlocal reactions, failures, running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.05)
            running -= 1
            await shipments.execute(event.stream, lambda _: [ShipmentPrepared(event.stream)])
            reactions += 1
            if failures < 3:
                failures += 1
                raise ValueError("failed after its command")

    Shipping.name = name
    for number in range(6):
        await orders.execute(f"{number}", lambda order: order.create("7"))
        await orders.execute(f"{number}", lambda order: order.add("tea", Decimal(1)))
        await orders.execute(f"{number}", lambda order: order.confirm())
    settings = GroupSettings(retry_delay=0.05, order_by_tag_prefix="customer:")
    async with consume_process(client, Shipping(), concurrency=3, settings=settings):
        await until(lambda: _consumers(client, name, 1))
        # The settings of a group that exists remain.
        async with consume_process(client, Shipping(), concurrency=3, settings=GroupSettings(max_attempts=99)):
            await until(lambda: reactions == 9)
    assert most > 1
    for number in range(6):
        assert (await shipments.load(f"{name}-{number}")).state.prepared == 1
    assert (await client.describe_group(name)).group.settings.retry_delay == 0.05
    await client.create_group(f"{name}-other", GroupSettings(mode=GroupMode.UNORDERED))
    with pytest.raises(errors.GroupExists):
        await consume_process(client, Shipping(), group=f"{name}-other")
