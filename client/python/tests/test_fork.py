"""Processes that fork. Each case is a separate program, because the tests' process must not be forked."""

import subprocess
import sys
import textwrap

import pytest

from annals.testing import Server

BEGINNING = """
    import asyncio, gc, multiprocessing, os, sys, warnings
    from annals import AsyncClient, Client, Event, errors

    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: a process with threads forks
    endpoint = sys.argv[1]

    def in_child(work):
        def run(results):
            try:
                results.put(work())
            except BaseException as error:
                results.put(f"{type(error).__name__}: {error}")

        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        child = context.Process(target=run, args=(results,))
        child.start()
        child.join(30)
        assert child.exitcode == 0, f"the child ended with {child.exitcode}"
        return results.get()

    def append():
        with Client(endpoint) as client:
            return client.append("s", [Event("A")]).first_revision

    def append_in_a_loop():
        async def work():
            async with AsyncClient(endpoint) as client:
                return (await client.append("s", [Event("A")])).first_revision

        return asyncio.run(work())
"""

CASES = {
    "a child of a process that has not made a call": """
        client = Client(endpoint)
        assert in_child(append) == 0
        assert in_child(append_in_a_loop) == 1
        assert in_child(lambda: client.append("s", [Event("A")]).first_revision) == 2
        assert client.append("s", [Event("A")]).first_revision == 3
    """,
    "a child of a process that has closed its clients": """
        assert append() == 0
        assert append_in_a_loop() == 1
        assert in_child(append) == 2
        assert in_child(append_in_a_loop) == 3
        assert append() == 4
    """,
    "a child of a process with a client is refused": """
        with Client(endpoint) as client:
            client.append("s", [Event("A")])
            subscription = client.subscribe_all().events()
            next(subscription)
            for work in (lambda: client.server_info(), lambda: next(subscription), append, append_in_a_loop):
                refused = in_child(work)
                assert refused.startswith("Forked: "), refused
                assert str(os.getpid()) in refused and "spawn" in refused, refused
            # The parent continues.
            client.append("s", [Event("A")])
            assert next(subscription).type == "A"
    """,
    "children that make no call are not disturbed": """
        with Client(endpoint) as client:
            subscription = client.subscribe_all().events()
            for _ in range(30):
                client.append("s", [Event("A")])
                assert in_child(gc.collect) is not None
                assert next(subscription).type == "A"
    """,
    "an asynchronous client is refused": """
        async def main():
            async with AsyncClient(endpoint) as client:
                reads = [await client.read_all() for _ in range(3)]
                await asyncio.gather(*(client.append("s", [Event("A")]) for _ in range(10)))

                def work():
                    return asyncio.run(client.server_info())

                refused = in_child(work)
                assert refused.startswith("Forked: "), refused
                assert (await client.server_info()).head == 10

        asyncio.run(main())
    """,
    "a child closes and drops what is its parent's": """
        client = Client(endpoint)
        client.append("s", [Event("A")])
        read = iter(client.read_all())
        next(read)
        subscription = client.subscribe_all().open()
        pid = os.fork()
        if pid == 0:
            subscription.close()
            client.close()
            del client, read, subscription
            gc.collect()
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        client.append("s", [Event("B")])
        assert next(subscription.batches())[0].type == "A"
        client.close()
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_a_process_that_forks(case: str) -> None:
    with Server("memory") as server:
        program = textwrap.dedent(BEGINNING) + textwrap.dedent(CASES[case])
        command = [sys.executable, "-W", "error", "-c", program, server.endpoint]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_a_fork_that_can_crash_logs_a_warning() -> None:
    """gRPC's own fork handlers can't be disabled once it is loaded."""
    program = """
    import grpc, os, sys
    from annals import Client
    with Client(sys.argv[1]) as client:
        client.server_info()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    """
    with Server("memory") as server:
        command = [sys.executable, "-c", textwrap.dedent(program), server.endpoint]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "import annals before grpc or set GRPC_ENABLE_FORK_SUPPORT=0" in ran.stderr
