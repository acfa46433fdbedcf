"""A real server for tests: a separate process on a free port, with temporary data.

The server chooses its ports itself and logs them, so that no other process can take a port between the choice and the
start.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

__all__ = ["Server", "find_server"]

_READY_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 30.0
# The line that the server logs when it listens, as text or JSON.
_LISTENING = re.compile(r"\blistening\b.*\bgrpc\W+127\.0\.0\.1:(\d+).*\bhttp\W+127\.0\.0\.1:(\d+)\D")


def find_server() -> Path | None:
    """Finds the server's binary: the file named by `ANNALS_SERVER`, or `annals-server` on the PATH.

    If neither is there, the one that the package `annals-server` installed in this environment, active or not. `None`
    if there is none.
    """
    named = (
        os.environ.get("ANNALS_SERVER")
        or shutil.which("annals-server")
        or shutil.which("annals-server", path=sysconfig.get_path("scripts"))
    )
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
        # The ports for gRPC and HTTP; 0 until the server has chosen them at its first start.
        self._ports = (0, 0)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The gRPC port on 127.0.0.1; known once the server was started, and the same after every start."""
        return self._chosen()[0]

    @property
    def http_port(self) -> int:
        """The HTTP port (health and metrics) on 127.0.0.1; known and kept like `port`."""
        return self._chosen()[1]

    def _chosen(self) -> tuple[int, int]:
        if self._ports == (0, 0):
            raise RuntimeError("the server has no ports before its first start")
        return self._ports

    @property
    def endpoint(self) -> str:
        """The endpoint for clients."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """The log written so far."""
        return self._log_after(0)

    def _log_after(self, offset: int) -> str:
        path = self.data / "server.log"
        return path.read_bytes()[offset:].decode(errors="replace") if path.exists() else ""

    def start(self) -> Self:
        """Starts the server, and waits until it listens.

        Raises:
            RuntimeError: It exited, or does not listen within 30 s; the error contains its log.
        """
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not self._launch(deadline):
            time.sleep(0.1)
        return self

    def _launch(self, deadline: float) -> bool:
        """Starts the process; returns whether it listens, and false if its ports are in use for the moment."""
        port, http_port = self._ports
        command = [str(self._binary), "--engine", self._engine, "--log-level", "info"]
        command += ["--listen", f"127.0.0.1:{port}", "--http-listen", f"127.0.0.1:{http_port}"]
        command += ["--data", str(self.data / "engine"), *self._options]
        with (self.data / "server.log").open("ab") as log:
            offset = log.tell()
            self._process = subprocess.Popen(  # noqa: S603
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        while True:
            # Before the log is read, so that it is complete if the process has ended.
            ended = self._process.poll() is not None
            written = self._log_after(offset)
            if listening := _LISTENING.search(written):
                self._ports = int(listening[1]), int(listening[2])
                return True
            late = time.monotonic() > deadline
            if ended or late:
                self.kill()
                # While the server was stopped, a port of it may have been assigned to a connection.
                if port and not late and "can't listen on" in written:
                    return False
                raise RuntimeError(f"the server did not start:\n{self.log}")
            time.sleep(0.01)

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
