"""Read models in the state of an Annals server, beside the log: a projection needs no database.

    scope                           key            value
    read-models                     TABLE          the projection, and the number of the live generation
    read-models/TABLE__G            (any)          the rows of a table in generation G
    projections/NAME                builds         the generations, and those that are being removed
    projections/NAME                checkpoint/G   position and store id of generation G
    projections/NAME/dead-letters   G/POSITION     a dead letter of generation G

1. Every write of rows includes the checkpoint, and requires that it has the version at which it was read. So rows
   change only together with the checkpoint, and of two processes that handle the same event, one is `Superseded`.
2. A handler that reads rows while another process changes them may fail. This is not a failure of the handler: the
   checkpoint is read again first.
3. The entries of a removed generation are deleted in the background, a page at a time, because they may be more than
   fit into a write. Each of these writes requires that `builds` has not changed, and no generation gets the number of
   one that is not removed yet.

The toolkits of all languages use these scopes, keys and values, so a projection can be continued in another one.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from annals.aio import AsyncClient
from annals.conflicts import ConflictPolicy
from annals.errors import ChecksFailed, InvalidField, TooLarge, TransientError
from annals.errors.base import quoted
from annals.event import RecordedEvent
from annals.state import AtVersion, Delete, Put, StateChange, StateCheck, StateEntry, check_of
from annals.toolkit.projection import Projection
from annals.toolkit.stores.base import (
    DeadLetter,
    DoesNotFit,
    Generation,
    Handler,
    HandlerFailed,
    ReadModelStore,
    Superseded,
    demand_as_far,
    physical,
)
from annals.toolkit.stores.state_model import StateModel

__all__ = ["StateModel", "StateStore"]

log = logging.getLogger("annals.toolkit")

T = TypeVar("T")

_BUILDS = "builds"
_LETTERS = "/dead-letters"
# Maximum number of changes in a write, and of entries in a page, from the protocol.
_CHANGES_MAX = 1_000
# A batch is divided before its changes have more bytes. A single event may change more, up to the server's limit.
_BATCH_BYTES_MAX = 1_000_000
# Maximum length of the reason of a dead letter, so that it fits into an entry.
_REASON_MAX = 8_000
_CONFLICTS = ConflictPolicy()


@dataclass(frozen=True)
class _Progress:
    """The entries of a projection's generations, as of one moment."""

    builds: StateEntry | None
    places: dict[int, StateEntry]

    def _listed(self, field: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = [] if self.builds is None else self.builds.json()[field]
        return listed

    @property
    def kept(self) -> list[dict[str, Any]]:
        return self._listed("builds")

    @property
    def removed(self) -> list[dict[str, Any]]:
        return self._listed("removed")

    def generations(self, name: str) -> list[Generation]:
        found = []
        for build in sorted(self.kept, key=lambda build: int(build["generation"])):
            number, live = build["generation"], build["state"] == "live"
            place = self.places[number].json()
            found.append(Generation(name, number, build["version"], place["position"], live, UUID(place["storeId"])))
        return found


class StateStore(ReadModelStore[StateModel]):
    """Stores read models in the state of a server, usually the one that has the log.

    `schema` is not used: tables need no creation. Readers use `get` and `entries`, or subscribe to the `scope` of a
    table.
    """

    def __init__(self, client: AsyncClient, *, scope_prefix: str = "") -> None:
        """Creates the store. The client stays open when it is closed.

        Args:
            client: The client of the server.
            scope_prefix: Begins the names of all scopes, so that several applications can share a server.
        """
        self._client = client
        self._prefix = scope_prefix
        # The tables of each registered projection.
        self._tables: dict[str, tuple[str, ...]] = {}
        # The last known position and version of each checkpoint, by the projection's name and the generation.
        self._places: dict[tuple[str, int], tuple[int, int]] = {}
        self._clearing: dict[str, asyncio.Task[None]] = {}

    def check(self, projection: Projection[StateModel]) -> None:
        """Registers the projection's tables, and rejects a name that would clash with the scopes of another one."""
        if projection.name.endswith(_LETTERS):
            raise ValueError(
                f"the name of projection {quoted(projection.name)} ends with {quoted(_LETTERS)}, which is reserved"
            )
        self._tables[projection.name] = tuple(projection.tables)

    # Reading

    async def get(self, table: str, key: str) -> StateEntry | None:
        """Returns an entry of a table of a live read model; `None` if there is none."""
        return await self._read(table, lambda scope: self._client.get_state(scope, key))

    async def entries(self, table: str, prefix: str = "") -> list[StateEntry]:
        """Returns the entries of a table of a live read model, in the byte order of their keys."""

        async def listed(scope: str) -> list[StateEntry]:
            return [entry async for entry in self._client.state_entries(scope, prefix=prefix)]

        return await self._read(table, listed) or []

    async def scope(self, table: str) -> str | None:
        """Returns the scope of a table of a live read model, for `subscribe_state`; `None` if there is none.

        A rebuild replaces it.
        """
        live = await self._client.get_state(self._models, table)
        return None if live is None else self._rows(table, live.json()["generation"])

    async def _read(self, table: str, read: Callable[[str], Awaitable[T]]) -> T | None:
        """Reads from the live generation; again if it was replaced meanwhile, because its entries are then deleted."""
        scope = await self.scope(table)
        while scope is not None:
            result = await read(scope)
            now = await self.scope(table)
            if now == scope:
                return result
            scope = now
        return None

    # Generations

    async def generations(self, name: str) -> Sequence[Generation]:
        """See `ReadModelStore`."""
        progress = await self._progress(name)
        if progress.removed:
            self._clear_later(name)
        return progress.generations(name)

    async def create(
        self, projection: Projection[StateModel], number: int, store_id: UUID, *, live: bool
    ) -> Generation:
        """See `ReadModelStore`.

        Raises:
            ValueError: A table belongs to another projection.
        """
        name, scope = projection.name, self._scope(projection.name)
        build = {"generation": number, "version": projection.version, "state": "live" if live else "building"}

        async def attempt() -> Generation:
            progress = await self._progress(name)
            found = [one for one in progress.generations(name) if one.number == number]
            if found:
                return found[0]
            if any(one["generation"] == number for one in progress.removed):
                await self._clear(name)
                progress = await self._progress(name)
            shown, checks = await self._show(projection, number)
            changes: list[StateChange] = [
                self._builds(name, [*progress.kept, build], progress.removed),
                Put.json(scope, _place(number), {"position": 0, "storeId": str(store_id)}),
                *(shown if live else ()),
            ]
            await self._client.write_state(changes, checks=[check_of(scope, _BUILDS, progress.builds), *checks])
            return Generation(name, number, projection.version, 0, live, store_id)

        return await _repeated(attempt)

    async def switch(self, projection: Projection[StateModel], number: int) -> None:
        """See `ReadModelStore`."""
        name, scope = projection.name, self._scope(projection.name)

        async def attempt() -> None:
            progress = await self._progress(name)
            demand_as_far(progress.generations(name), number)
            kept = [
                one | {"state": "live"} if one["generation"] == number else one
                for one in progress.kept
                if one["generation"] >= number
            ]
            older = [one["generation"] for one in progress.kept if one["generation"] < number]
            removed = [{"generation": one, "tables": list(projection.tables)} for one in older]
            shown, checks = await self._show(projection, number)
            changes: list[StateChange] = [
                self._builds(name, kept, [*progress.removed, *removed]),
                *(Delete(scope, _place(one)) for one in older),
                *shown,
            ]
            # Another process must not advance a generation that is removed.
            checks += [check_of(scope, _place(one), progress.places[one]) for one in older]
            await self._client.write_state(changes, checks=[check_of(scope, _BUILDS, progress.builds), *checks])

        await _repeated(attempt)
        self._clear_later(name)

    async def remove(self, projection: Projection[StateModel], number: int) -> None:
        """See `ReadModelStore`."""
        name, scope = projection.name, self._scope(projection.name)

        async def attempt() -> None:
            progress = await self._progress(name)
            kept = [one for one in progress.kept if one["generation"] != number]
            if len(kept) == len(progress.kept):
                return
            removed = {"generation": number, "tables": list(projection.tables)}
            changes: list[StateChange] = [
                self._builds(name, kept, [*progress.removed, removed]),
                Delete(scope, _place(number)),
            ]
            await self._client.write_state(changes, checks=[check_of(scope, _BUILDS, progress.builds)])

        await _repeated(attempt)
        self._clear_later(name)

    # Events

    async def apply(
        self,
        generation: Generation,
        expected: int,
        position: int,
        events: Sequence[RecordedEvent],
        handle: Handler[StateModel],
    ) -> None:
        """See `ReadModelStore`."""
        name, number = generation.name, generation.number
        version = await self._version_at(generation, expected)
        tables = {table: self._rows(table, number) for table in self._tables.get(name, ())}
        model = StateModel(self._client, tables, number)
        for index, event in enumerate(events):
            try:
                result = handle(event, model)
                if inspect.isawaitable(result):
                    await result
                # One change is that of the checkpoint.
                if index == 0 and len(model.changes) >= _CHANGES_MAX:
                    raise ValueError(f"it changes more than {_CHANGES_MAX - 1} entries")
            except Exception as error:
                # It may have read rows that another process was changing.
                self._places.pop((name, number), None)
                await self._version_at(generation, expected)
                raise HandlerFailed(index, error) from error
            if index > 0 and (len(model.changes) >= _CHANGES_MAX or model.bytes > _BATCH_BYTES_MAX):
                raise DoesNotFit(index)
        try:
            await self._move(generation, version, position, model.changes)
        except (InvalidField, TooLarge) as error:
            # A key or a value of an event is invalid. Dividing the batch finds the event.
            if len(events) > 1:
                raise DoesNotFit(len(events) // 2) from error
            if events:
                raise HandlerFailed(0, error) from error
            raise

    async def bury(self, generation: Generation, expected: int, letter: DeadLetter) -> None:
        """See `ReadModelStore`."""
        version = await self._version_at(generation, expected)
        value = {
            "position": letter.position,
            "eventId": str(letter.event_id),
            "stream": letter.stream,
            "revision": letter.revision,
            "type": letter.type,
            "reason": letter.reason[:_REASON_MAX].encode(errors="replace").decode(),
            "attempts": letter.attempts,
            "buriedAt": letter.buried_at.isoformat(),
        }
        scope = self._scope(letter.name) + _LETTERS
        # The positions have leading zeros, so that the order of the keys is theirs.
        change = Put.json(scope, f"{letter.generation}/{letter.position:016}", value)
        await self._move(generation, version, letter.position, [change])

    async def dead_letters(self, name: str) -> Sequence[DeadLetter]:
        """See `ReadModelStore`."""
        letters = []
        for generation in await self.generations(name):
            scope, prefix = self._scope(name) + _LETTERS, f"{generation.number}/"
            letters += [
                _letter(name, generation.number, entry.json())
                async for entry in self._client.state_entries(scope, prefix=prefix)
            ]
        return sorted(letters, key=lambda letter: letter.position)

    def is_transient(self, error: Exception) -> bool:
        """Returns whether the server is unavailable for the moment."""
        return isinstance(error, TransientError)

    async def aclose(self) -> None:
        """See `ReadModelStore`. The entries of removed generations that are left are deleted by the next process."""
        for task in self._clearing.values():
            task.cancel()
        await asyncio.gather(*self._clearing.values(), return_exceptions=True)
        self._clearing.clear()

    # Entries

    @property
    def _models(self) -> str:
        return f"{self._prefix}read-models"

    def _rows(self, table: str, number: int) -> str:
        return f"{self._models}/{physical(table, number)}"

    def _scope(self, name: str) -> str:
        return f"{self._prefix}projections/{name}"

    def _builds(self, name: str, kept: Sequence[dict[str, Any]], removed: Sequence[dict[str, Any]]) -> Put:
        return Put.json(self._scope(name), _BUILDS, {"builds": kept, "removed": removed})

    async def _progress(self, name: str) -> _Progress:
        # One page is a consistent view of all of them.
        page = await self._client.list_state(self._scope(name), page_size=_CHANGES_MAX)
        entries = {entry.key: entry for entry in page.entries}
        builds = entries.pop(_BUILDS, None)
        return _Progress(builds, {int(key.removeprefix(_place(""))): entry for key, entry in entries.items()})

    async def _version_at(self, generation: Generation, expected: int) -> int:
        """Returns the version of a checkpoint that is at `expected`.

        Raises:
            Superseded: It is not.
        """
        key = generation.name, generation.number
        position, version = self._places.get(key, (-1, 0))
        if position != expected:
            self._places.pop(key, None)
            entry = await self._client.get_state(self._scope(generation.name), _place(generation.number))
            if entry is None or entry.json()["position"] != expected:
                raise Superseded
            version = entry.version
            self._places[key] = expected, version
        return version

    async def _move(self, generation: Generation, version: int, position: int, changes: Sequence[StateChange]) -> None:
        """Makes changes together with that of the checkpoint, if it still has this version."""
        key = generation.name, generation.number
        scope, place = self._scope(generation.name), _place(generation.number)
        checkpoint = Put.json(scope, place, {"position": position, "storeId": str(generation.store_id)})
        try:
            written = await self._client.write_state([*changes, checkpoint], checks=[AtVersion(scope, place, version)])
        except ChecksFailed:
            self._places.pop(key, None)
            raise Superseded from None
        self._places[key] = position, written.versions[-1]

    async def _show(self, projection: Projection[Any], number: int) -> tuple[list[Put], list[StateCheck]]:
        """Returns the changes that make a generation visible to readers, and their checks."""
        changes, checks = [], []
        for table in projection.tables:
            entry = await self._client.get_state(self._models, table)
            owner = projection.name if entry is None else entry.json().get("projection", projection.name)
            if owner != projection.name:
                names = [quoted(name) for name in (table, projection.name, owner)]
                raise ValueError("table {} of projection {} belongs to projection {}".format(*names))
            shown = {"projection": projection.name, "generation": number}
            changes.append(Put.json(self._models, table, shown))
            checks.append(check_of(self._models, table, entry))
        return changes, checks

    def _clear_later(self, name: str) -> None:
        """Deletes the entries of removed generations in the background. If that fails, it is begun again later."""
        clearing = self._clearing.get(name)
        if clearing is not None and not clearing.done():
            return

        async def work() -> None:
            try:
                await self._clear(name)
            except Exception:
                log.warning("removed read models of projection %s could not be deleted yet", name, exc_info=True)

        self._clearing[name] = asyncio.create_task(work(), name=f"removal of {name}")

    async def _clear(self, name: str) -> None:
        """Deletes all entries of removed generations."""
        scope = self._scope(name)

        async def attempt() -> bool:
            progress = await self._progress(name)
            if progress.builds is None or not progress.removed:
                return True
            first, *left = progress.removed
            checks = [AtVersion(scope, _BUILDS, progress.builds.version)]
            places = [(self._rows(table, first["generation"]), "") for table in first["tables"]]
            for rows, prefix in [(scope + _LETTERS, f"{first['generation']}/"), *places]:
                while entries := (await self._client.list_state(rows, prefix=prefix, page_size=_CHANGES_MAX)).entries:
                    await self._client.write_state([Delete(rows, entry.key) for entry in entries], checks=checks)
            await self._client.write_state([self._builds(name, progress.kept, left)], checks=checks)
            return False

        while not await _repeated(attempt):
            pass


async def _repeated(attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeats an attempt while other processes change the entries that it has read."""
    failed = 0
    while True:
        try:
            return await attempt()
        except ChecksFailed:
            failed += 1
            await _CONFLICTS.pause(failed)


def _place(number: int | str) -> str:
    return f"checkpoint/{number}"


def _letter(name: str, generation: int, value: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        name,
        generation,
        value["position"],
        UUID(value["eventId"]),
        value["stream"],
        value["revision"],
        value["type"],
        value["reason"],
        value["attempts"],
        datetime.fromisoformat(value["buriedAt"]),
    )
