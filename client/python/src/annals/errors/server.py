"""Faults of the server or the protocol, and the end of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annals.errors.base import AnnalsError

if TYPE_CHECKING:
    import grpc

__all__ = ["Corrupt", "InternalError", "PipelineClosed", "ProtocolError", "StatusError"]


class Corrupt(AnnalsError):
    """The server found corrupt data on its disk. An operator must act; the server's log has the location.

    Attributes:
        message: The server's message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"the server found corrupt data: {message}")
        self.message = message


class InternalError(AnnalsError):
    """A bug in the server. Report it with the server's log.

    Attributes:
        message: The server's message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"internal error of the server: {message}")
        self.message = message


class PipelineClosed(AnnalsError):
    """The append pipeline has ended. Open a new one, and append the unanswered appends again, in order."""

    def __init__(self) -> None:
        super().__init__("the append pipeline has ended; open a new one")


class ProtocolError(AnnalsError):
    """The response violates the protocol. Report it.

    The peer is not an Annals server, or a faulty or much newer one.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"the response violates the annals.v1 protocol: {message}")


class StatusError(AnnalsError):
    """Any other gRPC status, from something between client and server, or from another kind of server.

    Attributes:
        code: The gRPC code.
        message: The message of the status.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        name = "".join(word.capitalize() for word in code.name.split("_"))
        super().__init__(f"{name}: {message}")
        self.code = code
        self.message = message
