"""What the tests share: real servers, and clients of them."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from annals import AsyncClient
from annals._rpc import Method
from annals.errors import Unsupported
from annals.testing import Server, find_server

REPOSITORY = Path(__file__).resolve().parents[3]


def pytest_configure() -> None:
    """Takes the server that the repository has built, if none is named."""
    if "ANNALS_SERVER" not in os.environ:
        built = [REPOSITORY / "target" / kind / "annals-server" for kind in ("release", "debug")]
        found = [path for path in built if path.exists()]
        if found:
            os.environ["ANNALS_SERVER"] = str(max(found, key=lambda path: path.stat().st_mtime))
    if find_server() is None:
        raise pytest.UsageError("the tests need a server: cargo build -p annals-server, or name one in ANNALS_SERVER")


@pytest.fixture
async def client(annals_endpoint: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(annals_endpoint) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"test{uuid4().hex[:12]}"


@pytest.fixture
def embedded() -> Iterator[Server]:
    """A server that keeps what it was given when it is killed."""
    with Server("embedded") as server:
        yield server


async def offers(client: AsyncClient, method: Method) -> None:
    """Skips the test if the server does not know that call yet."""
    link = client._caller.connection.pick()
    try:
        await client._caller.unary(method, method.request(), 5)
    except Unsupported:
        pytest.skip(f"the server at {link.name} does not offer {method.name}")
    except Exception:  # noqa: BLE001
        pass  # It knows the call, and refuses an empty request.
