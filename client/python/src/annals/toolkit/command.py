"""What commands have in common, whatever they decide on: how they are tried again, and what the events of one bear.

1. The ids of a command's events follow from its own, `uuid5(command, "0")`, `"1"`, …, so that the store writes them once.
2. Each bears the tag `command:ID`, by which a command that was executed before is found.

Both are the same in every language's toolkit.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from annals.event import Event
from annals.toolkit import metadata
from annals.toolkit.schema import EventTypes

__all__ = ["ConflictPolicy", "command_tag", "encode_all"]


@dataclass(frozen=True, kw_only=True)
class ConflictPolicy:
    """How often a decision is made again when somebody else was faster."""

    tries_max: int = 10
    """The most tries, 1 for none again."""
    pause_first_seconds: float = 0.005
    """The longest pause after the first conflict; twice as long each time; a random part of it is waited."""
    pause_max_seconds: float = 0.5
    """The longest pause of all."""

    async def pause(self, failed: int) -> None:
        """Waits after the n-th (from 1) conflict."""
        longest = min(self.pause_first_seconds * (1 << min(failed - 1, 20)), self.pause_max_seconds)
        await asyncio.sleep(random.uniform(0, longest))


def command_tag(command_id: UUID) -> str:
    """The tag that the events of a command bear."""
    return f"command:{command_id}"


def encode_all(types: EventTypes, facts: Iterable[object], command_id: UUID | None) -> list[Event]:
    """The events of a command: with its metadata, and with ids that follow from its id."""
    values = metadata.beginning(command_id)
    tags = () if command_id is None else (command_tag(command_id),)
    return [
        metadata.stamp(
            types.encode(fact, tags=tags, id=None if command_id is None else uuid5(command_id, str(nth))), values
        )
        for nth, fact in enumerate(facts)
    ]
