"""A work queue with three workers, one of which is killed: `python work_queue.py`.

Every job is an event, and the workers are consumers of one group, each in a process of its own. The jobs of a customer
(a stream) are done in order, those of different customers concurrently. A worker that is killed loses nothing: the
others get its jobs. A job that can't be done is parked, for a person to look at.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections import Counter

from annals import (
    AsyncClient,
    Delivery,
    Event,
    Expected,
    GroupSettings,
    Outcome,
    Park,
    ParkedSelection,
    Query,
    RevisionConflict,
)

ENDPOINT = os.environ.get("ANNALS_ENDPOINT", "http://127.0.0.1:2113")
CUSTOMERS, JOBS_EACH = 20, 15


async def work(group: str, name: str) -> None:
    """Runs one worker until it gets SIGTERM."""

    async def do(delivery: Delivery) -> Outcome | None:
        job = delivery.event.json()
        if job["pages"] < 1:
            return Park(f"has {job['pages']} pages")
        await asyncio.sleep(job["pages"] / 100)  # the work
        done = Event.json("JobDone", {"worker": name, "attempt": delivery.attempt})
        try:
            # One stream for each job, so that a job that is delivered again has one result.
            await client.append(f"{group}-done-{job['number']}", [done], expected=Expected.NO_STREAM)
        except RevisionConflict:
            print(f"{name}: job {job['number']} was done before")
        return None

    async with AsyncClient(ENDPOINT) as client:
        consumer = client.consume(group, do, consumer=name, concurrency=4)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, consumer.stop)
        await consumer


async def main() -> None:
    """Adds jobs, starts three workers, kills one of them, and waits until every job is done or parked."""
    group = f"print-{secrets.token_hex(3)}"
    async with AsyncClient(ENDPOINT) as client:
        await client.create_group(group, GroupSettings(query=Query.of(types="JobAdded", stream_prefixes=f"{group}-")))
        for number in range(CUSTOMERS * JOBS_EACH):
            job = Event.json("JobAdded", {"number": number, "pages": number % 4 + 1 if number else 0})
            await client.append(f"{group}-customer-{number % CUSTOMERS}", [job])
        head = (await client.server_info()).head

        names = [f"worker-{number}" for number in range(3)]
        start = asyncio.create_subprocess_exec
        workers = [await start(sys.executable, __file__, group, name) for name in names]
        await asyncio.sleep(1)
        workers[0].kill()
        print("killed", names[0])
        while (status := await client.describe_group(group)).done_position < head:
            print(
                f"done up to {status.done_position} of {head}, {status.in_flight} with",
                [one.name for one in status.consumers],
            )
            await asyncio.sleep(0.5)
        for worker in workers[1:]:
            worker.terminate()
        await asyncio.gather(*(worker.wait() for worker in workers))

        query = Query.of(types="JobDone", stream_prefixes=f"{group}-")
        results = [event.json() for event in await client.read_all(query=query).collect()]
        print(len(results), "jobs done:", dict(sorted(Counter(result["worker"] for result in results).items())))
        async for parked in client.list_parked(group, include_events=True):
            print("parked:", parked.event.json() if parked.event else None, "because it", parked.reason)
        await client.discard_parked(group, ParkedSelection.all())
        await client.delete_group(group)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]) if len(sys.argv) > 1 else main())
