"""Runs a projection and a process manager, to be killed: projection_worker.py ENDPOINT sqlite|postgres FILE|CONNINFO."""

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annals import AsyncClient
from annals.toolkit import Projections, ReadModelStore, Repository, SqliteStore
from tests.domain import types
from tests.test_projections import FAST, Echo, Shipment, projection_of


async def main(endpoint: str, kind: str, target: str) -> None:
    store: ReadModelStore[Any]
    if kind == "sqlite":
        store = SqliteStore(target)
    else:
        from annals.toolkit.stores.postgres import PostgresStore

        store = PostgresStore(target)
    async with AsyncClient(endpoint) as client:
        echo = Echo(Repository(client, Shipment, types, prefix="echo", snapshots=None))
        await Projections(client, store, [projection_of(store, "count"), echo], FAST).run_forever()


asyncio.run(main(*sys.argv[1:]))
