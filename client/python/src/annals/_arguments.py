"""Arguments, checked where protobuf would raise errors that do not name them."""

from __future__ import annotations

from typing import Any

from annals.errors import InvalidValue

UINT32_MAX = (1 << 32) - 1
UINT64_MAX = (1 << 64) - 1


def integer(name: str, value: Any, least: int = 0, most: int = UINT64_MAX) -> None:
    """Checks that an argument is an integer of a range.

    Raises:
        InvalidValue: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(name, f"is {shown(value)}; give an integer from {least} to {most}")


def optional_integer(name: str, value: Any, least: int = 0, most: int = UINT64_MAX) -> None:
    """The same for an argument that may be left out."""
    if value is not None:
        integer(name, value, least, most)


def text(name: str, value: Any) -> None:
    """Checks that an argument is Unicode text.

    Raises:
        InvalidValue: It is none.
    """
    if not isinstance(value, str):
        raise InvalidValue(name, f"is {shown(value)}; give text")
    if not is_unicode(value):
        raise InvalidValue(name, f"is {shown(value)}, which has a lone surrogate; give Unicode text")


def is_unicode(value: str) -> bool:
    """Whether text has no lone surrogate, so that it can be encoded."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: Any) -> str:
    """A value in an error: the beginning of a long one."""
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:80]}…"
