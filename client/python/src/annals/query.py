"""Queries, which select the events of reads, subscriptions and checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annals._arguments import text
from annals.v1 import query_pb2 as pb

if TYPE_CHECKING:
    from annals.event import RecordedEvent

__all__ = ["Query", "QueryItem"]

_FIELDS = ("types", "type_prefixes", "streams", "stream_prefixes", "tags")


def _names(value: Iterable[str] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True)
class QueryItem:
    """Matches events that satisfy every non-empty group of names; without any, every event.

    Each group may be given as any iterable of names, or as a single name. An item has at most 1,000 names in total.
    """

    types: tuple[str, ...] = ()
    """The event's type is one of these (or starts with one of `type_prefixes`)."""
    type_prefixes: tuple[str, ...] = ()
    """The event's type starts with one of these (or is one of `types`)."""
    streams: tuple[str, ...] = ()
    """The event's stream is one of these (or starts with one of `stream_prefixes`)."""
    stream_prefixes: tuple[str, ...] = ()
    """The event's stream starts with one of these: `order-` is the category of all orders."""
    tags: tuple[str, ...] = ()
    """The event has all of these tags."""

    def __post_init__(self) -> None:
        for name in _FIELDS:
            object.__setattr__(self, name, _names(getattr(self, name)))

    def matches(self, event: RecordedEvent) -> bool:
        """Returns whether the event matches, by the same rules as the server."""
        if (self.types or self.type_prefixes) and not (
            event.type in self.types or event.type.startswith(self.type_prefixes)
        ):
            return False
        if (self.streams or self.stream_prefixes) and not (
            event.stream in self.streams or event.stream.startswith(self.stream_prefixes)
        ):
            return False
        return all(tag in event.tags for tag in self.tags)


@dataclass(frozen=True)
class Query:
    """Matches events that match at least one of the items; without items, every event. At most 64 items.

    >>> query = Query.of(types=["OrderPlaced", "OrderCancelled"]) | Query.of(tags="customer:7")
    >>> len(query.items)
    2
    """

    items: tuple[QueryItem, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))

    @classmethod
    def of(
        cls,
        *,
        types: Iterable[str] | str = (),
        type_prefixes: Iterable[str] | str = (),
        streams: Iterable[str] | str = (),
        stream_prefixes: Iterable[str] | str = (),
        tags: Iterable[str] | str = (),
    ) -> Query:
        """Creates a query of one item."""
        return cls(
            (
                QueryItem(
                    types=_names(types),
                    type_prefixes=_names(type_prefixes),
                    streams=_names(streams),
                    stream_prefixes=_names(stream_prefixes),
                    tags=_names(tags),
                ),
            )
        )

    @classmethod
    def all(cls) -> Query:
        """Creates a query that matches every event."""
        return cls()

    def __or__(self, other: Query | QueryItem) -> Query:
        """Combines two queries: events that match either.

        Returns a query without items if either matches every event.
        """
        items = (other,) if isinstance(other, QueryItem) else other.items
        if not self.items or not items:
            return Query()
        return Query(tuple(dict.fromkeys((*self.items, *items))))

    def matches(self, event: RecordedEvent) -> bool:
        """Returns whether the event matches, by the same rules as the server."""
        return not self.items or any(item.matches(event) for item in self.items)

    def to_proto(self) -> pb.Query:
        """Encodes the query.

        Raises:
            InvalidValue: A name is not text.
        """
        try:
            return self._to_proto()
        except (TypeError, ValueError):
            for index, item in enumerate(self.items):
                for field in _FIELDS:
                    for name in getattr(item, field):
                        text(f"query.items[{index}].{field}", name)
            raise

    def _to_proto(self) -> pb.Query:
        return pb.Query(
            items=[
                pb.QueryItem(
                    types=item.types,
                    type_prefixes=item.type_prefixes,
                    streams=item.streams,
                    stream_prefixes=item.stream_prefixes,
                    tags=item.tags,
                )
                for item in self.items
            ]
        )
