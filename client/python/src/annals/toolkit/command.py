"""Retries and ids of commands, shared by repositories and decisions.

1. The ids of a command's events are derived from its own, `uuid5(command, "0")`, `"1"`, …, so that the store writes
   them once.
2. Each event has the tag `command:ID`, by which a command that was already executed is found.

Both are the same in the toolkits of all languages.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid5

from annals.conflicts import ConflictPolicy
from annals.event import Event
from annals.toolkit import metadata
from annals.toolkit.schema import EventTypes

__all__ = ["ConflictPolicy", "command_tag", "encode_all"]


def command_tag(command_id: UUID) -> str:
    """Returns the tag of a command's events."""
    return f"command:{command_id}"


def encode_all(types: EventTypes, events: Iterable[object], command_id: UUID | None) -> list[Event]:
    """Encodes the events of a command, with its metadata and with ids derived from its id."""
    values = metadata.beginning(command_id)
    tags = () if command_id is None else (command_tag(command_id),)
    return [
        metadata.stamp(
            types.encode(event, tags=tags, id=None if command_id is None else uuid5(command_id, str(nth))), values
        )
        for nth, event in enumerate(events)
    ]
