"""Projections and process managers: every event once in effect, in every kind of store, whatever fails."""

import asyncio
import logging
import os
import random
import sqlite3
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from annals import AsyncClient, Event, Query, RecordedEvent
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
    WrongStore,
    metadata,
    wait_for,
)
from annals.toolkit.stores.base import Behind, Superseded

from .domain import Order, OrderConfirmed, ShipmentPrepared, types

FAST = ProjectionPolicy(pause_first_seconds=0.01, pause_max_seconds=0.2, attempts_max=3)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReadModelStore[Any]]:
    kept: ReadModelStore[Any]
    match request.param:
        case "memory":
            kept = MemoryStore()
        case "sqlite":
            kept = SqliteStore(tmp_path / "read-models.db")
        case _:
            from annals.toolkit.stores.postgres import PostgresStore

            kept = PostgresStore(request.getfixturevalue("postgres"))
    yield kept
    await kept.aclose()


def projection_of(store: ReadModelStore[Any], name: str, **fields: object) -> Projection[Any]:
    """Counts the events of each stream whose name begins with `name`, and fails on those of the type `Poison`."""
    mark = "?" if isinstance(store, SqliteStore) else "%s"
    insert = (
        f"INSERT INTO {{{name}_counts}} VALUES ({mark}, 1, {mark}) "
        "ON CONFLICT (stream) DO UPDATE SET events = {counts}.events + 1, last = excluded.last"
    ).replace("{counts}", "{" + name + "_counts}")

    class Counts(Projection[Any]):
        query: ClassVar[Query] = Query.of(stream_prefixes=name)
        tables: ClassVar[list[str]] = [f"{name}_counts"]
        schema: ClassVar[list[str]] = [
            f"CREATE TABLE {{{name}_counts}} (stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last BIGINT NOT NULL)"
        ]

    Counts.name = f"{name}-counts"

    def count(self: object, event: RecordedEvent, model: Any) -> Any:
        if event.type == "Poison":
            raise ValueError("poisoned")
        if isinstance(store, MemoryStore):
            rows = model[f"{name}_counts"]
            assert event.revision == rows.get(event.stream, 0)
            rows[event.stream] = rows.get(event.stream, 0) + 1
            return None
        return model.execute(insert, (event.stream, event.position))

    async def count_in_turn(self: object, event: RecordedEvent, model: Any) -> None:
        await count(self, event, model)

    Counts.handle = count if isinstance(store, SqliteStore | MemoryStore) else count_in_turn  # type: ignore[assignment,method-assign]
    for field, value in fields.items():
        setattr(Counts, field, value)
    return Counts()


async def counts(store: ReadModelStore[Any], name: str) -> dict[str, int]:
    if isinstance(store, MemoryStore):
        return dict(store.model(f"{name}-counts")[f"{name}_counts"])
    rows = await store.read(f"SELECT stream, events FROM {name}_counts")  # type: ignore[attr-defined]
    return dict(rows)


async def fill(client: AsyncClient, stream: str, count: int, type: str = "A") -> int:
    appended = await client.append(stream, [Event(type) for _ in range(count)])
    return appended.last_position


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


async def test_each_batch_is_told_with_its_figures(
    client: AsyncClient, store: ReadModelStore[Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    position = await fill(client, f"{name}-a", 30)
    with caplog.at_level(logging.DEBUG, logger="annals.toolkit.batches"):
        async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
            await projections.wait_for(position)
    told = [vars(one) for one in caplog.records if one.name == "annals.toolkit.batches"]
    assert sum(one["events"] for one in told) == 30
    assert (told[-1]["projection"], told[-1]["position"]) == (f"{name}-counts", position)
    assert all(one["seconds"] >= 0 for one in told)


async def test_it_goes_on_from_its_checkpoint(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
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


async def test_a_handler_that_fails_for_a_while_is_tried_again(
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
    if isinstance(store, MemoryStore):
        # No statement can fail there, but it may be of another event store.
        await store.create(broken, 1, uuid4(), live=True)
    async with Projections(client, store, [broken, projection_of(store, name)], FAST) as projections:
        await projections[f"{name}-counts"].wait_for(await fill(client, f"{name}-a", 3))
        failed = projections[f"{name}x-counts"]
        assert failed.state is State.FAILED
        with pytest.raises(Exception, match=r"(?i)nonsense|connected to"):
            await failed.wait_for(1)


async def test_a_rebuild_is_made_beside_the_live_one(
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


async def test_a_switch_takes_nothing_back_that_was_seen(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
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


async def test_a_new_version_is_rebuilt_and_an_old_one_refuses(
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
    """Two runners of the same projection on the same store, while events come."""
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


async def test_a_process_that_stands_by_tells_of_what_the_other_has_done(
    client: AsyncClient, store: ReadModelStore[Any], name: str
) -> None:
    async with Projections(client, store, [projection_of(store, name)], FAST) as working:
        await working.wait_for(await fill(client, f"{name}-a", 1))
        slow = ProjectionPolicy(pause_first_seconds=1_000, pause_max_seconds=1_000)
        async with Projections(client, store, [projection_of(store, name)], slow) as standing_by:
            for _ in range(20):
                await standing_by.wait_for(await fill(client, f"{name}-a", 1), timeout=30)


async def test_another_process_goes_on_with_what_was_rebuilt(
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


class Shipment:
    def __init__(self) -> None:
        self.prepared = 0

    def apply(self, fact: ShipmentPrepared) -> None:
        self.prepared += 1


async def test_a_reaction_has_its_effect_once(client: AsyncClient, store: ReadModelStore[Any], name: str) -> None:
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
    # Everything again, from the beginning.
    async with Projections(client, MemoryStore(), [Shipping(shipments)], FAST) as projections:
        await projections.wait_for(done.position)
    assert (await shipments.load(f"{name}-0")).state.prepared == 1


class Echo(ProcessManager):
    """Answers what was asked in a stream, all of it in one other stream."""

    name = "echo"
    query = Query.of(types="Asked", stream_prefixes="count-")

    def __init__(self, echoes: Repository[Any]) -> None:
        self.echoes = echoes

    async def react(self, event: RecordedEvent) -> None:
        await self.echoes.execute(event.stream, lambda _: [ShipmentPrepared(str(event.revision))])


def test_sqlite_takes_no_coroutines() -> None:
    class Waits(Projection[Any]):
        name = "waits"

        async def handle(self, event: RecordedEvent, model: Any) -> None: ...

    with pytest.raises(TypeError, match="plain function"):
        SqliteStore("unused.db").check(Waits())


async def test_a_locked_database_is_waited_for(client: AsyncClient, tmp_path: Path, name: str) -> None:
    store = SqliteStore(tmp_path / "read-models.db", busy_seconds=0.05)
    async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
        await projections.wait_for(await fill(client, f"{name}-a", 1))
        blocker = sqlite3.connect(tmp_path / "read-models.db", isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        position = await fill(client, f"{name}-a", 2)
        running = projections[f"{name}-counts"]
        while running.state is not State.WAITING:
            await asyncio.sleep(0.005)
        # It stays so while it tries again and again.
        for _ in range(100):
            assert running.state is State.WAITING
            await asyncio.sleep(0.005)
        blocker.execute("ROLLBACK")
        blocker.close()
        await projections.wait_for(position)
        assert await projections[f"{name}-counts"].dead_letters() == []
    assert await counts(store, name) == {f"{name}-a": 3}
    await store.aclose()


async def test_a_database_connection_that_breaks_is_made_again(client: AsyncClient, postgres: str, name: str) -> None:
    import psycopg

    from annals.toolkit.stores.postgres import PostgresStore

    store = PostgresStore(postgres)
    async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
        await projections.wait_for(await fill(client, f"{name}-a", 1))
        for _ in range(3):
            with psycopg.connect(postgres, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND backend_type = 'client backend'"
                )
            await projections.wait_for(await fill(client, f"{name}-a", 2))
        assert await projections[f"{name}-counts"].dead_letters() == []
    assert await counts(store, name) == {f"{name}-a": 7}
    await store.aclose()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_the_read_model_equals_the_log_when_everything_is_killed(
    embedded: Server, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Server and projection, with a process manager, are killed (SIGKILL) at random moments.

    ANNALS_KILL_ROUNDS says how often.
    """
    rounds = int(os.environ.get("ANNALS_KILL_ROUNDS", "6"))
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {rounds} rounds")  # noqa: T201
    chance = random.Random(seed)
    target = str(tmp_path / "read-models.db") if kind == "sqlite" else request.getfixturevalue("postgres")
    worker = Path(__file__).with_name("projection_worker.py")
    process: asyncio.subprocess.Process | None = None
    stop = asyncio.Event()
    written: dict[str, int] = {}
    asked: dict[str, list[str]] = {}

    async with AsyncClient(embedded.endpoint, timeout=60) as client:

        async def write() -> None:
            # However slow the machine is, there is something to be compared.
            number = 0
            while not stop.is_set() or number < 20:
                stream = f"count-{chance.randrange(5)}"
                events = [Event("A") for _ in range(chance.randrange(1, 20))]
                if number % 10 == 0:
                    events.append(Event("Asked"))
                await client.append(stream, events)
                number += 1

        async def spawn() -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(sys.executable, str(worker), embedded.endpoint, kind, target)

        writing = asyncio.create_task(write())
        process = await spawn()
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(0.3, 1.2))
            if chance.random() < 0.5:
                process.kill()
                await process.wait()
                process = await spawn()
            else:
                await asyncio.to_thread(embedded.kill)
                await asyncio.to_thread(embedded.start)
        stop.set()
        await writing
        async for event in client.read_all(query=Query.of(stream_prefixes="count-")):
            written[event.stream] = written.get(event.stream, 0) + 1
            if event.type == "Asked":
                asked.setdefault(event.stream, []).append(str(event.revision))
        store: ReadModelStore[Any]
        if kind == "sqlite":
            store = SqliteStore(target)
        else:
            from annals.toolkit.stores.postgres import PostgresStore

            store = PostgresStore(target)
        try:
            # Twice, because the echoes are events, too.
            for _ in range(2):
                head = (await client.server_info()).head
                for running in ("count-counts", "echo"):
                    await wait_for(store, running, head, timeout=120)
                    assert await store.dead_letters(running) == []
            assert await counts(store, "count") == written
            for stream, revisions in asked.items():
                echoes = [types.decode(event).order async for event in client.read_stream(f"echo-{stream}")]
                assert echoes == revisions
            assert asked
        finally:
            process.kill()
            await process.wait()
            await store.aclose()
    assert sum(written.values()) > 50
