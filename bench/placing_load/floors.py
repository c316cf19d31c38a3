"""What lies beneath the server, each as a process of its own: the same POST with less and less behind it.

    python -m bench.placing_load.floors fastapi PORT

`fastapi` reads the body into a model of the same fields and answers, without a store; `asgi` answers any
request under the same HTTP server; `wire` answers without an HTTP server at all and shows what the load
generator itself can do.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

FLOORS = ("fastapi", "asgi", "wire")
ANSWER = b'{"callId":"00000000-0000-4000-8000-000000000000","status":"queued"}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class WantedField(BaseModel):
    name: str
    type: str = "string"
    description: str | None = None


class WantedCall(BaseModel):
    """The body of a POST, as far as the benchmark sends it."""

    to: str
    objective: str
    context: str | None = None
    fields: list[WantedField] = []
    webhookUrl: str | None = None
    callerId: str | None = None
    metadata: dict[str, Any] | None = None
    maxDurationSec: int | None = None
    language: str | None = None
    scheduledAt: str | None = None


def fastapi_floor() -> ASGIApp:
    app = FastAPI(openapi_url=None)

    @app.post("/v1/agent/calls")
    async def place(call: WantedCall) -> dict[str, str]:
        return {"callId": "00000000-0000-4000-8000-000000000000", "status": "queued"}

    return app


async def asgi_floor(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


class Wire(asyncio.Protocol):
    """Answers whatever comes: the requests of the load fit into one read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(HEAD % len(ANSWER) + ANSWER)


async def serve_wire(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Wire, "127.0.0.1", port)
    await server.serve_forever()


def main(name: str, port: int) -> None:
    if name == "wire":
        uvloop.run(serve_wire(port))
        return
    app = fastapi_floor() if name == "fastapi" else asgi_floor
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
