"""Fixtures for pytest, available wherever `annals-client` is installed.

- `annals_server`: a `Server` with the memory engine, shared by the whole run. Tests that use unique names do not
  affect each other.
- `annals_endpoint`: its endpoint.

Tests that use them are skipped if there is no server, unless `ANNALS_SERVER` names a missing file.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def annals_server() -> Iterator[object]:
    """Starts a server with the memory engine, shared by the whole run."""
    # Imported here, because every run of pytest loads this module.
    from annals.testing.server import Server, find_server

    if find_server() is None:
        pytest.skip("no annals-server in ANNALS_SERVER, on the PATH or in this environment")
    with Server("memory") as server:
        yield server


@pytest.fixture(scope="session")
def annals_endpoint(annals_server: object) -> str:
    """Returns the endpoint of `annals_server`."""
    endpoint: str = annals_server.endpoint  # type: ignore[attr-defined]
    return endpoint
