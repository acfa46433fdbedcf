"""The Debian package: binaries, completions, and a systemd service with its settings in /etc/annals.toml."""

import gzip
import hashlib
import re

from packages.archive import Entry, ar, tar_xz
from packages.build import Build, Failure, read

_UNIT_PROGRAM = "/usr/local/bin/annals-server"
_SCRIPTS = ("postinst", "prerm", "postrm")
_CONFFILE = "etc/annals.toml"
_DOCUMENTATION = "usr/share/doc/annals"

_DESCRIPTION = """\
Description: event store for event sourcing and CQRS
 An append-only log of immutable events, in streams with expected revisions,
 served over gRPC. This package has the server with the embedded engine, as a
 service on the loopback interface, and the command line.
"""

_COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: annals

Files: *
Copyright: the Annals contributors
License: Apache-2.0
 The text is in /usr/share/common-licenses/Apache-2.0. THIRD-PARTY.txt in this
 folder has the licenses of the libraries that are compiled in.
"""


def debian(build: Build) -> tuple[str, bytes] | None:
    """Returns the name and the content of the Debian package; None on a platform without Debian."""
    architecture = build.platform.debian
    if architecture is None or build.glibc is None:
        return None
    version = debian_version(build.version)
    data = _data(build)
    control = [
        Entry("control", _control(build, version, architecture, data)),
        Entry("conffiles", f"/{_CONFFILE}\n".encode()),
        Entry("md5sums", "".join(f"{_md5(entry.content)}  {entry.path}\n" for entry in data).encode()),
        *(Entry(name, read(f"packages/debian/{name}"), executable=True) for name in _SCRIPTS),
    ]
    members = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", tar_xz(control, build.style)),
        ("data.tar.xz", tar_xz(data, build.style)),
    ]
    return f"annals_{version}_{architecture}.deb", ar(members, build.style)


def debian_version(version: str) -> str:
    """Returns a version as Debian writes it: 0.2.0-rc.1 is 0.2.0~rc.1, which is before 0.2.0."""
    return version.replace("-", "~", 1)


def _data(build: Build) -> list[Entry]:
    changelog = gzip.compress(read("CHANGELOG.md"), 9, mtime=build.style.time)
    entries = [
        *build.programs("usr/bin/"),
        Entry("usr/lib/systemd/system/annals.service", _unit()),
        Entry(_CONFFILE, read("deploy/annals.toml")),
        Entry("usr/share/bash-completion/completions/annals", build.completions["bash"]),
        Entry("usr/share/fish/vendor_completions.d/annals.fish", build.completions["fish"]),
        Entry("usr/share/zsh/vendor-completions/_annals", build.completions["zsh"]),
        Entry(f"{_DOCUMENTATION}/README.md", read("packages/README.md")),
        Entry(f"{_DOCUMENTATION}/THIRD-PARTY.txt", build.third_party),
        Entry(f"{_DOCUMENTATION}/changelog.gz", changelog),
        Entry(f"{_DOCUMENTATION}/copyright", _COPYRIGHT.encode()),
    ]
    return sorted(entries, key=lambda entry: entry.path)


def _unit() -> bytes:
    """Returns the systemd unit, with the program where this package installs it, and no comment on how to install."""
    unit = read("deploy/annals.service").decode()
    if _UNIT_PROGRAM not in unit:
        raise Failure(f"deploy/annals.service does not run {_UNIT_PROGRAM}; change _UNIT_PROGRAM in packages/debian.py")
    return re.sub(r"\A(#[^\n]*\n)+\n*", "", unit).replace(_UNIT_PROGRAM, "/usr/bin/annals-server").encode()


def _control(build: Build, version: str, architecture: str, data: list[Entry]) -> bytes:
    assert build.glibc is not None
    major, minor = build.glibc
    size = sum(-(-len(entry.content) // 1024) for entry in data)
    fields = [
        "Package: annals",
        f"Version: {version}",
        f"Architecture: {architecture}",
        "Maintainer: The Annals contributors <annals@localhost>",
        f"Installed-Size: {size}",
        f"Depends: libc6 (>= {major}.{minor}), libgcc-s1 | libgcc1, init-system-helpers (>= 1.52)",
        "Section: database",
        "Priority: optional",
        *([f"Homepage: {build.repository}"] if build.repository else []),
    ]
    return ("\n".join(fields) + "\n" + _DESCRIPTION).encode()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
