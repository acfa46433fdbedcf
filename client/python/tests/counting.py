"""A projection that counts events, shared by the tests of projections."""

from typing import Any, ClassVar

from annals import AsyncClient, Event, Query, RecordedEvent
from annals.toolkit import MemoryStore, Projection, ProjectionPolicy, ReadModelStore, SqliteStore, StateStore

FAST = ProjectionPolicy(pause_first_seconds=0.01, pause_max_seconds=0.2, attempts_max=3)


def projection_of(store: ReadModelStore[Any], name: str, **fields: object) -> Projection[Any]:
    """Counts the events of each stream whose name begins with `name`, and fails on events of the type `Poison`."""
    mark = "?" if isinstance(store, SqliteStore) else "%s"
    insert = (
        f"INSERT INTO {{{name}_counts}} VALUES ({mark}, 1, {mark}) "
        "ON CONFLICT (stream) DO UPDATE SET events = {counts}.events + 1, last = excluded.last"
    ).replace("{counts}", "{" + name + "_counts}")

    class Counts(Projection[Any]):
        query: ClassVar[Query] = Query.of(stream_prefixes=name)
        tables: ClassVar[list[str]] = [f"{name}_counts"]
        schema: ClassVar[list[str]] = [
            f"CREATE TABLE {{{name}_counts}} (stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last BIGINT NOT NULL)"
        ]

    Counts.name = f"{name}-counts"

    def count(self: object, event: RecordedEvent, model: Any) -> Any:
        if event.type == "Poison":
            raise ValueError("poisoned")
        if isinstance(store, MemoryStore):
            rows = model[f"{name}_counts"]
            assert event.revision == rows.get(event.stream, 0)
            rows[event.stream] = rows.get(event.stream, 0) + 1
            return None
        if isinstance(store, StateStore):
            return count_in_state(event, model)
        return model.execute(insert, (event.stream, event.position))

    async def count_in_state(event: RecordedEvent, model: Any) -> None:
        counted = await model.get_json(f"{name}_counts", event.stream) or 0
        assert event.revision == counted
        model.put_json(f"{name}_counts", event.stream, counted + 1)

    async def count_in_turn(self: object, event: RecordedEvent, model: Any) -> None:
        await count(self, event, model)

    handle = count if isinstance(store, SqliteStore | MemoryStore) else count_in_turn
    Counts.handle = handle  # type: ignore[assignment,method-assign]
    for field, value in fields.items():
        setattr(Counts, field, value)
    return Counts()


async def counts(store: ReadModelStore[Any], name: str) -> dict[str, int]:
    if isinstance(store, MemoryStore):
        return dict(store.model(f"{name}-counts")[f"{name}_counts"])
    if isinstance(store, StateStore):
        return {entry.key: entry.json() for entry in await store.entries(f"{name}_counts")}
    rows = await store.read(f"SELECT stream, events FROM {name}_counts")  # type: ignore[attr-defined]
    return dict(rows)


async def fill(client: AsyncClient, stream: str, count: int, type: str = "A") -> int:
    appended = await client.append(stream, [Event(type) for _ in range(count)])
    return appended.last_position
