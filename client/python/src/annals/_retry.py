"""Trying again: when, how often, how long after.

1. Only a `TransientError` is tried again, and only within the call's deadline.
2. A try that failed moves the client on to the next endpoint; only when all were tried is there a pause.
3. Pauses grow exponentially and are jittered (half to all of the nominal pause), so that clients that lost the same server do
   not come back in step. What is tried without end (subscriptions) waits up to the first pause even before the next endpoint.
4. Progress makes the pauses short again, but does not do away with them: endpoints that accept and then fail can't make a
   client go round them without a pause.
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
    """How calls that failed for a passing reason are tried again."""

    pause_first_seconds: float = 0.05
    """Pause after the first failure of all endpoints."""
    pause_max_seconds: float = 2.0
    """The longest pause."""
    tries_max: int | None = None
    """The most tries of a call, 1 for none again. Unless set, as many as the call's deadline allows."""

    @classmethod
    def never(cls) -> RetryPolicy:
        """Never tries again."""
        return cls(tries_max=1)

    def pause(self, round_: int) -> float:
        """The nominal pause after the n-th (from 0) round over all endpoints, in seconds."""
        return min(self.pause_first_seconds * (1 << min(round_, 20)), self.pause_max_seconds)


class Tries:
    """The tries of one call, or of one stretch without progress."""

    def __init__(self, policy: RetryPolicy, endpoints: int) -> None:
        self._policy = policy
        self._endpoints = endpoints
        self._failed = 0

    def after_failure(self) -> float | None:
        """Counts a failure. How long to wait before the next try, in seconds; `None` if there is to be none."""
        pause = self._count_failure()
        most = self._policy.tries_max
        return None if most is not None and self._failed >= most else pause

    def after_failure_without_end(self) -> float:
        """The same for what is tried without end."""
        return self._count_failure() or self._policy.pause_first_seconds * random.random()

    def _count_failure(self) -> float:
        self._failed += 1
        if self._failed % self._endpoints:
            return 0.0
        return self._policy.pause(self._failed // self._endpoints - 1) * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Starts anew after progress, except that it still goes round all endpoints before it would pause."""
        self._failed %= self._endpoints


class Caller:
    """What all calls of a client share."""

    def __init__(self, connection: Connection, policy: RetryPolicy) -> None:
        self.connection = connection
        self.policy = policy
        self.idle = Idle()

    def tries(self) -> Tries:
        """The tries of a call that begins now."""
        return Tries(self.policy, len(self.connection))

    async def unary(self, method: Method[Q, A], request: Q, timeout: float) -> A:
        """Makes a unary call until an answer, an error that is not to be tried again, or the end of `timeout` seconds."""

        async def attempt(link: Link, left: float) -> A:
            answer: A = await link.call(method)(request, timeout=left)
            return answer

        answer, _ = await self.somewhere(method, attempt, timeout)
        return answer

    async def somewhere(
        self, method: Method[Any, Any], attempt: Callable[[Link, float], Awaitable[T]], timeout: float
    ) -> tuple[T, Link]:
        """The same for any kind of call; tells also which endpoint answered. An attempt is told the seconds left."""
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
            log.debug("%s failed, trying again in %.3f s: %s", method.name, pause, error)
            if pause:
                await asyncio.sleep(pause)
            last = error

    def failed(self, link: Link, failed: AioRpcError, method: Method[Any, Any]) -> AnnalsError:
        """Decodes what a call to that endpoint failed with, and moves on from it if another could have served."""
        error = _status.from_rpc_error(failed, link.name, method.name)
        if isinstance(error, TransientError):
            self.connection.move_on(link)
        return error
