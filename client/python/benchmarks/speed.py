"""Measures events per second of this client against a real server, on this machine.

    python benchmarks/speed.py                       # starts a server (ANNALS_SERVER, or annals-server on the PATH)
    python benchmarks/speed.py http://127.0.0.1:2113

Each event has 256 bytes of data, and the client is one process. The server runs on the same processors, so the first
figure is of both together. The second figure is of the client alone, and is valid on a busy machine too. If
`annals-bench` is next to the server's binary, or named in ANNALS_BENCH, the Rust client's figures for the same
workloads follow.
"""

import argparse
import asyncio
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

from annals import AsyncClient, CaughtUp, Client, Event, Query, RecordedEvent
from annals.testing import Server, find_server
from annals.toolkit import Projection, Projections, SqliteModel, SqliteStore

# 256 bytes of JSON.
DATA = b'"' + b"x" * 254 + b'"'


async def appends_of_100(client: AsyncClient, stream: str, seconds: float) -> int:
    """One append after another."""
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        await client.append(stream, [Event("Bench", DATA) for _ in range(100)])
        done += 100
    return done


async def appends_of_100_by_16_tasks(client: AsyncClient, stream: str, seconds: float) -> int:
    """16 tasks, each with its own stream."""
    appends = (appends_of_100(client, f"{stream}-{nth}", seconds) for nth in range(16))
    return sum(await asyncio.gather(*appends))


async def appends_of_100_in_a_pipeline(client: AsyncClient, stream: str, seconds: float) -> int:
    """A pipeline with up to 64 appends in flight."""
    done, end, waiting = 0, time.perf_counter() + seconds, []
    async with client.append_pipeline() as pipeline:
        while time.perf_counter() < end:
            waiting.append(await pipeline.append(stream, [Event("Bench", DATA) for _ in range(100)]))
            if len(waiting) == 64:
                await waiting.pop(0)
            done += 100
    return done


async def single_appends_of_64_tasks(client: AsyncClient, stream: str, seconds: float) -> int:
    """64 tasks that each wait for their append, like a web server."""
    end = time.perf_counter() + seconds

    async def work(nth: int) -> int:
        done = 0
        while time.perf_counter() < end:
            await client.append(f"{stream}-{nth}", [Event("Bench", DATA)])
            done += 1
        return done

    return sum(await asyncio.gather(*map(work, range(64))))


async def single_appends_in_a_pipeline(client: AsyncClient, stream: str, seconds: float) -> int:
    """A pipeline without waiting, like an import."""
    done, end = 0, time.perf_counter() + seconds
    async with client.append_pipeline() as pipeline:
        while time.perf_counter() < end:
            await pipeline.append(stream, [Event("Bench", DATA)])
            done += 1
    return done


async def read_event_by_event(client: AsyncClient, stream: str, seconds: float) -> int:
    """Reads with `async for event in client.read_stream(...)`."""
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        async for _ in client.read_stream(stream, limit=100_000):
            done += 1
    return done


async def read_in_batches(client: AsyncClient, stream: str, seconds: float) -> int:
    """Reads with `batches()`."""
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        async for batch in client.read_stream(stream, limit=100_000).batches():
            done += len(batch)
    return done


async def subscription_catching_up(client: AsyncClient, stream: str, seconds: float) -> int:
    """Subscribes from the beginning until caught up."""
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        async with client.subscribe_all(query=Query.of(streams=stream)) as subscription:
            async for item in subscription:
                if isinstance(item, CaughtUp):
                    break
                done += 1
    return done


class Counts(Projection[SqliteModel]):
    """Counts the events of each stream: one statement an event."""

    name = "counts"
    tables = ("counts",)
    schema = ("CREATE TABLE {counts} (stream TEXT PRIMARY KEY, events INTEGER NOT NULL)",)

    def handle(self, event: RecordedEvent, model: SqliteModel) -> None:
        """Counts one event."""
        model.execute(
            "INSERT INTO {counts} VALUES (?, 1) ON CONFLICT DO UPDATE SET events = events + 1", (event.stream,)
        )


async def projection_in_sqlite(client: AsyncClient, stream: str, seconds: float) -> int:
    """Projects from the beginning to the head, in transactions of 500 events."""
    with tempfile.TemporaryDirectory() as folder:
        async with SqliteStore(f"{folder}/counts.db") as store:
            Counts.query = Query.of(streams=stream)
            async with Projections(client, store, [Counts()]) as projections:
                await projections.wait_for((await client.server_info()).head, timeout=600)
            [(done,)] = await store.read("SELECT events FROM counts")
            return int(done)


class Watch:
    """Times a case, by wall-clock time and by the processor time of this process."""

    def __init__(self) -> None:
        self._began, self._used = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.perf_counter() - self._began

    def report(self, name: str, done: int) -> None:
        """Prints the rates since the start."""
        by_clock, by_processor = done / self.seconds, done / (time.process_time() - self._used)
        print(f"{name:40}{by_clock:12,.0f} events/s{by_processor:14,.0f} events per processor second")


async def measure(endpoint: str, seconds: float) -> None:
    """Measures all cases and prints one line for each."""
    run = uuid4().hex[:8]
    cases: list[tuple[str, str, Callable[[AsyncClient, str, float], Awaitable[int]]]] = [
        ("appends of 100, one after the other", "append", appends_of_100),
        ("appends of 100, 16 tasks", "16", appends_of_100_by_16_tasks),
        ("appends of 100, pipeline", "pipeline", appends_of_100_in_a_pipeline),
        ("single appends, 64 tasks", "tasks", single_appends_of_64_tasks),
        ("single appends, pipeline", "single", single_appends_in_a_pipeline),
        ("read, event by event", "append", read_event_by_event),
        ("read, batches", "append", read_in_batches),
        ("subscription catching up", "append", subscription_catching_up),
        ("projection in SQLite, catching up", "append", projection_in_sqlite),
    ]
    async with AsyncClient(endpoint) as client:
        print(f"{(await client.server_info()).engine} engine, load before: {os.getloadavg()[0]:.1f}")
        for name, stream, case in cases:
            watch = Watch()
            watch.report(name, await case(client, f"bench-{run}-{stream}", seconds))


def measure_sync(endpoint: str, seconds: float) -> None:
    """Measures the synchronous client, from one thread."""
    with Client(endpoint) as client:
        stream = f"bench-{uuid4().hex[:8]}"
        for name, count in (("sync: appends of 100", 100), ("sync: single appends", 1)):
            watch, done = Watch(), 0
            while watch.seconds < seconds:
                client.append(stream, [Event("Bench", DATA) for _ in range(count)])
                done += count
            watch.report(name, done)
        watch = Watch()
        watch.report("sync: read", sum(1 for _ in client.read_stream(stream)))


def measure_rust(seconds: float, engine: str) -> None:
    """Measures the Rust client, with the repository's benchmark, on a separate server."""
    server = find_server()
    named = os.environ.get("ANNALS_BENCH")
    bench = Path(named) if named else server and server.with_name("annals-bench")
    if server is None or bench is None or not bench.exists():
        print("annals-bench was not found; build it, or name it in ANNALS_BENCH, to get the figures of the Rust client")
        return
    for workload in ("unary, 100 events", "read all"):
        with tempfile.TemporaryDirectory() as folder:
            command = [str(bench), "quick", "--only", workload, "--engine", engine, "--server", str(server)]
            command += ["--data", folder, "--seconds", str(max(1, round(seconds))), "--rounds", "1"]
            command += ["--repeats", "0", "--quiet-wait", "0"]
            # It exits with 1 if a goal is missed, which does not matter here.
            ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        found = re.search(rf"^({workload}.*?)  +([\d,]+) ", ran.stdout, re.MULTILINE)
        if found is None:
            print(f"annals-bench failed:\n{ran.stdout}{ran.stderr}")
            return
        print(f"{'Rust: ' + found[1]:40}{found[2]:>12} events/s")


def main() -> None:
    """Measures the given endpoint, or a new server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoint", nargs="?")
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of each case")
    parser.add_argument("--engine", choices=["memory", "embedded"], default="embedded")
    options = parser.parse_args()
    if options.endpoint:
        asyncio.run(measure(options.endpoint, options.seconds))
        measure_sync(options.endpoint, options.seconds)
    else:
        with Server(options.engine) as server:
            asyncio.run(measure(server.endpoint, options.seconds))
            measure_sync(server.endpoint, options.seconds)
        measure_rust(options.seconds, options.engine)


if __name__ == "__main__":
    main()
