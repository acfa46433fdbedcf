"""Read models in PostgreSQL, with psycopg 3 (`pip install "annals-client[postgres]"`).

Each generation being built has its own connection, which is reopened when it breaks. Handlers may be coroutines, and
usually are. After a commit whose result was lost, the checkpoint is read again.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from annals.event import RecordedEvent
from annals.toolkit.projection import Projection
from annals.toolkit.stores.base import (
    DeadLetter,
    Generation,
    Handler,
    HandlerFailed,
    ReadModelStore,
    Superseded,
    demand_as_far,
    physical,
    placed,
)

__all__ = ["PostgresModel", "PostgresStore"]

_SCHEMA = b"""
CREATE TABLE IF NOT EXISTS annals_projections (
    name text NOT NULL,
    generation int NOT NULL,
    version int NOT NULL,
    position bigint NOT NULL,
    live boolean NOT NULL,
    store_id uuid NOT NULL,
    PRIMARY KEY (name, generation)
);
CREATE TABLE IF NOT EXISTS annals_dead_letters (
    name text NOT NULL,
    generation int NOT NULL,
    position bigint NOT NULL,
    event_id uuid NOT NULL,
    stream text NOT NULL,
    revision bigint NOT NULL,
    type text NOT NULL,
    reason text NOT NULL,
    attempts int NOT NULL,
    buried_at timestamptz NOT NULL,
    PRIMARY KEY (name, generation, position)
);
"""
# Held while tables and views are created, so that processes that start at the same time do not conflict.
_LOCK = b"SELECT pg_advisory_xact_lock(7236278101)"
_SELECT = b"SELECT name, generation, version, position, live, store_id FROM annals_projections "
_GENERATIONS = _SELECT + b"WHERE name = %s ORDER BY generation"
_BOOKKEEPING = "bookkeeping", 0

Connection: TypeAlias = psycopg.AsyncConnection[TupleRow]


class PostgresModel:
    """Passed to handlers of PostgreSQL projections to change the read model.

    `{table}` stands for a table of the projection.
    """

    __slots__ = ("_tables", "connection", "generation")

    def __init__(self, connection: Connection, tables: Sequence[str], generation: int) -> None:
        self.connection = connection
        """The connection, in the transaction. Do not commit."""
        self.generation = generation
        """The number of the generation being built."""
        self._tables = {"{" + table + "}": physical(table, generation) for table in tables}

    def statement(self, statement: str) -> bytes:
        """Replaces the tables' names in a statement, for `connection` and its cursors (COPY, pipelines)."""
        for table, name in self._tables.items():
            statement = statement.replace(table, name)
        return statement.encode()

    async def execute(
        self, statement: str, parameters: Sequence[Any] | dict[str, Any] | None = None
    ) -> psycopg.AsyncCursor[TupleRow]:
        """Executes a statement: `await model.execute("INSERT INTO {orders} VALUES (%s, %s)", (id, total))`."""
        return await self.connection.execute(self.statement(statement), parameters)


class PostgresStore(ReadModelStore[PostgresModel]):
    """Stores read models in one database, in the first schema of the search path."""

    def __init__(self, conninfo: str) -> None:
        """Creates the store; it connects at the first use. `conninfo` is a URI, or `host=… dbname=…`."""
        self._conninfo = conninfo
        self._connections: dict[tuple[str, int], Connection] = {}
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}
        self._tables: dict[str, tuple[str, ...]] = {}
        self._prepared = False

    def check(self, projection: Projection[PostgresModel]) -> None:
        """Registers the projection's tables."""
        self._tables[projection.name] = tuple(projection.tables)

    def _lock(self, key: tuple[str, int]) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _connect(self, key: tuple[str, int]) -> Connection:
        """Returns the connection of a generation, and reopens it if it broke."""
        connection = self._connections.get(key)
        if connection is None or connection.closed or connection.broken:
            connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
            self._connections[key] = connection
            if not self._prepared:
                async with connection.transaction():
                    await connection.execute(_LOCK)
                    await connection.execute(_SCHEMA)
                self._prepared = True
        return connection

    async def read(self, statement: str, parameters: Sequence[Any] | None = None) -> list[Any]:
        """Returns the rows of a query on the live read models, whose tables have their plain names."""
        async with self._lock(_BOOKKEEPING):
            connection = await self._connect(_BOOKKEEPING)
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall()

    async def generations(self, name: str) -> Sequence[Generation]:
        """See `ReadModelStore`."""
        rows = await self.read(_GENERATIONS.decode(), (name,))
        return [Generation(*row) for row in rows]

    async def create(
        self, projection: Projection[PostgresModel], number: int, store_id: UUID, *, live: bool
    ) -> Generation:
        """See `ReadModelStore`."""
        async with self._lock(_BOOKKEEPING):
            connection = await self._connect(_BOOKKEEPING)
            async with connection.transaction():
                await connection.execute(_LOCK)
                created = await connection.execute(
                    b"INSERT INTO annals_projections VALUES (%s, %s, %s, 0, %s, %s) ON CONFLICT DO NOTHING",
                    (projection.name, number, projection.version, live, store_id),
                )
                if created.rowcount:
                    for statement in projection.schema:
                        await connection.execute(placed(statement, projection.tables, number).encode())
                    if live:
                        await _show(connection, projection, number)
        return next(one for one in await self.generations(projection.name) if one.number == number)

    async def apply(
        self,
        generation: Generation,
        expected: int,
        position: int,
        events: Sequence[RecordedEvent],
        handle: Handler[PostgresModel],
    ) -> None:
        """See `ReadModelStore`."""
        key = generation.name, generation.number
        async with self._lock(key):
            connection = await self._connect(key)
            async with connection.transaction():
                await _move(connection, generation, expected, position)
                model = PostgresModel(connection, self._tables.get(generation.name, ()), generation.number)
                for index, event in enumerate(events):
                    try:
                        result = handle(event, model)
                        if inspect.isawaitable(result):
                            await result
                    except Exception as error:
                        raise HandlerFailed(index, error) from error

    async def bury(self, generation: Generation, expected: int, letter: DeadLetter) -> None:
        """See `ReadModelStore`."""
        key = generation.name, generation.number
        async with self._lock(key):
            connection = await self._connect(key)
            async with connection.transaction():
                await _move(connection, generation, expected, letter.position)
                await connection.execute(
                    b"INSERT INTO annals_dead_letters VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        letter.name,
                        letter.generation,
                        letter.position,
                        letter.event_id,
                        letter.stream,
                        letter.revision,
                        letter.type,
                        letter.reason,
                        letter.attempts,
                        letter.buried_at,
                    ),
                )

    async def switch(self, projection: Projection[PostgresModel], number: int) -> None:
        """See `ReadModelStore`."""
        async with self._lock(_BOOKKEEPING):
            connection = await self._connect(_BOOKKEEPING)
            async with connection.transaction():
                await connection.execute(_LOCK)
                # Locked, so that another process can't advance the live generation meanwhile.
                rows = await connection.execute(_GENERATIONS + b" FOR UPDATE", (projection.name,))
                generations = [Generation(*row) for row in await rows.fetchall()]
                demand_as_far(generations, number)
                await connection.execute(
                    b"UPDATE annals_projections SET live = true WHERE name = %s AND generation = %s",
                    (projection.name, number),
                )
                await _show(connection, projection, number)
                for older in generations:
                    if older.number < number:
                        await _drop(connection, projection, older.number)

    async def remove(self, projection: Projection[PostgresModel], number: int) -> None:
        """See `ReadModelStore`."""
        async with self._lock(_BOOKKEEPING):
            connection = await self._connect(_BOOKKEEPING)
            async with connection.transaction():
                await connection.execute(_LOCK)
                await _drop(connection, projection, number)

    async def dead_letters(self, name: str) -> Sequence[DeadLetter]:
        """See `ReadModelStore`."""
        rows = await self.read(
            "SELECT name, generation, position, event_id, stream, revision, type, reason, attempts, buried_at "
            "FROM annals_dead_letters WHERE name = %s ORDER BY position",
            (name,),
        )
        return [DeadLetter(*row) for row in rows]

    def is_transient(self, error: Exception) -> bool:
        """Returns whether the connection broke, or another transaction interfered (deadlock, serialization)."""
        if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InFailedSqlTransaction):
            return False
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)

    async def aclose(self) -> None:
        """See `ReadModelStore`."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()


async def _move(connection: Connection, generation: Generation, expected: int, position: int) -> None:
    moved = await connection.execute(
        b"UPDATE annals_projections SET position = %s WHERE name = %s AND generation = %s AND position = %s",
        (position, generation.name, generation.number, expected),
    )
    if moved.rowcount != 1:
        raise Superseded


async def _show(connection: Connection, projection: Projection[Any], number: int) -> None:
    """Makes a generation visible to readers: views with the tables' plain names."""
    for table in projection.tables:
        await connection.execute(f'DROP VIEW IF EXISTS "{table}"'.encode())
        view = f'CREATE VIEW "{table}" AS SELECT * FROM "{physical(table, number)}"'  # noqa: S608
        await connection.execute(view.encode())


async def _drop(connection: Connection, projection: Projection[Any], number: int) -> None:
    for table in projection.tables:
        await connection.execute(f'DROP TABLE IF EXISTS "{physical(table, number)}"'.encode())
    for bookkeeping in ("annals_projections", "annals_dead_letters"):
        statement = f"DELETE FROM {bookkeeping} WHERE name = %s AND generation = %s"  # noqa: S608
        await connection.execute(statement.encode(), (projection.name, number))
