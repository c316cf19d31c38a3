"""`/metrics`, and a watch over every other request: the outermost ASGI application.

A request is told by the template of its path, which whoever answers it leaves in its scope, by its method and
by its status. It costs two looks at the clock and two entries in tables; bodies pass by untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from time import perf_counter

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from byourside_server.measures.book import OVERFLOW, Book
from byourside_server.measures.route import ROUTE
from byourside_server.measures.table import REQUEST_TIME, REQUESTS
from byourside_server.metrics.access import Access, Denied
from byourside_server.metrics.exposition import write_out
from byourside_server.metrics.readings import Readings

PATH = "/metrics"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

log = logging.getLogger(__name__)


class Metered:
    """Answers `/metrics` for those who may read it, and hands everything on to `inside`, watching."""

    def __init__(self, inside: ASGIApp, readings: Readings, access: Access) -> None:
        self._inside = inside
        self._readings = readings
        self._access = access
        self._is_off = access.readers == "off"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inside(scope, receive, send)
            return
        seen = _Seen(self._readings.book, scope, send)
        try:
            if scope["path"] == PATH and not self._is_off:
                scope[ROUTE] = PATH
                await (await self._answer(scope))(scope, receive, seen.send)
            else:
                await self._inside(scope, receive, seen.send)
        finally:
            seen.close()

    async def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return _plain(405, "These numbers are only read.", {"Allow": "GET, HEAD"})
        denied = self._access.check(scope)
        if denied is not None:
            return _denied(denied)
        try:
            body, content_type = write_out(
                await self._readings.take(), Headers(scope=scope).get("accept", "")
            )
        except Exception:
            log.exception("metrics not written")
            return _plain(500, "The server met a fault of its own; its log tells more.")
        # The type is whole as it is: the framework would add a charset that is there already.
        answer = Response(body, headers={**NO_STORE, "Content-Type": content_type})
        if scope["method"] == "HEAD":
            answer.body = b""
        return answer


class _Seen:
    """One request, from its arrival to the end of its answer."""

    __slots__ = ("_began", "_book", "_method", "_scope", "_send", "_status")

    def __init__(self, book: Book, scope: Scope, send: Send) -> None:
        self._book = book
        self._scope = scope
        self._send = send
        self._status = "none"
        self._began = perf_counter()
        method = scope["method"]
        self._method = method if method in METHODS else OVERFLOW

    def send(self, message: Message) -> Awaitable[None]:
        """Not a coroutine of its own: the one behind it is handed on as it is."""
        if message["type"] == "http.response.start":
            took_s = perf_counter() - self._began
            self._status = str(message["status"])
            route = self._scope.get(ROUTE, OVERFLOW)
            self._book.observe(REQUEST_TIME, took_s, route, self._method)
        return self._send(message)

    def close(self) -> None:
        """`none` is the status of an answer that never began: the client had left."""
        self._book.count(REQUESTS, self._scope.get(ROUTE, OVERFLOW), self._method, self._status)


def _plain(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    return Response(f"{why}\n", status, {**NO_STORE, **(headers or {})}, "text/plain")


def _denied(denied: Denied) -> Response:
    challenge = {"WWW-Authenticate": 'Bearer realm="byourside metrics"'} if denied.status == 401 else {}
    return _plain(denied.status, denied.why, challenge)
