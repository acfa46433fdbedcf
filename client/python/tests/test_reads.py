"""Reads and subscriptions, while the server is running."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from annals import (
    AsyncClient,
    CaughtUp,
    Checkpoint,
    Event,
    Query,
    QueryItem,
    RecordedEvent,
    Retention,
    ScavengeState,
    Subscription,
    errors,
)
from annals.testing import Server


async def fill(client: AsyncClient, stream: str, count: int) -> None:
    for start in range(0, count, 1_000):
        numbers = range(start, min(start + 1_000, count))
        await client.append(stream, [Event.json("Even" if n % 2 == 0 else "Odd", n, tags=[f"n:{n}"]) for n in numbers])


async def test_a_read_ends_with_the_stream(client: AsyncClient, name: str) -> None:
    await fill(client, name, 3_000)
    read = await client.read_stream(name)
    await client.append(name, [Event("Late")])
    assert read.last_revision == 2_999
    assert read.head >= 3_000
    assert [event.json() async for event in read] == list(range(3_000))
    assert [event async for event in read] == []


async def test_batches_hold_the_same_events(client: AsyncClient, name: str) -> None:
    await fill(client, name, 3_000)
    batches = [batch async for batch in client.read_stream(name).batches()]
    assert 1 < len(batches) < 3_000
    assert [event.revision for batch in batches for event in batch] == list(range(3_000))


async def test_reads_have_limits_and_directions(client: AsyncClient, name: str) -> None:
    await fill(client, name, 10)

    async def revisions(**options: object) -> list[int]:
        return [event.revision async for event in client.read_stream(name, **options)]  # type: ignore[arg-type]

    assert await revisions(limit=3) == [0, 1, 2]
    assert await revisions(from_revision=8) == [8, 9]
    assert await revisions(backwards=True, limit=2) == [9, 8]
    assert await revisions(backwards=True, from_revision=1) == [1, 0]
    assert await revisions(query=Query.of(types="Odd")) == [1, 3, 5, 7, 9]
    assert await revisions(query=Query.of(types="Odd") | QueryItem(tags=("n:4",)), from_revision=4) == [4, 5, 7, 9]
    assert await revisions(from_revision=10) == []


async def test_the_whole_log_is_read_in_order(client: AsyncClient, name: str) -> None:
    await fill(client, name, 50)
    await fill(client, f"{name}-2", 50)
    query = Query.of(stream_prefixes=name)
    events = await client.read_all(query=query).collect()
    assert [event.json() for event in events] == [*range(50), *range(50)]
    backwards = await client.read_all(query=query, backwards=True).collect()
    assert backwards == events[::-1]
    last = events[-1].position
    assert [event.position async for event in client.read_all(from_position=last, limit=1)] == [last]


async def test_errors_are_raised_when_a_read_begins(client: AsyncClient, name: str) -> None:
    with pytest.raises(errors.StreamNotFound):
        await client.read_stream(name)
    with pytest.raises(RuntimeError, match="await it first"):
        _ = client.read_stream(name).head
    await client.append(name, [Event("A")])
    with pytest.raises(errors.RevisionBeyondEnd) as beyond:
        await client.read_stream(name, from_revision=5)
    assert (beyond.value.revision, beyond.value.last_revision) == (5, 0)
    head = (await client.server_info()).head
    with pytest.raises(errors.PositionBeyondHead) as caught:
        await client.read_all(from_position=head + 100)
    assert caught.value.head >= head


async def test_a_query_matches_like_the_server(client: AsyncClient, name: str) -> None:
    await fill(client, f"{name}-a", 6)
    await fill(client, f"{name}-b", 6)
    everything = await client.read_all(query=Query.of(stream_prefixes=name)).collect()
    queries = [
        Query.of(stream_prefixes=name, types=["Odd"]),
        Query.of(streams=[f"{name}-a"], tags="n:3"),
        Query.of(streams=[f"{name}-a"], stream_prefixes=f"{name}-b", type_prefixes="Ev"),
        Query.of(tags=["n:1", "n:2"]) | Query.of(stream_prefixes=name, tags="n:2"),
    ]
    for query in queries:
        judged = [event for event in everything if query.matches(event)]
        found = await client.read_all(query=query, from_position=everything[0].position).collect()
        assert [event for event in found if event.stream.startswith(name)] == judged


async def test_a_subscription_catches_up_and_continues(client: AsyncClient, name: str) -> None:
    await fill(client, name, 2_500)
    numbers, caught_up = [], False
    async with client.subscribe_all(query=Query.of(streams=name)) as subscription:
        async for item in subscription:
            match item:
                case RecordedEvent():
                    numbers.append(item.json())
                case CaughtUp() if not caught_up:
                    caught_up = True
                    assert numbers == list(range(2_500))
                    await client.append(name, [Event.json("Even", 2_500)])
            if len(numbers) == 2_501:
                break
    assert caught_up


async def test_a_subscription_to_a_stream_waits_for_it(client: AsyncClient, name: str) -> None:
    subscription = await client.subscribe_stream(name)
    await fill(client, name, 5)
    events = subscription.events()
    assert [(await anext(events)).revision for _ in range(5)] == [0, 1, 2, 3, 4]
    await subscription.aclose()
    async with client.subscribe_stream(name, after_revision=3) as resumed:
        assert (await anext(resumed.events())).revision == 4


async def caught_up_at(subscription: Subscription) -> int | None:
    """Waits for `CaughtUp`, and returns its revision."""
    async for item in subscription:
        if isinstance(item, CaughtUp):
            return item.revision
    raise AssertionError("the subscription ended")


async def test_notices_of_a_subscription_to_a_stream_have_its_revision(client: AsyncClient, name: str) -> None:
    async with client.subscribe_stream(name) as subscription:
        assert await caught_up_at(subscription) is None
    await fill(client, name, 5)
    async with client.subscribe_stream(name, query=Query.of(types="Even"), after_revision=3) as subscription:
        assert (await anext(subscription.events())).revision == 4
    async with client.subscribe_stream(name, query=Query.of(types="Other")) as subscription:
        assert await caught_up_at(subscription) == 4
    async with client.subscribe_stream(name, after_revision=4) as resumed:
        await client.append(name, [Event("New")])
        assert (await anext(resumed.events())).revision == 5
    async with client.subscribe_all(from_end=True) as everything:
        assert await caught_up_at(everything) is None


async def test_from_the_end_means_the_end_at_the_time_of_the_call(client: AsyncClient, name: str) -> None:
    await fill(client, name, 5)
    for subscription in (client.subscribe_all(from_end=True), client.subscribe_stream(name, from_end=True)):
        async with subscription:
            await client.append(name, [Event("New")])
            async for event in subscription.events():
                assert event.type == "New"
                break


async def test_closing_ends_an_iteration(client: AsyncClient) -> None:
    subscription = await client.subscribe_all(from_end=True)

    async def count() -> int:
        return len([item async for item in subscription if isinstance(item, RecordedEvent)])

    counting = asyncio.create_task(count())
    await asyncio.sleep(0.2)
    await subscription.aclose()
    assert await asyncio.wait_for(counting, 5) >= 0


async def test_a_feed_closed_before_it_began_makes_no_call(annals_endpoint: str) -> None:
    async with AsyncClient(annals_endpoint) as client:
        for feed in (client.read_all(), client.subscribe_all()):
            await feed.aclose()
            assert [item async for item in feed] == []
        assert client._caller.connection.pick()._channel is None


async def test_a_filtered_subscription_reports_its_progress(client: AsyncClient, name: str) -> None:
    async with client.subscribe_all(from_end=True, query=Query.of(types=f"{name}-never")) as subscription:
        appended = await client.append(name, [Event("A")])
        async for item in subscription:
            if isinstance(item, Checkpoint | CaughtUp) and item.position >= appended.last_position:
                break


async def test_a_checkpoint_of_another_store_is_rejected(client: AsyncClient) -> None:
    # Many times, because the rejection is received in two parts, between which it must not count as accepted.
    for _ in range(50):
        with pytest.raises(errors.PositionBeyondHead):
            await client.subscribe_all(after=10**12)
    with pytest.raises(ValueError, match="not both"):
        client.subscribe_all(after=1, from_end=True)


async def test_streams_are_listed_with_their_properties(client: AsyncClient, name: str) -> None:
    async with client.append_pipeline() as pipeline:
        for nth in range(1_050):
            await pipeline.append(f"{name}-{nth:04}", [Event("A")])
    names = [stream.name async for stream in client.list_streams(name)]
    assert names == [f"{name}-{nth:04}" for nth in range(1_050)]
    info = await client.stream_info(f"{name}-0007")
    assert (info.name, info.last_revision) == (f"{name}-0007", 0)
    assert info.first_position == info.last_position
    with pytest.raises(errors.StreamNotFound):
        await client.stream_info(f"{name}-none")


async def test_the_server_reports_its_engine_and_limits(client: AsyncClient) -> None:
    info = await client.server_info()
    assert info.engine == "memory"
    assert info.limits.max_append_events == 10_000


async def test_reads_of_the_past(client: AsyncClient, name: str) -> None:
    await fill(client, name, 3)
    first = (await client.read_stream(name, limit=1).collect())[0]
    await asyncio.sleep(0.01)
    await client.append(name, [Event("Later")])
    assert len(await client.read_stream(name, until=1).collect()) == 2
    assert len(await client.read_stream(name, until=first.recorded_at).collect()) == 3
    until = await client.read_all(until=first.position, backwards=True, limit=1).collect()
    assert until == [first]
    at = await client.position_at_time(first.recorded_at)
    assert first.position <= at < (await client.server_info()).head
    assert await client.position_at_time(datetime(2000, 1, 1, tzinfo=UTC)) == 0


async def test_retention_removes_events(client: AsyncClient, name: str) -> None:
    await fill(client, name, 10)
    assert (await client.retention(name)).version == 0
    kept = await client.set_retention(name, Retention(max_count=3, max_age=timedelta(days=1)), expected_version=0)
    assert kept.version == 1
    assert kept.retention.max_age == timedelta(days=1)
    assert [event.revision async for event in client.read_stream(name)] == [7, 8, 9]
    assert (await client.stream_info(name)).first_revision == 7
    with pytest.raises(errors.VersionConflict):
        await client.set_retention(name, Retention(), expected_version=0)


async def test_a_retention_of_a_prefix_applies_to_streams_without_their_own(client: AsyncClient, name: str) -> None:
    prefix = f"{name}-"
    await fill(client, f"{prefix}1", 5)
    await fill(client, f"{prefix}2", 5)
    assert (await client.prefix_retention(prefix)).version == 0
    kept = await client.set_prefix_retention(prefix, Retention(max_count=2), expected_version=0)
    assert (kept.prefix, kept.retention, kept.version) == (prefix, Retention(max_count=2), 1)
    await client.set_retention(f"{prefix}2", Retention(max_count=1))
    assert [event.revision async for event in client.read_stream(f"{prefix}1")] == [3, 4]
    assert [event.revision async for event in client.read_stream(f"{prefix}2")] == [4]
    assert (await client.stream_info(f"{prefix}1")).retention_prefix == prefix
    assert (await client.stream_info(f"{prefix}2")).retention_prefix is None
    assert kept in await client.prefix_retentions()
    with pytest.raises(errors.VersionConflict) as refused:
        await client.set_prefix_retention(prefix, Retention(), expected_version=0)
    assert (refused.value.prefix, refused.value.actual) == (prefix, 1)
    with pytest.raises(errors.InvalidField):
        await client.set_prefix_retention("", Retention(max_count=1))
    await client.set_prefix_retention(prefix, Retention())
    assert prefix not in {one.prefix for one in await client.prefix_retentions()}


async def test_deleted_and_tombstoned_streams(client: AsyncClient, name: str) -> None:
    await fill(client, name, 3)
    with pytest.raises(errors.RevisionConflict):
        await client.delete_stream(name, expected=7)
    assert (await client.delete_stream(name, expected=2)).last_revision == 2
    with pytest.raises(errors.StreamNotFound):
        await client.read_stream(name)
    assert (await client.append(name, [Event("Again")])).first_revision == 3
    assert not (await client.tombstone_stream(name)).already_tombstoned
    assert (await client.tombstone_stream(name)).already_tombstoned
    for call in (client.append(name, [Event("No")]), client.stream_info(name)):
        with pytest.raises(errors.StreamTombstoned):
            await call


async def test_snapshots_are_selected_by_schema_version_and_revision(client: AsyncClient, name: str) -> None:
    await fill(client, name, 10)
    assert await client.load_snapshot(name) is None
    await client.save_snapshot(name, 4, b"old", schema_version=1)
    await client.save_snapshot(name, 8, b"new", schema_version=2)
    newest = await client.load_snapshot(name)
    assert newest is not None
    assert newest.data == b"new"
    old = await client.load_snapshot(name, schema_version=1)
    assert old is not None
    assert (old.stream, old.revision, old.data) == (name, 4, b"old")
    assert await client.load_snapshot(name, at_or_before=7) == old
    assert await client.load_snapshot(name, at_or_before=3) is None


async def test_a_scavenge_finishes(client: AsyncClient, name: str) -> None:
    await fill(client, name, 10)
    await client.set_retention(name, Retention(max_count=1))
    started = await client.start_scavenge()
    async with asyncio.timeout(30):
        while (scavenge := await client.scavenge_status()) and scavenge.state is ScavengeState.RUNNING:
            await asyncio.sleep(0.05)
    assert scavenge is not None
    assert (scavenge.state, scavenge.started_at) == (ScavengeState.FINISHED, started.started_at)
    assert await client.stop_scavenge() == scavenge
    assert [event.revision async for event in client.read_stream(name)] == [9]


async def test_there_is_no_scavenge_before_the_first() -> None:
    with Server() as server:
        async with AsyncClient(server.endpoint) as client:
            assert await client.scavenge_status() is None
            assert await client.stop_scavenge() is None
