"""For tests of applications: a real server in a process of its own, and rules tested without any."""

from annals.testing.server import Server, find_server

__all__ = ["Server", "find_server"]
