"""The example application for an inventory: its rules without a server, and the service over real HTTP."""

import http.client
import io
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from annals import RecordedEvent
from annals.testing import Server, given
from annals.toolkit import Projection, SqliteModel, State
from inventory.events import (
    ItemEvent,
    ItemRegistered,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
    types,
)
from inventory.http import Server as HttpServer
from inventory.item import Item, Refused
from inventory.logs import JsonLines
from inventory.service import Service

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

REGISTERED = ItemRegistered("tea", "Tea", 5)
STOCK = (REGISTERED, StockReceived("tea", 10), StockReserved("tea", 4))


@pytest.mark.parametrize(
    ("events", "command", "event"),
    [
        ((), lambda item: item.register("tea", "Tea", 5), REGISTERED),
        ((REGISTERED,), lambda item: item.receive(10), StockReceived("tea", 10)),
        (STOCK, lambda item: item.reserve(6), StockReserved("tea", 6)),
        (STOCK, lambda item: item.release(4), StockReleased("tea", 4)),
        (STOCK, lambda item: item.ship(4), StockShipped("tea", 4)),
    ],
)
def test_commands_that_are_allowed(
    events: tuple[ItemEvent, ...], command: Callable[[Item], list[ItemEvent]], event: ItemEvent
) -> None:
    given(Item(), *events, types=types).when(command).then(event)


@pytest.mark.parametrize(
    ("events", "command", "code"),
    [
        (STOCK, lambda item: item.register("tea", "Tea", 5), "item_exists"),
        ((), lambda item: item.receive(1), "item_not_found"),
        ((), lambda item: item.reserve(1), "item_not_found"),
        ((), lambda item: item.ship(1), "item_not_found"),
        (STOCK, lambda item: item.reserve(7), "insufficient_stock"),
        (STOCK, lambda item: item.release(5), "not_reserved"),
        (STOCK, lambda item: item.ship(5), "not_reserved"),
        ((*STOCK, StockShipped("tea", 4)), lambda item: item.ship(1), "not_reserved"),
        ((*STOCK, StockShipped("tea", 4)), lambda item: item.reserve(7), "insufficient_stock"),
    ],
)
def test_commands_that_are_rejected(
    events: tuple[ItemEvent, ...], command: Callable[[Item], list[ItemEvent]], code: str
) -> None:
    outcome = given(Item(), *events, types=types).when(command)
    outcome.then_raises(Refused)
    assert isinstance(outcome.error, Refused)
    assert outcome.error.code == code


class Broken(Projection[SqliteModel]):
    """A projection whose tables can't be created."""

    name = "broken"
    tables = ("broken",)
    schema = ("CREATE NONSENSE",)


class Picky(Projection[SqliteModel]):
    """A projection whose handler fails on every event."""

    name = "picky"

    def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
        raise ValueError("not to my taste")


class Shop:
    """The service over HTTP, with its own server, and its log."""

    def __init__(self, service: Service, port: int, log: io.StringIO) -> None:
        self.service = service
        self._port = port
        self._log = log

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        data = body if isinstance(body, str | None) else json.dumps(body)
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        got = answer.status, json.loads(answer.read()), dict(answer.getheaders())
        connection.close()
        return got

    def post(self, command: str, sku: str, **fields: object) -> Any:
        status, body, _ = self.ask("POST", "/inventory", {"command": command, "sku": sku, **fields})
        assert status == (201 if command == "register" else 200), body
        return body

    def get(self, path: str, at_least: int) -> Any:
        status, body, headers = self.ask("GET", path, X_Annals_Position=str(at_least))
        assert status == 200, body
        assert int(headers["X-Annals-Position"]) >= at_least
        return body

    @property
    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonLines())
    levels = {"": logging.WARNING, "inventory": logging.INFO, "annals.toolkit.batches": logging.DEBUG}
    before = {name: logging.getLogger(name).level for name in levels}
    logging.getLogger().addHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    try:
        with (
            Server("memory") as server,
            Service(server.endpoint, str(tmp_path / "inventory.db"), also=[Broken(), Picky()]) as service,
            HttpServer(("127.0.0.1", 0), service) as listening,
        ):
            thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
            thread.start()
            yield Shop(service, listening.server_address[1], log)
            listening.shutdown()
            thread.join()
    finally:
        logging.getLogger().removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def test_commands_update_three_projections(shop: Shop) -> None:
    first = shop.post("register", "tea", name="Green tea", lowStockThreshold=5)
    assert first == {"sku": "tea", "revision": 0, "position": 1}
    shop.post("register", "pot", name="Tea pot")
    shop.post("register", "cup", name="Cup_%", lowStockThreshold=1)
    shop.post("receive", "pot", quantity=3)
    shop.post("receive", "tea", quantity=10)
    shop.post("reserve", "tea", quantity=6)
    shop.post("release", "tea", quantity=1)
    at = shop.post("ship", "tea", quantity=5)["position"]
    tea = {
        "sku": "tea",
        "name": "Green tea",
        "onHand": 5,
        "reserved": 0,
        "available": 5,
        "lowStockThreshold": 5,
    }
    listed = shop.get("/inventory", at)
    assert listed["items"][2] == tea
    assert [item["sku"] for item in listed["items"]] == ["cup", "pot", "tea"]
    assert listed["next"] is None
    page = shop.get("/inventory?limit=2", at)
    assert ([item["sku"] for item in page["items"]], page["next"]) == (["cup", "pot"], "pot")
    assert [item["sku"] for item in shop.get("/inventory?limit=2&after=pot", at)["items"]] == ["tea"]
    assert [item["sku"] for item in shop.get("/inventory?search=TEA", at)["items"]] == ["pot", "tea"]
    assert [item["sku"] for item in shop.get("/inventory?search=_%25", at)["items"]] == ["cup"]
    assert [item["sku"] for item in shop.get("/inventory?belowThreshold=true", at)["items"]] == ["cup"]
    assert shop.get("/inventory/statistics", at) == {
        "items": 3,
        "unitsOnHand": 8,
        "unitsReserved": 0,
        "unitsReceived": 13,
        "unitsShipped": 5,
    }
    assert [alert["sku"] for alert in shop.get("/inventory/alerts", at)["alerts"]] == ["cup"]
    at = shop.post("reserve", "tea", quantity=1)["position"]
    [_, alert] = shop.get("/inventory/alerts", at)["alerts"]
    assert (alert["sku"], alert["available"], alert["lowStockThreshold"]) == ("tea", 4, 5)
    at = shop.post("release", "tea", quantity=1)["position"]
    assert [alert["sku"] for alert in shop.get(f"/inventory/alerts?atLeast={at}", 0)["alerts"]] == ["cup"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("no json", "body"),
        ("[1]", "body"),
        ({"sku": "tea", "quantity": 1}, "command"),
        ({"command": "burn", "sku": "tea", "quantity": 1}, "command"),
        ({"command": "receive", "quantity": 1}, "sku"),
        ({"command": "receive", "sku": "a b", "quantity": 1}, "sku"),
        ({"command": "receive", "sku": "x" * 65, "quantity": 1}, "sku"),
        ({"command": "receive", "sku": "tea"}, "quantity"),
        ({"command": "receive", "sku": "tea", "quantity": 0}, "quantity"),
        ({"command": "reserve", "sku": "tea", "quantity": 1.5}, "quantity"),
        ({"command": "release", "sku": "tea", "quantity": True}, "quantity"),
        ({"command": "ship", "sku": "tea", "quantity": "1"}, "quantity"),
        ({"command": "register", "sku": "tea"}, "name"),
        ({"command": "register", "sku": "tea", "name": " "}, "name"),
        ({"command": "register", "sku": "tea", "name": "Tea", "lowStockThreshold": -1}, "lowStockThreshold"),
    ],
)
def test_malformed_requests_are_rejected_with_the_field(shop: Shop, body: object, field: str) -> None:
    status, text, _ = shop.ask("POST", "/inventory", body)
    assert (status, text["error"]["code"], text["error"]["field"]) == (400, "invalid", field)
    assert text["error"]["message"].startswith(field)


def test_rejections_and_unknown_paths_are_reported(shop: Shop) -> None:
    shop.post("register", "tea", name="Tea")
    for command, status, code in (
        ({"command": "register", "sku": "tea", "name": "Tea"}, 409, "item_exists"),
        ({"command": "receive", "sku": "pot", "quantity": 1}, 422, "item_not_found"),
        ({"command": "reserve", "sku": "tea", "quantity": 1}, 422, "insufficient_stock"),
        ({"command": "ship", "sku": "tea", "quantity": 1}, 422, "not_reserved"),
    ):
        got, text, _ = shop.ask("POST", "/inventory", command)
        assert (got, text["error"]["code"]) == (status, code)
    for path, field in (("limit=0", "limit"), ("limit=x", "limit"), ("belowThreshold=1", "belowThreshold")):
        got, text, _ = shop.ask("GET", f"/inventory?{path}")
        assert (got, text["error"]["field"]) == (400, field)
    assert shop.ask("GET", "/inventory", X_Annals_Position="x")[1]["error"]["field"] == "X-Annals-Position"
    assert shop.ask("GET", "/elsewhere")[0] == 404
    assert shop.ask("POST", "/elsewhere", {})[0] == 404
    big = {"command": "register", "sku": "tea", "name": "x" * 70_000}
    assert shop.ask("POST", "/inventory", big)[1]["error"]["field"] == "body"


def test_waiting_for_a_position_times_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.service.WAIT_SECONDS_MAX", 0.2)
    status, text, _ = shop.ask("GET", "/inventory?atLeast=1000")
    assert (status, text["error"]["code"]) == (503, "not_caught_up")


def test_a_command_with_a_key_takes_effect_once(shop: Shop) -> None:
    shop.post("register", "tea", name="Tea")
    command, key = {"command": "receive", "sku": "tea", "quantity": 7}, str(uuid4())
    answers = [shop.ask("POST", "/inventory", command, Idempotency_Key=key) for _ in range(3)]
    assert {(status, body["position"]) for status, body, _ in answers} == {(200, 2)}
    assert shop.get("/inventory/statistics", 2)["unitsReceived"] == 7
    assert shop.ask("POST", "/inventory", command, Idempotency_Key="x")[1]["error"]["field"] == "Idempotency-Key"


def test_concurrent_commands_never_reserve_more_than_available(shop: Shop) -> None:
    shop.post("register", "tea", name="Tea")
    shop.post("receive", "tea", quantity=5)
    command = {"command": "reserve", "sku": "tea", "quantity": 1}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: shop.ask("POST", "/inventory", command), range(12)))
    assert sorted(status for status, _, _ in answers) == [200] * 5 + [422] * 7
    at = max(body["position"] for status, body, _ in answers if status == 200)
    [tea] = shop.get("/inventory", at)["items"]
    assert (tea["reserved"], tea["available"]) == (5, 0)


def test_projections_that_fail_do_not_stop_the_others(shop: Shop) -> None:
    """The tables of one projection can't be created; the handler of the other fails on each event, which is then
    skipped.
    """
    at = shop.post("register", "tea", name="Tea")["position"]
    for path in ("/inventory", "/inventory/statistics", "/inventory/alerts"):
        shop.get(path, at)
    running = shop.service.projections
    assert {name for name, one in running.items() if one.state is State.FAILED} == {"broken"}
    [failed] = [line for line in shop.logged if line["message"] == "projection broken failed"]
    assert (failed["level"], "NONSENSE" in failed["error"]) == ("error", True)
    shop.service.run(running["picky"].wait_for(at, timeout=60))
    [letter] = shop.service.run(running["picky"].dead_letters())
    assert (letter.position, letter.reason) == (at, "ValueError: not to my taste")
    assert any(line["level"] == "error" and "picky" in line["message"] for line in shop.logged)


def test_every_command_and_every_batch_is_a_line_of_the_log(shop: Shop) -> None:
    at = shop.post("register", "tea", name="Tea")["position"]
    shop.ask("POST", "/inventory", {"command": "ship", "sku": "tea", "quantity": 1})
    for path in ("/inventory", "/inventory/statistics", "/inventory/alerts"):
        shop.get(path, at)
    commands = [line for line in shop.logged if line["message"] == "command"]
    assert [(line["command"], line["sku"], line["outcome"]) for line in commands] == [
        ("register", "tea", "done"),
        ("ship", "tea", "not_reserved"),
    ]
    assert (commands[0]["revision"], commands[0]["position"], commands[0]["level"]) == (0, at, "info")
    batches = {line["projection"]: line for line in shop.logged if line["logger"] == "annals.toolkit.batches"}
    assert set(batches) == {"inventory-list", "inventory-statistics", "inventory-alerts"}
    assert all(line["position"] == at and line["events"] == 1 for line in batches.values())
    assert all(line["seconds"] > 0 for line in [*commands, *batches.values()])


def test_it_continues_after_a_restart(tmp_path: Path) -> None:
    """The service runs as a separate process, stopped by SIGTERM."""
    with Server("memory") as server:
        for nth in range(2):
            command = [sys.executable, "-W", "error", "-m", "inventory", "--port", "0", "--endpoint", server.endpoint]
            with subprocess.Popen(
                [*command, "--database", str(tmp_path / "inventory.db")],
                cwd=EXAMPLES,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                url = process.stdout.readline().strip()
                connection = http.client.HTTPConnection(url.split("/")[2], timeout=30)
                body = {"command": "register", "sku": f"tea-{nth}", "name": "Tea"}
                connection.request("POST", "/inventory", json.dumps(body))
                at = json.loads(connection.getresponse().read())["position"]
                connection.request("GET", f"/inventory?atLeast={at}")
                assert len(json.loads(connection.getresponse().read())["items"]) == nth + 1
                connection.close()
                process.send_signal(signal.SIGTERM)
                logged = [json.loads(line) for line in process.stderr.read().splitlines()]
                assert process.wait(30) == 0
            assert [line["sku"] for line in logged if line["message"] == "command"] == [f"tea-{nth}"]
