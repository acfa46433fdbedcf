"""Testing of applications: a real server in a separate process, and rules without a server."""

from annals.testing.given import Given, Outcome, given, record
from annals.testing.server import Server, find_server

__all__ = ["Given", "Outcome", "Server", "find_server", "given", "record"]
