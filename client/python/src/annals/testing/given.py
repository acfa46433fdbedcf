"""Tests of rules without a server: given events, when a command is executed, then events or an error.

    given(Order(), ItemAdded("book")).when(lambda order: order.confirm()).then(OrderConfirmed())
    given(Order()).when(lambda order: order.confirm()).then_raises(RuleBroken, match="empty")
    given((Course("c1"), Student("s7")), CourseOffered("c1", 2), types=types).when(enrol).then(To(…))

With `types`, events are encoded to their stored form and decoded, as in production, and models with a `query` get only
the events that match it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from annals.event import RecordedEvent
from annals.toolkit.decision import To
from annals.toolkit.schema import EventTypes

__all__ = ["Given", "Outcome", "given", "record"]

M = TypeVar("M")

_FIRST_RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


def record(
    types: EventTypes, *events: object, stream: str = "test-1", after_position: int = 0, after_revision: int = -1
) -> list[RecordedEvent]:
    """Returns events as read from a store, recorded one second apart, for handlers of projections and reactions.

    Args:
        types: The types of the events.
        events: The events, or `To` for those in another stream than `stream`.
        stream: The stream of the other events.
        after_position: The position before that of the first event.
        after_revision: The revision before that of the first event of each stream.
    """
    recorded = []
    revisions: dict[str, int] = {}
    for position, event in enumerate(events, after_position + 1):
        to = event if isinstance(event, To) else To(stream, event)
        revision = revisions.get(to.stream, after_revision) + 1
        revisions[to.stream] = revision
        encoded = types.encode(to.event)
        at = _FIRST_RECORDED + timedelta(seconds=position)
        recorded.append(
            RecordedEvent(
                encoded.id,
                to.stream,
                revision,
                position,
                encoded.type,
                encoded.data,
                encoded.metadata,
                encoded.tags,
                at,
            )
        )
    return recorded


def given(model: M, *events: object, types: EventTypes | None = None) -> Given[M]:
    """Begins a test with an aggregate or decision model (or a tuple of them), and applies events to it."""
    return Given(model, events, types)


class Given(Generic[M]):
    """The state before the command."""

    def __init__(self, model: M, events: Sequence[object], types: EventTypes | None) -> None:
        self.model = model
        models: tuple[Any, ...] = model if isinstance(model, tuple) else (model,)
        for event, recorded in _through(events, types):
            for one in models:
                query = getattr(one, "query", None)
                if recorded is None or query is None or query.matches(recorded):
                    one.apply(event)

    def when(self, decide: Callable[[M], Iterable[object] | None]) -> Outcome:
        """Executes a command: calls a decision with the model or models."""
        try:
            decided = decide(self.model)
            events = () if inspect.isawaitable(decided) else tuple(decided or ())
        except Exception as error:  # noqa: BLE001
            return Outcome((), error)
        if inspect.isawaitable(decided):
            raise TypeError("an asynchronous decision can't be tested without a server")
        return Outcome(events, None)


class Outcome:
    """The result of a command."""

    def __init__(self, events: tuple[object, ...], error: Exception | None) -> None:
        self.events = events
        self.error = error

    def then(self, *expected: object) -> None:
        """Asserts that exactly these events were decided, in order; without arguments, none."""
        __tracebackhide__ = True
        if self.error is not None:
            raise AssertionError(f"expected {list(expected)}, but the command raised {self.error!r}") from self.error
        if self.events != expected:
            raise AssertionError(f"expected {list(expected)}, but the events are {list(self.events)}")

    def then_raises(self, kind: type[Exception], match: str = "") -> None:
        """Asserts that the command raised this error, with a text that the regular expression matches."""
        __tracebackhide__ = True
        if self.error is None:
            raise AssertionError(f"expected {kind.__name__}, but the events are {list(self.events)}")
        if not isinstance(self.error, kind):
            raise AssertionError(f"expected {kind.__name__}, but the command raised {self.error!r}") from self.error
        if not re.search(match, str(self.error)):
            raise AssertionError(f"expected {match!r} in the error, but it is {str(self.error)!r}") from self.error


def _through(events: Sequence[object], types: EventTypes | None) -> Iterable[tuple[Any, RecordedEvent | None]]:
    if types is None:
        return [(event.event if isinstance(event, To) else event, None) for event in events]
    return [(types.decode(event), event) for event in record(types, *events)]
