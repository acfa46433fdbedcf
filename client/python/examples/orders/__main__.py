"""The command line of orders: `python -m orders demo`, and `python -m orders --help` for the rest."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from annals import AnnalsError, AsyncClient, RecordedEvent, StreamNotFound
from annals.toolkit import Projections, Repository, SqliteStore
from orders.events import STREAMS, OrderEvent, types
from orders.order import Order, Refused, not_found
from orders.order_list import OrderList, listed

STATUSES = ("open", "confirmed", "shipped", "delivered", "cancelled")
CATCH_UP_SECONDS_MAX = 600.0

Command = Callable[[Order], list[OrderEvent]]


class Orders:
    """The operations of the application."""

    def __init__(self, client: AsyncClient, database: str) -> None:
        self._client = client
        self._database = database
        self._orders = Repository(client, Order, types, prefix=STREAMS)

    async def execute(self, order_id: str, command: Command) -> dict[str, Any]:
        """Executes a command; returns the order's revision and position after it."""
        done = await self._orders.execute(order_id, command)
        await self._orders.settle()
        return {"orderId": order_id, "revision": done.revision, "position": done.position}

    async def show(self, order_id: str, as_of: datetime | None = None) -> dict[str, Any]:
        """Returns the order from its stream, now or at a time."""
        order = (await self._orders.load(order_id, until=as_of)).state
        if not order.status:
            raise not_found()
        items = [
            {"sku": item.sku, "quantity": item.quantity, "unitPriceCents": item.unit_price_cents}
            for item in order.items
        ]
        return {
            "orderId": order.order_id,
            "customerId": order.customer_id,
            "status": order.status,
            "items": items,
            "totalCents": order.total_cents,
        }

    async def history(self, order_id: str, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Returns the events of an order, until a time."""
        try:
            events = await self._client.read_stream(self._orders.stream(order_id), until=as_of).collect()
        except StreamNotFound:
            raise not_found() from None
        return [_history_entry(event) for event in events]

    async def list_all(self, status: str | None = None) -> Iterable[dict[str, Any]]:
        """Returns the orders of the read model, which first catches up with the log."""
        async with SqliteStore(self._database) as store, Projections(self._client, store, [OrderList()]) as running:
            await running.wait_for((await self._client.server_info()).head, CATCH_UP_SECONDS_MAX)
            return await listed(store, status)


def _history_entry(event: RecordedEvent) -> dict[str, Any]:
    at = event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"revision": event.revision, "type": event.type, "recordedAt": at, "data": event.json()}


def line(value: Any) -> str:
    """Formats a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def say(text: str) -> None:
    """Prints a line."""
    print(text, flush=True)


async def demo(orders: Orders) -> None:
    """Runs one order through its whole life cycle."""
    order_id = f"demo-{secrets.token_hex(4)}"
    story: list[tuple[str, Command]] = [
        ("create it", lambda order: order.create(order_id, "ada")),
        ("add two packets of tea", lambda order: order.add_item("tea", 2, 450)),
        ("add a pot", lambda order: order.add_item("pot", 1, 1900)),
        ("confirm it", lambda order: order.confirm()),
        ("add a cup after that", lambda order: order.add_item("cup", 1, 500)),
        ("ship it", lambda order: order.ship("post", "T-1")),
        ("deliver it", lambda order: order.deliver()),
    ]
    for step, command in story:
        try:
            say(f"{step}: {line(await orders.execute(order_id, command))}")
        except Refused as refused:
            say(f"{step}: refused, {refused} ({refused.code})")
    say(f"now: {line(await orders.show(order_id))}")
    history = await orders.history(order_id)
    for event in history:
        say(f"history: {line(event)}")
    confirmed = datetime.fromisoformat(history[3]["recordedAt"])
    say(f"when it was confirmed: {line(await orders.show(order_id, confirmed))}")
    [listed_] = [one for one in await orders.list_all("delivered") if one["orderId"] == order_id]
    say(f"in the list: {line(listed_)}")


def command_of(options: argparse.Namespace) -> Command | None:
    """Returns the command for an order, if the action is one."""
    match options.action:
        case "create":
            return lambda order: order.create(options.id, options.customer)
        case "add-item":
            return lambda order: order.add_item(options.sku, options.quantity, options.unit_price_cents)
        case "confirm":
            return lambda order: order.confirm()
        case "ship":
            return lambda order: order.ship(options.carrier, options.tracking)
        case "deliver":
            return lambda order: order.deliver()
        case "cancel":
            return lambda order: order.cancel(options.reason)
    return None


async def run(options: argparse.Namespace) -> None:
    """Executes the command-line action."""
    async with AsyncClient(options.endpoint) as client:
        orders = Orders(client, options.database)
        if command := command_of(options):
            return say(line(await orders.execute(options.id, command)))
        match options.action:
            case "show":
                say(line(await orders.show(options.id, options.as_of)))
            case "history":
                for event in await orders.history(options.id, options.as_of):
                    say(line(event))
            case "list":
                for order in await orders.list_all(options.status):
                    say(line(order))
            case "demo":
                await demo(orders)
    return None


def arguments() -> argparse.ArgumentParser:
    """Returns the command-line parser."""

    def time(text: str) -> datetime:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(text)
        return at

    parser = argparse.ArgumentParser(prog="orders", description="Orders, kept in Annals.")
    endpoint = os.environ.get("ANNALS_ENDPOINT", "http://127.0.0.1:2113")
    parser.add_argument("--endpoint", default=endpoint, help="endpoint of the server (ANNALS_ENDPOINT)")
    database = os.environ.get("ORDERS_DATABASE", "./orders.db")
    parser.add_argument("--database", default=database, help="SQLite file of the read model (ORDERS_DATABASE)")
    actions = parser.add_subparsers(dest="action", required=True)

    def action(name: str, text: str, *, of_one: bool = True) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text)
        if of_one:
            added.add_argument("id", help="the order's id")
        return added

    action("create", "create an order").add_argument("--customer", required=True, help="the customer's id")
    adding = action("add-item", "add an item")
    adding.add_argument("sku")
    adding.add_argument("quantity", type=int)
    adding.add_argument("unit_price_cents", type=int)
    action("confirm", "confirm the order")
    shipping = action("ship", "ship the order")
    shipping.add_argument("--carrier", required=True)
    shipping.add_argument("--tracking", required=True)
    action("deliver", "mark the order as delivered")
    action("cancel", "cancel the order").add_argument("--reason", required=True)
    for name, text in (("show", "show an order"), ("history", "show the events of an order")):
        action(name, text).add_argument("--as-of", type=time, metavar="RFC3339", help="as of this time")
    action("list", "list all orders", of_one=False).add_argument("--status", choices=STATUSES)
    action("demo", "run one order through its life cycle", of_one=False)
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Runs the command line. Returns 0, 1 if the store failed, or 2 if a rule rejected the command."""
    try:
        asyncio.run(run(arguments().parse_args(given)))
    except Refused as refused:
        print(f"error: {refused} ({refused.code})", file=sys.stderr)
        return 2
    except (AnnalsError, TimeoutError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
