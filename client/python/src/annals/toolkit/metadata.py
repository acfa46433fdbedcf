"""Metadata about events, and its propagation: from a command to its events to the reactions to these.

The current values are a context variable, so that they follow tasks, threads started by asyncio, and the synchronous
client. Code that handles a request sets them once:

    with metadata.context(user_id="ada", traceparent=request.headers.get("traceparent")):
        await orders.execute("42", lambda order: order.confirm())

Every event that the toolkit appends in this block has them as JSON metadata:

    {"correlationId": "…", "causationId": "…", "userId": "ada", "traceparent": "00-…", "schemaVersion": 2}

- `correlationId` is the same for all effects of one request; if none is set, a command begins one.
- `causationId` is the id of the event that was reacted to, or of the command.
- `traceparent` and `tracestate` are those of W3C Trace Context: the trace of the request, with a separate span id for
  each append. If OpenTelemetry is in use, its current span is taken.

These names are the same in the toolkits of all languages.
"""

from __future__ import annotations

import contextvars
import importlib
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from annals import _json
from annals.event import Event, RecordedEvent, new_id

__all__ = ["Context", "context", "current", "reacting_to", "stamp"]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEYS = {
    "correlation_id": "correlationId",
    "causation_id": "causationId",
    "user_id": "userId",
    "traceparent": "traceparent",
    "tracestate": "tracestate",
}


@dataclass(frozen=True, slots=True)
class Context:
    """The current values; `None` where there is none."""

    correlation_id: str | None = None
    causation_id: str | None = None
    user_id: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    reaction: Reaction | None = None
    """In a process manager: the source of the ids of its commands."""

    def child_traceparent(self) -> str | None:
        """Returns the trace of this context, with a new span id."""
        found = _TRACEPARENT.fullmatch(self.traceparent or "")
        if found is None or found[1] == "ff":
            return None
        return f"{found[1]}-{found[2]}-{secrets.token_hex(8)}-{found[4]}"


class Reaction:
    """The ids of the commands of one reaction to one event; the same each time the event is handled."""

    def __init__(self, process: str, event_id: UUID) -> None:
        self._seed = uuid5(event_id, process)
        self._counts: dict[str, int] = {}

    def next_command(self, stream: str) -> UUID:
        """Returns the id of the next command to a stream (or, with the empty name, to no particular stream)."""
        nth = self._counts.get(stream, 0)
        self._counts[stream] = nth + 1
        return uuid5(self._seed, f"{stream}/{nth}")


_current: contextvars.ContextVar[Context] = contextvars.ContextVar("annals_metadata", default=Context())  # noqa: B039


def current() -> Context:
    """Returns the current values."""
    return _current.get()


@contextmanager
def context(
    *,
    correlation_id: str | None = None,
    causation_id: str | None = None,
    user_id: str | None = None,
    traceparent: str | None = None,
    tracestate: str | None = None,
) -> Iterator[Context]:
    """Sets the given values for the block; the others are unchanged."""
    now = _current.get()
    with _set(
        replace(
            now,
            correlation_id=correlation_id or now.correlation_id,
            causation_id=causation_id or now.causation_id,
            user_id=user_id or now.user_id,
            traceparent=traceparent or now.traceparent,
            tracestate=tracestate or now.tracestate,
        )
    ) as value:
        yield value


@contextmanager
def reacting_to(event: RecordedEvent, process: str | None = None) -> Iterator[Context]:
    """Sets the values of an event's metadata for the block, with the event as the cause.

    Args:
        event: The event.
        process: The name of a process manager: commands get ids derived from it and the event, so that a reaction
            that runs again has no further effect.
    """
    metadata = event.json_metadata()

    def text(key: str) -> str | None:
        value = metadata.get(key)
        return value if isinstance(value, str) else None

    taken = Context(
        correlation_id=text("correlationId") or str(event.id),
        causation_id=str(event.id),
        user_id=text("userId"),
        traceparent=text("traceparent"),
        tracestate=text("tracestate"),
        reaction=None if process is None else Reaction(process, event.id),
    )
    with _set(taken) as now:
        yield now


@contextmanager
def _set(value: Context) -> Iterator[Context]:
    token = _current.set(value)
    try:
        yield value
    finally:
        _current.reset(token)


def beginning(command_id: UUID | None) -> Context:
    """Returns the values for the events of a command: the current ones, and those that a command begins."""
    now = _current.get()
    trace = _active_trace()
    return replace(
        now,
        correlation_id=now.correlation_id or str(command_id or new_id()),
        causation_id=now.causation_id or (str(command_id) if command_id else None),
        traceparent=trace.get("traceparent") or now.child_traceparent(),
        tracestate=trace.get("tracestate", now.tracestate),
    )


def stamp(event: Event, values: Context | None = None) -> Event:
    """Returns the event with the values in its metadata.

    Existing keys of the metadata take precedence. Metadata that is not a JSON object is unchanged.
    """
    values = beginning(None) if values is None else values
    said: dict[str, Any] = {key: value for name, key in _KEYS.items() if (value := getattr(values, name)) is not None}
    if event.metadata:
        try:
            own = _json.decode(event.metadata)
        except ValueError:
            return event
        if not isinstance(own, dict):
            return event
        said |= own
    if not said:
        return event
    return replace(event, metadata=_json.encode(said, event.type, "metadata"))


def _active_trace() -> Mapping[str, str]:
    """Returns the trace context of OpenTelemetry's current span, if the application uses OpenTelemetry."""
    if "opentelemetry.trace" not in sys.modules:
        return {}
    carrier: dict[str, str] = {}
    importlib.import_module("opentelemetry.propagate").inject(carrier)
    return carrier
