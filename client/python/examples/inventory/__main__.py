"""The command line of the inventory: `python -m inventory` serves it over HTTP."""

from __future__ import annotations

import argparse
import os
import signal
import threading

from inventory import logs
from inventory.http import Server
from inventory.service import Service


def main() -> None:
    """Serves until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="inventory", description="An inventory, kept in Annals.")
    endpoint = os.environ.get("ANNALS_ENDPOINT", "http://127.0.0.1:2113")
    parser.add_argument("--endpoint", default=endpoint, help="endpoint of the event store (ANNALS_ENDPOINT)")
    database = os.environ.get("INVENTORY_DATABASE", "./inventory.db")
    parser.add_argument("--database", default=database, help="SQLite file of the read models (INVENTORY_DATABASE)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 selects a free port")
    options = parser.parse_args()
    logs.begin()
    with (
        Service(options.endpoint, options.database) as service,
        Server((options.host, options.port), service) as server,
    ):
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not in this thread: the handler interrupts the loop that `shutdown` waits for.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"http://{options.host}:{server.server_address[1]}/inventory", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
