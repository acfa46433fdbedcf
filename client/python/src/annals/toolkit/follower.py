"""Keeps one generation of a read model up to date, and handles failures of the handler, the store and the log.

1. It continues from the stored checkpoint, which is updated in the same transaction as the read model.
2. Transient errors (`TransientError`, or errors that the store classifies as transient) are retried without a limit.
3. If a handler fails, that event is retried a bounded number of times and then becomes a dead letter. The events
   before and after it are not affected.
4. A process that loses the checkpoint to another one continues from the other's checkpoint.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from annals.aio import AsyncClient
from annals.errors import PositionBeyondHead, TransientError
from annals.event import RecordedEvent
from annals.subscription import CaughtUp, FellBehind, SubscriptionItem
from annals.toolkit.projection import Projection, ProjectionPolicy, State
from annals.toolkit.stores.base import (
    DoesNotFit,
    Generation,
    HandlerFailed,
    ReadModelStore,
    Superseded,
    WrongStore,
    dead_letter,
)

__all__ = ["Follower", "Removed"]

log = logging.getLogger("annals.toolkit")

# Logs each batch at level DEBUG, with its figures as attributes of the record, for structured logs.
batches = logging.getLogger("annals.toolkit.batches")

M = TypeVar("M")

# Polling interval for changes without a notification, in seconds.
POLL_SECONDS = 0.02


class Removed(Exception):
    """The generation no longer exists: another process has switched to a new one."""


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
            Exception: The store failed with a permanent error.
        """
        try:
            while True:
                try:
                    await self._follow()
                except Superseded:
                    # Another process was faster. While it continues, this one waits most of the time.
                    await self._pause(None)
                except TransientError as error:
                    await self._pause(error)
                except (PositionBeyondHead, WrongStore, Removed):
                    raise
                except Exception as error:
                    if not self._store.is_transient(error):
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
            log.warning("projection %s failed, retrying in %.1f s: %s", self._projection.name, pause, error)
        await asyncio.sleep(pause)

    async def _follow(self) -> None:
        """Follows the log from the stored checkpoint until a failure."""
        await self.reload()
        info = await self._client.server_info()
        if info.store_id != self.generation.store_id:
            raise WrongStore(self._projection.name, self.generation.store_id, info.store_id)
        query = self._projection.query
        async with self._client.subscribe_all(after=self.position, query=query) as subscription:
            # After a failure the state stays at WAITING until a batch succeeds.
            if self.state is State.STARTING:
                self.state = State.CATCHING_UP
            async for items in subscription.batches():
                await self._take(items)
                self._failed = 0
                if self.state is State.WAITING:
                    self.state = State.CATCHING_UP

    async def reload(self) -> None:
        """Continues from the stored checkpoint.

        Raises:
            Removed: The generation no longer exists.
        """
        for one in await self._store.generations(self._projection.name):
            if one.number == self.generation.number:
                await self._move_to(one.position)
                return
        raise Removed

    async def _take(self, items: Sequence[SubscriptionItem]) -> None:
        events = [item for item in items if isinstance(item, RecordedEvent)]
        # Side effects outside the transaction are not rolled back with it, so there is a checkpoint after each event.
        size = self._policy.batch_max if self._projection.in_transaction else 1
        for start in range(0, len(events), size):
            await self.apply(events[start : start + size])
        for item in items:
            if isinstance(item, RecordedEvent):
                continue
            if item.position > self.position:
                # No event up to there matches; stored so that they are not read again.
                await self._store.apply(self.generation, self.position, item.position, (), _nothing)
                await self._move_to(item.position)
            if isinstance(item, CaughtUp):
                self.state = State.LIVE
                self.caught_up.set()
            elif isinstance(item, FellBehind):
                self.state = State.CATCHING_UP

    async def _attempt(self, events: Sequence[RecordedEvent]) -> None:
        """Handles events and moves the checkpoint after them, once."""
        began = time.perf_counter()
        await self._handle(events)
        if batches.isEnabledFor(logging.DEBUG):
            figures = {
                "projection": self._projection.name,
                "generation": self.generation.number,
                "events": len(events),
                "position": events[-1].position,
                "seconds": time.perf_counter() - began,
            }
            batches.debug("projection %(projection)s handled a batch of %(events)d", figures, extra=figures)

    async def _handle(self, events: Sequence[RecordedEvent]) -> None:
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
        """Handles events in one transaction, or in several if their changes do not fit into one.

        If the handler fails on one, handles those before it, then it, then the rest.
        """
        while events:
            try:
                await self._attempt(events)
            except DoesNotFit as too_many:
                await self.apply(events[: too_many.fitting])
                events = events[too_many.fitting :]
            except HandlerFailed as failed:
                if self._store.is_transient(failed.reason) or isinstance(failed.reason, TransientError):
                    raise failed.reason from None
                if failed.index > 0:
                    await self.apply(events[: failed.index])
                await self._insist(events[failed.index])
                events = events[failed.index + 1 :]
            else:
                await self._move_to(events[-1].position)
                return

    async def _insist(self, event: RecordedEvent) -> None:
        """Retries the handler on one event, and finally skips the event."""
        attempts = 1
        while True:
            try:
                await self._attempt([event])
                break
            except HandlerFailed as failed:
                if self._store.is_transient(failed.reason) or isinstance(failed.reason, TransientError):
                    raise failed.reason from None
                attempts += 1
                self.last_error = failed.reason
                if attempts >= self._policy.attempts_max:
                    letter = dead_letter(self.generation, event, failed.reason, attempts, datetime.now(UTC))
                    log.error(
                        "projection %s skips %s at position %d after %d attempts: %s",
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
        """Waits briefly until it has moved or failed; returns whether it has. Another follower may be live by then."""
        async with self.moved:
            try:
                return await asyncio.wait_for(self.moved.wait(), POLL_SECONDS * 10)
            except TimeoutError:
                return False

    async def _move_to(self, position: int) -> None:
        self.position = position
        async with self.moved:
            self.moved.notify_all()


def _nothing(_: RecordedEvent, __: object) -> None:
    """Handles nothing: only the checkpoint moves."""
