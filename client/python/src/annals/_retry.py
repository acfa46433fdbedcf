"""Retries: which errors, how often, and after which pauses.

1. Only a `TransientError` is retried, and only within the call's deadline.
2. A failed attempt moves the client to the next endpoint. There is a pause only after all endpoints were tried.
3. Pauses grow exponentially and are jittered (half to all of the nominal pause), so that clients that lost the same
   server do not return at the same time. Retries without a limit (subscriptions) wait up to the first pause even
   before the next endpoint.
4. Progress shortens the pauses again, but does not remove them: endpoints that accept a call and then fail it can't
   make a client cycle through them without a pause.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from grpc.aio import AioRpcError

from annals import _status
from annals._connection import Connection, Link
from annals._idle import Idle
from annals._rpc import A, Method, Q
from annals.errors import AnnalsError, DeadlineExceeded, TransientError

log = logging.getLogger("annals")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How calls that failed for a transient reason are retried."""

    pause_first_seconds: float = 0.05
    """Pause after the first failure of all endpoints."""
    pause_max_seconds: float = 2.0
    """Maximum pause."""
    tries_max: int | None = None
    """Maximum number of attempts per call; 1 disables retries. By default as many as the call's deadline allows."""

    @classmethod
    def never(cls) -> RetryPolicy:
        """A policy without retries."""
        return cls(tries_max=1)

    def pause(self, round_: int) -> float:
        """Returns the nominal pause after the n-th (from 0) round over all endpoints, in seconds."""
        return min(self.pause_first_seconds * (1 << min(round_, 20)), self.pause_max_seconds)


class Tries:
    """The attempts of one call, or of one period without progress."""

    def __init__(self, policy: RetryPolicy, endpoints: int) -> None:
        self._policy = policy
        self._endpoints = endpoints
        self._failed = 0

    def after_failure(self) -> float | None:
        """Counts a failure, and returns the pause before the next attempt in seconds; `None` if there is none."""
        pause = self._count_failure()
        most = self._policy.tries_max
        return None if most is not None and self._failed >= most else pause

    def after_failure_without_end(self) -> float:
        """Counts a failure, and returns the pause before the next attempt, where attempts are unlimited."""
        return self._count_failure() or self._policy.pause_first_seconds * random.random()

    def _count_failure(self) -> float:
        self._failed += 1
        if self._failed % self._endpoints:
            return 0.0
        return self._policy.pause(self._failed // self._endpoints - 1) * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Starts over after progress, but still tries all remaining endpoints before the next pause."""
        self._failed %= self._endpoints


class Caller:
    """State shared by all calls of a client."""

    def __init__(self, connection: Connection, policy: RetryPolicy) -> None:
        self.connection = connection
        self.policy = policy
        self.idle = Idle()

    def tries(self) -> Tries:
        """Returns the attempts of a call that begins now."""
        return Tries(self.policy, len(self.connection))

    async def unary(self, method: Method[Q, A], request: Q, timeout: float) -> A:
        """Makes a unary call, with retries, until a response, a permanent error, or the end of `timeout` seconds."""

        async def attempt(link: Link, left: float) -> A:
            answer: A = await link.call(method)(request, timeout=left)
            return answer

        answer, _ = await self.somewhere(method, attempt, timeout)
        return answer

    async def somewhere(
        self, method: Method[Any, Any], attempt: Callable[[Link, float], Awaitable[T]], timeout: float
    ) -> tuple[T, Link]:
        """Makes a call of any kind, with retries, and returns the result and the endpoint that served it.

        An attempt gets the endpoint and the seconds left.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + timeout
        tries = self.tries()
        last: AnnalsError | None = None
        while True:
            link = self.connection.pick()
            left = deadline - now()
            try:
                return await attempt(link, left), link
            except AioRpcError as failed:
                if failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED and now() >= deadline:
                    self.connection.move_on(link)
                    raise DeadlineExceeded(timeout, last) from None
                error = self.failed(link, failed, method)
            except TimeoutError:
                self.connection.move_on(link)
                raise DeadlineExceeded(timeout, last) from None
            if not isinstance(error, TransientError):
                raise error from None
            pause = tries.after_failure()
            if pause is None or now() + pause >= deadline:
                raise error from None
            log.debug("%s failed, retrying in %.3f s: %s", method.name, pause, error)
            if pause:
                await asyncio.sleep(pause)
            last = error

    def failed(self, link: Link, failed: AioRpcError, method: Method[Any, Any]) -> AnnalsError:
        """Decodes the error of a call, and moves on from its endpoint if another endpoint might serve it."""
        error = _status.from_rpc_error(failed, link.name, method.name)
        if isinstance(error, TransientError):
            self.connection.move_on(link)
        return error
