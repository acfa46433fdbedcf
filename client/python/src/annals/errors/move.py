"""Errors of moving a log to this store from another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annals.errors.base import AnnalsError, timestamp

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MoveRefused", "MoveUnfinished", "RecordedTimeNotAccepted", "RecordedTimeOutOfRange"]


class RecordedTimeNotAccepted(AnnalsError):
    """The append sets the time at which its events were recorded, and the server does not accept that from clients.

    Start it with `--accept-recorded-times` while a log is being moved to it.

    Attributes:
        message: The server's message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"the server does not accept recorded times: {message}")
        self.message = message


class RecordedTimeOutOfRange(AnnalsError):
    """The recorded time of the append is before that of the log's last event, or in the future.

    Recorded times never decrease along a log: move a log to an empty store, from its beginning, with no other client
    appending.

    Attributes:
        recorded_at: The recorded time given.
        earliest: The recorded time of the log's last event; `None` if the log is empty.
        latest: The server's current time.
    """

    def __init__(self, recorded_at: datetime, earliest: datetime | None, latest: datetime) -> None:
        last = "none, as the log is empty" if earliest is None else timestamp(earliest)
        super().__init__(
            f"events recorded at {timestamp(recorded_at)} can't be next in the log: "
            f"its last event was recorded at {last}, and the server's clock is at {timestamp(latest)}"
        )
        self.recorded_at = recorded_at
        self.earliest = earliest
        self.latest = latest


class MoveRefused(AnnalsError):
    """The log can't be moved to this store, which has other content. Move it to an empty store.

    Attributes:
        message: The server's message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"the log can't be moved here: {message}")
        self.message = message


class MoveUnfinished(AnnalsError):
    """A log is being moved to this store, and the move is incomplete.

    Import the rest, or start over with an empty store.

    Attributes:
        message: The server's message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
