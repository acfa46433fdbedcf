"""A real server for tests: a separate process on a free port, with temporary data."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

__all__ = ["Server", "find_server"]

_READY_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 30.0


def find_server() -> Path | None:
    """Finds the server's binary: the file named by `ANNALS_SERVER`, or `annals-server` on the PATH.

    `None` if there is none.
    """
    named = os.environ.get("ANNALS_SERVER") or shutil.which("annals-server")
    return Path(named).absolute() if named else None


class Server:
    """A server process. It can be stopped, killed and restarted on the same port and data.

        with Server() as server:
            client = Client(server.endpoint)

    Args of the constructor:
        engine: `memory`, whose data is lost when it stops, or `embedded`.
        data: The directory of the embedded engine. By default a temporary one.
        options: More options for the command line: `["--max-event-bytes", "1KiB"]`.
        binary: The server's binary. By default the one that `find_server` finds.
    """

    def __init__(
        self,
        engine: Literal["memory", "embedded"] = "memory",
        *,
        data: Path | None = None,
        options: list[str] | None = None,
        binary: Path | None = None,
    ) -> None:
        found = binary or find_server()
        if found is None:
            raise FileNotFoundError("no annals-server found; put it on the PATH, or name it in ANNALS_SERVER")
        self._binary = found
        self._engine = engine
        self._options = options or []
        self._own_data = None if data else tempfile.TemporaryDirectory(prefix="annals-", ignore_cleanup_errors=True)
        self.data = data or Path(self._own_data.name if self._own_data else "")
        """The directory of the embedded engine's files and of the server's log."""
        self.port = _free_port()
        """The gRPC port on 127.0.0.1; the same after every start."""
        self.http_port = _free_port()
        """The HTTP port (health and metrics) on 127.0.0.1; the same after every start."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint for clients."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """The log written so far."""
        path = self.data / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> Self:
        """Starts the server, and waits until it listens.

        Raises:
            RuntimeError: It exited, or does not listen within 30 s; the error contains its log.
        """
        command = [str(self._binary), "--engine", self._engine, "--listen", f"127.0.0.1:{self.port}"]
        command += [
            "--http-listen",
            f"127.0.0.1:{self.http_port}",
            "--log-level",
            "info",
            "--data",
            str(self.data / "engine"),
        ]
        with (self.data / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, *self._options], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self.log}")
            time.sleep(0.01)
        return self

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """Shuts the server down gracefully (SIGTERM): calls in progress are answered, and subscriptions end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """Kills the server (SIGKILL): nothing more is answered or written."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Suspends the server (SIGSTOP) with its connections open, like a machine that hangs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resumes the server after `freeze`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        if self._own_data is not None:
            self._own_data.cleanup()


def _free_port() -> int:
    """Returns a port on which no process listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
