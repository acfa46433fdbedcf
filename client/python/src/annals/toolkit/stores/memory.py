"""Read models in memory, for tests: a dictionary per table."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from annals.event import RecordedEvent
from annals.toolkit.projection import Projection
from annals.toolkit.stores.base import (
    DeadLetter,
    Generation,
    Handler,
    HandlerFailed,
    ReadModelStore,
    Superseded,
    demand_as_far,
)

__all__ = ["MemoryModel", "MemoryStore"]

MemoryModel = dict[str, dict[Any, Any]]
"""The rows of each table of the projection, by key."""


class MemoryStore(ReadModelStore[MemoryModel]):
    """Keeps everything in this process. Each transaction works on a copy of the read model, so keep it small."""

    def __init__(self) -> None:
        self._generations: dict[tuple[str, int], Generation] = {}
        self._models: dict[tuple[str, int], MemoryModel] = {}
        self._letters: list[DeadLetter] = []

    def model(self, name: str) -> MemoryModel:
        """Returns the live read model of a projection.

        Raises:
            KeyError: There is none.
        """
        for key, generation in self._generations.items():
            if generation.name == name and generation.live:
                return self._models[key]
        raise KeyError(name)

    async def generations(self, name: str) -> Sequence[Generation]:
        """See `ReadModelStore`."""
        return sorted((one for one in self._generations.values() if one.name == name), key=lambda one: one.number)

    async def create(
        self, projection: Projection[MemoryModel], number: int, store_id: UUID, *, live: bool
    ) -> Generation:
        """See `ReadModelStore`."""
        key = projection.name, number
        if key not in self._generations:
            self._generations[key] = Generation(projection.name, number, projection.version, 0, live, store_id)
            self._models[key] = {table: {} for table in projection.tables}
        return self._generations[key]

    def _move(self, generation: Generation, expected: int, position: int) -> None:
        key = generation.name, generation.number
        kept = self._generations.get(key)
        if kept is None or kept.position != expected:
            raise Superseded
        self._generations[key] = replace(kept, position=position)

    async def apply(
        self,
        generation: Generation,
        expected: int,
        position: int,
        events: Sequence[RecordedEvent],
        handle: Handler[MemoryModel],
    ) -> None:
        """See `ReadModelStore`."""
        key = generation.name, generation.number
        kept = self._generations.get(key)
        if kept is None or kept.position != expected:
            raise Superseded
        model = copy.deepcopy(self._models[key])
        for index, event in enumerate(events):
            try:
                result = handle(event, model)
                if inspect.isawaitable(result):
                    await result
            except Exception as error:
                raise HandlerFailed(index, error) from error
        self._move(generation, expected, position)
        self._models[key].clear()
        self._models[key].update(model)

    async def bury(self, generation: Generation, expected: int, letter: DeadLetter) -> None:
        """See `ReadModelStore`."""
        self._move(generation, expected, letter.position)
        self._letters.append(letter)

    async def switch(self, projection: Projection[MemoryModel], number: int) -> None:
        """See `ReadModelStore`."""
        key = projection.name, number
        generations = await self.generations(projection.name)
        demand_as_far(generations, number)
        for one in generations:
            if one.number < number:
                del self._generations[one.name, one.number], self._models[one.name, one.number]
        self._generations[key] = replace(self._generations[key], live=True)
        self._letters = [
            letter for letter in self._letters if letter.name != projection.name or letter.generation >= number
        ]

    async def remove(self, projection: Projection[MemoryModel], number: int) -> None:
        """See `ReadModelStore`."""
        self._generations.pop((projection.name, number), None)
        self._models.pop((projection.name, number), None)

    async def dead_letters(self, name: str) -> Sequence[DeadLetter]:
        """See `ReadModelStore`."""
        return sorted((letter for letter in self._letters if letter.name == name), key=lambda letter: letter.position)

    def is_transient(self, error: Exception) -> bool:
        """Returns false: no failure in memory is transient."""
        return False
