"""Projections: read models made from the log, each event once in effect, whatever dies on the way.

    class OrderList(Projection[SqliteModel]):
        name = "order-list"
        query = types.query()
        tables = ("orders",)
        schema = ("CREATE TABLE {orders} (id TEXT PRIMARY KEY, status TEXT NOT NULL)",)

        def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
            match types.decode(event):
                case OrderCreated():
                    model.execute("INSERT INTO {orders} VALUES (?, 'created')", (event.stream,))
                case OrderConfirmed():
                    model.execute("UPDATE {orders} SET status = 'confirmed' WHERE id = ?", (event.stream,))

    async with Projections(client, SqliteStore("read-models.db"), [OrderList()]) as projections:
        done = await orders.execute("42", lambda order: order.confirm())
        await projections["order-list"].wait_for(done.position)
        rows = await store.read("SELECT * FROM orders")

1. The checkpoint stands in the same transaction as what the events changed: after a crash it goes on exactly behind it.
2. A handler that fails is tried again on that event alone, with growing pauses, and then passed over: the event becomes a dead
   letter, with the reason. The events before it are applied first, so that order is kept.
3. An event store or a database that is away for the moment is waited for, without end and without dead letters.
4. Several projections run independently; one that fails does not stop the others.
5. `rebuild` makes a new generation from the beginning, beside the live one, and switches when it has caught up. The same
   happens when a projection's `version` is not that of the live generation; that one is then left as it is until the switch,
   because this code may not fit it.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import random
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from annals.aio import AsyncClient
from annals.errors import PositionBeyondHead, TransientError
from annals.event import RecordedEvent
from annals.query import Query
from annals.subscription import CaughtUp, FellBehind, SubscriptionItem
from annals.toolkit.stores.base import (
    Behind,
    DeadLetter,
    Generation,
    HandlerFailed,
    ReadModelStore,
    Superseded,
    WrongStore,
    dead_letter,
)

__all__ = [
    "Lag",
    "NewerVersion",
    "Projection",
    "ProjectionPolicy",
    "Projections",
    "RunningProjection",
    "State",
    "wait_for",
]

log = logging.getLogger("annals.toolkit")

M = TypeVar("M")

# How often is looked at what nobody tells of, in seconds.
_LOOK_AGAIN_SECONDS = 0.02


class Projection(Generic[M]):
    """What events mean for a read model. Subclass it: set `name`, and write `handle`."""

    name: ClassVar[str]
    """What its checkpoint is kept under. Two projections with one name would take each other's events."""
    query: ClassVar[Query] = Query.all()
    """The events that it is about."""
    version: ClassVar[int] = 1
    """Raise it when the tables or the meaning of events change: the read model is then rebuilt."""
    tables: ClassVar[Sequence[str]] = ()
    """Its tables, by the names that readers use. They are views of the live generation, so readers can't write them."""
    schema: ClassVar[Sequence[str]] = ()
    """The statements that make the tables, with `{table}` for each: `CREATE TABLE {orders} (…)`."""

    in_transaction: ClassVar[bool] = True
    """Whether `handle` changes the read model, in the transaction of the checkpoint; otherwise it is called before that."""

    def handle(self, event: RecordedEvent, model: M) -> Awaitable[None] | None:
        """Takes over what an event changes. May be a coroutine, except for SQLite.

        It must change nothing but the read model: a transaction may be undone and done again.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ProjectionPolicy:
    """How projections go about it."""

    batch_max: int = 500
    """The most events in one transaction."""
    attempts_max: int = 5
    """How often a handler is tried on an event before it is passed over."""
    pause_first_seconds: float = 0.1
    """Pause after the first failure; twice as long each time."""
    pause_max_seconds: float = 10.0
    """The longest pause."""

    def pause(self, failed: int) -> float:
        """The pause after the n-th (from 1) failure, half of it drawn at random."""
        return min(self.pause_first_seconds * (1 << min(failed - 1, 20)), self.pause_max_seconds) * random.uniform(
            0.5, 1
        )


class State(enum.Enum):
    """What a projection is about."""

    STARTING = "starting"
    CATCHING_UP = "catching up"
    LIVE = "live"
    REBUILDING = "rebuilding, because its version is new"
    WAITING = "waiting for the event store or the database"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a projection is behind the log."""

    events: int
    """Positions that it has not looked at yet."""
    seconds: float
    """Since when the oldest event that it has not handled has been waiting; 0 if there is none."""


class NewerVersion(Exception):
    """The read model was made by a newer version of the projection. Update this process."""

    def __init__(self, name: str, made_by: int, given: int) -> None:
        super().__init__(f"projection {name!r} was made by version {made_by}, and this process has version {given}")


class _Removed(Exception):
    """The generation is no more: another process has switched to another."""


class Follower(Generic[M]):
    """Keeps one generation up to date."""

    def __init__(
        self,
        client: AsyncClient,
        store: ReadModelStore[M],
        projection: Projection[M],
        generation: Generation,
        policy: ProjectionPolicy,
    ) -> None:
        self.generation = generation
        self.position = generation.position
        self.state = State.STARTING
        self.last_error: Exception | None = None
        self.moved = asyncio.Condition()
        self.caught_up = asyncio.Event()
        self._client = client
        self._store = store
        self._projection = projection
        self._policy = policy
        self._failed = 0

    async def run(self) -> None:
        """Follows the log, without end.

        Raises:
            PositionBeyondHead, WrongStore: The checkpoint is of another event store.
            Exception: The store failed in a way that does not pass.
        """
        try:
            while True:
                try:
                    await self._follow()
                except Superseded:
                    # Another process was faster. If it goes on, this one waits most of the time.
                    await self._pause(None)
                except TransientError as error:
                    await self._pause(error)
                except (PositionBeyondHead, WrongStore, _Removed):
                    raise
                except Exception as error:
                    if not self._store.is_passing(error):
                        raise
                    await self._pause(error)
        except asyncio.CancelledError:
            self.state = State.STOPPED
            raise
        except Exception as error:
            self.state, self.last_error = State.FAILED, error
            raise
        finally:
            async with self.moved:
                self.moved.notify_all()

    async def _pause(self, error: Exception | None) -> None:
        self._failed += 1
        self.state, self.last_error = State.WAITING, error or self.last_error
        pause = self._policy.pause(self._failed)
        if error is not None:
            log.warning("projection %s waits %.1f s: %s", self._projection.name, pause, error)
        await asyncio.sleep(pause)

    async def _follow(self) -> None:
        """From the checkpoint that is stored, until something fails."""
        await self._reload()
        info = await self._client.server_info()
        if info.store_id != self.generation.store_id:
            raise WrongStore(self._projection.name, self.generation.store_id, info.store_id)
        query = self._projection.query
        async with self._client.subscribe_all(after=self.position, query=query) as subscription:
            if self.state is not State.LIVE:
                self.state = State.CATCHING_UP
            async for items in subscription.batches():
                await self._take(items)
                self._failed = 0

    async def _reload(self) -> None:
        for one in await self._store.generations(self._projection.name):
            if one.number == self.generation.number:
                await self._move_to(one.position)
                return
        raise _Removed

    async def _take(self, items: Sequence[SubscriptionItem]) -> None:
        events = [item for item in items if isinstance(item, RecordedEvent)]
        # What is done outside of the transaction is not undone with it: a checkpoint after each.
        size = self._policy.batch_max if self._projection.in_transaction else 1
        for start in range(0, len(events), size):
            await self.apply(events[start : start + size])
        for item in items:
            if isinstance(item, RecordedEvent):
                continue
            if item.position > self.position:
                # Nothing up to there concerns it: worth keeping, so that it is not looked at again.
                await self._store.apply(self.generation, self.position, item.position, (), _nothing)
                await self._move_to(item.position)
            if isinstance(item, CaughtUp):
                self.state = State.LIVE
                self.caught_up.set()
            elif isinstance(item, FellBehind):
                self.state = State.CATCHING_UP

    async def _attempt(self, events: Sequence[RecordedEvent]) -> None:
        """Handles events and moves the checkpoint behind them, once."""
        generation, expected, position = self.generation, self.position, events[-1].position
        if self._projection.in_transaction:
            return await self._store.apply(generation, expected, position, events, self._projection.handle)
        for index, event in enumerate(events):
            try:
                reaction = self._projection.handle(event, None)  # type: ignore[arg-type]
                if reaction is not None:
                    await reaction
            except Exception as error:
                raise HandlerFailed(index, error) from error
        return await self._store.apply(generation, expected, position, (), _nothing)

    async def apply(self, events: Sequence[RecordedEvent]) -> None:
        """Handles events in one transaction; if the handler fails on one, those before it, then it, then the rest."""
        while events:
            try:
                await self._attempt(events)
            except HandlerFailed as failed:
                if self._store.is_passing(failed.reason) or isinstance(failed.reason, TransientError):
                    raise failed.reason from None
                if failed.index > 0:
                    await self.apply(events[: failed.index])
                await self._insist(events[failed.index])
                events = events[failed.index + 1 :]
            else:
                await self._move_to(events[-1].position)
                return

    async def _insist(self, event: RecordedEvent) -> None:
        """Tries the handler on one event, and gives it up in the end."""
        attempts = 1
        while True:
            try:
                await self._attempt([event])
                break
            except HandlerFailed as failed:
                if self._store.is_passing(failed.reason) or isinstance(failed.reason, TransientError):
                    raise failed.reason from None
                attempts += 1
                self.last_error = failed.reason
                if attempts >= self._policy.attempts_max:
                    letter = dead_letter(self.generation, event, failed.reason, attempts, datetime.now(UTC))
                    log.error(
                        "projection %s passes over %s at position %d after %d attempts: %s",
                        self._projection.name,
                        event.type,
                        event.position,
                        attempts,
                        letter.reason,
                        exc_info=failed.reason,
                    )
                    await self._store.bury(self.generation, self.position, letter)
                    break
                await asyncio.sleep(self._policy.pause(attempts - 1))
        await self._move_to(event.position)

    async def wait_to_move(self) -> bool:
        """Waits until it has moved or failed, but not for long, because another may be live by then; whether it has."""
        async with self.moved:
            try:
                return await asyncio.wait_for(self.moved.wait(), _LOOK_AGAIN_SECONDS * 10)
            except TimeoutError:
                return False

    async def _move_to(self, position: int) -> None:
        self.position = position
        async with self.moved:
            self.moved.notify_all()


def _nothing(_: RecordedEvent, __: object) -> None:
    """Only the checkpoint moves."""


class RunningProjection(Generic[M]):
    """A projection that runs: how far it is, and what can be done with it."""

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
        """What it is about."""
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
        """What went wrong last, whether it has passed or not."""
        return self._failure or (None if self._live is None else self._live.last_error)

    async def run(self) -> None:
        """Runs it until the task is cancelled.

        Raises:
            PositionBeyondHead, WrongStore: The checkpoint is of another event store.
            NewerVersion: The read model is of a newer version of the projection.
            Exception: The store failed in a way that does not pass.
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
                    # Readers go on with what the older code made, which is not for this code to change.
                    await self.rebuild()
            except Exception as error:
                if not (isinstance(error, TransientError) or self._store.is_passing(error)):
                    raise
                failed += 1
                log.warning("projection %s waits to begin: %s", self.projection.name, error)
                await asyncio.sleep(self._policy.pause(failed))
                continue
            if self._following is None:
                self._follow(live)
                if unfinished:
                    # A rebuild was under way when its process ended.
                    self._rebuild_later()
            self._begun.set()
            with contextlib.suppress(_Removed):
                await self._stay()
            self._following = None

    async def _stay(self) -> None:
        """Waits until what follows the live generation fails, whichever that is."""
        while True:
            following = self._following
            if following is not None:
                await asyncio.wait([following])
                if self._following is following:
                    return await following
            elif self._rebuilding is not None:
                # It is just switching.
                await asyncio.wait([self._rebuilding])

    async def _begin(self) -> tuple[Generation, bool]:
        """The live generation, which is the first one if there is none yet; and whether another is being built."""
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
        """Makes the read model anew from the beginning, beside the live one, and switches to it when it has caught up.

        Waits until that is done. A rebuild that was begun by a process that ended is gone on with.

        Raises:
            WrongStore, Exception: As `run`; the live one is not touched.
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
        # The old one is removed with the switch, so that nobody may work on it any more.
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
                    # It had caught up, but with a log that has grown since.
                    await follower.wait_to_move()
                if building.done():
                    await building
        except BaseException:
            if old is not None:
                self._follow(old.generation)
            raise

    async def _building(self) -> Generation:
        """The generation to build: the one that was begun, if this code has begun it."""
        generations = await self._store.generations(self.projection.name)
        for one in generations:
            if not one.live:
                if one.version == self.projection.version:
                    return one
                await self._store.remove(self.projection, one.number)
        info = await self._client.server_info()
        number = max((one.number for one in generations), default=0) + 1
        return await self._store.create(self.projection, number, info.store_id, live=False)

    async def wait_for(self, position: int | None, timeout: float = 10.0) -> None:
        """Waits until everything up to a position is in the live read model, so that one's own write can be read.

        Args:
            position: The position; `None`, as of a command that changed nothing, is no wait.
            timeout: For how long, in seconds.

        Raises:
            TimeoutError: It is not there by then.
            Exception: What the projection failed with, if it did.
        """
        if position is None:
            return
        async with asyncio.timeout(timeout):
            await self._begun.wait()
            while self.position < position:
                if self._failure is not None:
                    raise self._failure
                if self._live is None:
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                elif not await self._live.wait_to_move() and await self._is_stored(position):
                    # Another process is the one that works on it.
                    return

    async def _is_stored(self, position: int) -> bool:
        try:
            generations = await self._store.generations(self.projection.name)
        except Exception as error:
            if not self._store.is_passing(error):
                raise
            return False
        return any(one.live and one.position >= position for one in generations)

    async def lag(self) -> Lag:
        """How far it is behind the log as it is now."""
        position = self.position
        head = (await self._client.server_info()).head
        if position >= head:
            return Lag(0, 0.0)
        oldest = await self._client.read_all(from_position=position + 1, limit=1, query=self.projection.query).collect()
        if not oldest:
            return Lag(head - position, 0.0)
        return Lag(head - position, max(0.0, (datetime.now(UTC) - oldest[0].recorded_at).total_seconds()))

    async def dead_letters(self) -> Sequence[DeadLetter]:
        """The events that it passed over."""
        return await self._store.dead_letters(self.projection.name)


class Projections(Mapping[str, RunningProjection[Any]]):
    """Several projections that run independently, in one store or in several."""

    def __init__(
        self,
        client: AsyncClient,
        store: ReadModelStore[M],
        projections: Iterable[Projection[M]],
        policy: ProjectionPolicy = ProjectionPolicy(),
    ) -> None:
        self._client = client
        self._policy = policy
        self._running: dict[str, RunningProjection[Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = False
        for projection in projections:
            self.add(store, projection)

    def add(self, store: ReadModelStore[M], projection: Projection[M]) -> RunningProjection[M]:
        """Adds one, in that store; runs it at once if the others run.

        Raises:
            ValueError: There is one with that name.
        """
        if projection.name in self._running:
            raise ValueError(f"there are two projections with the name {projection.name!r}")
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
                # The others go on; `state` and `last_error` tell.
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
        """Runs them until the task is cancelled: the main function of a process that does nothing else."""
        async with self:
            await asyncio.Event().wait()

    async def wait_for(self, position: int | None, timeout: float = 10.0) -> None:
        """Waits until everything up to a position is in all of them. Raises as `RunningProjection.wait_for`."""
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
        TimeoutError: It is not there within `timeout` seconds.
    """
    if position is None:
        return
    async with asyncio.timeout(timeout):
        while True:
            if any(one.live and one.position >= position for one in await store.generations(name)):
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
