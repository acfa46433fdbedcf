"""The calls of an append pipeline: appends are sent and answered on one call after another.

`Exchange` is separate from the `AppendPipeline` that the application holds, so that a pipeline dropped without being
closed ends: its task refers to the exchange only.

1. Messages are split by size, so that every server accepts them, whatever its configuration. An append too large to
   share a message is sent as a separate call, after those before it have been answered and before those after it are
   sent. If the server rejects it, no other append fails.
2. A call on which nothing was appended for a while is ended (`_idle`); the next append opens another.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Any

import grpc.aio

from annals import _fork, _status
from annals._connection import Link
from annals._retry import Caller, log
from annals._rpc import APPEND_PIPELINE, APPEND_TO_MANY, APPEND_TO_STREAM
from annals.append import Appended, AppendedToMany, to_appended, to_appended_to_many
from annals.errors import AnnalsError, DeadlineExceeded, PipelineClosed, ProtocolError, TransientError, Unreachable
from annals.v1 import append_pb2 as pb

# A message is complete when it holds this many appends (a limit of the protocol) or bytes: small enough that the
# server starts early, and far below the server's limit.
_MESSAGE_APPENDS_MAX = 1_000
_MESSAGE_BYTES = 512 << 10
# Maximum size of an append that shares a message, in bytes: with framing, less than the 1 MiB that every server
# accepts.
SHARED_BYTES_MAX = 1_000_000


@dataclass(frozen=True, kw_only=True)
class PipelineLimits:
    """Limits on the unanswered appends of a pipeline."""

    appends_max: int = 4_096
    """Maximum number of appends, 1 or more."""
    bytes_max: int = 32 << 20
    """Maximum number of bytes in them; a single larger append is still accepted, alone."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """An append that was accepted and is not answered yet."""

    append: pb.PipelinedAppend
    append_bytes: int
    answer: asyncio.Future[Any]

    @property
    def alone(self) -> bool:
        """Whether it is too large to share a message."""
        return self.append_bytes > SHARED_BYTES_MAX


class Exchange:
    """The unanswered appends of a pipeline, and the task that sends them."""

    def __init__(self, caller: Caller, timeout: float, limits: PipelineLimits) -> None:
        self._caller = caller
        self._timeout = timeout
        self._limits = limits
        # Accepted and not answered, in order. The last of them, `_unsent`, have not been sent on the open call.
        self.unanswered: deque[_Waiting] = deque()
        self._unsent: deque[_Waiting] = deque()
        self._bytes = 0
        self._entry = asyncio.Lock()
        self._freed = asyncio.Event()
        self._work = asyncio.Event()
        self.closing = False
        self._driver: asyncio.Task[None] | None = None
        self._tries = caller.tries()
        self._limit: asyncio.Timeout | None = None
        # The endpoint of the last call.
        self.link: Link | None = None
        # Whether a call is open, whether anything was appended since the last idle check, and whether the call
        # accepts no more appends.
        self._open = self._asked = self._ending = False

    async def take(self, append: pb.PipelinedAppend) -> asyncio.Future[Any]:
        """Accepts an append, waiting while too many are unanswered; returns the future of its result.

        Raises:
            PipelineClosed: The pipeline has ended.
            Forked: This process was forked while a client was connected.
        """
        _fork.check()
        append_bytes = append.ByteSize()
        if self._entry.locked() or not self._has_room(append_bytes):
            async with self._entry:
                while not self._has_room(append_bytes):
                    self._freed.clear()
                    await self._freed.wait()
        if self.closing:
            raise PipelineClosed
        loop = asyncio.get_running_loop()
        waiting = _Waiting(append, append_bytes, loop.create_future())
        if not self.unanswered:
            self._progress()
        self._asked = True
        self.unanswered.append(waiting)
        self._unsent.append(waiting)
        self._bytes += append_bytes
        self._work.set()
        if self._driver is None:
            self._driver = loop.create_task(self._run(), name="annals append pipeline")
        return waiting.answer

    def finish(self) -> None:
        """Accepts no more appends, and ends when all are answered."""
        self.closing = True
        self._work.set()

    async def aclose(self) -> None:
        """Accepts no more appends, and waits until all are answered."""
        self.finish()
        if self._driver is not None and not _fork.broken():
            await asyncio.shield(self._driver)

    def rest_if_idle(self) -> bool:
        """Ends the call if nothing was appended since the last check; returns whether a call is still open."""
        if not self._open:
            return False
        if self._asked or self.unanswered:
            self._asked = False
            return True
        self._ending = True
        self._work.set()
        return False

    def _has_room(self, append_bytes: int) -> bool:
        if self.closing or not self.unanswered:
            return True
        limits = self._limits
        return len(self.unanswered) < limits.appends_max and self._bytes + append_bytes <= limits.bytes_max

    def _progress(self) -> None:
        """Restarts the wait for the next result: one was received, or the first append was accepted."""
        self._deadline = asyncio.get_running_loop().time() + self._timeout
        self._reschedule(self._deadline)

    def _reschedule(self, deadline: float | None) -> None:
        if self._limit is not None:
            # The timeout may just have expired.
            with contextlib.suppress(RuntimeError):
                self._limit.reschedule(deadline)

    async def _run(self) -> None:
        """Makes one call after another until the pipeline has ended."""
        try:
            while True:
                while not self.unanswered:
                    if self.closing:
                        return
                    self._work.clear()
                    await self._work.wait()
                try:
                    await (self._make_alone() if self.unanswered[0].alone else self._converse())
                except AnnalsError as error:
                    await self._pause_after(error)
        except AnnalsError as error:
            self._fail(error)
        except asyncio.CancelledError:
            self._fail(PipelineClosed())
            raise

    async def _pause_after(self, error: AnnalsError) -> None:
        """Waits before a new call, or raises the error if the pipeline can't continue."""
        if not isinstance(error, TransientError):
            raise error
        pause = self._tries.after_failure()
        if pause is None or asyncio.get_running_loop().time() + pause >= self._deadline:
            raise error
        log.debug("append pipeline broke, resuming %d appends in %.3f s: %s", len(self.unanswered), pause, error)
        await asyncio.sleep(pause)

    async def _make_alone(self) -> None:
        """Sends the first append as a separate call, because it is too large to share a message."""
        append = self.unanswered[0].append
        left = self._deadline - asyncio.get_running_loop().time()
        answer: Appended | AppendedToMany | AnnalsError
        try:
            if append.WhichOneof("append") == "append_to_stream":
                answer = to_appended(await self._caller.unary(APPEND_TO_STREAM, append.append_to_stream, left))
            else:
                answer = to_appended_to_many(await self._caller.unary(APPEND_TO_MANY, append.append_to_many, left))
        except DeadlineExceeded as error:
            raise DeadlineExceeded(self._timeout, error.last) from None
        except TransientError:
            raise
        except AnnalsError as error:
            answer = error
        self._settle(answer)
        self._moved()

    async def _converse(self) -> None:
        """Makes one call, until it ends or breaks, or until an append is too large to share a message."""
        self.link = link = self._caller.connection.pick()
        self._unsent = deque(self.unanswered)
        self._open, self._ending = True, False
        call = link.call(APPEND_PIPELINE)()
        self._caller.idle.watch(self)
        writer = asyncio.create_task(self._write(call))
        try:
            async with asyncio.timeout_at(self._deadline) as self._limit:
                while (answers := await call.read()) is not grpc.aio.EOF:
                    self._answered(answers, link)
            if len(self.unanswered) > len(self._unsent) or (self.unanswered and not self._ending):
                self._caller.connection.move_on(link)
                raise Unreachable(link.name, "the server ended the pipeline")
        except grpc.aio.AioRpcError as failed:
            error = self._caller.failed(link, failed, APPEND_PIPELINE)
            # Everything appended is answered, so how the call ended does not matter.
            if self.unanswered:
                raise error from None
        except TimeoutError:
            self._caller.connection.move_on(link)
            raise DeadlineExceeded(self._timeout) from None
        finally:
            self._limit = None
            self._open = False
            writer.cancel()
            call.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self, call: Any) -> None:
        """Sends appends as fast as the transport accepts them; those queued meanwhile form the next message."""
        try:
            while True:
                if self._unsent and self._unsent[0].alone:
                    self._ending = True
                elif self._unsent and not self._ending:
                    await call.write(self._next_message())
                    continue
                elif self.closing and not self.unanswered:
                    self._ending = True
                if self._ending:
                    await call.done_writing()
                    return
                self._work.clear()
                await self._work.wait()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The call has ended; reading from it reports the reason.
            return

    def _next_message(self) -> pb.AppendPipelineRequest:
        unsent, message_bytes = self._unsent, 0
        appends: list[pb.PipelinedAppend] = []
        while unsent and len(appends) < _MESSAGE_APPENDS_MAX:
            if unsent[0].alone or (appends and message_bytes + unsent[0].append_bytes > _MESSAGE_BYTES):
                break
            waiting = unsent.popleft()
            message_bytes += waiting.append_bytes
            appends.append(waiting.append)
        return pb.AppendPipelineRequest(appends=appends)

    def _answered(self, message: pb.AppendPipelineResponse, link: Link) -> None:
        """Settles appends with the results of a message.

        Raises at the first transient error; that append and those after it stay unanswered.
        """
        for result in message.results:
            if len(self.unanswered) <= len(self._unsent):
                raise ProtocolError("a pipeline result without an append")
            answer = _decode(result)
            if isinstance(answer, TransientError):
                self._caller.connection.move_on(link)
                raise answer
            self._settle(answer)
        self._moved()

    def _settle(self, answer: Appended | AppendedToMany | AnnalsError) -> None:
        """Settles the first unanswered append."""
        waiting = self.unanswered.popleft()
        self._bytes -= waiting.append_bytes
        # The caller may have stopped waiting.
        if not waiting.answer.done():
            if isinstance(answer, AnnalsError):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
        self._tries.reset()

    def _moved(self) -> None:
        """Updates the waiting tasks and timers after appends were answered."""
        self._freed.set()
        if self.unanswered:
            self._progress()
        else:
            self._reschedule(None)
            if self.closing:
                self._work.set()

    def _fail(self, error: AnnalsError) -> None:
        """Fails all unanswered appends and ends the pipeline."""
        self.closing = True
        self._freed.set()
        while self.unanswered:
            waiting = self.unanswered.popleft()
            if not waiting.answer.done():
                waiting.answer.set_exception(error)


def _decode(result: pb.PipelinedResult) -> Appended | AppendedToMany | AnnalsError:
    match result.WhichOneof("result"):
        case "appended_to_stream":
            return to_appended(result.appended_to_stream)
        case "appended_to_many":
            return to_appended_to_many(result.appended_to_many)
        case "error":
            return _status.from_result(result.error)
    return ProtocolError("an empty pipeline result")
