"""Fixtures for pytest, there as soon as `annals-client` is installed.

- `annals_server`: a `Server` on the memory engine, one for the whole run. Tests that use names of their own do not disturb each
  other.
- `annals_endpoint`: its endpoint.

Tests that ask for them are skipped where there is no server, unless `ANNALS_SERVER` names one that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def annals_server() -> Iterator[object]:
    """A server on the memory engine, one for the whole run."""
    # Imported here, because this module is loaded by every run of pytest.
    from annals.testing.server import Server, find_server

    if find_server() is None:
        pytest.skip("no annals-server on the PATH or in ANNALS_SERVER")
    with Server("memory") as server:
        yield server


@pytest.fixture(scope="session")
def annals_endpoint(annals_server: object) -> str:
    """The endpoint of `annals_server`."""
    endpoint: str = annals_server.endpoint  # type: ignore[attr-defined]
    return endpoint
