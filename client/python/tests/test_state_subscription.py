"""Subscriptions to state: every subscriber arrives at the entries of the scope, whatever fails."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from annals import (
    AsyncClient,
    Delete,
    Put,
    StateCaughtUp,
    StateCheckpoint,
    StateDeletion,
    StateEntry,
    StateItem,
    errors,
)
from annals.testing import Server
from annals.v1 import errors_pb2
from annals.v1 import state_pb2 as pb

from .fake import Fake, refuse


def put(version: int, key: str = "k") -> pb.StateUpdate:
    return pb.StateUpdate(put=pb.StateEntry(key=key, value=b"v", version=version))


def updates(*content: pb.StateUpdate) -> pb.SubscribeStateResponse:
    return pb.SubscribeStateResponse(updates=pb.StateUpdates(updates=content))


def learn(entries: dict[str, bytes], item: StateItem) -> None:
    match item:
        case StateEntry():
            entries[item.key] = item.value
        case StateDeletion():
            entries.pop(item.key, None)


async def test_entries_then_changes_are_returned(client: AsyncClient, name: str) -> None:
    await client.write_state([Put(name, "a", b"1"), Put(name, "b", b"2"), Delete(name, "c")])
    await client.write_state([Put(name, "a", b"3")])
    async with client.subscribe_state(name) as subscription:
        first = await anext(subscription)
        assert isinstance(first, StateEntry)
        assert (first.scope, first.key, first.value, first.version) == (name, "b", b"2", 2)
        second = await anext(subscription)
        assert isinstance(second, StateEntry)
        assert (second.key, second.value, second.version) == ("a", b"3", 3)
        assert await anext(subscription) == StateCaughtUp(3)
        await client.write_state([Delete(name, "a")])
        assert await anext(subscription) == StateDeletion(name, "a", 4)


async def test_it_begins_after_a_version_and_with_a_prefix(client: AsyncClient, name: str) -> None:
    await client.write_state([Put(name, "a1", b"1"), Put(name, "b1", b"2"), Put(name, "a2", b"3")])
    async with client.subscribe_state(name, prefix="a", after=1) as subscription:
        item = await anext(subscription)
        assert isinstance(item, StateEntry)
        assert (item.key, item.version) == ("a2", 3)
        assert await anext(subscription) == StateCaughtUp(3)
        await client.write_state([Put(name, "b2", b"4")])
        assert await anext(subscription) == StateCheckpoint(4)
    async with client.subscribe_state(f"{name}-none") as subscription:
        assert await anext(subscription) == StateCaughtUp(0)


async def test_a_version_of_another_store_is_rejected(client: AsyncClient, name: str) -> None:
    await client.write_state([Put(name, "a", b"1")])
    with pytest.raises(errors.StateVersionBeyondEnd) as caught:
        await client.subscribe_state(name, after=2)
    assert (caught.value.scope, caught.value.version, caught.value.last_version) == (name, 2, 1)
    with pytest.raises(errors.InvalidField, match="scope"):
        await client.subscribe_state("")
    for bad in ({"after": -1}, {"prefix": 7}):
        with pytest.raises(errors.InvalidValue):
            client.subscribe_state(name, **bad)  # type: ignore[arg-type]


async def test_it_resumes_after_the_last_version_received() -> None:
    async def subscribe(nth: int, request: pb.SubscribeStateRequest, context: Any) -> AsyncIterator[Any]:
        if nth == 1:
            yield updates(put(2), put(5, "l"))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        elif nth == 2:
            yield updates(pb.StateUpdate(deletion=pb.StateDeletion(key="k", version=7)), pb.StateUpdate())
            yield pb.SubscribeStateResponse(checkpoint=9)
            return  # Ends without an error, like a server that shuts down.
        elif nth == 3:
            yield pb.SubscribeStateResponse(caught_up=11)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        yield pb.SubscribeStateResponse(checkpoint=11)
        yield pb.SubscribeStateResponse()
        yield pb.SubscribeStateResponse(caught_up=11)
        yield updates(put(12))

    async with Fake(SubscribeState=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        items = []
        async for item in client.subscribe_state("s", prefix="p"):
            items.append((type(item).__name__.removeprefix("State"), item.version))
            if item.version == 12:
                break
        assert items == [
            ("Entry", 2),
            ("Entry", 5),
            ("Deletion", 7),
            ("Checkpoint", 9),
            ("CaughtUp", 11),
            ("CaughtUp", 11),
            ("Entry", 12),
        ]
        assert [call.after_version for call in fake.calls] == [0, 5, 9, 11]
        assert not fake.calls[0].HasField("after_version")
        assert {(call.scope, call.key_prefix) for call in fake.calls} == {("s", "p")}


@pytest.mark.parametrize("again", [1, 2])
async def test_versions_that_do_not_increase_are_not_returned(again: int) -> None:
    async def subscribe(nth: int, request: Any, context: Any) -> AsyncIterator[Any]:
        yield updates(put(2))
        yield updates(put(again))

    async with Fake(SubscribeState=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        subscription = client.subscribe_state("s")
        assert (await anext(subscription)).version == 2
        with pytest.raises(errors.ProtocolError, match=f"received version {again} of a scope, expected 3"):
            await anext(subscription)


async def test_an_expired_version_ends_it_after_a_reconnect() -> None:
    async def subscribe(nth: int, request: Any, context: Any) -> AsyncIterator[Any]:
        if nth == 1:
            yield updates(put(2))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        detail = errors_pb2.StateVersionOutOfRange(scope="s", version=2, first_version=8, last_version=9)
        await refuse(context, "STATE_VERSION_EXPIRED", grpc.StatusCode.OUT_OF_RANGE, detail)

    async with Fake(SubscribeState=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        subscription = client.subscribe_state("s")
        await anext(subscription)
        with pytest.raises(errors.StateVersionExpired) as caught:
            await anext(subscription)
        assert (caught.value.version, caught.value.first_version, caught.value.last_version) == (2, 8, 9)
        assert len(fake.calls) == 2


async def test_a_subscription_that_is_not_used_does_not_report_the_same_again() -> None:
    async def subscribe(nth: int, request: Any, context: Any) -> AsyncIterator[Any]:
        yield pb.SubscribeStateResponse(caught_up=3)
        if nth == 2:
            yield updates(put(4))
        await asyncio.sleep(60)

    async with (
        Fake(SubscribeState=subscribe) as fake,
        AsyncClient(fake.endpoint) as client,
        client.subscribe_state("s") as subscription,
    ):
        assert await anext(subscription) == StateCaughtUp(3)
        # Not used between two checks.
        assert subscription.rest_if_idle()
        assert not subscription.rest_if_idle()
        assert (await anext(subscription)).version == 4
        assert [call.after_version for call in fake.calls] == [0, 3]


@pytest.mark.parametrize("slow", [False, True])
async def test_subscribers_converge_while_the_server_is_killed(embedded: Server, slow: bool, name: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    async with AsyncClient(embedded.endpoint, timeout=60) as client:

        async def write() -> None:
            for nth in range(300):
                keys = {f"k{chance.randrange(40)}" for _ in range(chance.randrange(1, 6))}
                changes: list[Put | Delete] = [
                    Delete(name, key) if chance.random() < 0.4 else Put(name, key, str(nth).encode()) for key in keys
                ]
                await client.write_state(changes)
            await client.write_state([Put(name, "end", b"")])

        async def follow(entries: dict[str, bytes]) -> None:
            async for item in client.subscribe_state(name):
                learn(entries, item)
                if "end" in entries:
                    return
                if slow and chance.random() < 0.1:
                    await asyncio.sleep(0.05)

        writing = asyncio.create_task(write())
        followed: list[dict[str, bytes]] = [{} for _ in range(3)]
        following = [asyncio.create_task(follow(entries)) for entries in followed]
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.1, 0.4))
            await asyncio.to_thread(embedded.kill)
            await asyncio.to_thread(embedded.start)
        await writing
        async with asyncio.timeout(60):
            await asyncio.gather(*following)
        stored = {entry.key: entry.value async for entry in client.state_entries(name)}
        assert all(entries == stored for entries in followed)
        assert len(stored) > 1
