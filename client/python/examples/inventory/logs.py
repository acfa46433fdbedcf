"""Structured logs: every record is a line of JSON on stderr, including its `extra` attributes."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

# The attributes of every record; all others were given as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry: dict[str, object] = {"time": at, "level": record.levelname.lower(), "logger": record.name}
        entry["message"] = record.getMessage()
        entry |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=str)


def begin(stream: TextIO = sys.stderr) -> None:
    """Logs the records of the service and of the toolkit to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    logging.getLogger("inventory").setLevel(logging.INFO)
    logging.getLogger("annals.toolkit.batches").setLevel(logging.DEBUG)
