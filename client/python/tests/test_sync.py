"""The synchronous client: the same calls from threads."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from annals import AsyncClient, Client, Event, Expected, Query, errors


@pytest.fixture
def client(annals_endpoint: str):
    with Client(annals_endpoint) as client:
        yield client


def test_events_are_appended_and_read(client: Client, name: str) -> None:
    appended = client.append(name, [Event.json("A", n) for n in range(2_000)], expected=Expected.NO_STREAM)
    assert [event.json() for event in client.read_stream(name)] == list(range(2_000))
    assert [event.revision for event in client.read_stream(name, backwards=True, limit=2)] == [1_999, 1_998]
    assert sum(len(batch) for batch in client.read_all(query=Query.of(streams=name)).batches()) == 2_000
    with client.read_all() as read:
        assert read.head >= appended.last_position
    assert client.stream_info(name).last_revision == 1_999
    assert [stream.name for stream in client.list_streams(name)] == [name]
    assert client.with_timeout(1).server_info().engine == "memory"


def test_errors_are_the_same(client: Client, name: str) -> None:
    client.append(name, [Event("A")])
    with pytest.raises(errors.RevisionConflict):
        client.append(name, [Event("A")], expected=Expected.NO_STREAM)
    with pytest.raises(errors.StreamNotFound):
        list(client.read_stream(f"{name}-none"))


def test_many_threads_share_a_client(client: Client, name: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: client.append(name, [Event("A")]), range(200)))
    assert client.stream_info(name).last_revision == 199


def test_many_appends_are_pipelined(client: Client, name: str) -> None:
    results = client.append_each((name, [Event.json("A", n)]) for n in range(3_000))
    assert [result.first_revision for result in results] == list(range(3_000))
    with pytest.raises(errors.RevisionConflict):
        client.append_each([(name, [Event("A")])], expected=Expected.NO_STREAM)


def test_a_subscription_is_ended_by_another_thread(client: Client, name: str) -> None:
    subscription = client.subscribe_stream(name).open()
    seen = []

    def follow() -> None:
        seen.extend(event.type for event in subscription.events())

    following = threading.Thread(target=follow)
    following.start()
    client.append(name, [Event("A"), Event("B")])
    with client.subscribe_stream(name) as other:
        events = other.events()
        assert [next(events).type, next(events).type] == ["A", "B"]
    while len(seen) < 2:
        threading.Event().wait(0.01)
    subscription.close()
    following.join(10)
    assert not following.is_alive()


def test_the_context_of_the_caller_is_seen(client: Client) -> None:
    user = contextvars.ContextVar("user", default="none")
    user.set("ada")

    async def who() -> str:
        return user.get()

    assert client.run(who()) == "ada"


async def test_it_can_not_wait_for_itself(client: Client) -> None:
    async def inner() -> None:
        client.server_info()

    with pytest.raises(RuntimeError, match="AsyncClient"):
        client.run(inner())


def test_an_asynchronous_client_stays_in_its_loop(annals_endpoint: str) -> None:
    client = AsyncClient(annals_endpoint)
    asyncio.run(client.server_info())
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(client.server_info())
