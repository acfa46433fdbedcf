"""Subscriptions to state: the entries of a scope, then their changes, with automatic reconnection.

After a lost connection the subscription resumes after the last version received, on any endpoint. Versions that do not
increase are a `ProtocolError`, and are never returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from annals._arguments import optional_integer, text
from annals._resumed import ResumedFeed
from annals._retry import Caller
from annals._rpc import SUBSCRIBE_STATE, Method
from annals.errors import ProtocolError
from annals.state import StateEntry, to_entry
from annals.v1 import state_pb2 as pb

__all__ = ["StateCaughtUp", "StateCheckpoint", "StateDeletion", "StateItem", "StateSubscription"]


@dataclass(frozen=True, slots=True)
class StateDeletion:
    """An entry was deleted. The subscriber may never have received it."""

    scope: str
    key: str
    version: int
    """The number of the scope's change that deleted it."""


@dataclass(frozen=True, slots=True)
class StateCaughtUp:
    """All changes up to this version of the scope were sent; later ones are sent as they are made.

    Reported once, and again after the subscription was resumed: because a connection was lost, or because it was not
    used for some seconds.
    """

    version: int
    """The version; resuming after it is safe."""


@dataclass(frozen=True, slots=True)
class StateCheckpoint:
    """All changes up to this version of the scope were examined, and those that match the prefix were sent.

    It only increases.
    """

    version: int
    """The version; resuming after it is safe."""


StateItem: TypeAlias = StateEntry | StateDeletion | StateCaughtUp | StateCheckpoint
"""An item of a subscription to state. A `StateEntry` was created, or has a new value. Every item has a `version`."""


class StateSubscription(ResumedFeed[StateItem]):
    """An open subscription to state: iterate over it. It ends only with a permanent error, or when it is closed.

        async with client.subscribe_state("settings") as subscription:
            async for item in subscription:
                match item:
                    case StateEntry():
                        settings[item.key] = item.json()
                    case StateDeletion():
                        settings.pop(item.key, None)

    Awaiting it waits until a server has accepted it, and raises if none does within the client's timeout; iterating
    does the same first. After that it resumes automatically.
    """

    def __init__(
        self,
        caller: Caller,
        timeout: float,
        scope: str,
        *,
        prefix: str,
        after: int | None,
        reconnect_timeout: float | None,
    ) -> None:
        text("scope", scope)
        text("prefix", prefix)
        optional_integer("after", after)
        super().__init__(caller, timeout, reconnect_timeout)
        self._scope = scope
        self._prefix = prefix
        # The last version that was received.
        self._after = after
        # The largest version reported by a notice.
        self._reported = 0
        # Whether `StateCaughtUp` was the last item, apart from checkpoints.
        self._caught_up = False

    @property
    def _method(self) -> Method[Any, Any]:
        return SUBSCRIBE_STATE

    @property
    def _place(self) -> int | None:
        return self._after

    def _request(self) -> pb.SubscribeStateRequest:
        return pb.SubscribeStateRequest(scope=self._scope, key_prefix=self._prefix, after_version=self._after)

    def _lost(self) -> None:
        self._caught_up = False

    def _take(self, message: pb.SubscribeStateResponse) -> list[StateItem]:
        match message.WhichOneof("content"):
            case "updates":
                self._caught_up = False
                return [item for update in message.updates.updates if (item := self._take_update(update)) is not None]
            case "caught_up":
                return self._take_caught_up(message.caught_up)
            case "checkpoint":
                # It was reported before the connection was lost, or is smaller than one that was.
                if message.checkpoint <= self._reported:
                    return []
                self._advance(message.checkpoint)
                return [StateCheckpoint(message.checkpoint)]
        # A kind of content that this client does not know.
        return []

    def _take_update(self, update: pb.StateUpdate) -> StateItem | None:
        item: StateItem
        match update.WhichOneof("update"):
            case "put":
                item = to_entry(self._scope, update.put)
            case "deletion":
                item = StateDeletion(self._scope, update.deletion.key, update.deletion.version)
            case _:
                # A kind of update that this client does not know.
                return None
        after = self._after or 0
        if item.version <= after:
            raise ProtocolError(f"received version {item.version} of a scope, expected {after + 1} or a later one")
        self._after = item.version
        return item

    def _take_caught_up(self, version: int) -> list[StateItem]:
        # It was reported before the call was ended for lack of use, and nothing has changed since.
        known = self._rested and self._caught_up
        further = version > self._reported
        self._rested, self._caught_up = False, True
        self._advance(version)
        if known:
            return [StateCheckpoint(version)] if further else []
        return [StateCaughtUp(version)]

    def _advance(self, version: int) -> None:
        self._reported = max(self._reported, version)
        self._after = max(self._after or 0, version)
