"""A fake server that sends what a test specifies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from annals._rpc import GROUP_SERVICE, METHODS, SERVICE, STATE_SERVICE

Behaviour = Callable[..., Any]


class Fake:
    """A fake server, with a behaviour for each call."""

    def __init__(self, **behaviours: Behaviour) -> None:
        self.calls: list[Any] = []
        handlers: dict[str, dict[str, Any]] = {SERVICE: {}, STATE_SERVICE: {}, GROUP_SERVICE: {}}
        for method in METHODS:
            if method.name in behaviours:
                make = getattr(grpc, f"{method.kind}_rpc_method_handler")
                handlers[method.service][method.name] = make(
                    self._noting(behaviours[method.name], method.kind),
                    method.request.FromString,
                    method.response.SerializeToString,
                )
        self._server = grpc.aio.server()
        made = [grpc.method_handlers_generic_handler(service, calls) for service, calls in handlers.items()]
        self._server.add_generic_rpc_handlers(tuple(made))
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def _noting(self, behaviour: Behaviour, kind: str) -> Behaviour:
        if kind == "unary_unary":

            async def unary(request: Any, context: Any) -> Any:
                self.calls.append(request)
                return await behaviour(len(self.calls), request, context)

            return unary

        async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
            self.calls.append(request)
            begun = False
            async for answer in behaviour(len(self.calls), request, context):
                if not begun:
                    # Like a real server, which sends metadata when a response begins.
                    begun = True
                    await context.send_initial_metadata((("date", "today"),))
                yield answer

        return streaming

    async def __aenter__(self) -> Fake:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)


async def refuse(context: Any, reason: str, code: grpc.StatusCode, *details: Any) -> None:
    packed = []
    for detail in (ErrorInfo(reason=reason, domain="annals"), *details):
        message = AnyMessage()
        message.Pack(detail)
        packed.append(message)
    status = Status(code=code.value[0], message="message", details=packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    await context.abort(code, "message")
