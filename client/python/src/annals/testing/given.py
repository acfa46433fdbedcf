"""Rules tested without a server: given facts, when a command, then facts or an error.

    given(Order(), ItemAdded("book")).when(lambda order: order.confirm()).then(OrderConfirmed())
    given(Order()).when(lambda order: order.confirm()).then_raises(RuleBroken, match="empty")
    given((Course("c1"), Student("s7")), CourseOffered("c1", 2), types=types).when(enrol).then(To(…))

With `types`, facts go through the store's form and back, as they would in earnest, and models with a `query` see only the facts
that match it.
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
    types: EventTypes, *facts: object, stream: str = "test-1", after_position: int = 0, after_revision: int = -1
) -> list[RecordedEvent]:
    """The facts as a store would give them back, a second apart: for handlers of projections and reactions.

    Args:
        types: Their types.
        facts: Facts, or `To` for those that stand in another stream than `stream`.
        stream: The stream of the others.
        after_position: The position after which the first stands.
        after_revision: The revision after which the first of each stream stands.
    """
    recorded = []
    revisions: dict[str, int] = {}
    for position, fact in enumerate(facts, after_position + 1):
        to = fact if isinstance(fact, To) else To(stream, fact)
        revision = revisions.get(to.stream, after_revision) + 1
        revisions[to.stream] = revision
        event = types.encode(to.fact)
        at = _FIRST_RECORDED + timedelta(seconds=position)
        recorded.append(
            RecordedEvent(
                event.id, to.stream, revision, position, event.type, event.data, event.metadata, event.tags, at
            )
        )
    return recorded


def given(model: M, *facts: object, types: EventTypes | None = None) -> Given[M]:
    """Begins a test: an aggregate or decision model (or a tuple of them) to which the facts have happened."""
    return Given(model, facts, types)


class Given(Generic[M]):
    """What has happened."""

    def __init__(self, model: M, facts: Sequence[object], types: EventTypes | None) -> None:
        self.model = model
        models: tuple[Any, ...] = model if isinstance(model, tuple) else (model,)
        for fact, event in _through(facts, types):
            for one in models:
                query = getattr(one, "query", None)
                if event is None or query is None or query.matches(event):
                    one.apply(fact)

    def when(self, decide: Callable[[M], Iterable[object] | None]) -> Outcome:
        """A command comes: what decides on it is called with the model or models."""
        try:
            decided = decide(self.model)
            facts = () if inspect.isawaitable(decided) else tuple(decided or ())
        except Exception as error:  # noqa: BLE001
            return Outcome((), error)
        if inspect.isawaitable(decided):
            raise TypeError("a decision that waits for something can't be tested without a server")
        return Outcome(facts, None)


class Outcome:
    """What a command led to."""

    def __init__(self, facts: tuple[object, ...], error: Exception | None) -> None:
        self.facts = facts
        self.error = error

    def then(self, *expected: object) -> None:
        """These facts, in order; none, if none are given."""
        __tracebackhide__ = True
        if self.error is not None:
            raise AssertionError(f"expected {list(expected)}, but it was refused: {self.error!r}") from self.error
        if self.facts != expected:
            raise AssertionError(f"expected {list(expected)}, but it decided on {list(self.facts)}")

    def then_raises(self, kind: type[Exception], match: str = "") -> None:
        """This error, whose text a regular expression is found in."""
        __tracebackhide__ = True
        if self.error is None:
            raise AssertionError(f"expected {kind.__name__}, but it decided on {list(self.facts)}")
        if not isinstance(self.error, kind):
            raise AssertionError(f"expected {kind.__name__}, but it raised {self.error!r}") from self.error
        if not re.search(match, str(self.error)):
            raise AssertionError(f"expected {match!r} in the error, but it says {str(self.error)!r}") from self.error


def _through(facts: Sequence[object], types: EventTypes | None) -> Iterable[tuple[Any, RecordedEvent | None]]:
    if types is None:
        return [(fact.fact if isinstance(fact, To) else fact, None) for fact in facts]
    return [(types.decode(event), event) for event in record(types, *facts)]
