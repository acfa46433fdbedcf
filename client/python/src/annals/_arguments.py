"""Checks of arguments, where protobuf would raise errors that do not name the argument."""

from __future__ import annotations

from typing import Any

from annals.errors import InvalidValue

UINT32_MAX = (1 << 32) - 1
UINT64_MAX = (1 << 64) - 1


def integer(name: str, value: Any, least: int = 0, most: int = UINT64_MAX) -> None:
    """Checks that an argument is an integer within a range.

    Raises:
        InvalidValue: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(name, f"is {shown(value)}; give an integer from {least} to {most}")


def optional_integer(name: str, value: Any, least: int = 0, most: int = UINT64_MAX) -> None:
    """Checks that an argument is `None` or an integer within a range."""
    if value is not None:
        integer(name, value, least, most)


def text(name: str, value: Any) -> None:
    """Checks that an argument is Unicode text.

    Raises:
        InvalidValue: It is not.
    """
    if not isinstance(value, str):
        raise InvalidValue(name, f"is {shown(value)}; give text")
    if not is_unicode(value):
        raise InvalidValue(name, f"is {shown(value)}, which has a lone surrogate; give Unicode text")


def is_unicode(value: str) -> bool:
    """Returns whether text has no lone surrogate, so that it can be encoded."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: Any) -> str:
    """Formats a value for an error text, truncated to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
