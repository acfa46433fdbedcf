"""Consumers of groups: they handle deliveries and settle them, with automatic reconnection.

1. A delivery that the consumer no longer holds is dropped if it has not started. If it has, its result is not sent.
2. Deliveries that wait are extended. Those that run are not, so that the group gets the event of a handler that hangs.
   Nor are any while all handlers hang.
3. Settlements are sent as fast as the transport accepts them; those made meanwhile form the next message.
4. The server never sends more than the permits, so memory is bounded.
5. A consumer stays with its server until the call ends: any server forwards to the one that leads the group.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import grpc.aio
from google.protobuf.empty_pb2 import Empty
from grpc.aio import AioRpcError

from annals._arguments import integer, shown, text
from annals._connection import Link
from annals._lanes import Held, Lanes
from annals._retry import Caller
from annals._rpc import CONSUME
from annals.errors import AnnalsError, DeadlineExceeded, InvalidValue, TransientError, Unreachable
from annals.event import RecordedEvent, decode_all
from annals.group import GroupMode, seconds_of, set_duration, to_mode
from annals.v1 import group_pb2 as pb

__all__ = ["Ack", "Consumer", "Delivery", "Handler", "Outcome", "Park", "Retry", "Skip"]

log = logging.getLogger("annals")

T = TypeVar("T")

PERMITS_MAX = 4_096
_PERMITS_MIN = 16
# Maximum number of ids in a message, and of bytes in a reason (a limit of the protocol).
_IDS_MAX = 1_000
_REASON_BYTES_MAX = 1_024
# Deliveries that wait are extended each time this fraction of the ack timeout has passed.
_EXTENSIONS_PER_TIMEOUT = 3
# The shortest ack timeout, in seconds (a limit of the protocol).
_ACK_TIMEOUT_MIN = 1.0
# Maximum number of deliveries that are handled before other tasks run, if the handler does not wait for anything.
_HANDLED_WITHOUT_PAUSE = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that a group has delivered."""

    event: RecordedEvent
    attempt: int
    """Number of the attempt, from 1. Attempts that a crashed server had not stored yet do not count."""


@dataclass(frozen=True, slots=True)
class Ack:
    """The event was processed. A handler that returns normally acks as well."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The event is retried after this time, and parked after the last attempt."""

    after: float
    """The time, in seconds: at most a day."""
    reason: str = ""
    """Why. Stored if the event is parked."""

    def __post_init__(self) -> None:
        set_duration(pb.Nack().retry_after, "after", self.after)
        text("reason", self.reason)


@dataclass(frozen=True, slots=True)
class Park:
    """The event is parked."""

    reason: str
    """Why: what operators see. Cut to 1,024 bytes."""

    def __post_init__(self) -> None:
        text("reason", self.reason)


@dataclass(frozen=True, slots=True)
class Skip:
    """The event is done without being processed."""


Outcome: TypeAlias = Ack | Retry | Park | Skip
"""What a handler decides about an event."""

Handler: TypeAlias = Callable[[Delivery], Awaitable[Outcome | None]]
"""A handler of deliveries. Raising retries the event after the group's delay; returning `None` acks it."""


class _Outbox:
    """Settlements that have not been sent on the open call."""

    def __init__(self) -> None:
        self.acks: deque[int] = deque()
        self.nacks: deque[pb.Nack] = deque()
        # A dict as a set in order, so that a delivery is in it once, however often it is extended.
        self.extensions: dict[int, None] = {}
        # Whether an empty message is due.
        self.greeting = False
        self.wake = asyncio.Event()

    def message(self) -> pb.ConsumeRequest | None:
        """Takes what fits into the next message."""
        if not (self.acks or self.nacks or self.extensions or self.greeting):
            return None
        self.greeting = False
        acks = _take(self.acks, _IDS_MAX)
        nacks = _take(self.nacks, _IDS_MAX - len(acks))
        extensions = list(islice(self.extensions, _IDS_MAX - len(acks) - len(nacks)))
        for id_ in extensions:
            del self.extensions[id_]
        return pb.ConsumeRequest(acks=acks, nacks=nacks, extensions=extensions)


class Consumer:
    """A consumer of a group. Await it, which handles events until it is stopped or fails, or use it as a context.

        async with client.consume("shipping", handle, concurrency=8):
            ...  # events are handled meanwhile

    Leaving the context stops it, and cancels it after an error. Cancelling it loses nothing: the events that it holds
    are delivered again.
    """

    def __init__(
        self,
        caller: Caller,
        timeout: float,
        group: str,
        handler: Handler,
        *,
        name: str | None,
        concurrency: int,
        permits: int | None,
        prepare: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        text("group", group)
        if not callable(handler):
            raise InvalidValue("handler", f"is {shown(handler)}; give a coroutine function")
        if name is None:
            name = f"{socket.gethostname()[:200]}-{os.getpid()}-{secrets.token_hex(4)}"
        text("consumer", name)
        integer("concurrency", concurrency, least=1)
        if permits is None:
            permits = min(max(2 * concurrency, _PERMITS_MIN), PERMITS_MAX)
        integer("permits", permits, least=1, most=PERMITS_MAX)
        self.group = group
        self.name = name
        self._caller = caller
        self._timeout = timeout
        self._handler = handler
        self._concurrency = concurrency
        self._permits = permits
        self._prepare = prepare
        self._lanes = Lanes()
        self._handling: set[asyncio.Task[None]] = set()
        self._tries = caller.tries()
        self._stopping = asyncio.Event()
        # Set when no handler runs.
        self._drained = asyncio.Event()
        self._drained.set()
        # What is to be sent on the open call; `None`: no call is open.
        self._outbox: _Outbox | None = None
        self._mode = GroupMode.ORDERED
        self._tag_prefix = ""
        self._ack_timeout = 30.0
        self._begun = False
        self._background: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Stops it gracefully: handlers that run finish and their events are settled; the others return to the group.

        Call it in the consumer's event loop, such as from `loop.add_signal_handler`.
        """
        self._stopping.set()
        self._wake()

    def __await__(self) -> Generator[Any, None, None]:
        """Handles events until it is stopped or fails."""
        return self._run().__await__()

    async def __aenter__(self) -> Self:
        self._background = asyncio.create_task(self._run(), name=f"annals consumer of {self.group}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        background, self._background = self._background, None
        if background is None:
            return
        if error is not None:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)
            return
        self.stop()
        await background

    async def _run(self) -> None:
        if self._begun:
            raise RuntimeError("a consumer runs once; call consume again")
        self._begun = True
        try:
            if self._prepare is not None:
                await self._unless_stopped(self._prepare())
            try:
                await self._consume()
            finally:
                if not _being_cancelled():
                    await self._drained.wait()
        finally:
            for task in self._handling:
                task.cancel()
            await asyncio.gather(*self._handling, return_exceptions=True)

    async def _consume(self) -> None:
        """Makes one call after another."""
        opened = await self._unless_stopped(self._caller.somewhere(CONSUME, self._open, self._timeout))
        while opened is not None:
            (call, first), link = opened
            try:
                await self._converse(call, first, link)
                return
            except TransientError as error:
                if self._stopping.is_set():
                    return
                opened = await self._unless_stopped(self._reopen(error))

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Returns the result of work; `None` if the consumer was stopped before it was done."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            stopping.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    async def _open(self, link: Link, left: float) -> tuple[Any, Any]:
        """Makes the call, and waits until the server has accepted it; returns its first message, too."""
        call = link.call(CONSUME)()
        opening = pb.OpenConsumer(group=self.group, consumer=self.name, permits=self._permits)
        try:
            async with asyncio.timeout(left):
                # If the call has ended, reading from it reports the reason.
                with contextlib.suppress(AioRpcError, asyncio.InvalidStateError):
                    await call.write(pb.ConsumeRequest(open=opening))
                return call, await call.read()
        except BaseException:
            call.cancel()
            raise

    async def _reopen(self, error: AnnalsError) -> tuple[tuple[Any, Any], Link]:
        """Makes attempts to open a new call, after pauses, without a limit."""
        while True:
            pause = self._tries.after_failure_without_end()
            log.debug("consumer of group %s broke, reconnecting in %.3f s: %s", self.group, pause, error)
            await asyncio.sleep(pause)
            link = self._caller.connection.pick()
            try:
                return await self._open(link, self._timeout), link
            except AioRpcError as failed:
                error = self._caller.failed(link, failed, CONSUME)
            except TimeoutError:
                self._caller.connection.move_on(link)
                error = DeadlineExceeded(self._timeout)
            if not isinstance(error, TransientError):
                raise error

    async def _converse(self, call: Any, message: Any, link: Link) -> None:
        """Handles and settles the deliveries of one call, until it ends after the consumer was stopped, or breaks."""
        outbox = self._outbox = _Outbox()
        sides = [asyncio.create_task(self._write(call, outbox)), asyncio.create_task(self._extend(outbox))]
        try:
            while message is not grpc.aio.EOF:
                self._tries.reset()
                self._take(message)
                self._start()
                message = await call.read()
            if self._stopping.is_set():
                return
            self._caller.connection.move_on(link)
            raise Unreachable(link.name, "the server ended the consumer")
        except AioRpcError as failed:
            raise self._caller.failed(link, failed, CONSUME) from None
        finally:
            self._outbox = None
            self._lanes.lose_all()
            for side in sides:
                side.cancel()
            call.cancel()
            await asyncio.gather(*sides, return_exceptions=True)

    async def _write(self, call: Any, outbox: _Outbox) -> None:
        """Sends settlements, and ends the requests when the consumer was stopped and all handlers have ended."""
        try:
            while True:
                outbox.wake.clear()
                message = outbox.message()
                if message is not None:
                    await call.write(message)
                elif self._stopping.is_set() and self._drained.is_set():
                    await call.done_writing()
                    return
                else:
                    await outbox.wake.wait()
        except (AioRpcError, asyncio.InvalidStateError):
            # The call has ended; reading from it reports the reason.
            return

    async def _extend(self, outbox: _Outbox) -> None:
        """Extends deliveries that wait."""
        while True:
            await asyncio.sleep(self._ack_timeout / _EXTENSIONS_PER_TIMEOUT)
            # If all handlers run deliveries that are lost, nothing shows that one will ever end.
            if self._lanes.running_lost < self._concurrency:
                now = asyncio.get_running_loop().time()
                for held in self._lanes.waiting():
                    held.fresh_at = now
                    outbox.extensions[held.id] = None
                outbox.wake.set()

    def _take(self, message: pb.ConsumeResponse) -> None:
        match message.WhichOneof("content"):
            case "opened":
                opened = message.opened
                self._mode = to_mode(opened.mode)
                self._tag_prefix = opened.order_by_tag_prefix
                self._ack_timeout = max(seconds_of(opened.ack_timeout), _ACK_TIMEOUT_MIN)
            case "deliveries":
                now = asyncio.get_running_loop().time()
                deliveries = message.deliveries.deliveries
                events = decode_all(delivery.event for delivery in deliveries)
                for delivery, event in zip(deliveries, events, strict=True):
                    held = Held(delivery.id, delivery.attempt, event, now)
                    self._lanes.add(self._key(held), held)
            case "withdrawal":
                overdue = message.withdrawal.reason == pb.WITHDRAWAL_REASON_ACK_TIMEOUT
                self._lanes.withdraw(message.withdrawal.deliveries, overdue=overdue)

    def _key(self, held: Held) -> str | int:
        """Returns the order key of a delivery, as the server determines it."""
        match self._mode:
            case GroupMode.UNORDERED:
                return held.id
            case GroupMode.EXCLUSIVE:
                return ""
        if self._tag_prefix:
            for tag in held.event.tags:
                if tag.startswith(self._tag_prefix):
                    return tag
        return held.event.stream

    def _start(self) -> None:
        """Starts handlers, as many as may run."""
        while (held := self._next()) is not None:
            handling = asyncio.create_task(self._work(held))
            self._handling.add(handling)
            handling.add_done_callback(self._handling.discard)

    async def _work(self, held: Held | None) -> None:
        """Handles this delivery, and then others as long as there are some."""
        handled = 0
        while held is not None:
            await self._handle(held)
            handled += 1
            if handled % _HANDLED_WITHOUT_PAUSE == 0:
                await asyncio.sleep(0)
            held = self._next()

    def _next(self) -> Held | None:
        """Returns the next delivery that can start, if another handler may run."""
        if self._lanes.running >= self._concurrency or self._stopping.is_set():
            return None
        held = self._lanes.start()
        if held is None:
            return None
        self._drained.clear()
        now = asyncio.get_running_loop().time()
        if self._outbox is not None and now - held.fresh_at > self._ack_timeout / _EXTENSIONS_PER_TIMEOUT:
            # It has waited without being extended, and the handler gets most of the timeout.
            self._outbox.extensions[held.id] = None
            self._wake()
        return held

    async def _handle(self, held: Held) -> None:
        """Handles one delivery."""
        try:
            self._settle(held, await self._handler(Delivery(held.event, held.attempt)))
        except (asyncio.CancelledError, Exception) as error:
            if _being_cancelled():
                raise
            # A handler whose own work was cancelled has failed like any other.
            self._log(held, error)
            self._settle(held, error)
        except BaseException as error:
            self._settle(held, error)
            raise

    def _log(self, held: Held, error: BaseException) -> None:
        event = held.event
        log.warning(
            "handler of group %s failed on %s at position %d, attempt %d",
            self.group,
            event.type,
            event.position,
            held.attempt,
            exc_info=error,
        )

    def _settle(self, held: Held, outcome: Outcome | BaseException | None) -> None:
        """Ends a delivery that runs, and settles it if it is still held."""
        nack = _nack(held.id, outcome)
        waits = nack is not None and not nack.HasField("skip") and self._mode is not GroupMode.UNORDERED
        self._lanes.finish(held, nack=waits)
        if self._outbox is not None:
            if held.lost:
                # The server gives nothing more to a consumer whose deliveries were overdue before it sends a message.
                self._outbox.greeting |= held.overdue
            elif nack is None:
                self._outbox.acks.append(held.id)
            else:
                self._outbox.nacks.append(nack)
        if self._lanes.running == 0:
            self._drained.set()
        self._wake()

    def _wake(self) -> None:
        if self._outbox is not None:
            self._outbox.wake.set()


def _nack(id_: int, outcome: Outcome | BaseException | None) -> pb.Nack | None:
    """Encodes what becomes of a delivery that was not acked."""
    match outcome:
        case BaseException():
            return pb.Nack(deliveries=[id_], reason=_reason(outcome))
        case Retry(after, reason):
            nack = pb.Nack(deliveries=[id_], reason=_cut(reason))
            set_duration(nack.retry_after, "after", after)
            # Also if it is zero.
            nack.retry_after.SetInParent()
            return nack
        case Park(reason):
            return pb.Nack(deliveries=[id_], reason=_cut(reason), park=Empty())
        case Skip():
            return pb.Nack(deliveries=[id_], skip=Empty())
    return None


def _reason(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return _cut(f"{name}: {error}")
    except Exception:  # noqa: BLE001
        # The error has no text.
        return name


def _cut(reason: str) -> str:
    """Cuts a reason to the most bytes that the server accepts, at the end of a character."""
    return reason.encode(errors="replace")[:_REASON_BYTES_MAX].decode(errors="ignore")


def _take(items: deque[Any], count: int) -> list[Any]:
    return [items.popleft() for _ in range(min(count, len(items)))]


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
