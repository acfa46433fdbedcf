"""Subscriptions: existing events, then new ones, each once and in order, with automatic reconnection.

1. **Once, in order, without gaps.** After a lost connection the subscription resumes after the last event or notice
   (`CaughtUp`, `FellBehind`, `Checkpoint`) received, on any endpoint. Positions that do not increase are a
   `ProtocolError`, and are never returned.
2. **A fixed beginning.** "From the end" is resolved to a position before the first call for events, so that a
   connection that breaks before the first event loses nothing.

A subscription to the log resumes by position, one to a stream by revision; notices have both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from annals._arguments import optional_integer, text
from annals._resumed import ResumedFeed
from annals._retry import Caller
from annals._rpc import GET_SERVER_INFO, GET_STREAM, SUBSCRIBE_ALL, SUBSCRIBE_STREAM, Method
from annals.errors import ProtocolError, StreamNotFound
from annals.event import RecordedEvent, decode_all
from annals.query import Query
from annals.v1 import event_store_pb2 as pb
from annals.v1 import stream_pb2

__all__ = ["CaughtUp", "Checkpoint", "FellBehind", "Subscription", "SubscriptionItem"]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """All existing events were sent; later ones are sent as they are appended.

    Reported once, again after each `FellBehind`, and again after the subscription was resumed: because a connection
    was lost, or because it was not used for some seconds.
    """

    position: int
    """The position up to which the log was read; resuming a subscription to the log after it is safe."""
    revision: int | None = None
    """The stream's last revision at that position; resuming a subscription to the stream after it is safe.

    `None` in a subscription to the log, or if the stream has no events.
    """


@dataclass(frozen=True, slots=True)
class FellBehind:
    """The consumer is slower than the appends, so events are read from storage again. None are lost."""

    position: int
    """The position up to which the log was read; resuming a subscription to the log after it is safe."""
    head: int
    """The log's last position."""
    revision: int | None = None
    """The stream's last revision at `position`, as in `CaughtUp`."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All matching events up to this position were sent.

    Store it, so that a filtered subscription need not read the same events again. It only increases.
    """

    position: int
    """The position; resuming a subscription to the log after it is safe."""
    revision: int | None = None
    """The stream's last revision at that position, as in `CaughtUp`."""


SubscriptionItem: TypeAlias = RecordedEvent | CaughtUp | FellBehind | Checkpoint


@dataclass(frozen=True)
class Target:
    """The subject of a subscription."""

    stream: str | None
    query: Query | None

    @property
    def method(self) -> Method[Any, Any]:
        """The call that subscribes to it."""
        return SUBSCRIBE_ALL if self.stream is None else SUBSCRIBE_STREAM

    def request(self, after: int | None) -> pb.SubscribeAllRequest | pb.SubscribeStreamRequest:
        """Encodes the request to subscribe after a position or revision; `None`: from the beginning."""
        request: pb.SubscribeAllRequest | pb.SubscribeStreamRequest
        if self.stream is None:
            request = pb.SubscribeAllRequest(after=after)
        else:
            request = pb.SubscribeStreamRequest(stream=self.stream, after_revision=after)
        if self.query is not None and self.query.items:
            request.query.CopyFrom(self.query.to_proto())
        return request

    async def end(self, caller: Caller, timeout: float) -> int | None:
        """Returns the current end, as a position or revision to begin after."""
        if self.stream is None:
            info = await caller.unary(GET_SERVER_INFO, pb.GetServerInfoRequest(), timeout)
            return info.head
        try:
            request = stream_pb2.GetStreamRequest(stream=self.stream)
            response = await caller.unary(GET_STREAM, request, timeout)
        except StreamNotFound:
            return None
        return response.stream.last_revision


class Subscription(ResumedFeed[SubscriptionItem]):
    """An open subscription: iterate over it. It ends only with a permanent error, or when it is closed.

        async with client.subscribe_all(after=checkpoint) as subscription:
            async for item in subscription:
                match item:
                    case RecordedEvent():
                        ...
                    case Checkpoint(position) | CaughtUp(position):
                        ...

    Awaiting it waits until a server has accepted it, and raises if none does within the client's timeout; iterating
    does the same first. After that it resumes automatically.
    """

    def __init__(
        self,
        caller: Caller,
        timeout: float,
        target: Target,
        *,
        after: int | None,
        from_end: bool,
        reconnect_timeout: float | None,
    ) -> None:
        if from_end and after is not None:
            raise ValueError("a subscription begins after a position or at the end, not both")
        if target.stream is not None:
            text("stream", target.stream)
        optional_integer("after" if target.stream is None else "after_revision", after)
        super().__init__(caller, timeout, reconnect_timeout)
        self._target = target
        self._from_end = from_end
        # The last position, or revision of a stream, that was received.
        self._after = after
        # The largest checkpoint reported.
        self._reported = 0
        # Whether `CaughtUp` was the last item, apart from checkpoints.
        self._caught_up = False

    def events(self) -> AsyncIterator[RecordedEvent]:
        """Returns the events only."""
        return _Events(self)

    async def _begin(self) -> None:
        if self._from_end:
            self._after = await self._target.end(self._caller, self._timeout)
        await super()._begin()

    @property
    def _method(self) -> Method[Any, Any]:
        return self._target.method

    @property
    def _place(self) -> int | None:
        return self._after

    def _request(self) -> Any:
        return self._target.request(self._after)

    def _lost(self) -> None:
        self._caught_up = False

    def _take(self, message: Any) -> list[SubscriptionItem]:
        """Returns the items of a message, and advances the position."""
        match message.WhichOneof("content"):
            case "events":
                return self._take_events(decode_all(message.events.events))
            case "caught_up":
                return self._take_caught_up(message.caught_up)
            case "fell_behind":
                self._caught_up = False
                notice = message.fell_behind
                revision = self._advance(notice)
                return [FellBehind(notice.position, notice.head, revision)]
            case "checkpoint":
                notice = message.checkpoint
                # It was reported before the connection was lost, or is smaller than one that was.
                if notice.position <= self._reported:
                    return []
                return [Checkpoint(notice.position, self._advance(notice))]
        # A kind of content that this client does not know.
        return []

    def _take_caught_up(self, notice: pb.CaughtUp) -> list[SubscriptionItem]:
        # It was reported before the call was ended for lack of use, and no event was received since. A slow consumer
        # would otherwise get it again and again.
        known = self._rested and self._caught_up
        further = notice.position > self._reported
        self._rested, self._caught_up = False, True
        revision = self._advance(notice)
        if known:
            return [Checkpoint(notice.position, revision)] if further else []
        return [CaughtUp(notice.position, revision)]

    def _take_events(self, events: list[RecordedEvent]) -> list[SubscriptionItem]:
        self._caught_up = False
        by_revision = self._target.stream is not None
        after = self._after
        if after is None:
            after = -1 if by_revision else 0
        for event in events:
            place = event.revision if by_revision else event.position
            if place <= after:
                raise ProtocolError(f"received event {place}, expected {after + 1} or a later one")
            after = place
        self._after = after
        return list(events)

    def _advance(self, notice: pb.CaughtUp | pb.FellBehind | pb.Checkpoint) -> int | None:
        """Advances to the place of a notice, after which the next call begins; returns its revision."""
        self._reported = max(self._reported, notice.position)
        revision = notice.revision if notice.HasField("revision") else None
        place = notice.position if self._target.stream is None else revision
        if place is not None:
            self._after = place if self._after is None else max(self._after, place)
        return revision


class _Events(AsyncIterator[RecordedEvent]):
    """The events of a subscription. Not a generator, for the same reason as the batches of a feed."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription: Subscription | None = subscription

    async def __anext__(self) -> RecordedEvent:
        subscription = self._subscription
        if subscription is None:
            raise StopAsyncIteration
        while True:
            item = await anext(subscription)
            if isinstance(item, RecordedEvent):
                return item

    async def aclose(self) -> None:
        """Ends this iteration."""
        self._subscription = None
