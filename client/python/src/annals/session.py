"""A pipelined append session: many appends in flight on one call, judged and answered in order.

1. Appends are sent in the order in which `AppendSession.append` took them, and answered in that order.
2. At most `SessionLimits` are unanswered; `append` waits for room, so memory stays bounded however fast the caller.
3. If the call breaks, or the server refuses an append for a passing reason, everything unanswered is sent again from there on,
   in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
4. If nothing is answered for the client's timeout although appends wait, all of them fail and the session is over.

Limit of 3: appends behind one that was refused for a passing reason may have been written by then, if they did not expect an
exact revision; they then stand before it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import grpc.aio

from annals import _status
from annals._connection import Link
from annals._retry import Caller, log
from annals._rpc import APPEND_SESSION
from annals.append import (
    Appended,
    AppendedToMany,
    Check,
    Expected,
    ExpectedRevision,
    Write,
    to_appended,
    to_appended_to_many,
    to_many_request,
    to_stream_request,
)
from annals.errors import AnnalsError, DeadlineExceeded, ProtocolError, SessionClosed, TransientError, Unreachable
from annals.event import Event
from annals.v1 import append_pb2 as pb

__all__ = ["AppendSession", "SessionLimits"]

# A message is closed when it holds as many appends (a limit of the protocol), or as many bytes: small enough that the server
# begins early, and far below what it takes.
_MESSAGE_APPENDS_MAX = 1_000
_MESSAGE_BYTES = 512 << 10


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """How much of a session may be unanswered."""

    appends_max: int = 4_096
    """The most appends, 1 or more."""
    bytes_max: int = 32 << 20
    """The most bytes in them; a single larger append is still taken, alone."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """An append that was taken and is not answered yet."""

    append: pb.SessionAppend
    append_bytes: int
    answer: asyncio.Future[Any]


class AppendSession:
    """An open append session, for one event loop and any number of its tasks.

    async with client.append_session() as session:
        waiting = [await session.append("sensor-1", [event]) for event in events]
        for appended in await asyncio.gather(*waiting):
            ...
    """

    def __init__(self, caller: Caller, timeout: float, limits: SessionLimits) -> None:
        self._caller = caller
        self._timeout = timeout
        self._limits = limits
        # Taken and not answered, in order; the first `_sent` of them were sent on the call that is open.
        self._unanswered: deque[_Waiting] = deque()
        self._unsent: deque[_Waiting] = deque()
        self._bytes = 0
        self._entry = asyncio.Lock()
        self._freed = asyncio.Event()
        self._work = asyncio.Event()
        self._closing = False
        self._failure: AnnalsError | None = None
        self._driver: asyncio.Task[None] | None = None
        self._tries = caller.tries()
        self._limit: asyncio.Timeout | None = None
        # Where the last call went.
        self._link: Link | None = None

    async def append(
        self,
        stream: str,
        events: Iterable[Event],
        *,
        expected: ExpectedRevision = Expected.ANY,
        recorded_at: datetime | None = None,
    ) -> asyncio.Future[Appended]:
        """Hands an append to the session, waiting while too many are unanswered; returns the future of its result.

        The append is made whether or not that future is awaited.

        Raises:
            SessionClosed: The session is over.
        """
        return await self.take(to_stream_request(stream, events, expected, recorded_at))

    async def take(self, request: pb.AppendToStreamRequest) -> asyncio.Future[Appended]:
        """`append` of a request that is made already."""
        return await self._take(pb.SessionAppend(append_to_stream=request))

    async def append_to_many(
        self,
        writes: Iterable[Write],
        *,
        checks: Iterable[Check] = (),
        recorded_at: datetime | None = None,
    ) -> asyncio.Future[AppendedToMany]:
        """The same for events of any number of streams, with checks.

        Raises:
            SessionClosed: The session is over.
        """
        return await self.take_to_many(to_many_request(writes, checks, recorded_at))

    async def take_to_many(self, request: pb.AppendRequest) -> asyncio.Future[AppendedToMany]:
        """`append_to_many` of a request that is made already."""
        return await self._take(pb.SessionAppend(append_to_many=request))

    @property
    def closed(self) -> bool:
        """Whether it takes no more appends."""
        return self._closing

    async def aclose(self) -> None:
        """Waits until every append is answered, and ends the session."""
        self._closing = True
        self._work.set()
        if self._driver is not None:
            await asyncio.shield(self._driver)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _take(self, append: pb.SessionAppend) -> asyncio.Future[Any]:
        append_bytes = append.ByteSize()
        if self._entry.locked() or not self._has_room(append_bytes):
            async with self._entry:
                while not self._has_room(append_bytes):
                    self._freed.clear()
                    await self._freed.wait()
        if self._closing:
            raise SessionClosed
        loop = asyncio.get_running_loop()
        waiting = _Waiting(append, append_bytes, loop.create_future())
        if not self._unanswered:
            self._progress()
        self._unanswered.append(waiting)
        self._unsent.append(waiting)
        self._bytes += append_bytes
        self._work.set()
        if self._driver is None:
            self._driver = loop.create_task(self._run(), name="annals append session")
        return waiting.answer

    def _has_room(self, append_bytes: int) -> bool:
        if self._closing or not self._unanswered:
            return True
        limits = self._limits
        return len(self._unanswered) < limits.appends_max and self._bytes + append_bytes <= limits.bytes_max

    def _progress(self) -> None:
        """An answer came, or appends began to wait: the time for the next answer begins."""
        self._deadline = asyncio.get_running_loop().time() + self._timeout
        self._reschedule(self._deadline)

    def _reschedule(self, deadline: float | None) -> None:
        if self._limit is not None:
            # It may just have run out.
            with contextlib.suppress(RuntimeError):
                self._limit.reschedule(deadline)

    async def _run(self) -> None:
        """Holds one call after the other, until the session is over."""
        try:
            while True:
                while not self._unanswered:
                    if self._closing:
                        return
                    self._work.clear()
                    await self._work.wait()
                try:
                    await self._converse()
                except AnnalsError as error:
                    await self._pause_after(error)
        except AnnalsError as error:
            self._fail(error)
        except asyncio.CancelledError:
            self._fail(SessionClosed())
            raise

    async def _pause_after(self, error: AnnalsError) -> None:
        """Waits before a new call, or raises the error if there is to be none."""
        if not isinstance(error, TransientError):
            raise error
        pause = self._tries.after_failure()
        if pause is None or asyncio.get_running_loop().time() + pause >= self._deadline:
            raise error
        log.debug("append session broke, resuming %d appends in %.3f s: %s", len(self._unanswered), pause, error)
        await asyncio.sleep(pause)

    async def _converse(self) -> None:
        """Holds one call, until it ends or breaks."""
        self._link = link = self._caller.connection.pick()
        self._unsent = deque(self._unanswered)
        call = link.call(APPEND_SESSION)()
        writer = asyncio.create_task(self._write(call))
        try:
            async with asyncio.timeout_at(self._deadline) as self._limit:
                while (answers := await call.read()) is not grpc.aio.EOF:
                    self._answered(answers, link)
            if self._unanswered:
                self._caller.connection.move_on(link)
                raise Unreachable(link.name, "the server ended the session")
        except grpc.aio.AioRpcError as failed:
            error = self._caller.failed(link, failed, APPEND_SESSION)
            # What was appended is answered; how the call then ended does not matter.
            if self._unanswered:
                raise error from None
        except TimeoutError:
            self._caller.connection.move_on(link)
            raise DeadlineExceeded(self._timeout) from None
        finally:
            self._limit = None
            writer.cancel()
            call.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self, call: Any) -> None:
        """Sends what is to be sent, as the transport takes it; what queues up meanwhile makes the next message."""
        try:
            while True:
                if self._unsent:
                    await call.write(self._next_message())
                elif self._closing and not self._unanswered:
                    await call.done_writing()
                    return
                else:
                    self._work.clear()
                    await self._work.wait()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The call is over; its answers say why.
            return

    def _next_message(self) -> pb.AppendSessionRequest:
        unsent, message_bytes = self._unsent, 0
        appends: list[pb.SessionAppend] = []
        while unsent and len(appends) < _MESSAGE_APPENDS_MAX:
            if appends and message_bytes + unsent[0].append_bytes > _MESSAGE_BYTES:
                break
            waiting = unsent.popleft()
            message_bytes += waiting.append_bytes
            appends.append(waiting.append)
        return pb.AppendSessionRequest(appends=appends)

    def _answered(self, message: pb.AppendSessionResponse, link: Link) -> None:
        """Takes the results of a message. Fails at the first that is worth sending again, it and the rest unanswered."""
        for result in message.results:
            if len(self._unanswered) <= len(self._unsent):
                raise ProtocolError("a session result without an append")
            answer = _decode(result)
            if isinstance(answer, TransientError):
                self._caller.connection.move_on(link)
                raise answer
            waiting = self._unanswered.popleft()
            self._bytes -= waiting.append_bytes
            # Nobody may be waiting for the answer any more.
            if not waiting.answer.done():
                if isinstance(answer, AnnalsError):
                    waiting.answer.set_exception(answer)
                else:
                    waiting.answer.set_result(answer)
            self._tries.reset()
        self._freed.set()
        if self._unanswered:
            self._progress()
        else:
            self._reschedule(None)
            if self._closing:
                self._work.set()

    def _fail(self, error: AnnalsError) -> None:
        """Fails everything that waits, and with it the session."""
        self._closing = True
        self._freed.set()
        while self._unanswered:
            waiting = self._unanswered.popleft()
            if not waiting.answer.done():
                waiting.answer.set_exception(error)


def _decode(result: pb.SessionResult) -> Appended | AppendedToMany | AnnalsError:
    match result.WhichOneof("result"):
        case "appended":
            return to_appended(result.appended)
        case "appended_to_many":
            return to_appended_to_many(result.appended_to_many)
        case "error":
            return _status.from_result(result.error)
    return ProtocolError("an empty session result")
