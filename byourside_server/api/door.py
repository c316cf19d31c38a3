"""The door: every request passes here first and every answer last.

In: a request id, the agent key (before anything else under /v1), then path and method, and straight to the
handler. Out: the headers all answers share, no body for HEAD, and for whatever went wrong the one error
shape. Knows no route by name; asks the application once which paths it has.
"""

from __future__ import annotations

import logging
import random

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from byourside_server.api.answers import refused
from byourside_server.api.desk import Desk, Visit
from byourside_server.api.headers import bearer_of, challenge
from byourside_server.api.signpost import Signpost
from byourside_server.errors import Refusal
from byourside_server.measures.route import ROUTE

log = logging.getLogger(__name__)
# Told apart, not guarded: nothing is opened by a request id, so the system need not be asked for each.
_marks = random.Random()


class Door:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._signpost: Signpost | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = Visit(request_id=f"req_{_marks.getrandbits(64):016x}", is_head=scope["method"] == "HEAD")
        way_out = WayOut(send, visit)
        try:
            await self._enter(scope, receive, way_out, visit)
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, way_out, visit)
        except ClientDisconnect:
            log.debug("client left", extra={"request_id": visit.request_id})
        except Exception:
            log.exception("request failed", extra={"request_id": visit.request_id, "path": scope["path"]})
            fault = Refusal("internal_error", "The server met a fault of its own; its log has the requestId.")
            await self._refuse(fault, scope, receive, way_out, visit)

    async def _enter(self, scope: Scope, receive: Receive, way_out: WayOut, visit: Visit) -> None:
        path, method = scope["path"], scope["method"]
        found = self._places(scope).at(path)
        if found is not None:
            scope[ROUTE] = found[0].path  # before the key: who is refused was there, too
        if path == "/v1" or path.startswith("/v1/"):
            account, key = await self._desk.authenticate(bearer_of(Headers(scope=scope)))
            visit = Visit(visit.request_id, visit.is_head, account, key)
        if found is None:
            raise Refusal("not_found", "There is nothing at this path; /docs lists what there is.")
        place, parts = found
        if method == "OPTIONS":
            headers = {"Allow": ", ".join(place.allowed)}
            await Response(status_code=204, headers=headers)(scope, receive, way_out)
            return
        if method not in place.allowed:
            raise Refusal("method_not_allowed", f"This path answers only {', '.join(place.allowed)}.")
        inside = {**scope, "path_params": parts, "byourside.visit": visit}
        if visit.is_head:
            inside["method"] = "GET"
        answer = await place.handlers[inside["method"]](Request(inside, receive))
        await answer(inside, receive, way_out)

    def _places(self, scope: Scope) -> Signpost:
        # On the first request: whoever makes the application adds its routes after the door.
        if self._signpost is None:
            self._signpost = Signpost(scope["app"].routes)
        return self._signpost

    async def _refuse(
        self, refusal: Refusal, scope: Scope, receive: Receive, way_out: WayOut, visit: Visit
    ) -> None:
        if way_out.is_under_way:
            return  # Half an answer is out: the server closes the connection, which the client notices.
        headers: dict[str, str] = {}
        if refusal.status == 401:
            headers["WWW-Authenticate"] = challenge(Headers(scope=scope))
        if refusal.status == 405:
            found = self._places(scope).at(scope["path"])
            headers["Allow"] = ", ".join(found[0].allowed) if found else ""
        await refused(refusal, visit.request_id, headers)(scope, receive, way_out)


class WayOut:
    """Puts the shared headers on an answer and keeps bodies from HEAD."""

    def __init__(self, send: Send, visit: Visit) -> None:
        self._send = send
        self._visit = visit
        self.is_under_way = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_under_way = True
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._visit.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "http.response.body" and self._visit.is_head:
            message = {**message, "body": b""}
        await self._send(message)
