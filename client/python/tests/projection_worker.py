"""A process that runs one projection, to be killed: projection_worker.py ENDPOINT sqlite|postgres FILE|CONNINFO."""

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annals import AsyncClient
from annals.toolkit import Projections, ReadModelStore, SqliteStore
from tests.test_projections import FAST, projection_of


async def main(endpoint: str, kind: str, target: str) -> None:
    store: ReadModelStore[Any]
    if kind == "sqlite":
        store = SqliteStore(target)
    else:
        from annals.toolkit.stores.postgres import PostgresStore

        store = PostgresStore(target)
    async with AsyncClient(endpoint) as client:
        await Projections(client, store, [projection_of(store, "count")], FAST).run_forever()


asyncio.run(main(*sys.argv[1:]))
