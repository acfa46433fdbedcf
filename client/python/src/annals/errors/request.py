"""Errors of the request or the configuration, which a retry does not resolve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annals.errors.base import AnnalsError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annals.event import RecordedEvent

__all__ = [
    "FieldViolation",
    "Forked",
    "InvalidEndpoint",
    "InvalidField",
    "InvalidValue",
    "NotGrpc",
    "TooLarge",
    "UnreadableEvent",
    "UnreadableState",
    "Unsupported",
]


class InvalidEndpoint(AnnalsError, ValueError):
    """An endpoint is not of the form `http://127.0.0.1:2113`. Correct the configuration.

    Attributes:
        endpoint: The endpoint as given.
        reason: The problem with it, and the expected form.
    """

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"endpoint {quoted(endpoint)} {reason}")
        self.endpoint = endpoint
        self.reason = reason


class NotGrpc(InvalidEndpoint):
    """An endpoint is the health and metrics port, or another that speaks HTTP/1.1. Correct the configuration."""

    def __init__(self, endpoint: str) -> None:
        reason = (
            "answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port (2113 by default)"
        )
        super().__init__(endpoint, reason)
        self.args = (f"{quoted(endpoint)} {reason}",)


class InvalidValue(AnnalsError, ValueError, TypeError):
    """A value can't be stored or sent, such as NaN in JSON. Nothing was sent. Change the value or its type.

    Attributes:
        place: The argument, or the location in the data or metadata of an event, or in the value of an entry of state:
            `data.lines[3].price`.
        reason: The problem with it, and the remedy.
        event_type: The type of the event that it is part of, if any.
    """

    def __init__(self, place: str, reason: str, event_type: str | None = None) -> None:
        of_event = "" if event_type is None else f"event {event_type!r}: "
        super().__init__(f"{of_event}{place} {reason}")
        self.place = place
        self.reason = reason
        self.event_type = event_type


class UnreadableEvent(AnnalsError, ValueError):
    """The data of an event is not the expected JSON, or an upcaster fails on it. Correct the type, or read the bytes.

    `part` is the part of the event that can't be read: its data, or its metadata with the schema version.

    Attributes:
        event: The event.
    """

    def __init__(self, event: RecordedEvent, reason: Exception | str, part: str = "data") -> None:
        text = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
        super().__init__(
            f"the {part} of event {quoted(event.type)} at revision {event.revision} of stream {quoted(event.stream)} "
            f"(position {event.position}) is not the expected JSON: {text}"
        )
        self.event = event


class UnreadableState(AnnalsError, ValueError):
    """The value of an entry of state is not JSON, or contains a number that Python can't represent. Read the bytes.

    Attributes:
        scope: The entry's scope.
        key: The entry's key.
    """

    def __init__(self, scope: str, key: str, reason: Exception) -> None:
        super().__init__(
            f"the value of key {quoted(key)} of scope {quoted(scope)} is not the expected JSON: "
            f"{type(reason).__name__}: {reason}"
        )
        self.scope = scope
        self.key = key


class Forked(AnnalsError, RuntimeError):
    """This process was forked while a client was connected, and gRPC does not work in it.

    Close all clients before a process is forked, or start processes without forking:
    `multiprocessing.set_start_method("spawn")` (or `"forkserver"`).

    Attributes:
        parent: The id of the process that was forked.
    """

    def __init__(self, parent: int) -> None:
        super().__init__(
            f"process {parent} was forked while an Annals client was connected, and gRPC does not work in the child; "
            "close all clients before the fork, or start processes with multiprocessing's method 'spawn' or "
            "'forkserver'"
        )
        self.parent = parent


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that the server rejected."""

    field: str
    """The field's path in the request: `events[3].type`. Empty if the server named none."""
    description: str
    """The problem with it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field else self.description


class InvalidField(AnnalsError, ValueError):
    """The server rejected one or more fields of the request: missing, too long or malformed. Correct the request.

    Attributes:
        violations: The rejected fields, at least one.
    """

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super().__init__("the server rejected the request: " + "; ".join(map(str, violations)))
        self.violations = tuple(violations)


class TooLarge(AnnalsError, ValueError):
    """An event, an append or a write of state exceeds the server's limit (see `AsyncClient.server_info`).

    Split it, or store the large part elsewhere.

    Attributes:
        violations: The rejected fields, at least one.
    """

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super().__init__("larger than the server takes: " + "; ".join(map(str, violations)))
        self.violations = tuple(violations)


class Unsupported(AnnalsError, NotImplementedError):
    """The server does not implement this call, because it is older than this client. Update the server.

    Attributes:
        call: The name of the RPC.
    """

    def __init__(self, call: str) -> None:
        super().__init__(f"the server does not offer {call}; update it")
        self.call = call
