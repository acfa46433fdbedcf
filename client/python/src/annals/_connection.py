"""The endpoints of a client and their channels.

1. Nothing is connected before the first call; a channel whose connection broke connects again at its next call.
2. All calls go to one endpoint until it fails one of them in a way that another could serve; then all move on to the next.
   A call that fails late does not move on from an endpoint that others have already left.
3. Every client goes round the endpoints in an order of its own, drawn when it is made, so that the clients of a server that
   dies spread over all the others instead of falling upon the next.
4. A server that says nothing while calls are open, not even to a ping, is taken for dead: its calls fail, and move on.
5. The endpoint that comes first in that order is the client's home. Away from it, the client looks from time to time whether it
   answers again, and goes back when it does, so that a server that was restarted gets its clients back. What is under way
   ends where it is; subscriptions, and the session that appends of many tasks share, follow at their next message. One
   whose home fails again soon after each return looks for it less and less often.

Limits: an idle client, without calls and subscriptions, looks at nothing before its next call. A session that the application
opened stays where it is. A client belongs to the event loop of its first call.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import SplitResult, urlsplit

import grpc
import grpc.aio

from annals import _fork
from annals._rpc import GET_SERVER_INFO, Method
from annals.errors import InvalidEndpoint
from annals.v1 import event_store_pb2 as pb

log = logging.getLogger("annals")

# The largest answer taken, in bytes. Servers send batches of a few MiB at most; a single event may be configured larger.
_MESSAGE_BYTES_MAX = 64 << 20
# Flow-control window of a call, in bytes: a read is then bounded by the server rather than by round trips. No more than that
# comes from the server before it is taken.
_WINDOW_BYTES = 4 << 20
# The largest HTTP/2 frame that is accepted, in bytes.
_FRAME_BYTES = 256 << 10
# The part of the silence after which a ping is sent; the rest is for its answer.
_SILENCE_BEFORE_PING = 0.4
# The longest mean time between looks at a home that does not answer, or not for long, in seconds.
_LOOK_SECONDS_MAX = 60.0
DEFAULT_PORT = 2113


@dataclass(frozen=True, kw_only=True)
class Tls:
    """How `https` endpoints are talked to. Without any of it: the system's authorities, no client certificate."""

    ca: bytes | None = None
    """The certificates (PEM) of the authorities that are trusted, instead of the system's."""
    certificate: bytes | None = None
    """The client's own certificate chain (PEM), if the server asks for one; with `private_key`."""
    private_key: bytes | None = None
    """The key (PEM) of `certificate`."""
    server_name: str | None = None
    """The name that the server's certificate bears, if that is not the endpoint's host."""


@dataclass(frozen=True)
class Patience:
    """For how long endpoints are waited for, in seconds."""

    connect: float
    silence: float
    home: float | None = None
    """Between looks whether the endpoint that was left first answers again; `None`: there are none."""


class Link:
    """An endpoint, and its channel once there is one."""

    def __init__(self, endpoint: str, patience: Patience, tls: Tls | None) -> None:
        self.name = endpoint
        self.target, self.secure = _parse(endpoint)
        if tls is not None and not self.secure:
            raise InvalidEndpoint(endpoint, "has TLS options, but does not begin with https://")
        self._tls = tls or Tls()
        self._patience = patience
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: dict[Method[Any, Any], Any] = {}

    def call(self, method: Method[Any, Any]) -> Any:
        """What makes that call at this endpoint.

        Raises:
            RuntimeError: The client was used in another event loop.
            Forked: This process was forked while a client was connected.
        """
        _fork.check()
        loop = asyncio.get_running_loop()
        if self._channel is not None and self._loop is not loop:
            raise RuntimeError("this client belongs to another event loop: make one in each, or use annals.Client")
        call = self._calls.get(method)
        if call is None:
            if self._channel is None:
                self._channel, self._loop = self._open(), loop
                _fork.opened(self._channel)
            make = getattr(self._channel, method.kind)
            call = make(method.path, request_serializer=method.serializer, response_deserializer=method.deserializer)
            self._calls[method] = call
        return call

    def _open(self) -> grpc.aio.Channel:
        ping_after = self._patience.silence * _SILENCE_BEFORE_PING
        options: list[tuple[str, Any]] = [
            ("grpc.primary_user_agent", f"annals-python/{version('annals-client')}"),
            ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
            # The server says what it takes, and says it better.
            ("grpc.max_send_message_length", -1),
            ("grpc.http2.lookahead_bytes", _WINDOW_BYTES),
            # It would let the window of a call from which nobody takes anything grow until all of its answer is here.
            ("grpc.http2.bdp_probe", 0),
            # It would also have made frames larger than HTTP/2's 16 KiB, which cost less.
            ("grpc.http2.max_frame_size", _FRAME_BYTES),
            ("grpc.keepalive_time_ms", round(ping_after * 1_000)),
            ("grpc.keepalive_timeout_ms", round((self._patience.silence - ping_after) * 1_000)),
            # Without it, the answer to a keepalive ping is waited for a minute all the same.
            ("grpc.http2.ping_timeout_ms", round((self._patience.silence - ping_after) * 1_000)),
            ("grpc.http2.max_pings_without_data", 0),
            # How often a broken channel tries to connect: no seldomer than calls are tried again.
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.min_reconnect_backoff_ms", round(self._patience.connect * 1_000)),
            # Trying again is this client's business: it knows which errors a server can't have written behind.
            ("grpc.enable_retries", 0),
            # Otherwise a new client would share the pauses of an old one's broken connections.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if not self.secure:
            return grpc.aio.insecure_channel(self.target, options)
        if self._tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self._tls.server_name))
        credentials = grpc.ssl_channel_credentials(self._tls.ca, self._tls.private_key, self._tls.certificate)
        return grpc.aio.secure_channel(self.target, credentials, options)

    async def close(self) -> None:
        """Closes the connection, and with it all calls."""
        channel, self._channel = self._channel, None
        self._calls.clear()
        if channel is not None:
            await channel.close()
            _fork.closed(channel)


def _parse(endpoint: str) -> tuple[str, bool]:
    """Host and port of an endpoint, and whether it is to be talked to through TLS."""
    given = endpoint if "://" in endpoint else f"http://{endpoint}"
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidEndpoint(endpoint, f"is not a URL ({error}); write http://host:port") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidEndpoint(endpoint, "does not begin with http:// or https://; write http://host:port")
    if not host:
        raise InvalidEndpoint(endpoint, "names no host; write http://host:port")
    if too_much := _beyond_host_and_port(parts):
        raise InvalidEndpoint(endpoint, f"has {too_much}; write only {parts.scheme}://host:port")
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{DEFAULT_PORT if port is None else port}", parts.scheme == "https"


def _beyond_host_and_port(parts: SplitResult) -> str | None:
    """What an endpoint has that nothing would come of."""
    if parts.username is not None:
        return "a user name"
    if parts.path not in ("", "/"):
        return "a path"
    if parts.query:
        return "a query"
    return "a fragment" if parts.fragment else None


class Connection:
    """All endpoints of a client, in the order in which they are tried."""

    def __init__(self, endpoints: Sequence[str], *, in_given_order: bool, patience: Patience, tls: Tls | None) -> None:
        if not endpoints:
            raise InvalidEndpoint("", "is empty; write http://host:port")
        ordered = list(endpoints)
        if not in_given_order:
            random.shuffle(ordered)
        self._links = [Link(endpoint, patience, tls) for endpoint in ordered]
        self._current = 0
        self._patience = patience
        self.returns = 0
        """How often the client has come back to its home."""
        self._returned_at = float("-inf")
        self._pause = patience.home or 0.0
        # When home is looked at next, and who is looking.
        self._look_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._links)

    def pick(self) -> Link:
        """The endpoint to call now. Away from home, this is also what has it looked at."""
        if self._current and self._patience.home is not None and self._looking is None:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._look_at:
                self._looking = loop.create_task(self._look(self._links[0]), name="annals looks at an endpoint")
        return self._links[self._current]

    def move_on(self, failed: Link) -> None:
        """Moves on from an endpoint that failed, unless that has happened already."""
        if self._links[self._current] is failed:
            if self._current == 0 and self._patience.home is not None:
                now = asyncio.get_running_loop().time()
                lasted = now - self._returned_at
                again = lasted < _LOOK_SECONDS_MAX
                self._pause = min(self._pause * 2, _LOOK_SECONDS_MAX) if again else self._patience.home
                self._look_later(now)
            self._current = (self._current + 1) % len(self._links)

    def _look_later(self, now: float) -> None:
        # Drawn at random, so that clients that were driven out together don't come back in step.
        self._look_at = now + self._pause * random.uniform(0.5, 1.5)

    async def _look(self, home: Link) -> None:
        """Goes back to the home if it answers."""
        try:
            await home.call(GET_SERVER_INFO)(pb.GetServerInfoRequest(), timeout=self._patience.connect)
        except grpc.aio.AioRpcError as error:
            log.debug("%s does not answer yet: %s", home.name, error.details())
        else:
            if self._current:
                log.debug("%s answers again: going back to it", home.name)
                self._current = 0
                self.returns += 1
                self._returned_at = asyncio.get_running_loop().time()
        finally:
            self._look_later(asyncio.get_running_loop().time())
            self._looking = None

    async def close(self) -> None:
        """Closes all connections."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for link in self._links:
            await link.close()
