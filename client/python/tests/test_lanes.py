"""The lanes of a consumer, and consumers with a faulty server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
import pytest

from annals import AsyncClient, Delivery, Event, GroupSettings, Outcome, Query, RecordedEvent, Retry
from annals._lanes import Held, Lanes
from annals.v1 import event_pb2
from annals.v1 import group_pb2 as pb

from .fake import Fake, refuse

ID = UUID("01a1fda7-ded8-76f4-a19b-7a7216b9f4cf")


def held(id: int) -> Held:
    return Held(id, 1, RecordedEvent(ID, "s", 0, id, "A", b"", b"", (), datetime.now(UTC)), 0.0)


def start(lanes: Lanes) -> list[Held]:
    return list(iter(lanes.start, None))


def lanes_of(**ids: list[int]) -> Lanes:
    lanes = Lanes()
    for key, listed in ids.items():
        for id in listed:
            lanes.add(key, held(id))
    return lanes


def ids(held: list[Held]) -> list[int]:
    return [one.id for one in held]


def test_one_delivery_of_a_key_runs_at_a_time() -> None:
    lanes = lanes_of(a=[1, 2, 4], b=[3])
    first, other = start(lanes)
    assert ids([first, other]) == [1, 3]
    assert sorted(one.id for one in lanes.waiting()) == [2, 4]
    lanes.finish(first, nack=False)
    assert ids(start(lanes)) == [2]
    assert lanes.running == 2


def test_after_a_nack_the_key_waits_until_the_delivery_is_withdrawn() -> None:
    lanes = lanes_of(a=[1, 2, 3])
    [first] = start(lanes)
    lanes.finish(first, nack=True)
    # Sent before the server knew of the nack.
    lanes.add("a", held(4))
    assert start(lanes) == []
    lanes.withdraw([7], overdue=False)
    assert start(lanes) == []
    # Delivery 3 remains, as after the last attempt, which is parked.
    lanes.withdraw([1, 2], overdue=False)
    assert ids(start(lanes)) == [3]


def test_a_withdrawn_delivery_keeps_its_key_until_it_ends() -> None:
    lanes = lanes_of(a=[1, 2])
    [first] = start(lanes)
    lanes.withdraw([1, 2], overdue=True)
    lanes.add("a", held(3))
    assert start(lanes) == []
    assert (first.lost, first.overdue, lanes.running_lost) == (True, True, 1)
    # It is not extended, because the first may never end.
    assert list(lanes.waiting()) == []
    lanes.finish(first, nack=True)
    assert ids(start(lanes)) == [3]
    assert lanes.running_lost == 0


def test_what_runs_when_the_call_ends_keeps_its_key() -> None:
    lanes = lanes_of(a=[1, 2], b=[3, 4])
    [first, other] = start(lanes)
    lanes.finish(other, nack=True)
    lanes.lose_all()
    lanes.add("a", held(11))
    lanes.add("b", held(13))
    assert ids(start(lanes)) == [13]
    lanes.finish(first, nack=False)
    assert ids(start(lanes)) == [11]


def test_keys_are_forgotten() -> None:
    lanes = lanes_of(a=[1], b=[2], c=[3])
    first = lanes.start()
    assert first is not None
    lanes.finish(first, nack=True)
    lanes.withdraw([1, 2], overdue=False)
    assert ids(start(lanes)) == [3]
    lanes.lose_all()
    assert len(lanes._lanes) == 1
    [last] = lanes._running
    lanes.finish(last, nack=False)
    assert [*lanes._lanes, *lanes._held, *lanes._nacked, *lanes._running, *lanes._ready] == []


def opened(seconds: int = 30) -> pb.ConsumeResponse:
    response = pb.ConsumeResponse(opened=pb.ConsumerOpened(mode=pb.GROUP_MODE_ORDERED, active=True))
    response.opened.ack_timeout.FromSeconds(seconds)
    return response


def deliveries(*ids: int, stream: str = "s") -> pb.ConsumeResponse:
    made = [
        pb.Delivery(id=id, attempt=1, event=event_pb2.RecordedEvent(id=str(ID), stream=stream, position=id))
        for id in ids
    ]
    return pb.ConsumeResponse(deliveries=pb.DeliveryBatch(deliveries=made))


def withdrawal(reason: Any, *ids: int) -> pb.ConsumeResponse:
    return pb.ConsumeResponse(withdrawal=pb.Withdrawal(deliveries=ids, reason=reason))


async def nothing(_: Delivery) -> None:
    pass


async def test_settlements_share_messages() -> None:
    messages: list[pb.ConsumeRequest] = []

    async def consume(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
        messages.append(await anext(requests))
        yield opened()
        for first in range(1, 3_001, 100):
            yield deliveries(*range(first, first + 100))
        async for message in requests:
            messages.append(message)
            if sum(len(one.acks) for one in messages) == 3_000:
                consumer.stop()

    async with Fake(Consume=consume) as fake, AsyncClient(fake.endpoint) as client:
        consumer = client.consume("g", nothing, consumer="c", permits=4_000)
        await consumer
    assert (messages[0].open.group, messages[0].open.consumer, messages[0].open.permits) == ("g", "c", 4_000)
    assert [id for message in messages for id in message.acks] == list(range(1, 3_001))
    assert max(len(message.acks) for message in messages) <= 1_000
    assert len(messages) < 300


async def test_permits_follow_the_concurrency(client: AsyncClient) -> None:
    made = [client.consume("g", nothing, concurrency=concurrency)._permits for concurrency in (1, 8, 9, 5_000)]
    assert made == [16, 16, 18, 4_096]


async def test_it_reconnects_with_pauses_until_an_error_is_permanent() -> None:
    async def consume(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
        if nth == 1:
            yield opened()
            yield deliveries(1)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        elif nth == 2:
            yield opened()
            return  # Ends without an error, like a server that shuts down.
        elif nth == 3:
            await refuse(context, "GROUP_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE)
        elif nth == 4:
            yield opened()
            yield deliveries(1)
        await asyncio.sleep(0.2)
        consumer.stop()

    async with Fake(Consume=consume) as fake, AsyncClient(fake.endpoint) as client:
        consumer = client.consume("g", nothing)
        await asyncio.wait_for(consumer, 20)
        assert len(fake.calls) == 4

        async def refused(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
            yield opened()
            await refuse(context, "UNKNOWN_DELIVERY", grpc.StatusCode.INVALID_ARGUMENT)

    async with Fake(Consume=refused) as fake, AsyncClient(fake.endpoint) as client:
        with pytest.raises(Exception, match="was never given to this consumer"):
            await asyncio.wait_for(client.consume("g", nothing), 20)


async def test_what_is_withdrawn_is_not_settled() -> None:
    messages: list[pb.ConsumeRequest] = []
    handled: list[int] = []
    withdrawn = asyncio.Event()

    async def consume(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
        await anext(requests)
        yield opened()
        yield deliveries(1, 2)
        yield deliveries(3, stream="t")
        await asyncio.sleep(0.1)
        yield withdrawal(pb.WITHDRAWAL_REASON_ACK_TIMEOUT, 1, 2)
        yield deliveries(4)
        withdrawn.set()
        async for message in requests:
            messages.append(message)
            if 4 in message.acks:
                consumer.stop()

    async def handle(delivery: Delivery) -> None:
        handled.append(delivery.event.position)
        if delivery.event.position == 1:
            await withdrawn.wait()

    async with Fake(Consume=consume) as fake, AsyncClient(fake.endpoint) as client:
        consumer = client.consume("g", handle, concurrency=2)
        await asyncio.wait_for(consumer, 20)
    assert handled == [1, 3, 4]
    assert sorted(id for message in messages for id in message.acks) == [3, 4]
    # An empty message reports that the consumer is there again; it may be part of another one.
    assert len(messages) >= 2


async def test_deliveries_that_wait_are_extended_while_a_handler_can_start() -> None:
    extended: list[int] = []
    after: list[pb.ConsumeRequest] = []
    finish = asyncio.Event()

    async def consume(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
        await anext(requests)
        yield opened(1)
        yield deliveries(1, 2, 3)
        while len(extended) < 4:
            extended.extend((await anext(requests)).extensions)
        assert set(extended) == {2, 3}
        yield withdrawal(pb.WITHDRAWAL_REASON_ACK_TIMEOUT, 1)
        await asyncio.sleep(0.1)
        more = asyncio.ensure_future(anext(requests))
        await asyncio.sleep(1)
        # The only handler is overdue.
        assert not more.done()
        finish.set()
        # The next one begins with most of its timeout.
        after.append(await more)
        consumer.stop()
        async for _ in requests:
            pass

    async def handle(delivery: Delivery) -> Outcome | None:
        if delivery.event.position == 1:
            await finish.wait()
        return Retry(0)

    async with Fake(Consume=consume) as fake, AsyncClient(fake.endpoint) as client:
        consumer = client.consume("g", handle)
        await asyncio.wait_for(consumer, 20)
    assert list(after[0].extensions) == [2]


async def test_a_handler_can_fail_in_any_way(client: AsyncClient, name: str) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    ways = [Silent(), asyncio.CancelledError("by itself"), ValueError("\udc80")]
    for number in range(len(ways)):
        await client.append(f"{name}-{number}", [Event.json("A", number)])
    await client.create_group(name, GroupSettings(query=Query.of(stream_prefixes=name), max_attempts=1))

    async def handle(delivery: Delivery) -> None:
        raise ways[delivery.event.json()]

    async with client.consume(name, handle), asyncio.timeout(30):
        while (await client.describe_group(name)).parked < len(ways):
            await asyncio.sleep(0.01)
    reasons = [parked.reason async for parked in client.list_parked(name)]
    assert reasons == ["Silent", "CancelledError: by itself", "ValueError: ?"]


async def test_an_acked_delivery_is_not_sent_twice_to_a_fast_consumer(client: AsyncClient, name: str) -> None:
    appended = await client.append(name, [Event("A") for _ in range(3_000)])
    await client.create_group(name)
    seen: list[int] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(delivery.event.position)

    async with client.consume(name, handle, permits=4_096):
        async with asyncio.timeout(60):
            while not seen or seen[-1] < appended.last_position:
                await asyncio.sleep(0.01)
    assert len(seen) == len(set(seen))
