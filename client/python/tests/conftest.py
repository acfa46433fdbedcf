"""Fixtures of the tests: real servers, and their clients."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from annals import AsyncClient
from annals.testing import Server, find_server

REPOSITORY = Path(__file__).resolve().parents[3]


def pytest_configure() -> None:
    """Uses the server that the repository has built, if none is named."""
    if "ANNALS_SERVER" not in os.environ:
        built = [REPOSITORY / "target" / kind / "annals-server" for kind in ("release", "debug")]
        found = [path for path in built if path.exists()]
        if found:
            os.environ["ANNALS_SERVER"] = str(max(found, key=lambda path: path.stat().st_mtime))
    if find_server() is None:
        raise pytest.UsageError("the tests need a server; run cargo build -p annals-server, or set ANNALS_SERVER")


@pytest.fixture
async def client(annals_endpoint: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(annals_endpoint) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"test{uuid4().hex[:12]}"


@pytest.fixture
def embedded() -> Iterator[Server]:
    """A server whose data survives when it is killed."""
    with Server("embedded") as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server started for the test run, or the one that ANNALS_TEST_POSTGRES names."""
    named = os.environ.get("ANNALS_TEST_POSTGRES")
    if named:
        yield named
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
    search = os.pathsep.join([*(str(path) for path in reversed(found)), os.environ.get("PATH", "")])
    initdb, server = shutil.which("initdb", path=search), shutil.which("postgres", path=search)
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed; name a server in ANNALS_TEST_POSTGRES")
    # Not below pytest's directory: PostgreSQL does not run as root, and other users can't enter root's directories.
    with tempfile.TemporaryDirectory(prefix="annals-postgres-", ignore_cleanup_errors=True) as folder:
        user = "postgres" if os.getuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        subprocess.run(
            [initdb, "-D", data, "-U", "annals", "--auth=trust", "-N"],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen([server, "-D", data, *options], stdout=log, stderr=log, user=user, cwd=folder)
        conninfo = f"host={folder} user=annals dbname=postgres"
        try:
            _wait_for_postgres(conninfo, process)
            yield conninfo
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


def _wait_for_postgres(conninfo: str, process: "subprocess.Popen[bytes]") -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(conninfo).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
