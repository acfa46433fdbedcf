"""Aggregates and decision models against a real server."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from annals import AsyncClient, Client, Event, RevisionConflict
from annals.toolkit import ConflictPolicy, Decisions, Repository, Snapshots, metadata

from .domain import Course, CourseOffered, Order, OrderCreated, RuleBroken, Student, To, enrol, types

PRICE = Decimal("9.90")


def orders(client: AsyncClient, name: str, **options: object) -> Repository[Order]:
    return Repository(client, Order, types, prefix=name, **options)  # type: ignore[arg-type]


async def test_commands_decide_on_the_events_so_far(client: AsyncClient, name: str) -> None:
    repository = orders(client, name)
    created = await repository.execute("1", lambda order: order.create("ada"))
    assert (created.stream, created.revision, created.events) == (f"{name}-1", 0, (OrderCreated("ada"),))
    with pytest.raises(RuleBroken):
        await repository.execute("1", lambda order: order.create("ada"))
    await repository.execute("1", lambda order: order.add("book", PRICE))
    done = await repository.execute("1", lambda order: order.confirm())
    assert done.state == Order("ada", PRICE, {"book": 1}, confirmed=True)
    loaded = await repository.load("1")
    assert (loaded.state, loaded.revision) == (done.state, 2)
    again = await repository.execute("1", lambda order: order.confirm())
    assert (again.events, again.position, again.revision) == ((), None, 2)


async def test_a_conflict_is_decided_again(client: AsyncClient, name: str) -> None:
    repository = orders(client, name, conflicts=ConflictPolicy(tries_max=100))
    await repository.execute("1", lambda order: order.create("ada"))
    await asyncio.gather(*(repository.execute("1", lambda order: order.add("book", PRICE)) for _ in range(20)))
    assert (await repository.load("1")).state.items == {"book": 20}


async def test_attempts_are_bounded(client: AsyncClient, name: str) -> None:
    repository = orders(client, name, conflicts=ConflictPolicy(tries_max=3))
    decided = 0

    async def decide(order: Order) -> list[object]:
        nonlocal decided
        decided += 1
        await client.append(repository.stream("1"), [types.encode(OrderCreated("eve"))])
        return order.add("book", PRICE)

    with pytest.raises(RevisionConflict):
        await repository.execute("1", decide)
    assert decided == 3


async def test_the_state_the_caller_saw_must_be_current(client: AsyncClient, name: str) -> None:
    repository = orders(client, name)
    created = await repository.execute("1", lambda order: order.create("ada"))
    await repository.execute("1", lambda order: order.add("book", PRICE), expected=created.revision)
    with pytest.raises(RevisionConflict):
        await repository.execute("1", lambda order: order.add("pen", PRICE), expected=created.revision)


@pytest.mark.parametrize("racing", [False, True])
async def test_a_command_takes_effect_once(client: AsyncClient, name: str, racing: bool) -> None:
    repository = orders(client, name)
    command_id = uuid4()

    async def command():
        return await repository.execute("1", lambda order: order.add("book", PRICE), command_id=command_id)

    if racing:
        results = await asyncio.gather(*(command() for _ in range(10)))
    else:
        results = [await command()]
        await repository.execute("1", lambda order: order.add("pen", PRICE))
        results.append(await command())
    assert sum(not result.already_executed for result in results) == 1
    assert (await repository.load("1")).state.items["book"] == 1
    [event] = await client.read_stream(f"{name}-1", limit=1).collect()
    assert {result.position for result in results} == {event.position}


async def test_events_have_the_metadata_of_the_command(client: AsyncClient, name: str) -> None:
    repository = orders(client, name)
    with metadata.context(user_id="ada"):
        await repository.execute("1", lambda order: [*order.create("ada"), *order.add("book", PRICE)])
    first, second = [event.json_metadata() async for event in client.read_stream(f"{name}-1")]
    assert first["userId"] == "ada"
    assert first["correlationId"] == second["correlationId"]
    assert first["schemaVersion"] == 2


async def test_snapshots_are_saved_and_used(client: AsyncClient, name: str) -> None:
    repository = orders(client, name, snapshots=Snapshots(every=10))
    command_id = uuid4()
    await repository.execute("1", lambda order: order.add("first", PRICE), command_id=command_id)
    for _ in range(24):
        await repository.execute("1", lambda order: order.add("book", PRICE))
        await repository.settle()
    loaded = await repository.load("1")
    assert loaded.snapshot_revision == 19
    assert loaded.state.items == {"first": 1, "book": 24}
    again = await repository.execute("1", lambda order: order.add("first", PRICE), command_id=command_id)
    assert again.already_executed
    past = await repository.load("1", until=4)
    assert past.state.items == {"first": 1, "book": 4}
    newer = orders(client, name, snapshots=Snapshots(every=10, schema_version=2))
    assert (await newer.load("1")).snapshot_revision is None


async def test_an_aggregate_is_loaded_as_it_was(client: AsyncClient, name: str) -> None:
    repository = orders(client, name, snapshots=Snapshots(every=3))
    for _ in range(7):
        await repository.execute("1", lambda order: order.add("book", PRICE))
        await repository.settle()
        await asyncio.sleep(0.002)  # so that no two are of the same time
    events = await client.read_stream(f"{name}-1").collect()
    for event in events:
        past = await repository.load("1", until=event.recorded_at)
        assert (past.revision, past.state.items) == (event.revision, {"book": event.revision + 1})
    before = await repository.load("1", until=events[0].recorded_at - timedelta(microseconds=1))
    assert (before.state, before.revision) == (Order(), None)


def test_snapshots_require_a_dataclass() -> None:
    class Plain:
        def apply(self, event: object) -> None: ...

    with pytest.raises(TypeError, match="dataclass"):
        Repository(None, Plain, types, prefix="x")  # type: ignore[arg-type]


def test_synchronous_code_runs_the_toolkit(annals_endpoint: str, name: str) -> None:
    with Client(annals_endpoint) as client:
        repository = orders(client.aio, name)
        with metadata.context(user_id="ada"):
            client.run(repository.execute("1", lambda order: order.create("ada")))
        [event] = client.read_stream(f"{name}-1")
        assert event.json_metadata()["userId"] == "ada"


async def test_a_foreign_event_in_the_stream_is_reported(client: AsyncClient, name: str) -> None:
    await client.append(f"{name}-1", [Event("Foreign")])
    with pytest.raises(LookupError, match="Foreign"):
        await orders(client, name).load("1")


async def test_places_are_not_assigned_twice(client: AsyncClient, name: str) -> None:
    decisions = Decisions(client, types, conflicts=ConflictPolicy(tries_max=100))
    course = f"{name}-c"
    await client.append(f"course-{course}", [types.encode(CourseOffered(course, 5))])

    async def try_to_enrol(nth: int) -> bool:
        try:
            decided = await decisions.execute(lambda: (Course(course), Student(f"{name}-s{nth}")), enrol)
        except RuleBroken:
            return False
        return bool(decided.events)

    results = await asyncio.gather(*map(try_to_enrol, range(15)))
    assert sum(results) == 5
    loaded, student = await decisions.load(lambda: (Course(course), Student("absent")))
    assert (len(loaded.students), student.courses) == (5, 0)
    events = await client.read_all(query=Course(course).query).collect()
    assert len(events) == 6


async def test_a_decision_with_an_id_takes_effect_once(client: AsyncClient, name: str) -> None:
    decisions = Decisions(client, types)
    command_id = uuid4()

    async def offer():
        return await decisions.execute(
            lambda: Course(name), lambda _: [To(f"course-{name}", CourseOffered(name, 1))], command_id=command_id
        )

    results = await asyncio.gather(*(offer() for _ in range(8)))
    assert len({result.position for result in results}) == 1
    assert sum(not result.already_executed for result in results) == 1
