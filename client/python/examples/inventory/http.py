"""HTTP requests and responses: maps requests to commands and queries, and failures to statuses."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from annals import AnnalsError
from inventory import requests
from inventory.item import Refused
from inventory.requests import Invalid
from inventory.service import NotCaughtUp, Service

log = logging.getLogger("inventory")

BODY_BYTES_MAX = 64 << 10
POSITION_HEADER = "X-Annals-Position"
POSITION_MAX = (1 << 63) - 1


class Server(ThreadingHTTPServer):
    """Serves the inventory over HTTP, with a thread for each connection."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        super().__init__(address, Handler)
        self.service = service


class Handler(BaseHTTPRequestHandler):
    """Handles one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        """Handles a command."""
        self._answer(self._command)

    def do_GET(self) -> None:
        """Handles a query."""
        self._answer(self._query)

    def _answer(self, work: Any) -> None:
        """Does the work and sends its result or failure."""
        try:
            status, body, position = work()
        except Invalid as invalid:
            status, body, position = 400, _error("invalid", str(invalid), field=invalid.field), None
        except Refused as refused:
            status = 409 if refused.code == "item_exists" else 422
            body, position = _error(refused.code, str(refused)), None
        except NotCaughtUp as late:
            status, body, position = 503, _error("not_caught_up", str(late)), None
        except AnnalsError as error:
            status, body, position = 503, _error("unavailable", str(error)), None
        except Exception:
            log.exception("request failed", extra={"path": self.path})
            status, body, position = 500, _error("internal", "see the log"), None
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if position is not None:
            self.send_header(POSITION_HEADER, str(position))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def _command(self) -> tuple[int, Any, int | None]:
        body = self._body()
        if urlsplit(self.path).path != "/inventory":
            return _nothing_there()
        command = requests.command(body, self.headers.get("Idempotency-Key"))
        done = self.server.service.execute(command, self.headers.get("traceparent"))
        return 201 if command.name == "register" else 200, done, done["position"]

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > BODY_BYTES_MAX:
            # The unread body would be parsed as the next request.
            self.close_connection = True
            raise Invalid("body", f"JSON of at most {BODY_BYTES_MAX} bytes, with its Content-Length")
        try:
            return json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Invalid("body", "JSON") from None

    def _query(self) -> tuple[int, Any, int | None]:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        header = self.headers.get(POSITION_HEADER)
        at_least = (
            requests.number(query, "atLeast", 0, POSITION_MAX)
            if header is None
            else requests.number({POSITION_HEADER: header}, POSITION_HEADER, 0, POSITION_MAX)
        )
        service = self.server.service
        match parts.path:
            case "/inventory":
                found, position = service.items(requests.page(query), at_least)
            case "/inventory/statistics":
                found, position = service.statistics(at_least)
            case "/inventory/alerts":
                found, position = service.alerts(at_least)
            case _:
                return _nothing_there()
        return 200, found, position

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Logs nothing: the service logs commands, and a proxy logs requests."""


def _error(code: str, message: str, **more: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


def _nothing_there() -> tuple[int, Any, None]:
    return (
        HTTPStatus.NOT_FOUND,
        _error("not_found", "unknown path; use /inventory, /inventory/statistics or /inventory/alerts"),
        None,
    )
