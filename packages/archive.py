"""Archives whose bytes depend only on their content: fixed times and owners, and files in a fixed order."""

import gzip
import hashlib
import io
import lzma
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Entry:
    """A file of an archive."""

    path: str
    content: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644


@dataclass(frozen=True)
class Style:
    """What all archives of a build have in common."""

    # Seconds since 1970: the time of every file.
    time: int
    # Whether to compress quickly rather than well.
    quick: bool = False


def tar(entries: list[Entry], style: Style, *, folders: bool = False) -> bytes:
    """Returns a tar archive. With `folders`, it also has an entry for each folder, and paths begin with `./`."""
    out = io.BytesIO()
    prefix = "./" if folders else ""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        if folders:
            for folder in sorted({str(parent) for entry in entries for parent in PurePosixPath(entry.path).parents}):
                info = tarfile.TarInfo("./" if folder == "." else f"./{folder}/")
                info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, style.time
                info.uname = info.gname = "root"
                archive.addfile(info)
        for entry in sorted(entries, key=lambda entry: entry.path):
            info = tarfile.TarInfo(prefix + entry.path)
            info.size, info.mode, info.mtime = len(entry.content), entry.mode, style.time
            info.uname = info.gname = "root"
            archive.addfile(info, io.BytesIO(entry.content))
    return out.getvalue()


def tar_gz(entries: list[Entry], style: Style) -> bytes:
    """Returns a tar archive compressed with gzip."""
    return gzip.compress(tar(entries, style), compresslevel=1 if style.quick else 9, mtime=style.time)


def tar_xz(entries: list[Entry], style: Style) -> bytes:
    """Returns a tar archive with folders, compressed with xz."""
    return lzma.compress(tar(entries, style, folders=True), preset=0 if style.quick else 6)


def zipped(entries: list[Entry], style: Style) -> bytes:
    """Returns a zip archive with the entries in the given order."""
    out = io.BytesIO()
    # Zip has no times before 1980.
    date = time.gmtime(max(style.time, 315_532_800))[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1 if style.quick else 9) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.path, date)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the mode counts
            info.external_attr = (0o100000 | entry.mode) << 16
            archive.writestr(info, entry.content)
    return out.getvalue()


def ar(members: list[tuple[str, bytes]], style: Style) -> bytes:
    """Returns an ar archive, the container of a Debian package."""
    out = [b"!<arch>\n"]
    for name, content in members:
        out.append(f"{name:<16}{style.time:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
        out.append(content + b"\n" * (len(content) % 2))
    return b"".join(out)


def sha256(content: bytes) -> str:
    """Returns the SHA-256 of a content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
