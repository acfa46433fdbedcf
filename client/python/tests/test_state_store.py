"""Projections into state: what this store has that the others do not. `test_projections` has the common contract."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest

from annals import AsyncClient, Event, Put, Query, RecordedEvent, StateEntry, errors
from annals.testing import Server
from annals.toolkit import Projection, Projections, State, StateModel, StateStore
from annals.toolkit.stores.base import DoesNotFit, HandlerFailed, Superseded

from .conftest import REPOSITORY
from .counting import FAST, counts, fill, projection_of


@pytest.fixture
async def store(client: AsyncClient) -> AsyncIterator[StateStore]:
    async with StateStore(client) as store:
        yield store


def projection(name: str, handle: Any, **fields: Any) -> Projection[StateModel]:
    class Made(Projection[StateModel]):
        query: ClassVar[Query] = Query.of(stream_prefixes=name)
        tables: ClassVar[list[str]] = [f"{name}_rows"]

        def handle(self, event: RecordedEvent, model: StateModel) -> Any:
            return handle(event, model)

    Made.name = name
    for field, value in fields.items():
        setattr(Made, field, value)
    return Made()


async def rows(client: AsyncClient, name: str, generation: int) -> list[str]:
    return [entry.key async for entry in client.state_entries(f"read-models/{name}_rows__{generation}")]


async def settled(store: StateStore) -> None:
    await asyncio.gather(*store._clearing.values())


async def test_two_processes_apply_each_event_once(client: AsyncClient, annals_endpoint: str, name: str) -> None:
    async with AsyncClient(annals_endpoint) as other, StateStore(client) as one, StateStore(other) as two:
        first = Projections(client, one, [projection_of(one, name)], FAST)
        second = Projections(other, two, [projection_of(two, name)], FAST)
        async with first, second:
            for _ in range(60):
                position = await fill(client, f"{name}-a", 5)
                await asyncio.sleep(0.005)
            await first.wait_for(position)
            await second.wait_for(position)
        assert await counts(two, name) == {f"{name}-a": 300}
        assert await one.dead_letters(f"{name}-counts") == []


async def test_a_handler_reads_its_own_changes(client: AsyncClient, store: StateStore, name: str) -> None:
    table, seen = f"{name}_rows", []

    async def handle(event: RecordedEvent, model: StateModel) -> None:
        model.put(table, "b", b"1")
        model.put_json(table, "a", {"n": event.revision})
        model.put(table, "gone", b"")
        model.delete(table, "gone")
        seen.append((await model.get(table, "gone"), await model.get_json(table, "a"), await model.get(table, "old")))
        seen.append(await model.items(table))
        model.put(table, "old", b"\xff")

    one = projection(name, handle)
    async with Projections(client, store, [one], FAST) as projections:
        await projections.wait_for(await fill(client, f"{name}-a", 1))
        await projections.wait_for(await fill(client, f"{name}-a", 1))
    assert seen == [
        (None, {"n": 0}, None),
        [("a", b'{"n":0}'), ("b", b"1")],
        (None, {"n": 1}, b"\xff"),
        [("a", b'{"n":1}'), ("b", b"1"), ("old", b"\xff")],
    ]
    entry = await store.get(table, "a")
    assert entry is not None
    assert entry.json() == {"n": 1}
    assert await store.get(table, "gone") is None
    assert [entry.key for entry in await store.entries(table, "o")] == ["old"]
    assert await store.entries(f"{name}-none") == []


async def test_a_read_model_can_be_followed(client: AsyncClient, store: StateStore, name: str) -> None:
    one = projection(name, lambda event, model: model.put(f"{name}_rows", event.stream, b"1"))
    assert await store.scope(f"{name}_rows") is None
    async with Projections(client, store, [one], FAST) as projections:
        await projections.wait_for(await fill(client, f"{name}-a", 1))
        scope = await store.scope(f"{name}_rows")
        assert scope == f"read-models/{name}_rows__1"
        async with client.subscribe_state(scope) as subscription:
            item = await anext(subscription)
            assert isinstance(item, StateEntry)
            assert (item.key, item.value) == (f"{name}-a", b"1")


async def test_a_batch_with_too_many_changes_is_divided(client: AsyncClient, store: StateStore, name: str) -> None:
    def handle(event: RecordedEvent, model: StateModel) -> None:
        for nth in range(400 if event.type == "A" else 1_000):
            model.put(f"{name}_rows", f"{event.revision}-{nth}", b"x")

    await client.append(f"{name}-a", [Event(type) for type in "AAAAABAA"])
    async with Projections(client, store, [projection(name, handle)], FAST) as projections:
        await projections.wait_for((await client.server_info()).head)
        [letter] = await projections[name].dead_letters()
    assert (letter.revision, letter.reason) == (5, "ValueError: it changes more than 999 entries")
    assert len(await rows(client, name, 1)) == 7 * 400


async def test_a_batch_with_too_many_bytes_is_divided(client: AsyncClient, store: StateStore, name: str) -> None:
    def handle(event: RecordedEvent, model: StateModel) -> None:
        for nth in range(10):
            model.put(f"{name}_rows", f"{event.revision}-{nth}", b"x" * 60_000)

    position = await fill(client, f"{name}-a", 20)
    async with Projections(client, store, [projection(name, handle)], FAST) as projections:
        await projections.wait_for(position)
        assert await projections[name].dead_letters() == []
    assert len(await rows(client, name, 1)) == 200


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [("a\nb", b"", "InvalidField"), ("a", b"x" * 65_537, "TooLarge"), ("a", "text", "InvalidValue"), (7, b"", "Inv")],
)
async def test_an_event_with_an_invalid_change_becomes_a_dead_letter(
    client: AsyncClient, store: StateStore, name: str, key: Any, value: Any, reason: str
) -> None:
    def handle(event: RecordedEvent, model: StateModel) -> None:
        if event.type == "Bad":
            model.put(f"{name}_rows", key, value)
        else:
            model.put(f"{name}_rows", str(event.revision), b"")

    await client.append(f"{name}-a", [Event("Bad" if nth == 13 else "A") for nth in range(40)])
    async with Projections(client, store, [projection(name, handle)], FAST) as projections:
        await projections.wait_for((await client.server_info()).head)
        [letter] = await projections[name].dead_letters()
    assert letter.revision == 13
    assert letter.reason.startswith(reason)
    assert await rows(client, name, 1) == sorted(str(nth) for nth in range(40) if nth != 13)


async def test_a_long_reason_of_a_dead_letter_is_shortened(client: AsyncClient, store: StateStore, name: str) -> None:
    def handle(event: RecordedEvent, model: StateModel) -> None:
        raise ValueError("\ud800" + "x" * 100_000)

    position = await fill(client, f"{name}-a", 1)
    async with Projections(client, store, [projection(name, handle)], FAST) as projections:
        await projections.wait_for(position)
        [letter] = await projections[name].dead_letters()
    assert letter.reason.startswith("ValueError: ?xxx")
    assert len(letter.reason) == 8_000


async def test_a_failure_of_a_handler_that_another_process_disturbed_does_not_count(
    client: AsyncClient, store: StateStore, name: str
) -> None:
    other = StateStore(client)
    one = projection(name, lambda event, model: None)
    generation = await store.create(one, 1, uuid4(), live=True)
    await fill(client, f"{name}-a", 1)
    [event] = await client.read_stream(f"{name}-a").collect()

    async def disturbed(event: RecordedEvent, model: StateModel) -> None:
        await other.apply(generation, 0, event.position, (), one.handle)
        raise ValueError("it read what the other process had written")

    with pytest.raises(Superseded):
        await store.apply(generation, 0, event.position, [event], disturbed)

    def fails(event: RecordedEvent, model: StateModel) -> None:
        raise ValueError("always")

    with pytest.raises(HandlerFailed):
        await store.apply(generation, event.position, event.position + 1, [event], fails)


async def test_a_batch_is_divided_only_where_that_helps(client: AsyncClient, store: StateStore, name: str) -> None:
    store.check(one := projection(name, None))
    generation = await store.create(one, 1, uuid4(), live=True)
    await fill(client, f"{name}-a", 5)
    events = await client.read_stream(f"{name}-a").collect()

    def handle(event: RecordedEvent, model: StateModel) -> None:
        for nth in range(333):
            model.put(f"{name}_rows", f"{event.revision}-{nth}", b"x")

    with pytest.raises(DoesNotFit) as caught:
        await store.apply(generation, 0, 5, events, handle)
    # 999 changes fit beside that of the checkpoint.
    assert caught.value.fitting == 3
    assert await rows(client, name, 1) == []
    await store.apply(generation, 0, 3, events[:3], handle)
    assert len(await rows(client, name, 1)) == 999


async def test_the_entries_of_removed_generations_are_deleted(
    client: AsyncClient, store: StateStore, name: str
) -> None:
    def handle(event: RecordedEvent, model: StateModel) -> None:
        if event.type == "Bad":
            raise ValueError
        model.put(f"{name}_rows", str(event.revision), b"")

    await client.append(f"{name}-a", [Event("Bad"), *(Event("A") for _ in range(1_500))])
    one = projection(name, handle)
    async with Projections(client, store, [one], FAST) as projections:
        await projections.wait_for((await client.server_info()).head)
        await projections[name].rebuild()
        await settled(store)
        assert await rows(client, name, 1) == []
        assert len(await store.entries(f"{name}_rows")) == 1_500
        assert [letter.generation for letter in await store.dead_letters(name)] == [2]
        letters = [entry.key async for entry in client.state_entries(f"projections/{name}/dead-letters")]
        assert [key.partition("/")[0] for key in letters] == ["2"]
    entries = [entry.key async for entry in client.state_entries(f"projections/{name}")]
    assert entries == ["builds", "checkpoint/2"]


async def test_a_generation_begins_empty_even_if_its_number_was_used(
    client: AsyncClient, store: StateStore, name: str
) -> None:
    store.check(one := projection(name, None))
    live = await store.create(one, 1, uuid4(), live=True)
    old = await store.create(one, 2, live.store_id, live=False)
    await fill(client, f"{name}-a", 1)
    events = await client.read_stream(f"{name}-a").collect()
    await store.apply(old, 0, 1, events, lambda event, model: model.put(f"{name}_rows", "a", b""))
    # The process that removes it ends before it has deleted the entries.
    dying = StateStore(client)
    dying._clear_later = lambda name: None  # type: ignore[method-assign]
    await dying.remove(one, 2)
    await dying.remove(one, 2)
    assert await rows(client, name, 2) == ["a"]
    again = await store.create(one, 2, live.store_id, live=False)
    assert (again.position, await rows(client, name, 2)) == (0, [])
    # A process that still follows the removed one can't write to the new one.
    with pytest.raises(Superseded):
        await store.apply(old, 1, 2, events, lambda event, model: model.put(f"{name}_rows", "b", b""))
    assert await rows(client, name, 2) == []


async def test_a_reader_gets_a_whole_generation_during_rebuilds(
    client: AsyncClient, store: StateStore, name: str
) -> None:
    position = await fill(client, f"{name}-a", 30)
    one = projection(name, lambda event, model: model.put(f"{name}_rows", str(event.revision), b""))
    reader = StateStore(client)
    async with Projections(client, store, [one], FAST) as projections:
        await projections.wait_for(position)
        for _ in range(3):
            rebuilding = asyncio.create_task(projections[name].rebuild())
            while not rebuilding.done() or any(not task.done() for task in store._clearing.values()):
                assert len(await reader.entries(f"{name}_rows")) == 30
                assert await reader.get(f"{name}_rows", "7") is not None
            await rebuilding
    assert [one.number for one in await store.generations(name)] == [4]


async def test_a_table_belongs_to_one_projection(client: AsyncClient, store: StateStore, name: str) -> None:
    one = projection(name, lambda event, model: None)
    thief = projection(f"{name}2", lambda event, model: None, tables=[f"{name}_rows"])
    await store.create(one, 1, uuid4(), live=True)
    async with Projections(client, store, [thief], FAST) as projections:
        with pytest.raises(ValueError, match=f'table "{name}_rows" .* belongs to projection "{name}"'):
            await projections.wait_for(1)
        assert projections[thief.name].state is State.FAILED
    with pytest.raises(ValueError, match="reserved"):
        store.check(projection(f"{name}/dead-letters", None))


async def test_a_table_must_be_declared(client: AsyncClient, store: StateStore, name: str) -> None:
    position = await fill(client, f"{name}-a", 1)
    one = projection(name, lambda event, model: model.put("other", "a", b""))
    async with Projections(client, store, [one], FAST) as projections:
        await projections.wait_for(position)
        [letter] = await projections[name].dead_letters()
    assert "no table 'other'" in letter.reason


async def test_prefixes_keep_applications_apart(client: AsyncClient, name: str) -> None:
    position = await fill(client, f"{name}-a", 2)
    for prefix in ("one/", "two/"):
        async with StateStore(client, scope_prefix=f"{name}/{prefix}") as store:
            async with Projections(client, store, [projection_of(store, name)], FAST) as projections:
                await projections.wait_for(position)
            assert await counts(store, name) == {f"{name}-a": 2}
    assert await client.get_state(f"{name}/one/projections/{name}-counts", "builds") is not None
    assert await StateStore(client).generations(f"{name}-counts") == []


async def test_a_checkpoint_that_another_program_moved_is_read_again(
    client: AsyncClient, store: StateStore, name: str
) -> None:
    store.check(one := projection(name, lambda event, model: None))
    generation = await store.create(one, 1, uuid4(), live=True)
    await store.apply(generation, 0, 5, (), one.handle)
    moved = Put.json(f"projections/{name}", "checkpoint/1", {"position": 9, "storeId": str(generation.store_id)})
    await client.write_state([moved])
    with pytest.raises(Superseded):
        await store.apply(generation, 5, 6, (), one.handle)
    await store.apply(generation, 9, 10, (), one.handle)
    [now] = await store.generations(name)
    assert now.position == 10
    assert store.is_transient(errors.Overloaded("m"))
    assert not store.is_transient(ValueError())


async def test_a_read_model_of_another_language_is_continued(embedded: Server) -> None:
    """The file has what the tests of all toolkits begin with, and end with."""
    text = (REPOSITORY / "tests/interop/projection-in-state.json").read_text(encoding="utf-8")
    bad_id = UUID("6b1e7d1c-0000-4000-8000-000000000002")

    async def handle(event: RecordedEvent, model: StateModel) -> None:
        if event.type == "Bad":
            raise ValueError
        counted = await model.get_json("layout_rows", event.stream) or 0
        model.put_json("layout_rows", event.stream, counted + 1)

    async with AsyncClient(embedded.endpoint) as client, StateStore(client) as store:
        layout = json.loads(text.replace("STORE", str((await client.server_info()).store_id)))
        await client.write_state([Put.json(entry["scope"], entry["key"], entry["value"]) for entry in layout["before"]])
        await client.append("layout-a", [Event("A"), Event("Bad", id=bad_id), Event("A")])
        async with Projections(client, store, [projection("layout", handle, version=3)], FAST) as projections:
            await projections.wait_for(3)
            row = await store.get("layout_rows", "layout-a")
            assert row is not None
            assert row.json() == 2
            [letter] = await store.dead_letters("layout")
            assert (letter.event_id, letter.reason, letter.attempts) == (bad_id, "bad", 5)
            assert letter.buried_at == datetime(2026, 12, 1, 10, 20, 30, 456_789, UTC)
            await projections["layout"].rebuild()
            await settled(store)
        found = []
        for scope in dict.fromkeys(entry["scope"] for entry in layout["after"]):
            async for entry in client.state_entries(scope):
                value = entry.json()
                if scope.endswith("/dead-letters"):
                    value |= {"reason": "REASON", "buriedAt": "TIME"}
                found.append({"scope": scope, "key": entry.key, "value": value})
        assert found == [entry for entry in layout["after"] if "key" in entry]
