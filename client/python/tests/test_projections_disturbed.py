"""Projections whose database, server or process fails: each event still has its effect once."""

import asyncio
import os
import random
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from annals import AsyncClient, Event, Query
from annals.testing import Server
from annals.toolkit import Projections, ReadModelStore, SqliteStore, State, StateStore, wait_for

from .counting import FAST, counts, fill, projection_of
from .domain import types


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
        # The state does not change while it retries.
        for _ in range(100):
            assert running.state is State.WAITING
            await asyncio.sleep(0.005)
        blocker.execute("ROLLBACK")
        blocker.close()
        await projections.wait_for(position)
        assert await projections[f"{name}-counts"].dead_letters() == []
    assert await counts(store, name) == {f"{name}-a": 3}
    await store.aclose()


async def test_a_broken_database_connection_is_reopened(client: AsyncClient, postgres: str, name: str) -> None:
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
@pytest.mark.parametrize("kind", ["sqlite", "postgres", "state"])
async def test_the_read_model_equals_the_log_when_everything_is_killed(
    embedded: Server, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Server and projection, with a process manager, are killed (SIGKILL) at random moments.

    ANNALS_KILL_ROUNDS sets the number of kills.
    """
    rounds = int(os.environ.get("ANNALS_KILL_ROUNDS", "6"))
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {rounds} rounds")  # noqa: T201
    chance = random.Random(seed)
    target = request.getfixturevalue("postgres") if kind == "postgres" else str(tmp_path / "read-models.db")
    worker = Path(__file__).with_name("projection_worker.py")
    process: asyncio.subprocess.Process | None = None
    stop = asyncio.Event()
    written: dict[str, int] = {}
    asked: dict[str, list[str]] = {}

    async with AsyncClient(embedded.endpoint, timeout=60) as client:

        async def write() -> None:
            # Ensures that there are events to compare, however slow the machine is.
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
        elif kind == "state":
            store = StateStore(client)
        else:
            from annals.toolkit.stores.postgres import PostgresStore

            store = PostgresStore(target)
        try:
            # Twice, because the echoes are also events.
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
