"""JSON as defined by RFC 8259, and nothing else.

Python's `json` module writes `NaN`, which is not JSON, converts the keys 1 and True to text, reads 1e400 as infinity,
and reports values it can't encode without their location. This module encodes a value so that every client decodes
the same value, or rejects it and names the location.

1. Rejected: NaN and infinities, keys that are not text, text with a lone surrogate, nesting deeper than
   `NESTING_MAX`, and every type that JSON does not have (bytes, dates, decimals, sets, arrays).
2. Encoded as the closest JSON type: tuples, enums of text or numbers, and other subclasses of JSON's types.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, NamedTuple

from annals._arguments import is_unicode
from annals.errors import InvalidValue

# Maximum nesting of lists and dicts. The `json` module fails at a depth that depends on its version and on the
# caller.
NESTING_MAX = 500

_CONTAINERS = (dict, list, tuple)
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any, event_type: str | None, field: str) -> bytes:
    """Encodes a value as JSON, as the data or metadata (`field`) of an event, or as another `field` without a type.

    Raises:
        InvalidValue: It has no JSON form; names the location in the value.
    """
    try:
        data = _encoder.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        fault = _find_fault(value) or _Fault("", f"can't be encoded as JSON: {error}")
    else:
        if _is_plain(value):
            return data
        fault = _find_fault(value) or _Fault("", "has no JSON form")
    raise InvalidValue(f"{field}{fault.path}", fault.reason, event_type)


def decode(data: bytes) -> Any:
    """Decodes a value from JSON.

    Raises:
        ValueError: It is not JSON, or a number in it is too large for Python.
    """
    try:
        return _decoder.decode(data.decode().removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large for a float")
    return value


_decoder = json.JSONDecoder(parse_constant=_constant, parse_float=_float)


def _is_plain(value: Any) -> bool:
    """Returns whether all keys are text and nothing is nested too deeply.

    Proceeds level by level, without recursion.
    """
    level, depth = ([value] if isinstance(value, _CONTAINERS) else []), 0
    while level:
        depth += 1
        if depth > NESTING_MAX:
            return False
        below: list[Any] = []
        for container in level:
            if isinstance(container, dict):
                for key, item in container.items():
                    if not isinstance(key, str):
                        return False
                    if isinstance(item, _CONTAINERS):
                        below.append(item)
            else:
                below += [item for item in container if isinstance(item, _CONTAINERS)]
        level = below
    return True


class _Fault(NamedTuple):
    path: str
    reason: str


class _Place(NamedTuple):
    """A value, and the path to it."""

    value: Any
    step: str
    above: _Place | None
    depth: int

    @property
    def path(self) -> str:
        """The path in JavaScript notation, truncated to 20 steps."""
        steps, place = [], self
        while place.above is not None:
            steps.append(place.step)
            place = place.above
        steps.reverse()
        return "".join(steps[:20]) + ("…" if len(steps) > 20 else "")


def _find_fault(value: Any) -> _Fault | None:
    """Finds the first part of a value that has no JSON form."""
    places = [_Place(value, "", None, 1)]
    while places:
        place = places.pop()
        reason = _fault_of(place)
        if reason is not None:
            return _Fault(place.path, reason)
        if isinstance(place.value, dict):
            for key in place.value:
                if (reason := _fault_of_key(key)) is not None:
                    return _Fault(place.path, f"has the key {key!r}, {reason}")
            below = [_Place(item, _step(key), place, place.depth + 1) for key, item in place.value.items()]
        elif isinstance(place.value, list | tuple):
            below = [_Place(item, f"[{index}]", place, place.depth + 1) for index, item in enumerate(place.value)]
        else:
            continue
        places += reversed(below)
    return None


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


def _fault_of_key(key: Any) -> str | None:
    if not isinstance(key, str):
        return "which is not text; use text for keys"
    return None if is_unicode(key) else "which has a lone surrogate; keep such text as bytes in another encoding"


def _fault_of(place: _Place) -> str | None:
    value = place.value
    match value:
        case None | bool():
            return None
        case str():
            if is_unicode(value):
                return None
            return "has a lone surrogate, which is not Unicode; replace it, or keep such text in another encoding"
        case int():
            digits_max = sys.get_int_max_str_digits()
            if digits_max and value.bit_length() > digits_max * 3.33:
                return f"has more than {digits_max} digits; store it as text"
            return None
        case float():
            if math.isfinite(value):
                return None
            return f"is {value!r}, which JSON does not have; store null or text in its place"
        case dict() | list() | tuple():
            return _fault_of_nesting(place)
    return (
        f"is of type {type(value).__name__}, which JSON does not have; convert it to text, a number, a list or a dict"
    )


def _fault_of_nesting(place: _Place) -> str | None:
    above = place.above
    while above is not None:
        if above.value is place.value:
            return "contains itself"
        above = above.above
    return f"is nested more than {NESTING_MAX} deep" if place.depth > NESTING_MAX else None
