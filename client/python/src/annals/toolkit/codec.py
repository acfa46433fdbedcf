"""Conversion between dataclasses and JSON, for events and snapshots.

Supported: None, bool, int, float, str; as text UUID, Decimal, datetime, date, time, timedelta (seconds), Enum (value)
and bytes (base64); lists, tuples, sets, dicts with text keys; dataclasses; unions and Optional of these (the first
that fits). Classes with `model_validate` and `model_dump` (pydantic) convert themselves. Unknown names are ignored
when decoding, so that older code can read newer events; missing values take their defaults.

With `camel_case`, the fields of dataclasses are named as in most other languages: `unit_price` is `unitPrice`.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

__all__ = ["from_json", "to_json"]

T = TypeVar("T")

_FROM_TEXT: dict[Any, Callable[[str], Any]] = {
    UUID: UUID,
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    bytes: lambda text: base64.b64decode(text, validate=True),
}


def to_json(value: Any, *, camel_case: bool = False) -> Any:
    """Converts a value to one that `json.dumps` accepts.

    Raises:
        TypeError: A part of it has no JSON form.
    """
    match value:
        case enum.Enum():
            return to_json(value.value, camel_case=camel_case)
        case None | bool() | int() | float() | str():
            return value
        case UUID() | Decimal():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            items = {_key(key): to_json(item, camel_case=camel_case) for key, item in value.items()}
            if len(items) < len(value):
                raise TypeError(f"keys that are equal as text have no JSON form: {list(value)!r}")
            return items
        case list() | tuple():
            return [to_json(item, camel_case=camel_case) for item in value]
        case set() | frozenset():
            return sorted((to_json(item, camel_case=camel_case) for item in value), key=repr)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            _name(field.name, camel_case): to_json(getattr(value, field.name), camel_case=camel_case)
            for field in dataclasses.fields(value)
        }
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")


def _name(field: str, camel_case: bool) -> str:
    if not camel_case:
        return field
    first, *rest = field.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _key(key: Any) -> str:
    value = to_json(key)
    return value if isinstance(value, str) else str(value)


def from_json(kind: type[T], data: Any, *, camel_case: bool = False) -> T:
    """Converts a value returned by `json.loads` to this type.

    Raises:
        ValueError: The data does not fit the type.
    """
    try:
        value: T = _from(kind, data, camel_case)
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise ValueError(f"not the data of a {getattr(kind, '__name__', kind)}: {error}") from error
    return value


def _from(kind: Any, data: Any, camel_case: bool) -> Any:
    if kind is Any or kind is object:
        return data
    if kind is None or kind is types.NoneType:
        return _checked(kind, data, data is None)
    origin = typing.get_origin(kind)
    if origin is not None:
        return _from_generic(kind, origin, data, camel_case)
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return kind(data)
        if kind in _FROM_TEXT:
            return _FROM_TEXT[kind](_checked(kind, data, isinstance(data, str)))
        if kind is timedelta:
            return timedelta(seconds=data)
        if kind is float:
            return float(_checked(kind, data, isinstance(data, int | float) and not isinstance(data, bool)))
        if kind is int:
            return _checked(kind, data, isinstance(data, int) and not isinstance(data, bool))
        if kind in (bool, str, dict, list):
            return _checked(kind, data, isinstance(data, kind))
        if kind in (tuple, set, frozenset):
            return kind(data)
        if hasattr(kind, "model_validate"):
            return kind.model_validate(data)
        if dataclasses.is_dataclass(kind):
            return _from_object(kind, data, camel_case)
    raise TypeError(f"{kind!r} can't be read from JSON")


def _checked(kind: Any, data: Any, fits: bool) -> Any:
    if not fits:
        raise TypeError(f"expected {getattr(kind, '__name__', kind)}, found {data!r}")
    return data


def _from_generic(kind: Any, origin: Any, data: Any, camel_case: bool) -> Any:
    arguments = typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        for argument in arguments:
            try:
                return _from(argument, data, camel_case)
            except (TypeError, ValueError, KeyError, ArithmeticError):
                continue
        raise TypeError(f"{data!r} fits none of {kind}")
    if origin is typing.Literal:
        return _checked(kind, data, data in arguments)
    if origin is typing.Annotated:
        return _from(arguments[0], data, camel_case)
    if issubclass(origin, Mapping):
        of_key, of_value = arguments
        return {_from_key(of_key, key, camel_case): _from(of_value, value, camel_case) for key, value in data.items()}
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is ...):
        _checked(kind, data, isinstance(data, list) and len(data) == len(arguments))
        return tuple(_from(argument, item, camel_case) for argument, item in zip(arguments, data, strict=True))
    items = [_from(arguments[0], item, camel_case) for item in _checked(kind, data, isinstance(data, list))]
    if origin is tuple:
        return tuple(items)
    if issubclass(origin, AbstractSet):
        return frozenset(items) if origin is frozenset else set(items)
    if issubclass(origin, Sequence):
        return items
    raise TypeError(f"{kind!r} can't be read from JSON")


def _from_key(kind: Any, key: str, camel_case: bool) -> Any:
    return int(key) if kind is int else _from(kind, key, camel_case)


def _from_object(kind: type, data: Any, camel_case: bool) -> Any:
    _checked(kind, data, isinstance(data, dict))
    given = {
        field: _from(hint, data[name], camel_case) for field, name, hint in _shape(kind, camel_case) if name in data
    }
    return kind(**given)


@functools.cache
def _shape(kind: type, camel_case: bool) -> tuple[tuple[str, str, Any], ...]:
    """Returns the fields of a dataclass, with their JSON names and types."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = (field.name for field in dataclasses.fields(kind) if field.init)
    return tuple((field, _name(field, camel_case), hints[field]) for field in fields)
