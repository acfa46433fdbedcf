"""The Python package: a wheel that installs the binaries as scripts."""

import base64
import hashlib
import re

from packages.archive import Entry, zipped
from packages.build import SUMMARY, Build, Failure, read

_FOLDER = "packages/python/annals_server"


def wheel(build: Build) -> tuple[str, bytes]:
    """Returns the name and the content of the wheel."""
    version = python_version(build.version)
    stem = f"annals_server-{version}"
    tag = f"py3-none-{_platform_tag(build)}"
    info = f"{stem}.dist-info"
    entries = [Entry(f"annals_server/{name}", read(f"{_FOLDER}/{name}")) for name in ("__init__.py", "__main__.py")]
    entries += build.programs(f"{stem}.data/scripts/")
    entries += [text for text in build.texts(f"{info}/licenses/") if not text.path.endswith("README.md")]
    entries += [
        Entry(f"{info}/METADATA", _metadata(build, version)),
        Entry(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: annals\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()),
    ]
    record = "".join(f"{entry.path},sha256={_digest(entry.content)},{len(entry.content)}\n" for entry in entries)
    entries.append(Entry(f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    return f"{stem}-{tag}.whl", zipped(entries, build.style)


def python_version(version: str) -> str:
    """Returns a version as Python writes it: 0.2.0-rc.1 is 0.2.0rc1."""
    found = re.fullmatch(r"(\d+\.\d+\.\d+)(?:-(alpha|beta|rc)\.?(\d+))?", version)
    if found is None:
        raise Failure(f"version {version} has no form in Python; use 1.2.3 or 1.2.3-rc.1 (alpha, beta, rc)")
    number, phase, count = found.groups()
    return number + {"alpha": "a", "beta": "b", "rc": "rc"}[phase] + count if phase else number


def _platform_tag(build: Build) -> str:
    if build.glibc is None:
        # Rust's oldest macOS on this processor.
        return f"macosx_11_0_{build.platform.node_cpu}"
    # Tags for older glibc than 2.17 have another form, and such systems have no Python that reads this wheel.
    major, minor = max(build.glibc, (2, 17))
    return f"manylinux_{major}_{minor}_{build.platform.target.split('-')[0]}"


def _metadata(build: Build, version: str) -> bytes:
    lines = [
        "Metadata-Version: 2.4",
        "Name: annals-server",
        f"Version: {version}",
        f"Summary: {SUMMARY}",
        *([f"Project-URL: Source, {build.repository}"] if build.repository else []),
        "License-Expression: Apache-2.0",
        "License-File: LICENSE",
        "License-File: THIRD-PARTY.txt",
        "Requires-Python: >=3.8",
        "Keywords: event sourcing,event store,cqrs,ddd,grpc",
        "Classifier: Topic :: Database",
        "Description-Content-Type: text/markdown",
        "",
    ]
    return "\n".join(lines).encode() + b"\n" + read("packages/README.md")


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
