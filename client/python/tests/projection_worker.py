"""Runs a projection and a process manager until it is killed.

projection_worker.py ENDPOINT sqlite|postgres|state FILE|CONNINFO|-
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annals import AsyncClient, Query, RecordedEvent
from annals.toolkit import ProcessManager, Projections, ReadModelStore, Repository, SqliteStore, StateStore
from tests.counting import FAST, projection_of
from tests.domain import Shipment, ShipmentPrepared, types


class Echo(ProcessManager):
    """Appends an event to another stream for each `Asked` event."""

    name = "echo"
    query = Query.of(types="Asked", stream_prefixes="count-")

    def __init__(self, echoes: Repository[Any]) -> None:
        self.echoes = echoes

    async def react(self, event: RecordedEvent) -> None:
        await self.echoes.execute(event.stream, lambda _: [ShipmentPrepared(str(event.revision))])


async def main(endpoint: str, kind: str, target: str) -> None:
    store: ReadModelStore[Any]
    async with AsyncClient(endpoint) as client:
        if kind == "sqlite":
            store = SqliteStore(target)
        elif kind == "state":
            store = StateStore(client)
        else:
            from annals.toolkit.stores.postgres import PostgresStore

            store = PostgresStore(target)
        echo = Echo(Repository(client, Shipment, types, prefix="echo", snapshots=None))
        await Projections(client, store, [projection_of(store, "count"), echo], FAST).run_forever()


asyncio.run(main(*sys.argv[1:]))
