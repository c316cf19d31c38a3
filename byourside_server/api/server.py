"""uvicorn, set up for this API: what never reaches the application is still answered in our own shape.

Knows sockets and HTTP framing; starts nothing by itself.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from byourside_server.api.answers import json_bytes

NOT_HTTP = json_bytes({"error": "invalid_json", "message": "The request is not well-formed HTTP."})
# Longer than the 60 s that common proxies keep their side open, so that they close first.
KEEP_ALIVE_S = 75
STOPPING = (signal.SIGTERM, signal.SIGINT)


class PlainSpokenProtocol(HttpToolsProtocol):
    """uvicorn's HTTP parser, except that bytes it can't read are refused in JSON, too."""

    def send_400_response(self, msg: str) -> None:
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(NOT_HTTP), NOT_HTTP)
        )
        self.transport.close()


class PoliteServer(uvicorn.Server):
    """uvicorn's server, except that it keeps the signal that stopped it to itself.

    uvicorn raises it once more when it is done, which by SIGTERM's default would end the process before
    the house behind the API has hung up and written its last word. It tells, too, when it has begun.
    """

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def make_server(
    api: ASGIApp, host: str, port: int, *, grace_s: int = 5, on_started: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """A server for `api`, not yet running; `await server.serve()` runs it until SIGTERM or SIGINT.

    Requests under way then have `grace_s` seconds to end. `on_started` is called once callers are answered
    and signals are heeded.
    """
    return PoliteServer(
        uvicorn.Config(
            api,
            host=host,
            port=port,
            http=PlainSpokenProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=grace_s,
        ),
        on_started,
    )
