"""Event types: their classes in the code, their stored names, and upcasters for older versions.

    orders = EventTypes()

    @orders.register("OrderPlaced", version=2, tags=lambda placed: [f"customer:{placed.customer}"])
    @dataclass(frozen=True)
    class OrderPlaced:
        customer: str
        currency: str

    @orders.upcast("OrderPlaced", from_version=1)
    def _(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"currency": "EUR"}

The version is stored in the metadata (`schemaVersion`; 1 if absent), so that a query finds all versions by one type
name. Upcasters run when an event is read, one after another, up to the registered version; stored events never
change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from annals import _json
from annals._arguments import shown
from annals.errors import InvalidValue, UnreadableEvent
from annals.event import Event, RecordedEvent, demand_json
from annals.query import Query
from annals.toolkit import codec

__all__ = ["EventTypes", "UnknownEventType", "UnreadableEvent"]

VERSION_KEY = "schemaVersion"

C = TypeVar("C", bound=type)
Upcaster = Callable[[Any], Any]


class UnknownEventType(LookupError):
    """An event has a type that is not registered, or a newer version than this code knows.

    Attributes:
        type: The event's type.
        version: Its version: an integer, unless another program stored something else.
    """

    def __init__(self, type: str, version: Any, known: int | None) -> None:  # noqa: A002
        problem = "is not registered" if known is None else f"is newer than version {known}, which this code knows"
        super().__init__(f"event type {type!r} version {shown(version)} {problem}")
        self.type = type
        self.version = version


@dataclass(frozen=True)
class _Registered:
    name: str
    version: int
    kind: type
    tags: Callable[[Any], Iterable[str]] | None


class EventTypes:
    """The event types known to a part of an application."""

    def __init__(self, *, camel_case: bool = False) -> None:
        """Creates an empty registry.

        Args:
            camel_case: Whether the fields of dataclasses are stored in camel case, `unit_price` as `unitPrice`, for
                events that programs in other languages also read and write.
        """
        self._camel_case = camel_case
        self._by_name: dict[str, _Registered] = {}
        self._by_kind: dict[type, _Registered] = {}
        self._renamed: dict[str, str] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}

    def register(
        self,
        name: str | None = None,
        *,
        version: int = 1,
        tags: Callable[[Any], Iterable[str]] | None = None,
    ) -> Callable[[C], C]:
        """Registers a class, usually a dataclass, as an event type.

        Args:
            name: The stored name of the type. By default the name of the class.
            version: The current version, 1 or more. There must be an upcaster from each earlier version.
            tags: Returns the tags of an event.

        Raises:
            ValueError: The name or the class is already registered.
            InvalidValue: The version is not an integer of 1 or more.
        """
        if type(version) is not int or version < 1:
            raise InvalidValue("version", f"is {shown(version)}; give an integer, 1 or more")

        def with_class(kind: C) -> C:
            registered = _Registered(name or kind.__name__, version, kind, tags)
            if registered.name in self._by_name or kind in self._by_kind or registered.name in self._renamed:
                raise ValueError(f"event type {registered.name!r} ({kind.__name__}) is already registered")
            self._by_name[registered.name] = registered
            self._by_kind[kind] = registered
            return kind

        return with_class

    def upcast(self, name: str, *, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Registers a function that converts the data of `from_version` to that of the next version.

        Raises:
            ValueError: There is already one for this version.
        """

        def with_function(upcaster: Upcaster) -> Upcaster:
            if (name, from_version) in self._upcasters:
                raise ValueError(f"there is already an upcaster of {name!r} from version {from_version}")
            self._upcasters[name, from_version] = upcaster
            return upcaster

        return with_function

    def renamed(self, old: str, new: str) -> None:
        """Declares that events of the type `old` are now called `new`; the version numbers continue."""
        if old in self._by_name:
            raise ValueError(f"event type {old!r} is itself registered")
        self._renamed[old] = new

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which events of these types are stored, including old ones."""
        return (*self._by_name, *self._renamed)

    def names_of(self, *kinds: type) -> tuple[str, ...]:
        """Returns the names under which events of these classes are stored, including old ones."""
        now = [self._by_kind[kind].name for kind in kinds]
        return (*now, *(old for old, new in self._renamed.items() if new in now))

    def query(self, *kinds: type, tags: Iterable[str] | str = (), stream_prefixes: Iterable[str] | str = ()) -> Query:
        """Creates a query for events of these classes (by default all registered so far) that have all of the tags.

        With `stream_prefixes`, it matches only events in streams whose names begin with one of them.

        Raises:
            ValueError: No type is registered, so the query would match every event.
        """
        names = self.names_of(*kinds) if kinds else self.names
        if not names:
            raise ValueError("no event type is registered yet")
        return Query.of(types=names, tags=tags, stream_prefixes=stream_prefixes)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self._renamed

    def encode(self, event: object, *, tags: Iterable[str] = (), id: UUID | None = None) -> Event:  # noqa: A002
        """Encodes an event: an object of a registered class.

        Args:
            event: The event.
            tags: Additional tags, besides those of its type.
            id: The event's id. By default a new one.

        Raises:
            TypeError: Its class is not registered, or a part of it has no JSON form (`InvalidValue`).
        """
        registered = self._by_kind.get(type(event))
        if registered is None:
            raise TypeError(f"{type(event).__name__} is not registered as an event type")
        try:
            data = codec.to_json(event, camel_case=self._camel_case)
        except RecursionError:
            raise InvalidValue("data", "is nested too deeply", registered.name) from None
        own = registered.tags(event) if registered.tags else ()
        metadata = {VERSION_KEY: registered.version} if registered.version > 1 else None
        every = tuple(dict.fromkeys((*own, *tags)))
        return Event.json(registered.name, data, metadata=metadata, tags=every, id=id)

    def decode(self, event: RecordedEvent) -> Any:
        """Decodes a recorded event to an object of its registered class, in the current version.

        Raises:
            UnknownEventType: Its type is not registered, or its version is newer.
            UnreadableEvent: Its data does not fit its type, or its content type is not JSON.
        """
        name = self._renamed.get(event.type, event.type)
        version = event.json_metadata().get(VERSION_KEY, 1) if event.metadata else 1
        registered = self._by_name.get(name)
        if registered is None:
            raise UnknownEventType(event.type, version, None)
        if type(version) is not int or version < 1:
            problem = f"{VERSION_KEY} is {shown(version)}, which is not an integer of 1 or more"
            raise UnreadableEvent(event, problem, "metadata")
        if version > registered.version:
            raise UnknownEventType(event.type, version, registered.version)
        demand_json(event)
        try:
            data = _json.decode(event.data or b"{}")
            for older in range(version, registered.version):
                data = self._upcasters[name, older](data)
            return codec.from_json(registered.kind, data, camel_case=self._camel_case)
        except Exception as error:
            raise UnreadableEvent(event, error) from error
