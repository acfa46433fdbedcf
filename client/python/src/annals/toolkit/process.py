"""Process managers: reactions to events by commands, with exactly-once effects.

    class Shipping(ProcessManager):
        name = "shipping"
        query = types.query(OrderConfirmed)

        async def react(self, event: RecordedEvent) -> None:
            await shipments.execute(event.stream, lambda shipment: shipment.prepare())

    Projections(client, store, [OrderList(), Shipping()])

1. It runs like a projection: with a name, a checkpoint, retries, dead letters, lag and `wait_for`.
2. A reaction may run several times, if a process fails between the reaction and its checkpoint. Its commands then
   have the same ids, derived from the process's name, the event, the stream and the number of earlier commands to
   that stream. A repository or `Decisions` executes a command with the same id once. A reaction must therefore send
   the same commands to a stream in the same order each time.
3. Metadata is propagated: the events of those commands have the correlation id and the user of the event, and its id
   as their cause.
4. Side effects that are not commands through the toolkit (an e-mail) happen at least once.

A process that needs state keeps it in an aggregate, to which it sends commands.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar

from annals.event import RecordedEvent
from annals.toolkit import metadata
from annals.toolkit.projection import Projection

__all__ = ["ProcessManager"]


class ProcessManager(Projection[Any]):
    """Reactions to events. Subclass it: set `name` and `query`, and implement `react`."""

    in_transaction: ClassVar[bool] = False

    async def react(self, event: RecordedEvent) -> None:
        """Executes the commands that an event calls for."""
        raise NotImplementedError

    def handle(self, event: RecordedEvent, model: Any) -> Awaitable[None]:
        """Reacts, with the metadata of the event and with command ids derived from it."""
        return self._handle(event)

    async def _handle(self, event: RecordedEvent) -> None:
        with metadata.reacting_to(event, self.name):
            await self.react(event)
