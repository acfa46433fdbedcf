"""Event types: which class an event is in the code, under which name it is stored, and how old forms of it are read.

    orders = EventTypes()

    @orders.register("OrderPlaced", version=2, tags=lambda placed: [f"customer:{placed.customer}"])
    @dataclass(frozen=True)
    class OrderPlaced:
        customer: str
        currency: str

    @orders.upcast("OrderPlaced", from_version=1)
    def _(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"currency": "EUR"}

The version stands in the metadata (`schemaVersion`; 1 where there is none), so that queries find all versions by one type name.
Upcasters run at read, one after the other, up to the version that is registered; what is stored never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from annals import _json
from annals._arguments import shown
from annals.errors import InvalidValue, UnreadableEvent
from annals.event import Event, RecordedEvent
from annals.query import Query
from annals.toolkit import codec

__all__ = ["EventTypes", "UnknownEventType", "UnreadableEvent"]

VERSION_KEY = "schemaVersion"

C = TypeVar("C", bound=type)
Upcaster = Callable[[Any], Any]


class UnknownEventType(LookupError):
    """An event of a type that is not registered, or of a newer version than this code knows.

    Attributes:
        type: The event's type.
        version: Its version: an integer, unless another program wrote something else.
    """

    def __init__(self, type: str, version: Any, known: int | None) -> None:  # noqa: A002
        told = "is not registered" if known is None else f"is newer than version {known}, which this code knows"
        super().__init__(f"event type {type!r} version {shown(version)} {told}")
        self.type = type
        self.version = version


@dataclass(frozen=True)
class _Registered:
    name: str
    version: int
    kind: type
    tags: Callable[[Any], Iterable[str]] | None


class EventTypes:
    """The event types that a part of an application knows."""

    def __init__(self, *, camel_case: bool = False) -> None:
        """Makes an empty one.

        Args:
            camel_case: The fields of dataclasses are named in camel case in the store, `unit_price` as `unitPrice`: for
                events that programs in other languages write and read, too.
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
        """Registers a class, a dataclass as a rule, as an event type.

        Args:
            name: The type's name in the store. Otherwise the class's.
            version: Which form it has now, 1 or more; there must be an upcaster from each form before it.
            tags: What its tags are.

        Raises:
            ValueError: The name or the class is registered already.
            InvalidValue: The version is not an integer of 1 or more.
        """
        if type(version) is not int or version < 1:
            raise InvalidValue("version", f"is {shown(version)}; give an integer, 1 or more")

        def with_class(kind: C) -> C:
            registered = _Registered(name or kind.__name__, version, kind, tags)
            if registered.name in self._by_name or kind in self._by_kind or registered.name in self._renamed:
                raise ValueError(f"event type {registered.name!r} ({kind.__name__}) is registered already")
            self._by_name[registered.name] = registered
            self._by_kind[kind] = registered
            return kind

        return with_class

    def upcast(self, name: str, *, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Registers what makes the data of the next version from the data of `from_version`.

        Raises:
            ValueError: There is one already.
        """

        def with_function(upcaster: Upcaster) -> Upcaster:
            if (name, from_version) in self._upcasters:
                raise ValueError(f"there is an upcaster of {name!r} from version {from_version} already")
            self._upcasters[name, from_version] = upcaster
            return upcaster

        return with_function

    def renamed(self, old: str, new: str) -> None:
        """Tells that events of the type `old` are those that are now called `new`; versions count on."""
        if old in self._by_name:
            raise ValueError(f"event type {old!r} is registered itself")
        self._renamed[old] = new

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which events of these types are stored, old ones included."""
        return (*self._by_name, *self._renamed)

    def names_of(self, *kinds: type) -> tuple[str, ...]:
        """The names under which events of these classes are stored, old ones included."""
        now = [self._by_kind[kind].name for kind in kinds]
        return (*now, *(old for old, new in self._renamed.items() if new in now))

    def query(self, *kinds: type, tags: Iterable[str] | str = (), stream_prefixes: Iterable[str] | str = ()) -> Query:
        """Events of these classes (all that are registered so far, if none is given) that bear all of the tags.

        With `stream_prefixes`, only those in streams whose names begin with one of them.

        Raises:
            ValueError: Nothing is registered, so that the query would be one for every event.
        """
        names = self.names_of(*kinds) if kinds else self.names
        if not names:
            raise ValueError("no event type is registered yet")
        return Query.of(types=names, tags=tags, stream_prefixes=stream_prefixes)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self._renamed

    def encode(self, fact: object, *, tags: Iterable[str] = (), id: UUID | None = None) -> Event:  # noqa: A002
        """The event that stores a fact: an object of a registered class.

        Args:
            fact: The fact.
            tags: More tags than those that its type gives it.
            id: The event's id. Otherwise a new one.

        Raises:
            TypeError: Its class is not registered, or something in it has no JSON form (`InvalidValue`).
        """
        registered = self._by_kind.get(type(fact))
        if registered is None:
            raise TypeError(f"{type(fact).__name__} is not registered as an event type")
        try:
            data = codec.to_json(fact, camel_case=self._camel_case)
        except RecursionError:
            raise InvalidValue("data", "is nested too deeply", registered.name) from None
        own = registered.tags(fact) if registered.tags else ()
        metadata = {VERSION_KEY: registered.version} if registered.version > 1 else None
        every = tuple(dict.fromkeys((*own, *tags)))
        return Event.json(registered.name, data, metadata=metadata, tags=every, id=id)

    def decode(self, event: RecordedEvent) -> Any:
        """The fact that an event stores, in the form that the code has for it now.

        Raises:
            UnknownEventType: Its type is not registered, or its version is newer.
            UnreadableEvent: Its data are not those of its type.
        """
        name = self._renamed.get(event.type, event.type)
        version = event.json_metadata().get(VERSION_KEY, 1) if event.metadata else 1
        registered = self._by_name.get(name)
        if registered is None:
            raise UnknownEventType(event.type, version, None)
        if type(version) is not int or version < 1:
            raise UnreadableEvent(event, f"its {VERSION_KEY} is {shown(version)}, which is no integer of 1 or more")
        if version > registered.version:
            raise UnknownEventType(event.type, version, registered.version)
        try:
            data = _json.decode(event.data or b"{}")
            for older in range(version, registered.version):
                data = self._upcasters[name, older](data)
            return codec.from_json(registered.kind, data, camel_case=self._camel_case)
        except Exception as error:
            raise UnreadableEvent(event, error) from error
