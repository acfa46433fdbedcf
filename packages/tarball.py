"""The tarball: binaries, completions and a systemd unit, for any Linux and macOS."""

from packages.archive import Entry, tar_gz
from packages.build import SHELLS, Build, read


def tarball(build: Build) -> tuple[str, bytes]:
    """Returns the name and the content of the tarball."""
    name = f"annals-{build.version}-{build.platform.target}"
    entries = build.programs(f"{name}/") + build.texts(f"{name}/")
    entries += [Entry(f"{name}/completions/{SHELLS[shell]}", text) for shell, text in build.completions.items()]
    if build.platform.node_os == "linux":
        files = ("annals.service", "annals.toml")
        entries += [Entry(f"{name}/systemd/{file}", read(f"deploy/{file}")) for file in files]
    return f"{name}.tar.gz", tar_gz(entries, build.style)
