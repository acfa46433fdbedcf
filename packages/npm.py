"""The npm packages: one with the commands, and one for each platform with the binaries, which the first depends on."""

import json

from packages.archive import Entry, tar_gz
from packages.build import PLATFORMS, PROGRAMS, SUMMARY, Build, Platform, read


def npm(build: Build) -> list[tuple[str, bytes]]:
    """Returns the names and the contents of the package with the commands and of the one for this platform."""
    main = {
        **_common(build, "annals-server", SUMMARY),
        "keywords": ["annals", "event-store", "event-sourcing", "cqrs", "grpc"],
        "engines": {"node": ">=20.19"},
        "main": "run.js",
        "bin": {program: f"bin/{program}.js" for program in PROGRAMS},
        "optionalDependencies": {_name(platform): build.version for platform in PLATFORMS.values()},
    }
    commands = [Entry("run.js", read("packages/npm/run.js"))]
    for program in PROGRAMS:
        script = f'#!/usr/bin/env node\nrequire("../run.js").run("{program}");\n'
        commands.append(Entry(f"bin/{program}.js", script.encode(), executable=True))
    texts = build.texts("")
    without_third_party = [text for text in texts if text.path != "THIRD-PARTY.txt"]

    platform = build.platform
    binaries = {
        **_common(build, _name(platform), f"The binaries of annals-server for {platform.target}"),
        "os": [platform.node_os],
        "cpu": [platform.node_cpu],
        **({"libc": ["glibc"]} if build.glibc else {}),
    }
    return [
        _package(build, main, commands + without_third_party),
        _package(build, binaries, build.programs("bin/") + texts),
    ]


def _name(platform: Platform) -> str:
    return f"annals-server-{platform.node_os}-{platform.node_cpu}"


def _common(build: Build, name: str, description: str) -> dict:
    url = {"repository": {"type": "git", "url": f"git+{build.repository}.git"}} if build.repository else {}
    return {"name": name, "version": build.version, "description": description, "license": "Apache-2.0", **url}


def _package(build: Build, manifest: dict, entries: list[Entry]) -> tuple[str, bytes]:
    text = json.dumps(manifest, indent=2) + "\n"
    files = [Entry("package.json", text.encode()), *entries]
    in_folder = [Entry(f"package/{entry.path}", entry.content, entry.executable) for entry in files]
    return f"{manifest['name']}-{build.version}.tgz", tar_gz(in_folder, build.style)
