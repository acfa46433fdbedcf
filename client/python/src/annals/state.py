"""State: small documents beside the log, in scopes of entries with a key, a value and a version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from google.protobuf.empty_pb2 import Empty

from annals import _json
from annals._arguments import integer, shown, text
from annals.errors import InvalidValue, ProtocolError, UnreadableState
from annals.event import to_datetime
from annals.v1 import state_pb2 as pb

__all__ = [
    "Absent",
    "AtVersion",
    "Delete",
    "Put",
    "StateChange",
    "StateCheck",
    "StateEntry",
    "StatePage",
    "StateRead",
    "StateWritten",
]


@dataclass(frozen=True, slots=True)
class StateEntry:
    """An entry of a scope."""

    scope: str
    key: str
    value: bytes
    version: int
    """The number of the scope's change that gave the entry its value, from 1."""
    changed_at: datetime
    """The time of that change (UTC), by the server's clock. Unlike versions, times may go backwards."""

    def json(self) -> Any:
        """Returns the value, decoded from JSON.

        Raises:
            UnreadableState: It is not JSON, or contains a number that is too large for Python.
        """
        return decode_value(self.scope, self.key, self.value)


@dataclass(frozen=True, slots=True)
class Put:
    """A change that gives an entry a value, whether or not the entry exists.

    >>> Put.json("carts", "ada", {"items": ["tea"]}).value
    b'{"items":["tea"]}'
    """

    scope: str
    """The scope's name: 1 to 256 bytes, not starting with `$`. The scope need not exist."""
    key: str
    """The entry's key: 1 to 512 bytes."""
    value: bytes
    """The value: at most 65,536 bytes. JSON by convention."""

    @classmethod
    def json(cls, scope: str, key: str, value: Any) -> Put:
        """Creates a change whose value is encoded as JSON.

        Raises:
            InvalidValue: The value has no JSON form; the error names the location in it.
        """
        return cls(scope, key, _json.encode(value, None, "value"))


@dataclass(frozen=True, slots=True)
class Delete:
    """A change that deletes an entry. If there is none, nothing changes."""

    scope: str
    key: str


StateChange: TypeAlias = Put | Delete
"""A change of one entry. A write or an append has at most one change of an entry."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A check that there is no such entry."""

    scope: str
    key: str


@dataclass(frozen=True, slots=True)
class AtVersion:
    """A check that an entry has exactly this version, so that it has not changed since it was read."""

    scope: str
    key: str
    version: int
    """The version, 1 or more."""


StateCheck: TypeAlias = Absent | AtVersion
"""A check of one entry. A write or an append has at most one check of an entry."""


@dataclass(frozen=True, slots=True)
class StateRead:
    """The result of a read of one entry, with the version of its scope."""

    entry: StateEntry | None
    """The entry; `None` if there is none."""
    scope_version: int
    """The scope's last version when the entry was read; 0 if nothing was ever written to it."""


@dataclass(frozen=True, slots=True)
class StatePage:
    """A page of the entries of a scope."""

    entries: tuple[StateEntry, ...]
    """The entries, in the byte order of their keys."""
    has_more: bool
    """Whether more entries follow. List them after the last key of this page."""
    scope_version: int
    """The scope's last version when the page was read.

    A subscription after the version of the first page returns what has changed since.
    """


@dataclass(frozen=True, slots=True)
class StateWritten:
    """The result of a write of state."""

    versions: tuple[int, ...]
    """The versions that the entries got, one for each change, in order.

    0: the entry that was to be deleted did not exist.
    """
    changed_at: datetime
    """The time of the changes (UTC), by the server's clock."""
    already_written: bool
    """Whether an earlier write with the same id had already made the changes, so that this one changed nothing."""


def decode_value(scope: str, key: str, value: bytes) -> Any:
    """Decodes the value of an entry from JSON.

    Raises:
        UnreadableState: It is not JSON, or contains a number that is too large for Python.
    """
    try:
        return _json.decode(value)
    except ValueError as error:
        raise UnreadableState(scope, key, error) from error


def through_json(scope: str, key: str, function: Callable[[Any], Any]) -> Callable[[bytes | None], bytes | None]:
    """Returns a function of an entry's bytes, which calls `function` with the decoded value and encodes its result."""

    def encoded(value: bytes | None) -> bytes | None:
        changed = function(None if value is None else decode_value(scope, key, value))
        return None if changed is None else _json.encode(changed, None, "value")

    return encoded


def check_of(scope: str, key: str, entry: StateEntry | None) -> StateCheck:
    """Returns the check that an entry has not changed since it was read."""
    return Absent(scope, key) if entry is None else AtVersion(scope, key, entry.version)


def to_change(change: StateChange, argument: str) -> pb.StateChange:
    """Encodes a change, which the caller gave as this argument.

    Raises:
        InvalidValue: It is of a type that can't be sent.
    """
    match change:
        case Put(scope, key, value):
            _demand_names(argument, scope, key)
            demand_bytes(f"{argument}.value", value)
            return pb.StateChange(scope=scope, key=key, put=value)
        case Delete(scope, key):
            _demand_names(argument, scope, key)
            return pb.StateChange(scope=scope, key=key, delete=Empty())
    raise InvalidValue(argument, f"is {shown(change)}; give a Put or a Delete")


def to_check(check: StateCheck, argument: str) -> pb.StateCheck:
    """Encodes a check, which the caller gave as this argument.

    Raises:
        InvalidValue: It is of a type or in a range that can't be sent.
    """
    match check:
        case Absent(scope, key):
            _demand_names(argument, scope, key)
            return pb.StateCheck(scope=scope, key=key, absent=Empty())
        case AtVersion(scope, key, version):
            _demand_names(argument, scope, key)
            integer(f"{argument}.version", version, least=1)
            return pb.StateCheck(scope=scope, key=key, version=version)
    raise InvalidValue(argument, f"is {shown(check)}; give an Absent or an AtVersion")


def demand_bytes(name: str, value: Any) -> None:
    """Checks that a value is bytes.

    Raises:
        InvalidValue: It is not.
    """
    if not isinstance(value, bytes):
        raise InvalidValue(name, f"is {shown(value)}; give bytes, or use the method for JSON")


def _demand_names(argument: str, scope: Any, key: Any) -> None:
    text(f"{argument}.scope", scope)
    text(f"{argument}.key", key)


def to_entry(scope: str, entry: pb.StateEntry) -> StateEntry:
    """Decodes an entry of a scope."""
    return StateEntry(scope, entry.key, entry.value, entry.version, to_datetime(entry.changed_at))


def to_page(scope: str, page: pb.ListStateResponse) -> StatePage:
    """Decodes a page.

    Raises:
        ProtocolError: More entries follow an empty page, so that their keys are unknown.
    """
    if page.has_more and not page.entries:
        raise ProtocolError("an empty page of state that is not the last one")
    return StatePage(tuple(to_entry(scope, entry) for entry in page.entries), page.has_more, page.scope_version)


def to_written(response: pb.WriteStateResponse) -> StateWritten:
    """Decodes the result of a write."""
    return StateWritten(tuple(response.versions), to_datetime(response.changed_at), response.already_written)
