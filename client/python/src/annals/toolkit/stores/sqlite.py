"""Read models in an SQLite file, with the standard library's sqlite3.

All statements run in one thread of the store, a whole batch of events at a time, because switching threads for each
statement would cost more than the statement. Handlers are therefore plain functions, not coroutines. Several
projections may share a file; they write one after another. Readers open connections of their own (WAL: they are not
blocked), or use `read`.
"""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

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

__all__ = ["SqliteModel", "SqliteStore"]

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS annals_projections (
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    live INTEGER NOT NULL,
    store_id TEXT NOT NULL,
    PRIMARY KEY (name, generation)
);
CREATE TABLE IF NOT EXISTS annals_dead_letters (
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    type TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    buried_at TEXT NOT NULL,
    PRIMARY KEY (name, generation, position)
);
"""
_BUSY = ("locked", "busy")


class SqliteModel:
    """Passed to handlers of SQLite projections to change the read model.

    `{table}` stands for a table of the projection.
    """

    __slots__ = ("_tables", "connection", "generation")

    def __init__(self, connection: sqlite3.Connection, tables: Sequence[str], generation: int) -> None:
        self.connection = connection
        """The connection, in the transaction. Do not commit."""
        self.generation = generation
        """The number of the generation being built."""
        self._tables = {"{" + table + "}": physical(table, generation) for table in tables}

    def execute(self, statement: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        """Executes a statement: `model.execute("INSERT INTO {orders} VALUES (?, ?)", (id, total))`."""
        for table, name in self._tables.items():
            statement = statement.replace(table, name)
        return self.connection.execute(statement, parameters)


class SqliteStore(ReadModelStore[SqliteModel]):
    """Stores read models in one SQLite file."""

    def __init__(self, path: str | Path, *, busy_seconds: float = 10.0) -> None:
        """Creates the store; the file is opened, and created if it is missing, at the first use.

        Args:
            path: The file.
            busy_seconds: How long a statement waits for another process that writes, before it is retried later.
        """
        self._path = path
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="annals sqlite")
        self._connection: sqlite3.Connection | None = None
        # The tables of each registered projection.
        self._tables: dict[str, tuple[str, ...]] = {}

    def check(self, projection: Projection[SqliteModel]) -> None:
        """Registers the projection's tables, and rejects handlers that are coroutines."""
        if projection.in_transaction and inspect.iscoroutinefunction(projection.handle):
            raise TypeError(f"the handler of projection {projection.name!r} must be a plain function for SQLite")
        self._tables[projection.name] = tuple(projection.tables)

    async def read(self, statement: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Any]:
        """Returns the rows of a query on the live read models, whose tables have their plain names."""
        return await self._run(lambda connection: connection.execute(statement, parameters).fetchall())

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def in_thread() -> T:
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)

        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: context.run(in_thread))

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=self._busy_seconds)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
        return connection

    async def generations(self, name: str) -> Sequence[Generation]:
        """See `ReadModelStore`."""
        return await self._run(lambda connection: _generations(connection, name))

    async def create(
        self, projection: Projection[SqliteModel], number: int, store_id: UUID, *, live: bool
    ) -> Generation:
        """See `ReadModelStore`."""

        def work(connection: sqlite3.Connection) -> Generation:
            with _transaction(connection):
                found = [one for one in _generations(connection, projection.name) if one.number == number]
                if found:
                    return found[0]
                connection.execute(
                    "INSERT INTO annals_projections VALUES (?, ?, ?, 0, ?, ?)",
                    (projection.name, number, projection.version, live, str(store_id)),
                )
                for statement in projection.schema:
                    connection.execute(placed(statement, projection.tables, number))
                if live:
                    _show(connection, projection, number)
                return Generation(projection.name, number, projection.version, 0, live, store_id)

        return await self._run(work)

    async def apply(
        self,
        generation: Generation,
        expected: int,
        position: int,
        events: Sequence[RecordedEvent],
        handle: Handler[SqliteModel],
    ) -> None:
        """See `ReadModelStore`."""

        def work(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                _move(connection, generation, expected, position)
                model = SqliteModel(connection, self._tables.get(generation.name, ()), generation.number)
                for index, event in enumerate(events):
                    try:
                        handle(event, model)
                    except Exception as error:
                        raise HandlerFailed(index, error) from error

        await self._run(work)

    async def bury(self, generation: Generation, expected: int, letter: DeadLetter) -> None:
        """See `ReadModelStore`."""

        def work(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                _move(connection, generation, expected, letter.position)
                connection.execute(
                    "INSERT INTO annals_dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        letter.name,
                        letter.generation,
                        letter.position,
                        str(letter.event_id),
                        letter.stream,
                        letter.revision,
                        letter.type,
                        letter.reason,
                        letter.attempts,
                        letter.buried_at.isoformat(),
                    ),
                )

        await self._run(work)

    async def switch(self, projection: Projection[SqliteModel], number: int) -> None:
        """See `ReadModelStore`."""

        def work(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                generations = _generations(connection, projection.name)
                demand_as_far(generations, number)
                _show(connection, projection, number)
                for one in generations:
                    if one.number < number:
                        _drop(connection, projection, one.number)
                connection.execute(
                    "UPDATE annals_projections SET live = 1 WHERE name = ? AND generation = ?",
                    (projection.name, number),
                )

        await self._run(work)

    async def remove(self, projection: Projection[SqliteModel], number: int) -> None:
        """See `ReadModelStore`."""

        def work(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                _drop(connection, projection, number)

        await self._run(work)

    async def dead_letters(self, name: str) -> Sequence[DeadLetter]:
        """See `ReadModelStore`."""
        rows = await self.read("SELECT * FROM annals_dead_letters WHERE name = ? ORDER BY position", (name,))
        return [_letter(row) for row in rows]

    def is_transient(self, error: Exception) -> bool:
        """Returns whether another process holds the file, or the disk failed."""
        if isinstance(error, sqlite3.OperationalError):
            text = str(error)
            return any(word in text for word in (*_BUSY, "disk I/O error", "database or disk is full"))
        return False

    async def aclose(self) -> None:
        """See `ReadModelStore`."""
        if self._connection is not None:
            connection = self._connection
            await self._run(lambda _: connection.close())
            self._connection = None
        self._thread.shutdown()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _generations(connection: sqlite3.Connection, name: str) -> list[Generation]:
    rows = connection.execute(
        "SELECT name, generation, version, position, live, store_id FROM annals_projections WHERE name = ? "
        "ORDER BY generation",
        (name,),
    )
    return [
        Generation(name, number, version, position, bool(live), UUID(store_id))
        for name, number, version, position, live, store_id in rows
    ]


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    name, generation, position, event_id, stream, revision, kind, reason, attempts, buried_at = row
    when = datetime.fromisoformat(buried_at)
    return DeadLetter(name, generation, position, UUID(event_id), stream, revision, kind, reason, attempts, when)


def _move(connection: sqlite3.Connection, generation: Generation, expected: int, position: int) -> None:
    moved = connection.execute(
        "UPDATE annals_projections SET position = ? WHERE name = ? AND generation = ? AND position = ?",
        (position, generation.name, generation.number, expected),
    )
    if moved.rowcount != 1:
        raise Superseded


def _show(connection: sqlite3.Connection, projection: Projection[Any], number: int) -> None:
    """Makes a generation visible to readers: views with the tables' plain names."""
    for table in projection.tables:
        connection.execute(f'DROP VIEW IF EXISTS "{table}"')
        connection.execute(f'CREATE VIEW "{table}" AS SELECT * FROM "{physical(table, number)}"')  # noqa: S608


def _drop(connection: sqlite3.Connection, projection: Projection[Any], number: int) -> None:
    for table in projection.tables:
        connection.execute(f'DROP TABLE IF EXISTS "{physical(table, number)}"')
    for bookkeeping in ("annals_projections", "annals_dead_letters"):
        connection.execute(
            f"DELETE FROM {bookkeeping} WHERE name = ? AND generation = ?",  # noqa: S608
            (projection.name, number),
        )
