"""State: reads, writes with checks, updates under contention, and appends that change state."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from annals import (
    Absent,
    AsyncClient,
    AtVersion,
    Client,
    ConflictPolicy,
    Delete,
    Event,
    Expected,
    Put,
    StateCaughtUp,
    StateEntry,
    Write,
    errors,
)

MANY = ConflictPolicy(tries_max=1_000, pause_max_seconds=0.05)


def up(value: bytes | None) -> bytes:
    return str(int(value or b"0") + 1).encode()


async def test_a_write_is_read(client: AsyncClient, name: str) -> None:
    assert await client.get_state(name, "a") is None
    assert (await client.get_state_with_version(name, "a")).scope_version == 0
    written = await client.write_state([Put(name, "a", b"\x00\xff"), Put.json(name, "b", {"n": 1}), Delete(name, "c")])
    assert (written.versions, written.already_written) == ((1, 2, 0), False)
    found = await client.get_state_with_version(name, "a")
    assert found.scope_version == 2
    assert found.entry == StateEntry(name, "a", b"\x00\xff", 1, written.changed_at)
    entry = await client.get_state(name, "b")
    assert entry is not None
    assert entry.json() == {"n": 1}
    assert (await client.write_state([Delete(name, "a")])).versions == (3,)
    assert await client.get_state(name, "a") is None


async def test_pages_and_all_entries_are_in_the_order_of_their_keys(client: AsyncClient, name: str) -> None:
    keys = [f"{prefix}{nth:04}" for prefix in "ba" for nth in range(700)]
    for start in range(0, len(keys), 1_000):
        await client.write_state([Put(name, key, key.encode()) for key in keys[start : start + 1_000]])
    page = await client.list_state(name)
    assert ([entry.key for entry in page.entries], page.has_more) == (sorted(keys)[:100], True)
    assert page.scope_version == 1_400
    page = await client.list_state(name, prefix="b", after="b0697", page_size=2)
    assert ([entry.key for entry in page.entries], page.has_more) == (["b0698", "b0699"], False)
    assert [entry.key async for entry in client.state_entries(name)] == sorted(keys)
    assert [entry.value async for entry in client.state_entries(name, prefix="b")] == [
        key.encode() for key in sorted(keys)[700:]
    ]
    assert [entry async for entry in client.state_entries(f"{name}-none")] == []


async def test_a_write_depends_on_its_checks(client: AsyncClient, name: str) -> None:
    await client.write_state([Put(name, "a", b"1")], checks=[Absent(name, "a"), Absent(f"{name}-other", "a")])
    with pytest.raises(errors.ChecksFailed) as caught:
        await client.write_state(
            [Put(name, "b", b"2"), Put(f"{name}-other", "b", b"2")],
            checks=[Absent(f"{name}-none", "a"), Absent(name, "a"), AtVersion(name, "b", 7)],
        )
    assert caught.value.failed == (
        errors.FailedCheck(1, errors.StateMismatch(name, "a", None, 1)),
        errors.FailedCheck(2, errors.StateMismatch(name, "b", 7, None)),
    )
    assert isinstance(caught.value, errors.Conflict)
    assert await client.get_state(name, "b") is None
    assert await client.get_state(f"{name}-other", "b") is None


async def test_a_write_is_repeated_with_its_id(client: AsyncClient, name: str) -> None:
    write_id = uuid4()
    first = await client.write_state([Put(name, "a", b"1")], checks=[Absent(name, "a")], id=write_id)
    again = await client.write_state([Put(name, "a", b"1")], checks=[Absent(name, "a")], id=write_id)
    assert (again.versions, again.changed_at, again.already_written) == (first.versions, first.changed_at, True)
    with pytest.raises(errors.StateIdConflict, match="id"):
        await client.write_state([Put(name, "a", b"2")], id=write_id)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda c, n: c.get_state("", "a"), errors.InvalidField, "scope"),
        (lambda c, n: c.get_state("$x", "a"), errors.InvalidField, "scope"),
        (lambda c, n: c.get_state(n, "k" * 513), errors.InvalidField, "key"),
        (lambda c, n: c.get_state(n, "a\nb"), errors.InvalidField, "key"),
        (lambda c, n: c.get_state(n, 7), errors.InvalidValue, "key is 7"),
        (lambda c, n: c.get_state(n, "\ud800"), errors.InvalidValue, "key .* lone surrogate"),
        (lambda c, n: c.list_state(n, page_size=0), errors.InvalidField, "page_size"),
        (lambda c, n: c.list_state(n, page_size=1_001), errors.InvalidField, "page_size"),
        (lambda c, n: c.list_state(n, page_size=-1), errors.InvalidValue, "page_size is -1"),
        (lambda c, n: c.list_state(n, after=b"a"), errors.InvalidValue, "after is b'a'"),
        (lambda c, n: c.write_state([]), errors.InvalidField, "changes"),
        (lambda c, n: c.write_state([Put(n, "a", b""), Delete(n, "a")]), errors.InvalidField, r"changes\[1\]"),
        (lambda c, n: c.write_state([Put(n, "a", b"x" * 65_537)]), errors.TooLarge, r"changes\[0\]"),
        (lambda c, n: c.write_state([Put(n, "a", "text")]), errors.InvalidValue, r"changes\[0\]\.value is 'text'"),
        (lambda c, n: c.write_state([Delete(n, None)]), errors.InvalidValue, r"changes\[0\]\.key is None"),
        (lambda c, n: c.write_state(["a"]), errors.InvalidValue, r"changes\[0\] is 'a'; give a Put or a Delete"),
        (lambda c, n: c.write_state([Delete(n, "a")], id="a"), errors.InvalidValue, "id is 'a'; give a UUID"),
        (
            lambda c, n: c.write_state([Delete(n, "a")], checks=[AtVersion(n, "a", 0)]),
            errors.InvalidValue,
            r"checks\[0\]\.version is 0",
        ),
        (
            lambda c, n: c.write_state([Delete(n, "a")], checks=[Put(n, "a", b"")]),
            errors.InvalidValue,
            r"checks\[0\] .* give an Absent or an AtVersion",
        ),
        (
            lambda c, n: c.write_state([Delete(n, "a")], checks=[Absent(n, "b"), Absent(n, "b")]),
            errors.InvalidField,
            r"checks\[1\]",
        ),
        (lambda c, n: c.update_state(n, "a", lambda _: "text"), errors.InvalidValue, "value is 'text'"),
        (
            lambda c, n: c.update_state_json(n, "a", lambda _: {"x": [float("nan")]}),
            errors.InvalidValue,
            r"value\.x\[0\]",
        ),
    ],
)
async def test_bad_input_is_rejected_with_its_place(
    client: AsyncClient,
    name: str,
    call: Callable[[AsyncClient, str], Awaitable[Any]],
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        await call(client, name)
    assert (await client.get_state_with_version(name, "a")).scope_version == 0


async def test_a_value_that_is_not_json_is_reported_with_its_entry(client: AsyncClient, name: str) -> None:
    await client.write_state([Put(name, "a", b"{")])
    entry = await client.get_state(name, "a")
    assert entry is not None
    with pytest.raises(errors.UnreadableState, match=f'the value of key "a" of scope "{name}" is not') as caught:
        entry.json()
    assert (caught.value.scope, caught.value.key) == (name, "a")
    with pytest.raises(errors.UnreadableState):
        await client.update_state_json(name, "a", lambda value: value)


async def test_an_update_creates_changes_and_deletes(client: AsyncClient, name: str) -> None:
    created = await client.update_state(name, "a", up)
    assert created is not None
    assert created == await client.get_state(name, "a")
    changed = await client.update_state_json(name, "a", lambda value: value + 1)
    assert changed is not None
    assert (changed.value, changed.version) == (b"2", 2)
    assert await client.update_state(name, "a", lambda _: None) is None
    assert await client.get_state(name, "a") is None
    # There is nothing to delete, so nothing is written.
    assert await client.update_state_json(name, "a", lambda value: value) is None
    assert (await client.get_state_with_version(name, "a")).scope_version == 3


async def test_no_update_is_lost_under_contention(client: AsyncClient, annals_endpoint: str, name: str) -> None:
    async with AsyncClient(annals_endpoint) as other:
        work = [one.update_state(name, "n", up, conflicts=MANY) for one in (client, other) for _ in range(40)]
        entries = await asyncio.gather(*work)
    assert sorted(int(entry.value) for entry in entries if entry) == list(range(1, 81))


async def test_an_update_ends_after_its_last_attempt(client: AsyncClient, name: str) -> None:
    calls = 0

    def disturbed(value: bytes | None) -> bytes:
        nonlocal calls
        calls += 1
        with Client(client._caller.connection.pick().name) as other:
            other.write_state([Put(name, "a", b"other")])
        return b"mine"

    with pytest.raises(errors.ChecksFailed):
        await client.update_state(name, "a", disturbed, conflicts=ConflictPolicy(tries_max=3))
    assert calls == 3


async def test_an_append_changes_state_in_its_transaction(client: AsyncClient, name: str) -> None:
    writes = [Write(name, [Event("A")], Expected.NO_STREAM)]
    changes = [Put(name, "a", b"1"), Delete(name, "b")]
    appended = await client.append_to_many(writes, state_changes=changes, state_checks=[Absent(name, "a")])
    assert appended.state_versions == (1, 0)
    again = await client.append_to_many(writes, state_changes=changes, state_checks=[Absent(name, "a")])
    assert (again.already_appended, again.state_versions) == (True, (1, 0))
    with pytest.raises(errors.ChecksFailed) as caught:
        await client.append_to_many(
            [Write(name, [Event("B")])], state_changes=[Put(name, "b", b"")], state_checks=[Absent(name, "a")]
        )
    assert caught.value.failed == (errors.FailedCheck(0, errors.StateMismatch(name, "a", None, 1)),)
    assert (await client.stream_info(name)).last_revision == 0
    assert await client.get_state(name, "b") is None
    with pytest.raises(errors.InvalidValue, match=r"state_changes\[0\]\.value"):
        await client.append_to_many(writes, state_changes=[Put(name, "a", None)])  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidField, match="state_changes"):
        await client.append_to_many([Write(name, [Event("B")])], state_changes=[Delete("$", "a")])


async def test_an_append_of_a_pipeline_changes_state(client: AsyncClient, name: str) -> None:
    async with client.append_pipeline() as pipeline:
        waiting = [
            await pipeline.append_to_many(
                [Write(name, [Event("A")])],
                state_changes=[Put(name, "n", str(nth).encode())],
                state_checks=[AtVersion(name, "n", nth) if nth else Absent(name, "n")],
            )
            for nth in (0, 1, 1)
        ]
        assert [(await one).state_versions for one in waiting[:2]] == [(1,), (2,)]
        with pytest.raises(errors.ChecksFailed):
            await waiting[2]


async def test_the_limits_of_state_are_reported(client: AsyncClient) -> None:
    limits = (await client.server_info()).limits
    assert (limits.max_state_scope_bytes, limits.max_state_key_bytes) == (256, 512)
    assert (limits.max_state_value_bytes, limits.max_state_changes) == (65_536, 1_000)


@pytest.fixture
def threads(annals_endpoint: str) -> Iterator[Client]:
    with Client(annals_endpoint) as client:
        yield client


def test_threads_have_the_same_calls(threads: Client, name: str) -> None:
    written = threads.write_state([Put(name, "a", b"1"), Put(name, "b", b"2")], checks=[Absent(name, "a")])
    assert written.versions == (1, 2)
    entry = threads.get_state(name, "a")
    assert entry is not None
    assert entry.value == b"1"
    assert threads.get_state_with_version(name, "c").scope_version == 2
    assert [entry.key for entry in threads.list_state(name, page_size=1).entries] == ["a"]
    assert [entry.key for entry in threads.state_entries(name)] == ["a", "b"]
    appended = threads.append_to_many([Write(name, [Event("A")])], state_changes=[Delete(name, "b")])
    assert appended.state_versions == (3,)
    with threads.subscribe_state(name) as subscription:
        items = iter(subscription)
        assert next(items).version == 1
        assert next(items) == StateCaughtUp(3)


def test_an_update_runs_in_the_thread_of_its_caller(threads: Client, name: str) -> None:
    def change(value: Any) -> Any:
        # Another call of the client would deadlock in the client's own thread.
        assert threads.get_state(name, "other") is None
        return (value or 0) + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: threads.update_state_json(name, "n", change, conflicts=MANY), range(40)))
    entry = threads.get_state(name, "n")
    assert entry is not None
    assert entry.json() == 40
    assert threads.update_state(name, "n", lambda _: None) is None
    assert threads.get_state(name, "n") is None
