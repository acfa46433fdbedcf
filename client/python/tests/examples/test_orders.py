"""The example application for orders: its rules without a server, and its command line against one."""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from annals import AsyncClient
from annals.testing import Server, given, record
from orders.__main__ import Orders, main
from orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderDelivered,
    OrderEvent,
    OrderItemAdded,
    OrderShipped,
    types,
)
from orders.order import Item, Order, Refused

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

CREATED = OrderCreated("o1", "c1")
TEA = OrderItemAdded("tea", 2, 450)
CONFIRMED = OrderConfirmed(900)
SHIPPED = OrderShipped("post", "T-1")
DELIVERED = OrderDelivered()
CANCELLED = OrderCancelled("changed my mind")

OPEN = (CREATED, TEA)
COMMANDS: dict[str, Callable[[Order], list[OrderEvent]]] = {
    "create": lambda order: order.create("o1", "c1"),
    "add": lambda order: order.add_item("tea", 2, 450),
    "confirm": lambda order: order.confirm(),
    "ship": lambda order: order.ship("post", "T-1"),
    "deliver": lambda order: order.deliver(),
    "cancel": lambda order: order.cancel("changed my mind"),
}


@pytest.mark.parametrize(
    ("events", "command", "event"),
    [
        ((), "create", CREATED),
        ((CREATED,), "add", TEA),
        (OPEN, "add", TEA),
        (OPEN, "confirm", CONFIRMED),
        ((*OPEN, TEA), "confirm", OrderConfirmed(1800)),
        ((*OPEN, CONFIRMED), "ship", SHIPPED),
        ((*OPEN, CONFIRMED, SHIPPED), "deliver", DELIVERED),
        ((CREATED,), "cancel", CANCELLED),
        (OPEN, "cancel", CANCELLED),
        ((*OPEN, CONFIRMED), "cancel", CANCELLED),
        ((*OPEN, CONFIRMED, SHIPPED), "cancel", CANCELLED),
    ],
)
def test_commands_that_are_allowed(events: tuple[OrderEvent, ...], command: str, event: OrderEvent) -> None:
    given(Order(), *events, types=types).when(COMMANDS[command]).then(event)


@pytest.mark.parametrize(
    ("events", "refused"),
    [
        ((), dict.fromkeys(("add", "confirm", "ship", "deliver", "cancel"), "order_not_found")),
        ((CREATED,), {"create": "order_exists", "confirm": "order_empty"}),
        (OPEN, {"create": "order_exists", "ship": "order_not_confirmed", "deliver": "order_not_shipped"}),
        (
            (*OPEN, CONFIRMED),
            {
                "create": "order_exists",
                "add": "order_not_open",
                "confirm": "order_already_confirmed",
                "deliver": "order_not_shipped",
            },
        ),
        (
            (*OPEN, CONFIRMED, SHIPPED),
            {"add": "order_not_open", "confirm": "order_already_confirmed", "ship": "order_already_shipped"},
        ),
        (
            (*OPEN, CONFIRMED, SHIPPED, DELIVERED),
            {
                "create": "order_exists",
                "add": "order_not_open",
                "confirm": "order_already_confirmed",
                "ship": "order_already_shipped",
                "deliver": "order_delivered",
                "cancel": "order_delivered",
            },
        ),
        (
            (*OPEN, CANCELLED),
            {
                "create": "order_exists",
                **dict.fromkeys(("add", "confirm", "ship", "deliver", "cancel"), "order_cancelled"),
            },
        ),
    ],
)
def test_commands_that_are_rejected(events: tuple[OrderEvent, ...], refused: dict[str, str]) -> None:
    for command, code in refused.items():
        outcome = given(Order(), *events, types=types).when(COMMANDS[command])
        outcome.then_raises(Refused)
        assert isinstance(outcome.error, Refused)
        assert outcome.error.code == code, command


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        (0, 1, "invalid_quantity"),
        (1001, 1, "invalid_quantity"),
        (1, -1, "invalid_price"),
        (1, 10**8 + 1, "invalid_price"),
    ],
)
def test_items_that_are_rejected(quantity: int, price: int, code: str) -> None:
    outcome = given(Order(), CREATED).when(lambda order: order.add_item("tea", quantity, price))
    assert isinstance(outcome.error, Refused)
    assert outcome.error.code == code
    given(Order(), CREATED).when(lambda order: order.add_item("tea", 1000, 10**8)).then(
        OrderItemAdded("tea", 1000, 10**8)
    )


def test_events_are_stored_as_in_other_languages() -> None:
    events = record(types, *OPEN, CONFIRMED, SHIPPED, DELIVERED, CANCELLED)
    assert [(event.type, event.data.decode()) for event in events] == [
        ("OrderCreated", '{"orderId":"o1","customerId":"c1"}'),
        ("OrderItemAdded", '{"sku":"tea","quantity":2,"unitPriceCents":450}'),
        ("OrderConfirmed", '{"totalCents":900}'),
        ("OrderShipped", '{"carrier":"post","trackingNumber":"T-1"}'),
        ("OrderDelivered", "{}"),
        ("OrderCancelled", '{"reason":"changed my mind"}'),
    ]
    assert [event.tags for event in events] == [("customer:c1",), (), (), (), (), ()]
    order = Order()
    for event in events[:2]:
        order.apply(types.decode(event))
    assert order == Order("o1", "c1", "open", [Item("tea", 2, 450)])


class Shell:
    """Runs the application's command line, in this process because a new Python process takes a second to start."""

    def __init__(self, endpoint: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.given = ["--endpoint", endpoint, "--database", str(folder / "orders.db")]
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*self.given, *arguments])
        return code, *self._capsys.readouterr()

    def __call__(self, *arguments: str) -> str:
        code, out, errors = self.run(*arguments)
        assert (code, errors) == (0, "")
        return out

    def refused(self, *arguments: str) -> str:
        code, out, errors = self.run(*arguments)
        assert (code, out) == (2, "")
        return errors


def test_the_life_cycle_of_an_order_on_the_command_line(
    annals_endpoint: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders, one = Shell(annals_endpoint, tmp_path, capsys), f"{name}-1"
    created = json.loads(orders("create", one, "--customer", "c1"))
    assert created == {"orderId": one, "revision": 0, "position": created["position"]}
    assert orders.refused("confirm", one) == f"error: order {one} has no items, and can't be confirmed (order_empty)\n"
    orders("add-item", one, "tea", "2", "450")
    assert orders("show", one) == (
        f'{{"orderId":"{one}","customerId":"c1","status":"open",'
        '"items":[{"sku":"tea","quantity":2,"unitPriceCents":450}],"totalCents":900}\n'
    )
    orders("confirm", one)
    assert "(order_not_open)" in orders.refused("add-item", one, "pot", "1", "1900")
    orders("ship", one, "--carrier", "post", "--tracking", "T-1")
    listed = f'{{"orderId":"{one}","customerId":"c1","status":"shipped","itemCount":1,"totalCents":900}}\n'
    assert listed in orders("list")
    assert listed in orders("list", "--status", "shipped")
    assert listed not in orders("list", "--status", "open")
    orders("deliver", one)
    assert "(order_delivered)" in orders.refused("cancel", one, "--reason", "late")

    history = [json.loads(line) for line in orders("history", one).splitlines()]
    assert [event["type"] for event in history] == [
        "OrderCreated",
        "OrderItemAdded",
        "OrderConfirmed",
        "OrderShipped",
        "OrderDelivered",
    ]
    assert list(history[0]) == ["revision", "type", "recordedAt", "data"]
    for event, status in zip(history, ("open", "open", "confirmed", "shipped", "delivered"), strict=True):
        assert json.loads(orders("show", one, "--as-of", event["recordedAt"]))["status"] == status
    assert len(orders("history", one, "--as-of", history[2]["recordedAt"]).splitlines()) == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", history[0]["recordedAt"])
    assert "(order_not_found)" in orders.refused("show", one, "--as-of", "2020-01-01T00:00:00Z")
    assert "(order_not_found)" in orders.refused("history", f"{name}-none")


def test_an_unreachable_store_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.__main__.AsyncClient", functools.partial(AsyncClient, timeout=0.5))
    code, out, text = Shell("http://127.0.0.1:1", tmp_path, capsys).run("show", "o1")
    assert (code, out) == (1, "")
    assert text.startswith("error: http://127.0.0.1:1 is not reachable")


def test_the_demo_runs_against_a_new_server(tmp_path: Path) -> None:
    database = str(tmp_path / "orders.db")
    with Server("memory") as server:
        command = [sys.executable, "-W", "error", "-m", "orders", "--endpoint", server.endpoint]
        ran = subprocess.run(
            [*command, "--database", database, "demo"], cwd=EXAMPLES, capture_output=True, text=True, timeout=60
        )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "add a cup after that: refused" in ran.stdout
    assert "(order_not_open)" in ran.stdout
    assert '"status":"confirmed"' in ran.stdout.split("when it was confirmed: ")[1]
    assert '"status":"delivered","itemCount":2,"totalCents":2800' in ran.stdout


async def test_events_have_metadata_and_the_customer(client: AsyncClient, name: str, tmp_path: Path) -> None:
    await Orders(client, str(tmp_path / "orders.db")).execute(name, lambda order: order.create(name, f"{name}-c"))
    [event] = await client.read_stream(f"order-{name}").collect()
    assert event.tags == (f"customer:{name}-c",)
    assert set(event.json_metadata()) == {"correlationId"}
