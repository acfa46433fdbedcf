"""The endpoints of a client and their channels.

1. Nothing is connected before the first call. A channel whose connection broke reconnects at its next call.
2. All calls go to one endpoint until it fails a call in a way that another endpoint might not. Then all calls move to
   the next one. A call that fails late does not make the client leave an endpoint that other calls have already moved
   to.
3. Every client cycles through the endpoints in a random order of its own, so that the clients of a failed server
   spread over all other servers instead of failing over to the same one.
4. A server that sends nothing while calls are open, not even the reply to a ping, counts as dead: its calls fail and
   move to the next endpoint.
5. The first endpoint in the order is the client's preferred one. After it has moved away, the client probes the
   preferred endpoint from time to time and returns when it answers, so that a restarted server gets its clients back.
   Calls in progress finish where they are. Subscriptions, and the pipeline shared by the appends of many tasks, move
   at their next message. If the preferred endpoint fails again soon after each return, the client probes it less and
   less often.

Limitations: an idle client, without calls and subscriptions, does not probe before its next call. A pipeline that the
application opened does not move back, and neither does a consumer of a group: any server forwards to the group's
leader. A client belongs to the event loop of its first call.
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

# Maximum size of a received message, in bytes. Servers send batches of a few MiB at most; single events may be larger
# if so configured.
_MESSAGE_BYTES_MAX = 64 << 20
# Flow-control window of a call, in bytes: large enough that a read is bounded by the server rather than by round
# trips. The server sends no more than this before the client consumes it.
_WINDOW_BYTES = 4 << 20
# Maximum size of an HTTP/2 frame accepted, in bytes.
_FRAME_BYTES = 256 << 10
# Fraction of the keepalive timeout after which a ping is sent; the rest is for its reply.
_SILENCE_BEFORE_PING = 0.4
# Maximum mean time between probes of a preferred endpoint that does not answer, or not for long, in seconds.
_PROBE_SECONDS_MAX = 60.0
DEFAULT_PORT = 2113
_ADVICE = "write only http://host:port"


@dataclass(frozen=True, kw_only=True)
class Tls:
    """TLS settings for `https` endpoints. Defaults: the system's certificate authorities, and no client certificate."""

    ca: bytes | None = None
    """Certificates (PEM) of the trusted authorities, instead of the system's."""
    certificate: bytes | None = None
    """The client's certificate chain (PEM), if the server requires one; used with `private_key`."""
    private_key: bytes | None = None
    """Private key (PEM) of `certificate`."""
    server_name: str | None = None
    """The name in the server's certificate, if it differs from the endpoint's host."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for endpoints, in seconds."""

    connect: float
    silence: float
    home: float | None = None
    """Mean time between probes of the preferred endpoint after leaving it; `None`: no probes."""


class Link:
    """An endpoint, and its channel once it has been opened."""

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
        """Returns the callable that makes this call at this endpoint.

        Raises:
            RuntimeError: The client was used in another event loop.
            Forked: This process was forked while a client was connected.
        """
        _fork.check()
        loop = asyncio.get_running_loop()
        if self._channel is not None and self._loop is not loop:
            raise RuntimeError(
                "this client belongs to another event loop: create one in each loop, or use annals.Client"
            )
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
            # The server enforces its own limits, and reports them with the field.
            ("grpc.max_send_message_length", -1),
            ("grpc.http2.lookahead_bytes", _WINDOW_BYTES),
            # Otherwise the window of a call that is not being read would grow until its whole response is buffered
            # here.
            ("grpc.http2.bdp_probe", 0),
            # Without the probes, frames would be limited to HTTP/2's 16 KiB; larger frames cost less.
            ("grpc.http2.max_frame_size", _FRAME_BYTES),
            ("grpc.keepalive_time_ms", round(ping_after * 1_000)),
            ("grpc.keepalive_timeout_ms", round((self._patience.silence - ping_after) * 1_000)),
            # Otherwise the client waits a minute for the reply to a keepalive ping.
            ("grpc.http2.ping_timeout_ms", round((self._patience.silence - ping_after) * 1_000)),
            ("grpc.http2.max_pings_without_data", 0),
            # Pauses between attempts to connect a broken channel: no longer than those between retries of calls.
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.min_reconnect_backoff_ms", round(self._patience.connect * 1_000)),
            # This client retries calls itself: it knows which errors are safe to retry.
            ("grpc.enable_retries", 0),
            # Otherwise a new client would share the reconnect pauses of an old one.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if not self.secure:
            return grpc.aio.insecure_channel(self.target, options)
        if self._tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self._tls.server_name))
        credentials = grpc.ssl_channel_credentials(self._tls.ca, self._tls.private_key, self._tls.certificate)
        return grpc.aio.secure_channel(self.target, credentials, options)

    async def close(self) -> None:
        """Closes the connection and all its calls."""
        channel, self._channel = self._channel, None
        self._calls.clear()
        if channel is not None:
            await channel.close()
            _fork.closed(channel)


def _parse(endpoint: str) -> tuple[str, bool]:
    """Returns host and port of an endpoint, and whether it uses TLS."""
    given = endpoint if "://" in endpoint else f"http://{endpoint}"
    try:
        parts = urlsplit(given)
    except ValueError:
        raise InvalidEndpoint(endpoint, f"is not a valid address; {_ADVICE}") from None
    if problem := _problem(parts):
        raise InvalidEndpoint(endpoint, f"{problem}; {_ADVICE}")
    try:
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise InvalidEndpoint(endpoint, f"has a port that is not a number from 1 to 65535; {_ADVICE}")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{port}", parts.scheme == "https"


def _problem(parts: SplitResult) -> str | None:
    """Returns what is wrong with an endpoint apart from its port, such as a part that the client would ignore."""
    if parts.scheme not in ("http", "https"):
        return "has another scheme than http and https"
    if parts.path not in ("", "/"):
        return "has a path"
    if parts.query:
        return "has a query"
    if parts.fragment:
        return "has a fragment"
    if "@" in parts.netloc:
        return "has user information"
    if parts.netloc.count(":") > 1 and not parts.netloc.startswith("["):
        return "has an IPv6 address without brackets"
    return None if parts.hostname else "names no host"


class Connection:
    """All endpoints of a client, in the order in which they are tried."""

    def __init__(
        self, endpoints: Sequence[str], *, shuffle_endpoints: bool, patience: Patience, tls: Tls | None
    ) -> None:
        if not endpoints:
            raise InvalidEndpoint("", "is missing; name at least one")
        ordered = list(endpoints)
        if shuffle_endpoints:
            random.shuffle(ordered)
        self._links = [Link(endpoint, patience, tls) for endpoint in ordered]
        self._current = 0
        self._patience = patience
        self.returns = 0
        """How often the client has returned to its preferred endpoint."""
        self._returned_at = float("-inf")
        self._pause = patience.home or 0.0
        # The time of the next probe of the preferred endpoint, and the probe in progress.
        self._probe_at = 0.0
        self._probing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._links)

    def pick(self) -> Link:
        """Returns the endpoint to call now. Also starts a probe of the preferred endpoint when one is due."""
        if self._current and self._patience.home is not None and self._probing is None:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._probe_at:
                self._probing = loop.create_task(self._probe(self._links[0]), name="annals probes an endpoint")
        return self._links[self._current]

    def move_on(self, failed: Link) -> None:
        """Moves to the next endpoint, unless the client has already left the one that failed."""
        if self._links[self._current] is failed:
            if self._current == 0 and self._patience.home is not None:
                now = asyncio.get_running_loop().time()
                lasted = now - self._returned_at
                again = lasted < _PROBE_SECONDS_MAX
                self._pause = min(self._pause * 2, _PROBE_SECONDS_MAX) if again else self._patience.home
                self._probe_later(now)
            self._current = (self._current + 1) % len(self._links)

    def _probe_later(self, now: float) -> None:
        # Random, so that clients that left at the same time do not return at the same time.
        self._probe_at = now + self._pause * random.uniform(0.5, 1.5)

    async def _probe(self, home: Link) -> None:
        """Returns to the preferred endpoint if it answers."""
        try:
            await home.call(GET_SERVER_INFO)(pb.GetServerInfoRequest(), timeout=self._patience.connect)
        except grpc.aio.AioRpcError as error:
            log.debug("preferred endpoint %s does not answer yet: %s", home.name, error.details())
        else:
            if self._current:
                log.debug("preferred endpoint %s answers again, returning to it", home.name)
                self._current = 0
                self.returns += 1
                self._returned_at = asyncio.get_running_loop().time()
        finally:
            self._probe_later(asyncio.get_running_loop().time())
            self._probing = None

    async def close(self) -> None:
        """Closes all connections."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        for link in self._links:
            await link.close()
