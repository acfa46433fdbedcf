"""The server that `annals.testing` starts."""

import json
import socket
import threading
import time

import pytest

from annals import Client
from annals.testing import Server


def test_a_server_keeps_the_ports_that_it_chose() -> None:
    server = Server()
    with pytest.raises(RuntimeError, match="before its first start"):
        _ = server.endpoint
    with server:
        ports = server.port, server.http_port
        assert 0 not in ports
        server.stop()
        server.start()
        assert (server.port, server.http_port) == ports
        with Client(server.endpoint) as client:
            assert client.server_info().engine == "memory"


def test_a_server_waits_until_its_port_is_free_again() -> None:
    server = Server()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        # As if it had been assigned to another process while the server was stopped.
        server._ports = other.getsockname()[1], 0

        def free() -> None:
            while "can't listen on" not in server.log:
                time.sleep(0.01)
            other.close()

        freeing = threading.Thread(target=free)
        freeing.start()
        with server:
            freeing.join()
            with Client(server.endpoint) as client:
                assert client.server_info().head == 0


def test_a_server_that_logs_json_is_found() -> None:
    with Server(options=["--log", "json"]) as server:
        assert json.loads(server.log.splitlines()[0])
        with Client(server.endpoint) as client:
            assert client.server_info().head == 0


def test_a_server_that_does_not_start_reports_its_log() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)did not start:.*--no-such-option"):
        Server(options=["--no-such-option"]).start()
