"""Running projections: several in one process, and in several processes on the same read models."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from annals.aio import AsyncClient
from annals.errors import TransientError
from annals.toolkit.follower import POLL_SECONDS, Follower, Removed
from annals.toolkit.projection import Lag, Projection, ProjectionPolicy, State
from annals.toolkit.stores.base import Behind, DeadLetter, Generation, ReadModelStore

__all__ = ["NewerVersion", "Projections", "RunningProjection", "wait_for"]

log = logging.getLogger("annals.toolkit")

M = TypeVar("M")


class NewerVersion(Exception):
    """The read model was built by a newer version of the projection. Update this process."""

    def __init__(self, name: str, made_by: int, given: int) -> None:
        super().__init__(f'projection "{name}" was built by version {made_by}, but this program has version {given}')


class RunningProjection(Generic[M]):
    """A running projection: its progress, and operations on it."""

    def __init__(
        self, client: AsyncClient, store: ReadModelStore[M], projection: Projection[M], policy: ProjectionPolicy
    ) -> None:
        store.check(projection)
        self.projection = projection
        self._client = client
        self._store = store
        self._policy = policy
        self._live: Follower[M] | None = None
        self._following: asyncio.Task[None] | None = None
        self._rebuilding: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._failure: Exception | None = None

    @property
    def state(self) -> State:
        """The current state."""
        if self._failure is not None:
            return State.FAILED
        if self._live is not None:
            return self._live.state
        return State.STARTING if self._rebuilding is None else State.REBUILDING

    @property
    def position(self) -> int:
        """Everything up to this position is in the live read model."""
        return 0 if self._live is None else self._live.position

    @property
    def last_error(self) -> Exception | None:
        """The last error, whether or not it has been resolved."""
        return self._failure or (None if self._live is None else self._live.last_error)

    async def run(self) -> None:
        """Runs the projection until the task is cancelled.

        Raises:
            PositionBeyondHead, WrongStore: The checkpoint is of another event store.
            NewerVersion: The read model was built by a newer version of the projection.
            Exception: The store failed with a permanent error.
        """
        try:
            await self._run()
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._begun.set()
            for task in (self._following, self._rebuilding):
                if task is not None:
                    task.cancel()
            await asyncio.gather(
                *(task for task in (self._following, self._rebuilding) if task), return_exceptions=True
            )

    async def _run(self) -> None:
        failed = 0
        while True:
            try:
                live, unfinished = await self._begin()
                if live.version > self.projection.version:
                    raise NewerVersion(self.projection.name, live.version, self.projection.version)
                if live.version < self.projection.version:
                    # Readers keep the read model of the older code, which this code must not change.
                    await self.rebuild()
            except Exception as error:
                if not (isinstance(error, TransientError) or self._store.is_transient(error)):
                    raise
                failed += 1
                log.warning("projection %s can't start yet, retrying: %s", self.projection.name, error)
                await asyncio.sleep(self._policy.pause(failed))
                continue
            if self._following is None:
                self._follow(live)
                if unfinished:
                    # A rebuild was in progress when its process ended.
                    self._rebuild_later()
            self._begun.set()
            with contextlib.suppress(Removed):
                await self._stay()
            self._following = None

    async def _stay(self) -> None:
        """Waits until the follower of the live generation fails, even if the live generation changes meanwhile."""
        while True:
            following = self._following
            if following is not None:
                await asyncio.wait([following])
                if self._following is following:
                    return await following
            elif self._rebuilding is not None:
                # A switch is in progress.
                await asyncio.wait([self._rebuilding])

    async def _begin(self) -> tuple[Generation, bool]:
        """Returns the live generation, creating the first one if needed, and whether another is being built."""
        generations = await self._store.generations(self.projection.name)
        live = [one for one in generations if one.live]
        if live:
            return live[0], len(generations) > 1
        info = await self._client.server_info()
        return await self._store.create(self.projection, 1, info.store_id, live=True), False

    def _follow(self, generation: Generation) -> None:
        self._live = Follower(self._client, self._store, self.projection, generation, self._policy)
        self._following = asyncio.create_task(self._live.run(), name=f"projection {self.projection.name}")

    def _rebuild_later(self) -> asyncio.Task[None]:
        if self._rebuilding is None or self._rebuilding.done():
            self._rebuilding = asyncio.create_task(self._rebuild(), name=f"rebuild of {self.projection.name}")
        return self._rebuilding

    async def rebuild(self) -> None:
        """Rebuilds the read model alongside the live one, and switches to it when it has caught up.

        Waits until this is done. Continues a rebuild whose process has ended.

        Raises:
            WrongStore, Exception: As for `run`; the live generation is unchanged.
        """
        await asyncio.shield(self._rebuild_later())

    async def _rebuild(self) -> None:
        generation = await self._building()
        follower = Follower(self._client, self._store, self.projection, generation, self._policy)
        building = asyncio.create_task(follower.run(), name=f"building {self.projection.name}")
        caught_up = asyncio.create_task(follower.caught_up.wait())
        try:
            await asyncio.wait((building, caught_up), return_when=asyncio.FIRST_COMPLETED)
            if building.done():
                await building
            await self._switch(follower, building)
        except BaseException:
            building.cancel()
            raise
        finally:
            caught_up.cancel()
        self._live, self._following = follower, building

    async def _switch(self, follower: Follower[M], building: asyncio.Task[None]) -> None:
        # The switch removes the old generation, so its follower must have stopped.
        old, following = self._live, self._following
        self._following = None
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        try:
            while True:
                try:
                    return await self._store.switch(self.projection, follower.generation.number)
                except Behind:
                    # It had caught up, but the log has grown since.
                    await follower.wait_to_move()
                if building.done():
                    await building
        except BaseException:
            if old is not None:
                self._follow(old.generation)
            raise

    async def _building(self) -> Generation:
        """Returns the generation to build: the one in progress, if it was begun by this version of the projection."""
        generations = await self._store.generations(self.projection.name)
        for one in generations:
            if not one.live:
                if one.version == self.projection.version:
                    return one
                await self._store.remove(self.projection, one.number)
        info = await self._client.server_info()
        number = max((one.number for one in generations), default=0) + 1
        return await self._store.create(self.projection, number, info.store_id, live=False)

    async def wait_for(self, position: int | None, timeout: float | None = 10.0) -> None:
        """Waits until everything up to a position is in the live read model, so that clients read their own writes.

        Args:
            position: The position. `None`, the position of a command without events, returns at once.
            timeout: The maximum time to wait, in seconds. `None`: without a limit.

        Raises:
            TimeoutError: The position was not reached in time.
            Exception: The error with which the projection failed.
        """
        if position is None:
            return
        async with asyncio.timeout(timeout):
            await self._begun.wait()
            while self.position < position:
                if self._failure is not None:
                    raise self._failure
                if self._live is None:
                    await asyncio.sleep(POLL_SECONDS)
                elif not await self._live.wait_to_move() and await self._is_stored(position):
                    # Another process is running the projection.
                    return

    async def _is_stored(self, position: int) -> bool:
        try:
            generations = await self._store.generations(self.projection.name)
        except Exception as error:
            if not self._store.is_transient(error):
                raise
            return False
        return any(one.live and one.position >= position for one in generations)

    async def lag(self) -> Lag:
        """Returns how far the projection lags behind the current log."""
        position = self.position
        head = (await self._client.server_info()).head
        if position >= head:
            return Lag(0, 0.0)
        oldest = await self._client.read_all(from_position=position + 1, limit=1, query=self.projection.query).collect()
        if not oldest:
            return Lag(head - position, 0.0)
        return Lag(head - position, max(0.0, (datetime.now(UTC) - oldest[0].recorded_at).total_seconds()))

    async def dead_letters(self) -> Sequence[DeadLetter]:
        """Returns the events that were skipped."""
        return await self._store.dead_letters(self.projection.name)


class Projections(Mapping[str, RunningProjection[Any]]):
    """Several projections that run independently, in one store or in several."""

    def __init__(
        self,
        client: AsyncClient,
        store: ReadModelStore[M],
        projections: Iterable[Projection[M]],
        policy: ProjectionPolicy = ProjectionPolicy(),  # noqa: B008
    ) -> None:
        self._client = client
        self._policy = policy
        self._running: dict[str, RunningProjection[Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = False
        for projection in projections:
            self.add(store, projection)

    def add(self, store: ReadModelStore[M], projection: Projection[M]) -> RunningProjection[M]:
        """Adds a projection in that store, and runs it at once if the others are running.

        Raises:
            ValueError: There is already a projection with that name.
        """
        if projection.name in self._running:
            raise ValueError(f"there is already a projection with the name {projection.name!r}")
        running = RunningProjection(self._client, store, projection, self._policy)
        self._running[projection.name] = running
        if self._started:
            self._start(running)
        return running

    def _start(self, running: RunningProjection[Any]) -> None:
        name = running.projection.name

        async def run() -> None:
            try:
                await running.run()
            except Exception:
                # The others continue; `state` and `last_error` report the failure.
                log.exception("projection %s failed", name)

        self._tasks[name] = asyncio.create_task(run(), name=f"running {name}")

    async def __aenter__(self) -> Self:
        self._started = True
        for running in self._running.values():
            self._start(running)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._started = False
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def run_forever(self) -> None:
        """Runs the projections until the task is cancelled, as the main function of a dedicated process."""
        async with self:
            await asyncio.Event().wait()

    async def wait_for(self, position: int | None, timeout: float = 10.0) -> None:
        """Waits until everything up to a position is in all read models. Raises as `RunningProjection.wait_for`."""
        await asyncio.gather(*(running.wait_for(position, timeout) for running in self._running.values()))

    def __getitem__(self, name: str) -> RunningProjection[Any]:
        return self._running[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._running)

    def __len__(self) -> int:
        return len(self._running)


async def wait_for(store: ReadModelStore[Any], name: str, position: int | None, timeout: float = 10.0) -> None:
    """Waits until everything up to a position is in a read model that another process keeps up to date.

    Raises:
        TimeoutError: The position was not reached within `timeout` seconds.
    """
    if position is None:
        return
    async with asyncio.timeout(timeout):
        while True:
            if any(one.live and one.position >= position for one in await store.generations(name)):
                return
            await asyncio.sleep(POLL_SECONDS)
