"""Builds the package: generates the protocol's messages, and takes the version from the workspace.

Run as a script (`python hatch_build.py`), it generates the messages where the package lies: after a change of the protocol.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def _outside(name: str) -> Path:
    """A file of the repository; in a source distribution it lies beside this one."""
    beside = HERE / name
    return beside if beside.exists() else HERE.parent.parent / name


def workspace_version() -> str:
    """The one version that all packages of the repository have."""
    manifest = _outside("Cargo.toml").read_text()
    found = re.search(r'^\[workspace\.package\][^\[]*?^version = "([^"]+)"', manifest, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError("Cargo.toml has no version in [workspace.package]")
    return found[1]


def generate(out: Path = HERE / "src") -> None:
    """Generates `annals/v1/*_pb2.py` and their types under `out`."""
    protos = _outside("proto")
    files = sorted(str(path) for path in (protos / "annals" / "v1").glob("*.proto"))
    package = out / "annals" / "v1"
    package.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"--python_out={out}", f"--pyi_out={out}"]
    subprocess.run([*command, *files], check=True)  # noqa: S603


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script, where hatchling need not be installed
    pass
else:

    class ProtocolHook(BuildHookInterface):  # type: ignore[type-arg]
        """Generates the messages before anything is packed."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: D102
            if self.target_name != "sdist":
                generate()
            # A wheel that is built from a source distribution has it anyway.
            if self.target_name == "wheel" and version == "standard" and not (HERE / "LICENSE").exists():
                build_data["force_include"][str(_outside("LICENSE"))] = "annals/LICENSE"


if __name__ == "__main__":
    generate()
