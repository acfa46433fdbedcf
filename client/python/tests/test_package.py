"""The package: its version, its protocol, its documentation."""

import doctest
import re
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import annals
import annals.event
import annals.query
import annals.state
from annals import _rpc
from annals.testing import find_server
from annals.v1 import event_store_pb2, group_pb2, state_pb2

HERE = Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent


def test_the_version_is_that_of_the_workspace() -> None:
    manifest = (REPOSITORY / "Cargo.toml").read_text()
    [version] = re.findall(r'^\[workspace\.package\]\nversion = "(.+)"', manifest, re.MULTILINE)
    assert annals.__version__ == version


def test_the_messages_are_generated_from_the_current_protocol() -> None:
    """After a change of the protocol, run python hatch_build.py."""
    for proto in (REPOSITORY / "proto" / "annals" / "v1").glob("*.proto"):
        declared = set(re.findall(r"^message (\w+)", proto.read_text(), re.MULTILINE))
        module = __import__(f"annals.v1.{proto.stem}_pb2", fromlist=["x"])
        assert set(module.DESCRIPTOR.message_types_by_name) == declared, proto.name


def test_the_server_is_found_in_an_environment_that_is_not_active(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANNALS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path) if name == "scripts" else "")
    assert find_server() is None
    installed = tmp_path / "annals-server"
    installed.touch(mode=0o755)
    assert find_server() == installed


@pytest.mark.parametrize(
    ("file", "name", "full_name"),
    [
        (event_store_pb2.DESCRIPTOR, "EventStoreService", _rpc.SERVICE),
        (state_pb2.DESCRIPTOR, "StateService", _rpc.STATE_SERVICE),
        (group_pb2.DESCRIPTOR, "GroupService", _rpc.GROUP_SERVICE),
    ],
)
def test_every_call_of_the_services_is_there(file: Any, name: str, full_name: str) -> None:
    service = file.services_by_name[name]
    assert service.full_name == full_name
    methods = {method.path: method for method in _rpc.METHODS}
    for declared in service.methods:
        method = methods[f"/{full_name}/{declared.name}"]
        assert method.request.DESCRIPTOR is declared.input_type
        assert method.response.DESCRIPTOR is declared.output_type
        sides = ["stream" if streams else "unary" for streams in (declared.client_streaming, declared.server_streaming)]
        assert method.kind == "_".join(sides)


def test_examples_in_docstrings_hold() -> None:
    for module in (annals.event, annals.query, annals.state):
        assert doctest.testmod(module).failed == 0


def test_everything_public_is_documented() -> None:
    for name in annals.__all__:
        thing = getattr(annals, name)
        if isinstance(thing, type):
            assert thing.__doc__, name
