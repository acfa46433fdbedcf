"""Builds the package: generates the protocol's messages, and takes the version from the workspace.

Run as a script (`python hatch_build.py`), it generates the messages in place, for use after a change of the protocol.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def _outside(name: str) -> Path:
    """Returns a file of the repository; in a source distribution it is next to this script."""
    beside = HERE / name
    return beside if beside.exists() else HERE.parent.parent / name


def workspace_version() -> str:
    """Returns the version that all packages of the repository share."""
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
except ImportError:  # run as a script, without hatchling
    pass
else:

    class ProtocolHook(BuildHookInterface):  # type: ignore[type-arg]
        """Generates the messages before the package is built."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: D102
            if self.target_name != "sdist":
                generate()
            # A wheel built from a source distribution includes the licence anyway.
            if self.target_name == "wheel" and version == "standard" and not (HERE / "LICENSE").exists():
                build_data["force_include"][str(_outside("LICENSE"))] = "annals/LICENSE"


if __name__ == "__main__":
    generate()
