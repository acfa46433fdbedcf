"""Process managers: reactions to events by commands, exactly once in effect.

    class Shipping(ProcessManager):
        name = "shipping"
        query = types.query(OrderConfirmed)

        async def react(self, event: RecordedEvent) -> None:
            await shipments.execute(event.stream, lambda shipment: shipment.prepare())

    Projections(client, store, [OrderList(), Shipping()])

1. It is run like a projection: named, from its checkpoint, with retries, dead letters, lag and `wait_for`.
2. A reaction may run several times, if something dies between it and its checkpoint. Its commands then have the same ids, which
   follow from the process's name, the event, the stream and how many commands to that stream came before; and a repository or
   `Decisions` gives a command with the same id its effect once. So a reaction must give the same commands to a stream in the
   same order each time.
3. The metadata flow: the events of those commands bear the correlation id and the user of the event, and its id as their cause.
4. What is not a command through the toolkit (an e-mail) happens at least once.

A process that must remember something does so in an aggregate of its own, to which it gives commands.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar

from annals.event import RecordedEvent
from annals.toolkit import metadata
from annals.toolkit.projection import Projection

__all__ = ["ProcessManager"]


class ProcessManager(Projection[Any]):
    """What is done about events. Subclass it: set `name` and `query`, and write `react`."""

    in_transaction: ClassVar[bool] = False

    async def react(self, event: RecordedEvent) -> None:
        """Gives the commands that an event calls for."""
        raise NotImplementedError

    def handle(self, event: RecordedEvent, model: Any) -> Awaitable[None]:
        """Reacts, with the metadata of the event and with command ids that follow from it."""
        return self._handle(event)

    async def _handle(self, event: RecordedEvent) -> None:
        with metadata.reacting_to(event, self.name):
            await self.react(event)
