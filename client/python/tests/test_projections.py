"""Projections and process managers: exactly-once effects in every kind of store, whatever fails."""

import asyncio
import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from annals import AsyncClient, RecordedEvent
from annals.testing import Server
from annals.toolkit import (
    MemoryStore,
    NewerVersion,
    ProcessManager,
    Projection,
    ProjectionPolicy,
    Projections,
    ReadModelStore,
    Repository,
    SqliteStore,
    State,
    StateStore,
    WrongStore,
    metadata,
    wait_for,
)
from annals.toolkit.stores.base import Behind, Superseded

from .counting import FAST, counts, fill, projection_of
from .domain import Order, OrderConfirmed, Shipment, ShipmentPrepared, types


@pytest.fixture(params=["memory", "sqlite", "postgres", "state"])
async def store(
    request: pytest.FixtureRequest, client: AsyncClient, tmp_path: Path
) -> AsyncIterator[ReadModelStore[Any]]:
    kept: ReadModelStore[Any]
    match request.param:
        case "memory":
            kept = MemoryStore()
        case "sqlite":
            kept = SqliteStore(tmp_path / "read-models.db")
        case "state":
            kept = StateStore(client)
        case _:
            from annals.toolkit.stores.postgres import PostgresStore

            kept = PostgresStore(request.getfixturevalue("postgres"))
    yield kept
    await kept.aclose()


async def test_a_command_reads_its_own_write(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
    await fill(client, f"{name}-a", 1_200)
    async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
        running = projections[f"{name}-counts"]
        await running.wait_for(await fill(client, f"{name}-b", 3))
        assert await counts(store, name) == {f"{name}-a": 1_200, f"{name}-b": 3}
        await wait_for(store, f"{name}-counts", await fill(client, f"{name}-b", 1))
        assert (await counts(store, name))[f"{name}-b"] == 4
        assert (await running.lag()).seconds == 0
        with pytest.raises(TimeoutError):
            await running.wait_for(10**12, timeout=0.1)
        await running.wait_for(None)


async def test_each_batch_is_logged_with_its_figures(
    client: AsyncClient, store: ReadModelStore[Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    position = await fill(client, f"{name}-a", 30)
    with caplog.at_level(logging.DEBUG, logger="annals.toolkit.batches"):
        async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
            await projections.wait_for(position)
    text = [vars(one) for one in caplog.records if one.name == "annals.toolkit.batches"]
    assert sum(one["events"] for one in text) == 30
    assert (text[-1]["projection"], text[-1]["position"]) == (f"{name}-counts", position)
    assert all(one["seconds"] >= 0 for one in text)


async def test_it_continues_from_its_checkpoint(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
    for expected in (5, 10, 15):
        position = await fill(client, f"{name}-a", 5)
        async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
            await projections.wait_for(position)
        assert await counts(store, name) == {f"{name}-a": expected}


async def test_an_event_that_always_fails_becomes_a_dead_letter(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    await fill(client, f"{name}-a", 3)
    poison = await fill(client, f"{name}-p", 1, "Poison")
    position = await fill(client, f"{name}-b", 3)
    async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
        await projections.wait_for(position)
        [letter] = await projections[f"{name}-counts"].dead_letters()
    assert await counts(store, name) == {f"{name}-a": 3, f"{name}-b": 3}
    assert (letter.position, letter.stream, letter.type) == (poison, f"{name}-p", "Poison")
    assert (letter.reason, letter.attempts) == ("ValueError: poisoned", 3)


async def test_a_handler_that_fails_temporarily_is_retried(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    projection = projection_of(store, name)
    handle, failures = type(projection).handle, iter([True, True])

    def sometimes(self: Projection[Any], event: RecordedEvent, model: Any) -> Any:
        if event.revision == 2 and next(failures, False):
            raise ValueError("not yet")
        return handle(self, event, model)

    type(projection).handle = sometimes  # type: ignore[method-assign]
    position = await fill(client, f"{name}-a", 5)
    async with Projections(client, store, [projection], FAST) as projections:
        await projections.wait_for(position)
        assert await projections[f"{name}-counts"].dead_letters() == []
    assert await counts(store, name) == {f"{name}-a": 5}


async def test_one_that_fails_does_not_stop_the_others(
    client: AsyncClient, store: ReadModelStore[Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = projection_of(store, f"{name}x", schema=["CREATE NONSENSE"], tables=["nonsense"])
    if isinstance(store, MemoryStore | StateStore):
        # No statement can fail there, but the read model may be of another event store.
        await store.create(broken, 1, uuid4(), live=True)
    async with Projections(client, store, [broken, projection_of(store, name)], FAST) as projections:
        await projections[f"{name}-counts"].wait_for(await fill(client, f"{name}-a", 3))
        failed = projections[f"{name}x-counts"]
        assert failed.state is State.FAILED
        with pytest.raises(Exception, match=r"(?i)nonsense|connected to"):
            await failed.wait_for(1)


async def test_a_rebuild_runs_alongside_the_live_generation(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    position = await fill(client, f"{name}-a", 700)
    projection = projection_of(store, name)
    async with Projections(client, store, [projection], FAST) as projections:
        running = projections[projection.name]
        await running.wait_for(position)
        rebuilding = asyncio.create_task(running.rebuild())
        written = 0
        while not rebuilding.done():
            written += 1
            await running.wait_for(await fill(client, f"{name}-b", 1))
            assert await counts(store, name) == {f"{name}-a": 700, f"{name}-b": written}
        await rebuilding
        [generation] = await store.generations(projection.name)
        assert (generation.number, generation.live) == (2, True)
        await running.wait_for(await fill(client, f"{name}-b", 1))
        assert (await counts(store, name))[f"{name}-b"] == written + 1
        assert running.state is State.LIVE


async def test_a_switch_never_loses_visible_data(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
    projection = projection_of(store, name)
    store.check(projection)
    first = await store.create(projection, 1, uuid4(), live=True)
    second = await store.create(projection, 2, first.store_id, live=False)
    await store.apply(first, 0, 10, (), projection.handle)
    await store.apply(second, 0, 9, (), projection.handle)
    with pytest.raises(Behind):
        await store.switch(projection, 2)
    await store.apply(second, 9, 10, (), projection.handle)
    await store.switch(projection, 2)
    assert [(one.number, one.live) for one in await store.generations(projection.name)] == [(2, True)]
    with pytest.raises(Superseded):
        await store.switch(projection, 3)


async def test_a_new_version_is_rebuilt_and_an_old_one_fails(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    position = await fill(client, f"{name}-a", 5)
    async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
        await projections.wait_for(position)
    position = await fill(client, f"{name}-a", 5)
    async with Projections(client, store, [projection_of(store, name, version=2)], FAST) as projections:
        await projections.wait_for(position)
        assert await counts(store, name) == {f"{name}-a": 10}
    [generation] = await store.generations(f"{name}-counts")
    assert (generation.number, generation.version) == (2, 2)
    async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
        with pytest.raises(NewerVersion):
            await projections.wait_for(10**12)


async def test_two_processes_apply_nothing_twice(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
    """Two runners of the same projection on the same store, while events are appended."""
    first = Projections(client, store, [projection_of(store, name)], FAST)
    second = Projections(client, store, [projection_of(store, name)], FAST)
    async with first, second:
        for _ in range(30):
            position = await fill(client, f"{name}-a", 7)
            await asyncio.sleep(0.01)
        await first.wait_for(position)
        await second.wait_for(position)
    assert await counts(store, name) == {f"{name}-a": 210}
    assert await store.dead_letters(f"{name}-counts") == []


async def test_a_waiting_process_sees_the_progress_of_the_other(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    async with Projections(client, store, [projection_of(store, name)], FAST) as working:
        await working.wait_for(await fill(client, f"{name}-a", 1))
        slow = ProjectionPolicy(pause_first_seconds=1_000, pause_max_seconds=1_000)
        async with Projections(client, store, [projection_of(store, name)], slow) as standing_by:
            for _ in range(20):
                await standing_by.wait_for(await fill(client, f"{name}-a", 1), timeout=30)


async def test_another_process_continues_with_the_rebuilt_generation(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    first = Projections(client, store, [projection_of(store, name)], FAST)
    second = Projections(client, store, [projection_of(store, name)], FAST)
    async with first, second:
        position = await fill(client, f"{name}-a", 50)
        await first.wait_for(position)
        await second.wait_for(position)
        await first[f"{name}-counts"].rebuild()
        for _ in range(5):
            position = await fill(client, f"{name}-a", 2)
            await second.wait_for(position)
            await first.wait_for(position)
    assert await counts(store, name) == {f"{name}-a": 60}
    assert [one.number for one in await store.generations(f"{name}-counts")] == [2]


async def test_a_checkpoint_moves_only_from_where_it_is(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    projection = projection_of(store, name)
    store.check(projection)
    generation = await store.create(projection, 1, uuid4(), live=True)
    assert await store.create(projection, 1, uuid4(), live=True) == generation
    await store.apply(generation, 0, 10, (), projection.handle)
    with pytest.raises(Superseded):
        await store.apply(generation, 0, 11, (), projection.handle)
    assert (await store.generations(projection.name))[0].position == 10


async def test_a_read_model_of_another_store_is_not_touched(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    projection = projection_of(store, name)
    async with Projections(client, store, [projection], FAST) as projections:
        await projections.wait_for(await fill(client, f"{name}-a", 3))
    with Server("memory") as other:
        async with (
            AsyncClient(other.endpoint) as elsewhere,
            Projections(elsewhere, store, [projection], FAST) as projections,
        ):
            with pytest.raises(WrongStore):
                await projections.wait_for(10**12)


class Shipping(ProcessManager):
    def __init__(self, shipments: Repository[Any], failures: int = 0) -> None:
        self.shipments = shipments
        self.failures = failures
        self.reactions = 0

    async def react(self, event: RecordedEvent) -> None:
        self.reactions += 1
        await self.shipments.execute(event.stream, lambda _: [ShipmentPrepared(event.stream)])
        if self.failures:
            self.failures -= 1
            raise ConnectionError("after its command, but before its checkpoint")


async def test_a_reaction_takes_effect_once(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
    orders = Repository(client, Order, types, prefix=name, snapshots=None)
    shipments = Repository(client, Shipment, types, prefix=f"{name}-shipment", snapshots=None)
    shipping = Shipping(shipments, failures=2)
    Shipping.name = f"{name}-shipping"
    Shipping.query = types.query(OrderConfirmed)
    with metadata.context(user_id="ada", correlation_id=name):
        for nth in range(3):
            await orders.execute(nth, lambda order: order.add("book", Decimal(1)))
            done = await orders.execute(nth, lambda order: order.confirm())
    async with Projections(client, store, [shipping], FAST) as projections:
        await projections.wait_for(done.position)
    assert shipping.reactions >= 5
    for nth in range(3):
        events = await client.read_stream(f"{name}-shipment-{name}-{nth}").collect()
        assert len(events) == 1
        said = events[0].json_metadata()
        [_, confirmed] = await client.read_stream(f"{name}-{nth}").collect()
        assert (said["userId"], said["correlationId"]) == ("ada", name)
        assert said["causationId"] == str(confirmed.id)
    # Everything runs again, from the beginning.
    async with Projections(client, MemoryStore(), [Shipping(shipments)], FAST) as projections:
        await projections.wait_for(done.position)
    assert (await shipments.load(f"{name}-0")).state.prepared == 1


def test_sqlite_takes_no_coroutines() -> None:
    class Waits(Projection[Any]):
        name = "waits"

        async def handle(self, event: RecordedEvent, model: Any) -> None: ...

    with pytest.raises(TypeError, match="plain function"):
        SqliteStore("unused.db").check(Waits())
