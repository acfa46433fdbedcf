"""Consumer groups: their operations, and consumers on a real server."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from annals import (
    Ack,
    AsyncClient,
    Client,
    Consumer,
    Delivery,
    Event,
    GroupMode,
    GroupSettings,
    GroupStart,
    Outcome,
    Park,
    ParkedSelection,
    Query,
    Retry,
    Skip,
    errors,
)
from annals.testing import Server


def settings(name: str, **changes: Any) -> GroupSettings:
    """Settings of a group of the streams whose names begin with `name`, with short times."""
    values: dict[str, Any] = {"retry_delay": 0.05, "max_retry_delay": 0.1, "max_attempts": 3}
    return GroupSettings(query=Query.of(stream_prefixes=name), **(values | changes))


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.01)


class Seen:
    """Notes what a handler gets."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    async def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)

    @property
    def places(self) -> list[tuple[str, int]]:
        return [(one.event.stream, one.event.revision) for one in self.deliveries]


async def fill(client: AsyncClient, streams: list[str], each: int) -> None:
    for _ in range(each):
        await asyncio.gather(*(client.append(stream, [Event("A")]) for stream in streams))


async def test_a_group_is_created_changed_listed_and_deleted(client: AsyncClient, name: str) -> None:
    wanted = settings(name, order_by_tag_prefix="customer:", ack_timeout=2.5, park_following=True)
    made = await client.create_group(name, wanted)
    assert (made.name, made.version, made.settings) == (name, 1, wanted)
    assert await client.create_group(name, wanted) == made
    with pytest.raises(errors.GroupExists) as exists:
        await client.create_group(name, settings(name))
    assert exists.value.group == name
    changed = await client.update_group(name, GroupSettings(mode=GroupMode.UNORDERED), expected_version=1)
    assert (changed.version, changed.settings.mode) == (2, GroupMode.UNORDERED)
    assert (changed.settings.ack_timeout, changed.settings.max_attempts) == (30.0, 10)
    with pytest.raises(errors.VersionConflict) as conflict:
        await client.update_group(name, wanted, expected_version=1)
    assert (conflict.value.group, conflict.value.prefix, conflict.value.actual) == (name, None, 2)
    assert str(conflict.value) == f'group "{name}" was expected to be at version 1, but is at version 2; read it again'
    for number in range(3):
        await client.create_group(f"{name}-{number}")
    assert [group.name async for group in client.list_groups(f"{name}-")] == [f"{name}-{number}" for number in range(3)]
    assert await client.delete_group(name)
    for missing in (client.describe_group(name), client.reset_group(name, GroupStart.end())):
        with pytest.raises(errors.GroupNotFound) as caught:
            await missing
        assert caught.value.group == name
    with pytest.raises(errors.PositionBeyondHead):
        await client.create_group(name, start=GroupStart.after(1 << 40))
    with pytest.raises(errors.InvalidField, match="ack_timeout"):
        await client.create_group(name, GroupSettings(ack_timeout=0.5))
    for bad in ({"concurrency": 0}, {"permits": 4_097}, {"permits": 0}, {"consumer": 7}):
        with pytest.raises(errors.InvalidValue):
            client.consume(name, Seen(), **bad)  # type: ignore[arg-type]


async def test_progress_is_described(client: AsyncClient, name: str) -> None:
    await fill(client, [name], 5)
    await client.create_group(name, settings(name))
    before = await client.describe_group(name)
    assert (before.done_position, before.consumers, before.leader) == (0, (), "")
    assert before.lag_events == before.head
    assert before.lag_seconds > 0
    seen = Seen()
    async with client.consume(name, seen, consumer="c", permits=7):
        await until(lambda: len(seen.deliveries) == 5)
        [consumer] = (await client.describe_group(name)).consumers
        assert (consumer.name, consumer.permits, consumer.active) == ("c", 7, True)
    after = await client.describe_group(name)
    assert (after.in_flight, after.retrying, after.parked, after.consumers) == (0, 0, 0, ())
    assert after.done_position >= seen.deliveries[-1].event.position


@pytest.mark.parametrize("mode", list(GroupMode))
async def test_events_are_handled_in_order_and_concurrently(client: AsyncClient, name: str, mode: GroupMode) -> None:
    streams = [f"{name}-{number}" for number in range(20)]
    await fill(client, streams, 10)
    await client.create_group(name, settings(name, mode=mode))
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    seen = Seen()

    async def handle(delivery: Delivery) -> Ack:
        for key in (delivery.event.stream, "all"):
            running[key] += 1
            most[key] = max(most[key], running[key])
        await seen(delivery)
        await asyncio.sleep(0.002)
        for key in (delivery.event.stream, "all"):
            running[key] -= 1
        return Ack()

    async with client.consume(name, handle, concurrency=8, permits=100):
        await until(lambda: len(seen.deliveries) == 200)
    assert most["all"] == (1 if mode is GroupMode.EXCLUSIVE else 8)
    assert sorted(seen.places) == sorted((stream, n) for stream in streams for n in range(10))
    if mode is not GroupMode.UNORDERED:
        assert max(most[stream] for stream in streams) == 1
        for stream in streams:
            assert [revision for one, revision in seen.places if one == stream] == list(range(10))


async def test_events_with_one_tag_are_in_order(client: AsyncClient, name: str) -> None:
    for number in range(30):
        tags = ("other:1", f"customer:{number % 2}")
        await client.append(f"{name}-{number}", [Event("A", tags=tags)])
    await client.create_group(name, settings(name, order_by_tag_prefix="customer:"))
    running: Counter[str] = Counter()
    seen: dict[str, list[int]] = {}

    async def handle(delivery: Delivery) -> None:
        tag = delivery.event.tags[1]
        assert running[tag] == 0
        running[tag] += 1
        seen.setdefault(tag, []).append(delivery.event.position)
        await asyncio.sleep(0.001)
        running[tag] -= 1

    async with client.consume(name, handle, concurrency=8):
        await until(lambda: sum(map(len, seen.values())) == 30)
    assert len(seen) == 2
    assert all(positions == sorted(positions) and len(positions) == 15 for positions in seen.values())


async def test_the_handler_decides(client: AsyncClient, name: str) -> None:
    await fill(client, [f"{name}-{kind}" for kind in ("raise", "retry", "park", "skip", "bad")], 2)
    await client.create_group(name, settings(name))
    seen = Seen()
    began: dict[int, float] = {}

    async def handle(delivery: Delivery) -> Outcome | None:
        await seen(delivery)
        if delivery.event.revision > 0:
            return None
        match delivery.event.stream.removeprefix(f"{name}-"):
            case "raise":
                raise ValueError("é" * 1_000)
            case "bad":
                return Retry(-1)
            case "retry":
                began[delivery.attempt] = time.monotonic()
                return Retry(0.4) if delivery.attempt == 1 else Ack()
            case "park":
                return Park("is spoiled")
        return Skip()

    async with client.consume(name, handle, concurrency=8):
        await until(lambda: len(seen.deliveries) == 2 * 5 + 2 + 2 + 1)
        await asyncio.sleep(0.2)
    assert began[2] - began[1] >= 0.4
    # An event that waits for its next attempt holds back the later ones of its stream.
    assert [one for one in seen.places if one[0] == f"{name}-raise"] == [(f"{name}-raise", n) for n in (0, 0, 0, 1)]
    assert [one for one in seen.places if one[0] == f"{name}-retry"] == [(f"{name}-retry", n) for n in (0, 0, 1)]
    parked = {one.stream: one async for one in client.list_parked(name, include_events=True)}
    assert set(parked) == {f"{name}-raise", f"{name}-park", f"{name}-bad"}
    assert parked[f"{name}-park"].reason == "is spoiled"
    assert (parked[f"{name}-park"].attempts, parked[f"{name}-raise"].attempts) == (1, 3)
    # Cut to 1,024 bytes, at the end of a character.
    assert parked[f"{name}-raise"].reason == "ValueError: " + "é" * 506
    assert parked[f"{name}-bad"].reason.startswith("InvalidValue: after is -1")
    event = parked[f"{name}-park"].event
    assert event is not None
    assert (event.stream, event.revision) == (f"{name}-park", 0)


async def test_parked_events_are_replayed_and_discarded(client: AsyncClient, name: str) -> None:
    await fill(client, [f"{name}-a", f"{name}-b", f"{name}-c"], 2)
    await client.create_group(name, settings(name))
    await client.create_group(f"{name}-repair", settings(name), start=GroupStart.end())
    spoiled = True
    seen, repaired = Seen(), Seen()

    async def handle(delivery: Delivery) -> Outcome | None:
        if spoiled:
            return Park("is spoiled")
        await seen(delivery)
        return None

    async def parked() -> list[int]:
        return [one.position async for one in client.list_parked(name)]

    async def count() -> bool:
        return len(await parked()) == 6

    async with client.consume(name, handle), client.consume(f"{name}-repair", repaired):
        await until(count)
        spoiled = False
        assert len([one async for one in client.list_parked(name, stream=f"{name}-a")]) == 2
        assert await client.replay_parked(name, ParkedSelection.stream(f"{name}-a")) == 2
        await until(lambda: seen.places == [(f"{name}-a", 0), (f"{name}-a", 1)])
        first = (await parked())[0]
        assert await client.discard_parked(name, ParkedSelection.positions([first])) == 1
        assert await client.replay_parked(name, ParkedSelection.all(), to_group=f"{name}-repair") == 3
        await until(lambda: len(repaired.deliveries) == 3)
        assert first not in [one.event.position for one in repaired.deliveries]
    assert await parked() == []


async def test_a_graceful_stop_settles_what_runs_and_returns_the_rest(client: AsyncClient, name: str) -> None:
    await fill(client, [name], 30)
    await client.create_group(name, settings(name))
    started, finish = asyncio.Event(), asyncio.Event()
    seen, rest = Seen(), Seen()

    async def handle(delivery: Delivery) -> None:
        await seen(delivery)
        started.set()
        await finish.wait()

    consumer = client.consume(name, handle, permits=20)
    consuming = asyncio.ensure_future(consumer)
    await started.wait()
    consumer.stop()
    await asyncio.sleep(0.1)
    assert not consuming.done()
    finish.set()
    await asyncio.wait_for(consuming, 10)
    assert len(seen.deliveries) == 1
    async with client.consume(name, rest):
        await until(lambda: len(rest.deliveries) == 29)
    assert rest.places == [(name, n) for n in range(1, 30)]
    assert {one.attempt for one in rest.deliveries} == {1}
    with pytest.raises(RuntimeError, match="once"):
        await consumer


async def test_a_cancelled_consumer_loses_nothing(client: AsyncClient, name: str) -> None:
    await fill(client, [name], 30)
    await client.create_group(name, settings(name, max_attempts=10))
    started = asyncio.Event()
    cancelled = False
    rest = Seen()

    async def handle(_: Delivery) -> None:
        nonlocal cancelled
        started.set()
        try:
            await asyncio.sleep(3_600)
        finally:
            cancelled = True

    consuming = asyncio.ensure_future(client.consume(name, handle))
    await started.wait()
    consuming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consuming
    assert cancelled
    async with client.consume(name, rest):
        await until(lambda: len(rest.deliveries) == 30)
    assert rest.places == [(name, n) for n in range(30)]


async def test_the_others_continue_when_a_consumer_is_killed(annals_endpoint: str, name: str) -> None:
    async with AsyncClient(annals_endpoint) as client:
        streams = [f"{name}-{number}" for number in range(8)]
        await fill(client, streams, 5)
        await client.create_group(name, settings(name))
        hangs = asyncio.Event()
        seen = Seen()

        async def hang(_: Delivery) -> None:
            hangs.set()
            await asyncio.sleep(3_600)

        killed = AsyncClient(annals_endpoint)
        lost = asyncio.ensure_future(killed.consume(name, hang))
        await hangs.wait()
        async with client.consume(name, seen, concurrency=4):
            # Its connection breaks, as if its process had been killed.
            await killed._caller.connection.close()
            await until(lambda: len(set(seen.places)) == 40)
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)
        for stream in streams:
            assert [revision for one, revision in seen.places if one == stream] == list(range(5))


async def test_a_handler_that_hangs_loses_its_event_and_no_other(client: AsyncClient, name: str) -> None:
    await fill(client, [f"{name}-hangs", *(f"{name}-{number}" for number in range(5))], 4)
    await client.create_group(name, settings(name, ack_timeout=1.0, max_attempts=30))
    seen = Seen()
    finish = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        await seen(delivery)
        if delivery.event.stream == f"{name}-hangs" and delivery.attempt == 1 and delivery.event.revision == 0:
            await finish.wait()
        elif not finish.is_set():
            # Those that wait are extended meanwhile.
            await asyncio.sleep(0.2)

    async with client.consume(name, handle, concurrency=2, permits=50):
        await until(lambda: sum(one[0] != f"{name}-hangs" for one in seen.places) == 20)
        finish.set()
        await until(lambda: (f"{name}-hangs", 3) in seen.places)
    others = [one for one in seen.deliveries if one.event.stream != f"{name}-hangs"]
    assert {one.attempt for one in others} == {1}
    # The second attempt waited until the first had ended.
    hung = [(one.event.revision, one.attempt) for one in seen.deliveries if one.event.stream == f"{name}-hangs"]
    assert hung[0] == (0, 1)
    assert [revision for revision, _ in hung] == [0, 0, 1, 2, 3]


async def test_a_slow_consumer_is_there_again_when_its_handler_ends(client: AsyncClient, name: str) -> None:
    await fill(client, [name], 3)
    await client.create_group(name, settings(name, ack_timeout=4.0))
    seen = Seen()
    finish = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        await seen(delivery)
        if delivery.attempt == 1 and delivery.event.revision == 0:
            # Until after it has been withdrawn, but not so long that the server would try again on its own.
            await finish.wait()

    consumer = client.consume(name, handle)
    async with consumer:
        await until(lambda: consumer._lanes.running_lost == 1)
        finish.set()
        began = time.monotonic()
        await until(lambda: seen.places == [(name, 0), (name, 0), (name, 1), (name, 2)])
        assert time.monotonic() - began < 2


async def test_a_consumer_survives_kills_of_the_server(embedded: Server) -> None:
    streams = [f"s-{number}" for number in range(10)]
    rounds, each = 4, 50
    seen = Seen()
    running: Counter[str] = Counter()

    async def handle(delivery: Delivery) -> None:
        stream = delivery.event.stream
        assert running[stream] == 0
        running[stream] += 1
        await asyncio.sleep(0.002)
        await seen(delivery)
        running[stream] -= 1

    async with AsyncClient(embedded.endpoint, timeout=60) as client:
        await client.create_group("g", settings("s-", max_attempts=100))
        async with client.consume("g", handle, concurrency=8):
            for nth in range(rounds):
                await fill(client, streams, each)
                target = len(streams) * each * nth + 100
                await until(lambda target=target: len(set(seen.places)) >= target)
                await asyncio.to_thread(embedded.kill)
                await asyncio.to_thread(embedded.start)
            await until(lambda: len(set(seen.places)) == rounds * each * len(streams))
        status = await client.describe_group("g")
        assert (status.in_flight, status.retrying, status.parked) == (0, 0, 0)
    for stream in streams:
        revisions = [revision for one, revision in seen.places if one == stream]
        # After a crash, events are delivered again, but none is left out: each is at most one after the greatest.
        greatest = -1
        for revision in revisions:
            assert revision <= greatest + 1
            greatest = max(greatest, revision)
        assert greatest == rounds * each - 1


async def test_a_paused_server_is_noticed(embedded: Server) -> None:
    seen = Seen()
    async with AsyncClient(embedded.endpoint) as client, AsyncClient(embedded.endpoint) as writer:
        await client.create_group("g", settings("s"))
        consumer = client.consume("g", seen)
        async with consumer:
            await until(lambda: consumer._outbox is not None)
            await asyncio.to_thread(embedded.freeze)
            await until(lambda: consumer._outbox is None, 20)
            await asyncio.to_thread(embedded.thaw)
            await fill(writer, ["s"], 3)
            await until(lambda: len(set(seen.places)) == 3)


async def test_it_ends_with_permanent_errors(client: AsyncClient, name: str) -> None:
    with pytest.raises(errors.GroupNotFound):
        await client.consume(name, Seen())
    with pytest.raises(errors.InvalidField, match="consumer"):
        await client.consume(name, Seen(), consumer="\n")
    await client.create_group(name, settings(name))
    first = asyncio.ensure_future(client.consume(name, Seen(), consumer="same"))
    await until(lambda: _connected(client, name, 1))
    second = asyncio.ensure_future(client.consume(name, Seen(), consumer="same"))
    with pytest.raises(errors.ConsumerReplaced) as replaced:
        await asyncio.wait_for(first, 10)
    assert replaced.value.consumer == "same"
    await client.delete_group(name)
    with pytest.raises(errors.GroupNotFound):
        await asyncio.wait_for(second, 10)


async def _connected(client: AsyncClient, group: str, count: int) -> bool:
    return len((await client.describe_group(group)).consumers) == count


async def test_one_consumer_of_an_exclusive_group_is_active(client: AsyncClient, name: str) -> None:
    await client.create_group(name, settings(name, mode=GroupMode.EXCLUSIVE))
    first, second = Seen(), Seen()
    consumer: Consumer = client.consume(name, first, consumer="first")
    consuming = asyncio.ensure_future(consumer)
    await until(lambda: _connected(client, name, 1))
    async with client.consume(name, second, consumer="second"):
        await until(lambda: _connected(client, name, 2))
        await fill(client, [f"{name}-a", f"{name}-b"], 5)
        await until(lambda: len(first.deliveries) == 10)
        assert [one.active for one in (await client.describe_group(name)).consumers] == [True, False]
        consumer.stop()
        await consuming
        await fill(client, [name], 5)
        await until(lambda: len(second.deliveries) == 5)


async def test_a_group_that_is_reset_is_consumed_again(client: AsyncClient, name: str) -> None:
    await fill(client, [name], 5)
    await client.create_group(name, settings(name))
    seen = Seen()
    async with client.consume(name, seen):
        await until(lambda: len(seen.deliveries) == 5)
        position = seen.deliveries[1].event.position
        assert await client.reset_group(name, GroupStart.after(position)) == position
        await until(lambda: len(seen.deliveries) == 8)
    assert seen.places[5:] == [(name, 2), (name, 3), (name, 4)]


def test_threads_consume(annals_endpoint: str, name: str) -> None:
    with Client(annals_endpoint) as client:
        for number in range(20):
            client.append(f"{name}-{number}", [Event("A")])
        client.create_group(name, settings(name))
        threads: set[str] = set()
        seen: list[int] = []
        together = threading.Barrier(4, timeout=30)

        def handle(delivery: Delivery) -> Outcome | None:
            threads.add(threading.current_thread().name)
            if delivery.event.stream in {f"{name}-{number}" for number in range(4)}:
                together.wait()
            # A handler may use the client.
            client.append(f"done-{name}", [Event("B")])
            seen.append(delivery.event.position)
            if len(seen) == 20:
                consumer.stop()
            return None

        consumer = client.consume(name, handle, concurrency=4)
        consumer.run()
        assert len(seen) == len(set(seen)) == 20
        assert len(threads) == 4
        status = client.describe_group(name)
        assert (status.in_flight, status.retrying, status.parked) == (0, 0, 0)
        assert [group.name for group in client.list_groups(name)] == [name]
        with client.consume(name, lambda _: None) as background:
            assert background.name
        assert client.delete_group(name)
