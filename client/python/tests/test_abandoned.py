"""Abandoned iterations, subscriptions and pipelines: their calls end at the server, and their memory is bounded."""

import asyncio
import contextlib
import gc
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from annals import AsyncClient, CaughtUp, Checkpoint, Client, Event, PipelineLimits, Query, RecordedEvent, _idle
from annals.testing import Server
from annals.toolkit import Decisions, EventTypes, MemoryStore, Projections, Repository, UnknownEventType

from .counting import FAST, projection_of
from .domain import Order

STREAM = "s"
EVENTS = 4_000
# The number of calls that are abandoned one after another: more than the server accepts at a time.
MANY = 60
SUBSCRIPTIONS_MAX = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("memory", options=["--max-subscriptions", str(SUBSCRIPTIONS_MAX)]) as server:
        with Client(server.endpoint) as client:
            for _ in range(EVENTS // 100):
                client.append(STREAM, [Event("A", b"x" * 3_000) for _ in range(100)])
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.endpoint) as client:
        yield client


@pytest.fixture
def sync_client(server: Server) -> Iterator[Client]:
    with Client(server.endpoint) as client:
        yield client


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends unused calls after a short time."""
    monkeypatch.setattr(_idle, "REST_SECONDS", 0.05)


def open_calls(server: Server) -> tuple[int, int]:
    """Returns the number of calls that are open at the server, and how many of them are subscriptions, from its
    metrics.
    """
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http_port}/metrics") as answer:
        lines = answer.read().decode().splitlines()

    def gauge(name: str) -> int:
        return sum(int(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    return gauge("annals_grpc_calls_open"), gauge("annals_subscriptions")


async def no_call_is_open(server: Server) -> None:
    while await asyncio.to_thread(open_calls, server) != (0, 0):
        await asyncio.sleep(0.02)


def no_call_stays_open(server: Server) -> None:
    while open_calls(server) != (0, 0):
        time.sleep(0.02)


class HandlerFailed(Exception):
    pass


FEEDS: dict[str, Callable[[Any], Any]] = {
    "read_all": lambda client: client.read_all(),
    "read_stream": lambda client: client.read_stream(STREAM),
    "read backwards": lambda client: client.read_all(backwards=True),
    "batches": lambda client: client.read_all().batches(),
    "subscribe_all": lambda client: client.subscribe_all(),
    "subscribe_stream": lambda client: client.subscribe_stream(STREAM),
    "events": lambda client: client.subscribe_all().events(),
    "subscription batches": lambda client: client.subscribe_all().batches(),
}


@pytest.mark.parametrize("feed", FEEDS)
async def test_leaving_a_loop_ends_the_call(server: Server, client: AsyncClient, feed: str) -> None:
    for _ in range(MANY):
        async for _ in FEEDS[feed](client):
            break
    await no_call_is_open(server)


@pytest.mark.parametrize("feed", FEEDS)
def test_leaving_a_loop_ends_the_call_of_a_synchronous_client(server: Server, sync_client: Client, feed: str) -> None:
    for _ in range(MANY):
        for _ in FEEDS[feed](sync_client):
            break
    no_call_stays_open(server)


@pytest.mark.parametrize("feed", FEEDS)
async def test_an_error_in_a_loop_ends_the_call_even_if_it_is_kept(
    server: Server, client: AsyncClient, feed: str
) -> None:
    async def handle() -> None:
        async for _ in FEEDS[feed](client):
            raise HandlerFailed

    kept = [(await asyncio.gather(handle(), return_exceptions=True))[0] for _ in range(MANY)]
    assert {type(error) for error in kept} == {HandlerFailed}
    await no_call_is_open(server)


@pytest.mark.parametrize("feed", FEEDS)
def test_an_error_in_a_loop_of_a_synchronous_client_ends_the_call_even_if_it_is_kept(
    server: Server, sync_client: Client, feed: str
) -> None:
    kept = []

    def handle() -> None:
        for _ in FEEDS[feed](sync_client):
            raise HandlerFailed

    for _ in range(MANY):
        try:
            handle()
        except HandlerFailed as error:
            kept.append(error)
    no_call_stays_open(server)
    assert len(kept) == MANY


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("feed", FEEDS)
async def test_a_call_that_an_error_keeps_in_a_variable_ends_when_it_is_not_used(
    server: Server, client: AsyncClient, feed: str
) -> None:
    """The frames of a stored error keep their variables, which can't be distinguished from variables in use."""

    async def handle() -> None:
        variable = FEEDS[feed](client)
        async for _ in variable:
            raise HandlerFailed

    kept = [(await asyncio.gather(handle(), return_exceptions=True))[0] for _ in range(MANY)]
    assert {type(error) for error in kept} == {HandlerFailed}
    await no_call_is_open(server)


@pytest.mark.usefixtures("soon")
def test_a_call_of_a_synchronous_client_that_is_kept_ends_when_it_is_not_used(
    server: Server, sync_client: Client
) -> None:
    kept = []
    for _ in range(MANY):
        iterator = iter(sync_client.subscribe_all())
        next(iterator)
        kept.append(iterator)
    no_call_stays_open(server)
    assert sum(isinstance(next(iterator), RecordedEvent) for iterator in kept) == MANY


async def test_garbage_collection_ends_the_call_in_whichever_thread_it_runs(
    server: Server, client: AsyncClient
) -> None:
    class Holder:
        def __init__(self, feed: Any) -> None:
            self.feed, self.itself = feed, self

    gc.disable()
    try:
        for _ in range(10):
            holder = Holder(client.subscribe_all())
            await anext(holder.feed)
        del holder
        assert open_calls(server)[0] == 10
        await asyncio.to_thread(gc.collect)
        await no_call_is_open(server)
    finally:
        gc.enable()


async def test_a_task_that_is_cancelled_ends_its_call(server: Server, client: AsyncClient) -> None:
    async def follow() -> None:
        async for _ in client.subscribe_all():
            pass

    tasks = [asyncio.create_task(follow()) for _ in range(10)]
    while open_calls(server)[1] < 10:
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await no_call_is_open(server)


async def test_closing_a_feed_while_it_opens_ends_its_call(server: Server, client: AsyncClient) -> None:
    for make in (client.read_all, client.subscribe_all):
        for pause in (0, 0.0005, 0.001, 0.002):
            feed = make()
            opening = asyncio.ensure_future(feed._open())
            await asyncio.sleep(pause)
            await feed.aclose()
            with contextlib.suppress(Exception):
                await opening
            assert [item async for item in feed] == []
    await no_call_is_open(server)


async def test_a_cancelled_wait_loses_no_event_and_keeps_the_endpoint(server: Server, name: str) -> None:
    """`wait_for` cancels the wait."""
    with Server("memory") as other:
        endpoints = [server.endpoint, other.endpoint]
        async with AsyncClient(endpoints, shuffle_endpoints=False) as client:
            await client.append(name, [Event("First")])
            subscription = client.subscribe_stream(name)
            assert (await anext(subscription)).type == "First"
            assert isinstance(await anext(subscription), CaughtUp)
            for number in range(3):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(subscription), 0.02)
                await client.append(name, [Event.json("Next", number)])
                async with asyncio.timeout(20):
                    while not isinstance(item := await anext(subscription), RecordedEvent):
                        pass
                assert item.json() == number
                while not isinstance(await anext(subscription), CaughtUp):
                    pass
            assert client._caller.connection.pick().name == server.endpoint
            await subscription.aclose()


async def until_it_rests(feed: Any) -> None:
    while feed._live is not None:
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("backwards", [False, True])
async def test_an_idle_read_resumes_where_it_was(server: Server, client: AsyncClient, backwards: bool) -> None:
    read = client.read_stream(STREAM, backwards=backwards, limit=EVENTS - 5)
    batches = read.batches()
    revisions = [event.revision for event in await anext(batches)]
    for _ in range(3):
        await until_it_rests(read)
        await client.append(f"{STREAM}-other", [Event("Late")])
        revisions += [event.revision for event in await anext(batches, [])]
    revisions += [event.revision async for batch in batches for event in batch]
    every = list(range(EVENTS))
    assert revisions == (every[::-1] if backwards else every)[:-5]
    await no_call_is_open(server)


@pytest.mark.usefixtures("soon")
async def test_an_idle_subscription_resumes_where_it_was(client: AsyncClient, name: str) -> None:
    subscription = client.subscribe_all(query=Query.of(streams=name))
    seen: list[int] = []

    async def take(count: int) -> None:
        while len(seen) < count:
            item = await anext(subscription)
            if isinstance(item, RecordedEvent):
                seen.append(item.revision)

    for number in range(5):
        await client.append(name, [Event("A")])
        await take(number + 1)
        await until_it_rests(subscription)
    await client.append(name, [Event("A"), Event("A")])
    await take(7)
    assert seen == list(range(7))
    await subscription.aclose()


@pytest.mark.usefixtures("soon")
async def test_a_slow_consumer_gets_caught_up_once(client: AsyncClient, name: str) -> None:
    subscription = client.subscribe_all(from_end=True, query=Query.of(streams=name))
    assert isinstance(await anext(subscription), CaughtUp)
    await until_it_rests(subscription)
    other = await client.append(f"{name}-other", [Event("A")])
    # A position up to which nothing matches is still reported.
    checkpoint = await anext(subscription)
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.position >= other.last_position
    await until_it_rests(subscription)
    await client.append(name, [Event("A")])
    assert isinstance(await anext(subscription), RecordedEvent)
    assert isinstance(await anext(subscription), CaughtUp)
    await subscription.aclose()


async def test_a_pipeline_that_is_dropped_makes_its_appends_and_ends(
    server: Server, client: AsyncClient, name: str
) -> None:
    async def append(nth: int) -> asyncio.Future[Any]:
        pipeline = client.append_pipeline(PipelineLimits(appends_max=100))
        return [await pipeline.append(f"{name}-{nth}", [Event("A")]) for _ in range(50)][-1]

    last = [await append(nth) for nth in range(20)]
    assert [answer.last_revision for answer in await asyncio.gather(*last)] == [49] * 20
    await no_call_is_open(server)


@pytest.mark.usefixtures("soon")
async def test_a_pipeline_that_is_not_used_ends_its_call_until_it_is_used_again(
    server: Server, client: AsyncClient, name: str
) -> None:
    async with client.append_pipeline() as pipeline:
        for revision in range(5):
            assert (await (await pipeline.append(name, [Event("A")]))).first_revision == revision
            await no_call_is_open(server)


async def test_only_one_task_iterates(client: AsyncClient, name: str) -> None:
    subscription = client.subscribe_stream(name)
    waiting = asyncio.ensure_future(anext(subscription.events()))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one task"):
        await anext(subscription)
    await client.append(name, [Event("A")])
    assert (await waiting).revision == 0


def test_a_loop_in_a_thread_that_fails_ends_its_call(server: Server, sync_client: Client) -> None:
    def follow() -> None:
        with contextlib.suppress(HandlerFailed):
            for _ in sync_client.subscribe_all():
                raise HandlerFailed

    threads = [threading.Thread(target=follow) for _ in range(SUBSCRIPTIONS_MAX // 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    no_call_stays_open(server)


async def test_failed_loads_of_the_toolkit_leave_no_call_open(server: Server, client: AsyncClient) -> None:
    """The calls end although the errors are kept."""

    class Model:
        query = Query.of(types="A")

        def apply(self, event: object) -> None:
            pass

    types = EventTypes()
    orders = Repository(client, Order, types, prefix=STREAM, snapshots=None)
    await client.append("s-1", [Event("A", b"x" * 1_000) for _ in range(1_000)])
    loads = [orders.load("1") for _ in range(20)]
    decisions = [Decisions(client, types).execute(Model, lambda model: []) for _ in range(20)]
    kept = await asyncio.gather(*loads, *decisions, return_exceptions=True)
    assert {type(error) for error in kept} == {UnknownEventType}
    await no_call_is_open(server)


async def test_projections_that_stop_leave_no_call_open(server: Server, client: AsyncClient, name: str) -> None:
    appended = await client.append(name, [Event("A")])
    for _ in range(3):
        store = MemoryStore()
        async with Projections(client, store, [projection_of(store, name)], policy=FAST) as projections:
            await projections[f"{name}-counts"].wait_for(appended.last_position)
    await no_call_is_open(server)


MEMORY = """
    import asyncio, resource, sys
    from annals import AsyncClient, Client, Event

    def used_mib():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    async def main():
        async with AsyncClient(endpoint) as client:
            for _ in range(200):
                await client.append("s", [Event("A", b"x" * 10_000) for _ in range(10)])
            for _ in range(rounds):
                async for event in client.read_all():
                    break
            held = [await client.read_all() for _ in range(10)]
            await asyncio.sleep(2)

    endpoint, rounds = sys.argv[1], int(sys.argv[2])
    before = used_mib()
    asyncio.run(main())
    with Client(endpoint) as client:
        for _ in range(rounds):
            for event in client.read_all():
                break
    print(used_mib() - before)
"""


def test_abandoned_and_unused_reads_hold_little_memory() -> None:
    """Of 300 reads of 20 MB each, 290 are left at the first event, and 10 are held without being read."""
    with Server("memory") as server:
        program = [sys.executable, "-c", textwrap.dedent(MEMORY), server.endpoint, "145"]
        ran = subprocess.run(program, capture_output=True, text=True, check=True, timeout=110)
    # Each read holds a window of 4 MiB and a message.
    assert float(ran.stdout) < 100, f"{ran.stdout} MiB"
