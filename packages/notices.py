"""The licenses of the crates that are compiled into the binaries."""

import json
import re
from pathlib import Path

from packages.build import REPOSITORY, Failure, run

_NAMES = re.compile(r"^(licen[sc]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
# Sources in other languages that a crate brings along are in a subfolder, with a license of their own.
_DEPTH_MAX = 3


def third_party(target: str) -> bytes:
    """Returns the license texts of all crates in the binaries, each text once, with the crates that have it.

    A few more crates may be named: cargo's metadata has the features of the whole workspace.
    """
    metadata = json.loads(
        run(
            *("cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target),
            *("--manifest-path", str(REPOSITORY / "Cargo.toml")),
        )
    )
    packages = {package["id"]: package for package in metadata["packages"]}
    crates: list[str] = []
    texts: dict[str, list[str]] = {}
    linked = [packages[found] for found in _linked(metadata)]
    for package in sorted(linked, key=lambda one: (one["name"], one["version"])):
        if package["source"] is None:
            continue
        name = f"{package['name']} {package['version']}"
        files = _licenses(Path(package["manifest_path"]).parent)
        crates.append(f"{name}: {package['license'] or 'see its license text'}")
        for text in {file.read_text(encoding="utf-8", errors="replace").strip() for file in files}:
            texts.setdefault(text, []).append(name)
    if not crates:
        raise Failure("cargo metadata lists no crate that annals-server or annals-cli depends on")
    parts = [
        "annals and annals-server are compiled with the Rust standard library (MIT OR Apache-2.0) and these crates:\n",
        *crates,
        "",
    ]
    for text, names in sorted(texts.items(), key=lambda item: (item[1], item[0])):
        parts += ["-" * 80, "\n".join(names), "-" * 80, "", text, ""]
    return "\n".join(parts).encode()


def _linked(metadata: dict) -> set[str]:
    """Returns the ids of all packages that are linked into the binaries: no build and test dependencies, no macros."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [found for found, package in packages.items() if package["name"] in ("annals-server", "annals-cli")]
    # The packages' binaries are built without the feature.
    seen: set[str] = {found for found, package in packages.items() if package["name"] == "annals-foundationdb"}
    skipped = set(seen)
    while waiting:
        found = waiting.pop()
        if found in seen:
            continue
        seen.add(found)
        if any("proc-macro" in target["kind"] for target in packages[found]["targets"]):
            skipped.add(found)
            continue
        for dependency in nodes[found]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return seen - skipped


def _licenses(crate: Path) -> list[Path]:
    found = [path for path in crate.rglob("*") if _NAMES.match(path.name) and path.is_file()]
    return sorted(path for path in found if len(path.relative_to(crate).parts) <= _DEPTH_MAX and path.suffix != ".rs")
