"""Behaviour when servers fail, hang, or are several. The servers are real; the kills are SIGKILL."""

import asyncio
import contextlib
import random
import socket

import pytest

from annals import AsyncClient, CaughtUp, Client, Event, Expected, RecordedEvent, RetryPolicy, errors
from annals.testing import Server

SEED = random.randrange(1 << 32)


@pytest.fixture
def chance() -> random.Random:
    print(f"seed {SEED}")  # noqa: T201
    return random.Random(SEED)


async def kill_and_restart(server: Server, chance: random.Random, rounds: int, done: list[tuple[str, int]]) -> None:
    for _ in range(rounds):
        before = len(done)
        while len(done) < before + 20:
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0, 0.1))
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(chance.uniform(0, 0.1))
        await asyncio.to_thread(server.start)


async def test_nothing_is_lost_or_duplicated_when_the_server_is_killed(embedded: Server, chance: random.Random) -> None:
    """A writer, a pipeline and two subscribers run while the server is killed repeatedly."""
    done = asyncio.Event()
    acknowledged: list[tuple[str, int]] = []

    async with AsyncClient(embedded.endpoint, timeout=60) as client:

        async def write() -> None:
            expected: Expected | int = Expected.NO_STREAM
            number = 0
            while not done.is_set():
                events = [Event.json("Written", number + n) for n in range(3)]
                appended = await client.append("unary", events, expected=expected)
                acknowledged.extend(("unary", number + n) for n in range(3))
                expected, number = appended.last_revision, number + 3

        async def write_pipeline() -> None:
            async with client.append_pipeline() as pipeline:
                number = 0
                while not done.is_set():
                    answers = []
                    for _ in range(20):
                        answers.append(await pipeline.append("pipeline", [Event.json("Written", number)]))
                        number += 1
                    for answer in answers:
                        await answer
                    acknowledged.extend(("pipeline", n) for n in range(number - 20, number))

        async def write_at_once(nth: int) -> None:
            """Many tasks, whose appends share a pipeline."""
            number = 0
            while not done.is_set():
                await client.append(f"task-{nth}", [Event.json("Written", number)])
                acknowledged.append((f"task-{nth}", number))
                number += 1

        async def follow(subscription, seen: list[RecordedEvent]) -> None:
            async for event in subscription.events():
                seen.append(event)
                if event.type == "End":
                    return

        of_all: list[RecordedEvent] = []
        of_stream: list[RecordedEvent] = []
        followers = [
            asyncio.create_task(follow(client.subscribe_all(), of_all)),
            asyncio.create_task(follow(client.subscribe_stream("unary"), of_stream)),
        ]
        writers = [asyncio.create_task(work) for work in (write(), write_pipeline(), *map(write_at_once, range(5)))]
        await kill_and_restart(embedded, chance, 6, acknowledged)
        done.set()
        await asyncio.wait_for(asyncio.gather(*writers), 60)
        end = await client.append("unary", [Event("End")])
        await asyncio.wait_for(asyncio.gather(*followers), 60)

        log = await client.read_all().collect()
        assert [event.position for event in log] == list(range(1, end.last_position + 1))
        assert of_all == log[: len(of_all)]
        assert of_all[-1].type == "End"
        assert of_stream == [event for event in log if event.stream == "unary"]
        for stream in ("unary", "pipeline", *(f"task-{nth}" for nth in range(5))):
            numbers = [event.json() for event in log if event.stream == stream and event.type == "Written"]
            assert numbers == list(range(len(numbers)))
            assert [number for name, number in acknowledged if name == stream] == numbers
        assert len(acknowledged) >= 120


async def test_a_read_resumes_after_a_restart(embedded: Server) -> None:
    async with AsyncClient(embedded.endpoint, timeout=30) as client:
        for _ in range(40):
            await client.append("s", [Event("A", b"x" * 1_000) for _ in range(500)])
        for backwards in (False, True):
            read = client.read_stream("s", backwards=backwards, limit=19_900)
            revisions = []
            async for event in read:
                revisions.append(event.revision)
                if len(revisions) in (100, 9_000):
                    await asyncio.to_thread(embedded.kill)
                    await asyncio.to_thread(embedded.start)
                    await client.append("s", [Event("Later")])
            every = list(range(19_900)) if not backwards else list(range(20_001, 101, -1))
            assert revisions == every


async def test_an_unreachable_endpoint_is_left_for_the_next(annals_endpoint: str, name: str) -> None:
    endpoints = ["http://127.0.0.1:1", annals_endpoint]
    async with AsyncClient(endpoints, shuffle_endpoints=False) as client:
        await client.append(name, [Event("A")])
        assert client._caller.connection.pick().name == annals_endpoint


class Door:
    """A proxy in front of a server, which can be closed, with all its connections, and reopened."""

    def __init__(self, server: Server) -> None:
        self._target = server.port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.visitors = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visitors += 1
        there, here = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, here}
        await asyncio.gather(self._carry(reader, here), self._carry(there, writer))

    @staticmethod
    async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        writer.close()


async def test_a_client_returns_when_its_first_endpoint_answers_again(annals_server: Server, name: str) -> None:
    """Calls, the pipeline shared by the appends of many tasks, and a subscription all return."""
    door = Door(annals_server)
    await door.open()
    endpoints = [door.endpoint, annals_server.endpoint]
    written = 0

    async with AsyncClient(endpoints, shuffle_endpoints=False, return_after=0.1) as client:
        subscription = client.subscribe_stream(name)
        events = subscription.events()

        async def write_and_follow() -> None:
            nonlocal written
            # Many concurrent appends share a pipeline.
            await asyncio.gather(*(client.append(name, [Event.json("A", written + n)]) for n in range(20)))
            written += 20
            async with asyncio.timeout(20):
                while (await anext(events)).revision < written - 1:
                    pass

        def places() -> set[str]:
            pipeline = client._appends._pipeline
            assert subscription._live is not None
            assert pipeline is not None
            assert pipeline._exchange.link is not None
            return {client._caller.connection.pick().name, subscription._live[1].name, pipeline._exchange.link.name}

        await write_and_follow()
        assert places() == {door.endpoint}
        for _ in range(2):
            door.shut()
            await write_and_follow()
            assert places() == {annals_server.endpoint}
            await door.open()
            async with asyncio.timeout(20):
                while client._caller.connection.pick().name != door.endpoint:
                    await asyncio.sleep(0.01)
            await write_and_follow()
            await write_and_follow()
            assert places() == {door.endpoint}
        await subscription.aclose()
        log = await client.read_stream(name).collect()
        assert sorted(event.json() for event in log) == list(range(written))
    door.shut()


async def test_returning_can_be_disabled(annals_endpoint: str) -> None:
    with Server("memory") as home:
        endpoints = [home.endpoint, annals_endpoint]
        async with AsyncClient(endpoints, shuffle_endpoints=False, return_after=None) as client:
            await asyncio.to_thread(home.kill)
            await client.server_info()
            await asyncio.to_thread(home.start)
            for _ in range(20):
                assert client._caller.connection.pick().name == annals_endpoint
            assert client._caller.connection._probing is None


async def test_an_endpoint_that_hangs_is_left(annals_endpoint: str, name: str) -> None:
    """The endpoint accepts connections, and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        endpoints = [f"127.0.0.1:{hanging.getsockname()[1]}", annals_endpoint]
        async with AsyncClient(endpoints, shuffle_endpoints=False, connect_timeout=0.5) as client:
            await client.append(name, [Event("A")])


async def test_a_server_that_freezes_is_left(annals_endpoint: str) -> None:
    with Server("memory") as frozen:
        endpoints = [frozen.endpoint, annals_endpoint]
        async with AsyncClient(endpoints, shuffle_endpoints=False, keepalive_timeout=1.0) as client:
            async with client.subscribe_stream("never-written") as subscription:
                assert isinstance(await anext(subscription), CaughtUp)
                frozen.freeze()
                async with asyncio.timeout(20):
                    # The other server has its own log, for which it may first report checkpoints.
                    async for item in subscription:
                        if isinstance(item, CaughtUp):
                            break
            assert client._caller.connection.pick().name == annals_endpoint


async def test_a_call_ends_at_its_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        async with AsyncClient(f"127.0.0.1:{hanging.getsockname()[1]}", timeout=0.3) as client:
            for call in (client.server_info(), client.read_all().collect(), client.subscribe_all()._open()):
                with pytest.raises(errors.DeadlineExceeded):
                    await call
            async with client.append_pipeline() as pipeline:
                answer = await pipeline.append("s", [Event("A")])
                with pytest.raises(errors.TransientError):
                    await answer


async def test_an_unreachable_server_is_reported_with_the_reason() -> None:
    async with AsyncClient("127.0.0.1:1", timeout=1, retry=RetryPolicy(tries_max=3)) as client:
        with pytest.raises(errors.Unreachable, match="refused") as caught:
            await client.server_info()
    assert caught.value.endpoint == "127.0.0.1:1"
    assert isinstance(caught.value, ConnectionError)


async def test_a_subscription_fails_after_its_reconnect_timeout() -> None:
    with Server("memory") as server:
        async with AsyncClient(server.endpoint) as client:
            subscription = await client.subscribe_all(reconnect_timeout=0.5)
            assert isinstance(await anext(subscription), CaughtUp)
            server.kill()
            with pytest.raises(errors.Unreachable):
                await anext(subscription)


async def test_a_subscription_survives_a_graceful_restart(embedded: Server) -> None:
    async with AsyncClient(embedded.endpoint) as client:
        subscription = client.subscribe_all()
        events = subscription.events()
        await client.append("s", [Event("A")])
        assert (await anext(events)).position == 1
        await asyncio.to_thread(embedded.stop)
        await asyncio.to_thread(embedded.start)
        await client.append("s", [Event("B")])
        assert (await anext(events)).position == 2
        await subscription.aclose()


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        ("http://h:2113/x", "has a path"),
        ("https://h/x/", "has a path"),
        ("h:2113/x", "has a path"),
        ("http://h//", "has a path"),
        ("http://h:2113?x=1", "has a query"),
        ("http://h:2113/#x", "has a fragment"),
        ("http://user@h", "has user information"),
        ("http://:secret@h", "has user information"),
        ("ftp://h", "has another scheme than http and https"),
        ("http://", "names no host"),
        ("", "names no host"),
        ("http://:2113", "names no host"),
        ("::1", "has an IPv6 address without brackets"),
        ("http://[::1", "is not a valid address"),
        ("http://h:port", "has a port that is not a number from 1 to 65535"),
        ("http://h:0", "has a port that is not a number from 1 to 65535"),
        ("http://h:65536", "has a port that is not a number from 1 to 65535"),
    ],
)
def test_an_invalid_endpoint_is_rejected(endpoint: str, text: str) -> None:
    for make in (AsyncClient, Client):
        with pytest.raises(errors.InvalidEndpoint) as caught:
            make(["http://h", endpoint])
        assert str(caught.value) == f'endpoint "{endpoint}" {text}; write only http://host:port'


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        ("http://h", "h:2113"),
        ("h", "h:2113"),
        ("https://h/", "h:2113"),
        ("h:7", "h:7"),
        ("[::1]", "[::1]:2113"),
        ("http://[::1]:7", "[::1]:7"),
    ],
)
def test_an_endpoint_without_a_port_means_2113(endpoint: str, target: str) -> None:
    assert AsyncClient(endpoint)._caller.connection._links[0].target == target


async def test_the_http_port_is_recognised(annals_server: Server) -> None:
    endpoint = f"http://127.0.0.1:{annals_server.http_port}"
    text = (
        f'"{endpoint}" answers HTTP/1.1: it is the port for health and metrics; '
        "gRPC listens on another port (2113 by default)"
    )
    async with AsyncClient(endpoint) as client:
        pipeline = client.append_pipeline()
        calls = [
            client.server_info(),
            client.append("s", [Event("A")]),
            client.read_all().collect(),
            client.subscribe_all()._open(),
            await pipeline.append("s", [Event("A")]),
        ]
        for call in calls:
            with pytest.raises(errors.NotGrpc) as caught:
                await call
            assert str(caught.value) == text


async def test_a_server_for_http_1_is_recognised() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        AsyncClient(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as client,
    ):
        with pytest.raises(errors.NotGrpc, match=r"answers HTTP/1\.1"):
            await client.server_info()


def test_an_empty_list_of_endpoints_is_rejected() -> None:
    with pytest.raises(errors.InvalidEndpoint):
        AsyncClient([])
