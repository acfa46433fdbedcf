"""Arguments of steps of the interoperability cases, converted to the client's types.

Fields are the parameters of these functions, so an unknown field is a TypeError.
"""

import array
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from annals import (
    Absent,
    AtVersion,
    Check,
    Delete,
    Event,
    Expected,
    ExpectedRevision,
    NoMatch,
    Put,
    Query,
    QueryItem,
    Retention,
    StateChange,
    StateCheck,
    StreamIs,
    Write,
    new_id,
)

Fields = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EXPECTED = {"any": Expected.ANY, "no-stream": Expected.NO_STREAM, "stream-exists": Expected.STREAM_EXISTS}


def only(name: str, rest: dict[str, int]) -> int | None:
    """Returns an argument whose name is a keyword of Python."""
    value = rest.pop(name, None)
    if rest:
        raise TypeError(f"unknown arguments: {rest}")
    return value


def make_event(
    type: str,
    id: str | None = None,
    data: str = "",
    metadata: str = "",
    tags: tuple[str, ...] = (),
    content_type: str = "",
) -> Event:
    identity = new_id() if id is None else UUID(id)
    return Event(type, base64.b64decode(data), base64.b64decode(metadata), tuple(tags), identity, content_type)


def make_expected(expected: int | str) -> ExpectedRevision:
    return EXPECTED[expected] if isinstance(expected, str) else expected


def make_write(stream: str, events: list[Fields], expected: int | str | None = None) -> Write:
    made = [make_event(**event) for event in events]
    return Write(stream, made, None if expected is None else make_expected(expected))


def make_check(
    stream: str | None = None,
    expected: int | str = "any",
    no_match: list[Fields] | None = None,
    after: int | None = None,
) -> Check:
    if stream is not None and no_match is None and after is None:
        return StreamIs(stream, make_expected(expected))
    if stream is None and no_match is not None and after is not None:
        return NoMatch(make_query(no_match), after)
    raise TypeError("a check names a stream, or a query and a position")


def make_query(items: list[Fields] | None) -> Query:
    return Query(tuple(QueryItem(**item) for item in items or []))


def make_until(place: int | None, time: int | None) -> int | datetime | None:
    return place if time is None else EPOCH + time * MICROSECOND


def make_retention(
    max_count: int | None = None, max_age_seconds: int | None = None, truncate_before: int = 0
) -> Retention:
    age = None if max_age_seconds is None else timedelta(seconds=max_age_seconds)
    return Retention(max_count=max_count, max_age=age, truncate_before=truncate_before)


def make_state_change(scope: str, key: str, data: str | None = None) -> StateChange:
    return Delete(scope, key) if data is None else Put(scope, key, base64.b64decode(data))


def make_state_check(scope: str, key: str, version: int | None = None) -> StateCheck:
    return Absent(scope, key) if version is None else AtVersion(scope, key, version)


class NoSuchValue(Exception):
    """Python does not have this value."""


def make_value(description: Fields) -> Any:
    """Creates a value from its language-independent description."""
    [(kind, of)] = description.items()
    match kind:
        case "number":
            return float(of)
        case "integer":
            return int(of)
        case "json":
            return json.loads(of)
        case "string":
            return bytes.fromhex(of).decode("utf-16-be", "surrogatepass")
        case "bytes":
            return bytes.fromhex(of)
        case "float64s":
            return array.array("d", of)
        case "date":
            return EPOCH + of * MICROSECOND
        case "undefined":
            raise NoSuchValue
        case "object":
            return {name: make_value(value) for name, value in of.items()}
        case "nested":
            value: list[Any] = []
            for _ in range(of - 1):
                value = [value]
            return value
    raise TypeError(f"unknown kind of value: {kind}")
