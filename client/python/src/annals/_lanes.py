"""The deliveries that a consumer holds, in the order in which they may be processed.

A lane has the deliveries of one order key.

1. Of each lane, one delivery runs at a time, and the next one starts after it.
2. After a nack, a lane waits until the nacked delivery is withdrawn, because the lane may hold deliveries that the
   server had sent before it knew of the nack.
3. A delivery that is withdrawn while it runs keeps its lane until it ends, also beyond the call on which it came, so
   that the next attempt does not run beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from annals.event import RecordedEvent

__all__ = ["Held", "Lanes"]


@dataclass(slots=True, eq=False)
class Held:
    """A delivery that waits or runs."""

    id: int
    attempt: int
    event: RecordedEvent
    fresh_at: float
    """When its ack timeout began, on the clock of the event loop."""
    lost: bool = False
    """Whether the consumer no longer holds it."""
    overdue: bool = False
    """Whether it was withdrawn because it was not settled in time."""


@dataclass(slots=True, eq=False)
class _Lane:
    key: str | int
    waiting: deque[Held] = field(default_factory=deque)
    running: Held | None = None
    # Ids of nacked deliveries whose withdrawal has not arrived yet.
    nacked: set[int] = field(default_factory=set)
    # Whether it is in the list of lanes whose next delivery can start.
    listed: bool = False

    def can_start(self) -> bool:
        return bool(self.waiting) and self.running is None and not self.nacked


class Lanes:
    """All lanes of a consumer."""

    def __init__(self) -> None:
        self._lanes: dict[str | int, _Lane] = {}
        # The lane of each delivery that is held, and of each nacked one that is not withdrawn yet.
        self._held: dict[int, tuple[Held, _Lane]] = {}
        self._nacked: dict[int, _Lane] = {}
        # The lane of each delivery that runs, held or not.
        self._running: dict[Held, _Lane] = {}
        # Lanes whose next delivery can start. They may have changed since.
        self._ready: deque[_Lane] = deque()

    @property
    def running(self) -> int:
        """The number of deliveries that run."""
        return len(self._running)

    @property
    def running_lost(self) -> int:
        """The number of deliveries that run although they are no longer held."""
        return sum(held.lost for held in self._running)

    def add(self, key: str | int, held: Held) -> None:
        """Adds the next delivery with that key."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(key)
        lane.waiting.append(held)
        self._held[held.id] = held, lane
        if len(lane.waiting) == 1:
            self._offer(lane)

    def start(self) -> Held | None:
        """Starts the next delivery that can start, and returns it."""
        while self._ready:
            lane = self._ready.popleft()
            lane.listed = False
            if lane.can_start():
                held = lane.running = lane.waiting.popleft()
                self._running[held] = lane
                return held
        return None

    def finish(self, held: Held, *, nack: bool) -> None:
        """Ends a delivery that runs. After a nack its lane waits, unless the delivery was lost meanwhile."""
        lane = self._running.pop(held)
        lane.running = None
        if not held.lost:
            del self._held[held.id]
            if nack:
                lane.nacked.add(held.id)
                self._nacked[held.id] = lane
        self._offer(lane)

    def withdraw(self, ids: Iterable[int], *, overdue: bool) -> None:
        """Drops deliveries that the consumer no longer holds. Those that run end as lost ones."""
        touched: set[_Lane] = set()
        for id_ in ids:
            if (nacked := self._nacked.pop(id_, None)) is not None:
                nacked.nacked.discard(id_)
                touched.add(nacked)
            if (found := self._held.pop(id_, None)) is not None:
                held, lane = found
                held.lost, held.overdue = True, overdue
                touched.add(lane)
        for lane in touched:
            lane.waiting = deque(held for held in lane.waiting if not held.lost)
            self._offer(lane)

    def lose_all(self) -> None:
        """Drops all deliveries, because the call has ended."""
        for held, _ in self._held.values():
            held.lost = True
        self._held.clear()
        self._nacked.clear()
        self._ready.clear()
        self._lanes = {lane.key: lane for lane in self._running.values()}
        for lane in self._lanes.values():
            lane.waiting.clear()
            lane.nacked.clear()
            lane.listed = False

    def waiting(self) -> Iterator[Held]:
        """Returns the deliveries that wait, except those that wait for one that is lost, which may run permanently."""
        for held, lane in self._held.values():
            if lane.running is not held and (lane.running is None or not lane.running.lost):
                yield held

    def _offer(self, lane: _Lane) -> None:
        """Lists a lane whose next delivery can start, and forgets one without deliveries."""
        if lane.can_start():
            if not lane.listed:
                lane.listed = True
                self._ready.append(lane)
        elif not lane.waiting and lane.running is None and not lane.nacked:
            del self._lanes[lane.key]
            if lane.listed:
                # What it had was withdrawn.
                self._ready.remove(lane)
