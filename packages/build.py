"""A build: the binaries, the version and platform that they have, and the texts that every package includes."""

import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packages.archive import Entry, Style

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAMS = ("annals", "annals-server")
SUMMARY = "Event store for event sourcing and CQRS: server and command line"
# Shells, and the name of each one's completion file.
SHELLS = {"bash": "annals.bash", "zsh": "_annals", "fish": "annals.fish"}

# The libraries that binaries may need; all are part of every Linux with glibc.
_LIBRARIES = re.compile(r"^(ld-linux.*|lib(c|dl|gcc_s|m|pthread|rt)\.so\.\d)$")


class Failure(Exception):
    """Packages can't be built, for a reason that its text states."""


@dataclass(frozen=True)
class Platform:
    """The names of one platform in each world of packages."""

    target: str
    node_os: str
    node_cpu: str
    # None where there is no Debian package.
    debian: str | None


PLATFORMS = {
    ("linux", "x86_64"): Platform("x86_64-unknown-linux-gnu", "linux", "x64", "amd64"),
    ("linux", "aarch64"): Platform("aarch64-unknown-linux-gnu", "linux", "arm64", "arm64"),
    ("darwin", "arm64"): Platform("aarch64-apple-darwin", "darwin", "arm64", None),
}


@dataclass(frozen=True)
class Build:
    """Everything that packages are made from."""

    version: str
    platform: Platform
    style: Style
    # The URL of the repository, or an empty text.
    repository: str
    # The oldest glibc that has all symbols of the binaries, such as (2, 28); None where there is no glibc.
    glibc: tuple[int, int] | None
    # Contents by program.
    binaries: dict[str, bytes]
    # Contents by shell.
    completions: dict[str, bytes]
    third_party: bytes

    def programs(self, folder: str) -> list[Entry]:
        """Returns the binaries as entries of a folder of an archive."""
        return [Entry(f"{folder}{name}", self.binaries[name], executable=True) for name in PROGRAMS]

    def texts(self, folder: str) -> list[Entry]:
        """Returns the license texts and the README as entries of a folder of an archive."""
        return [
            Entry(f"{folder}LICENSE", read("LICENSE")),
            Entry(f"{folder}README.md", read("packages/README.md")),
            Entry(f"{folder}THIRD-PARTY.txt", self.third_party),
        ]


def read(path: str) -> bytes:
    """Returns the content of a file of the repository."""
    return (REPOSITORY / path).read_bytes()


def workspace_version() -> str:
    """Returns the version under [workspace.package] in Cargo.toml, the only place where it is set."""
    manifest = read("Cargo.toml").decode()
    found = re.search(r'^\[workspace\.package\][^\[]*?^version = "([^"]+)"', manifest, re.MULTILINE | re.DOTALL)
    if found is None:
        raise Failure("Cargo.toml has no version under [workspace.package]")
    return found[1]


def host() -> Platform:
    """Returns the platform that this runs on, which is also that of the binaries, because they are run."""
    found = PLATFORMS.get((sys.platform, platform.machine()))
    if found is None:
        names = ", ".join(known.target for known in PLATFORMS.values())
        raise Failure(f"no packages are defined for {sys.platform} on {platform.machine()}, only for {names}")
    return found


def source_time() -> int:
    """Returns SOURCE_DATE_EPOCH, or the time of the last commit: the time of every file in the packages."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    return int(stated) if stated else int(run("git", "-C", str(REPOSITORY), "log", "-1", "--format=%ct"))


def run(*command: str) -> str:
    """Returns the standard output of a command, which must succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Failure(f"{command[0]} is missing") from None
    if done.returncode:
        raise Failure(f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{done.stderr}")
    return done.stdout


def stripped(binary: Path) -> bytes:
    """Returns a binary without debug information, with its symbols, so that backtraces have names."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / binary.name
        run("strip", "-S", "-o", str(out), str(binary))
        return out.read_bytes()


def check_version(binary: Path, version: str) -> None:
    """Fails if a binary was built from another version of the sources."""
    stated = run(str(binary), "--version").strip()
    if stated != f"{binary.name} {version}":
        raise Failure(f"{binary} is {stated!r}, but Cargo.toml has version {version}; build it again")


def check_libraries(binary: Path) -> None:
    """Fails if a Linux binary needs a shared library that is not part of every Linux with glibc."""
    dynamic = run("readelf", "--dynamic", "--wide", str(binary))
    needed = re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", dynamic)
    foreign = sorted(name for name in needed if not _LIBRARIES.match(name))
    if foreign:
        raise Failure(
            f"{binary} needs {', '.join(foreign)}, which packages can't expect; build it without the feature"
            " foundationdb: cargo build --release -p annals-server -p annals-cli"
        )


def glibc_of(binary: Path) -> tuple[int, int]:
    """Returns the oldest glibc that has all symbols that a binary needs."""
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", run("readelf", "--version-info", "--wide", str(binary)))
    if not versions:
        raise Failure(f"{binary} needs no glibc; packages are defined for binaries that are linked with it")
    return max((int(major), int(minor)) for major, minor in versions)
