"""The tools at `/mcp` of the main server: streamable HTTP, with the agent key as bearer.

No request knows of another: any process that shares the database may answer the next one. What a client must
bring back (the question it was asked) is sealed with a key that is made of its own agent key.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import AESGCMRequestStateCodec, InvalidRequestState, RequestStateSecurity
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from byourside_server.clock import Clock, SystemClock
from byourside_server.errors import Refusal
from byourside_server.mcp.door import Door
from byourside_server.mcp.house_door import Desk, HouseDoor
from byourside_server.mcp.repeats import mark_of
from byourside_server.mcp.server import make_phone_server
from byourside_server.mcp.surroundings import Confirm, Surroundings

log = logging.getLogger(__name__)

PATH = "/mcp"
MAX_BODY_BYTES = 256 * 1024
DOOR = "byourside.mcp.door"
# RFC 6750 §2.1, the scheme in any case (RFC 9110 §11.1).
BEARER = re.compile(r"bearer +([\x21-\x7e]{1,512})", re.IGNORECASE)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Mount = Callable[[ASGIApp], ASGIApp]


@contextlib.asynccontextmanager
async def open_mcp(
    desk: Desk,
    *,
    version: str,
    public_url: str,
    confirm: Confirm = "ask",
    clock: Clock | None = None,
) -> AsyncIterator[Mount]:
    """While the block lasts, what comes out of it puts the tools at `/mcp` in front of an application."""
    server = make_phone_server(
        Surroundings(_door_of, confirm),
        version=version,
        state_security=RequestStateSecurity(codec=SealOfTheCaller()),
    )
    server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=security_of(public_url),
    )
    sessions = server.session_manager
    gate = Gate(AuthContextMiddleware(sessions.handle_request), desk, clock or SystemClock())
    async with sessions.run():
        yield lambda application: Fork(application, gate)


def security_of(public_url: str) -> TransportSecuritySettings:
    """Whom a request may be addressed to, and from which pages it may come: us, by the names we go by.

    Keeps a page in a browser from reaching a server on its user's machine by a name that it makes resolve
    there (DNS rebinding).
    """
    parts = urlsplit(public_url)
    hosts = [parts.netloc, *LOOPBACK, *(f"{name}:*" for name in LOOPBACK)]
    origins = [f"{parts.scheme}://{parts.netloc}"]
    for name in LOOPBACK:
        origins += [f"http://{name}", f"http://{name}:*"]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


class Fork:
    """Sends `/mcp` one way and everything else the other."""

    def __init__(self, application: ASGIApp, gate: ASGIApp) -> None:
        self._application = application
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["path"] == PATH
        await (self._gate if is_ours else self._application)(scope, receive, send)


class Gate:
    """Lets in who shows an agent key, and hands the tools the door to that key's calls."""

    def __init__(self, inside: ASGIApp, desk: Desk, clock: Clock) -> None:
        self._inside = inside
        self._desk = desk
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            bearer = bearer_of(Headers(scope=scope))
            account, key = await self._desk.authenticate(bearer)
        except Refusal as refusal:
            await _refusal(refusal, Headers(scope=scope))(scope, receive, send)
            return
        if scope["method"] != "POST":
            # No session, so nothing to listen to (GET) and none to end (DELETE): the protocol's own answer.
            wrong = Refusal("method_not_allowed", "This path takes POST only.")
            await _refusal(wrong, Headers(scope=scope))(scope, receive, send)
            return
        visitor = AccessToken(token=bearer, client_id=key.id, scopes=[], subject=account.id)
        door = HouseDoor(self._desk, account, key, mark_of(bearer), self._clock)
        await self._inside({**scope, "user": AuthenticatedUser(visitor), DOOR: door}, receive, send)


class SealOfTheCaller:
    """Seals what a client brings back with a key made of its agent key, so that every process can open it.

    The client could make such a seal too; it protects nothing from the client, who gives the answers anyway.
    Nobody else can open it or pass one off as this client's.
    """

    def seal(self, payload: bytes) -> str:
        return _codec().seal(payload)

    def unseal(self, token: str) -> bytes:
        return _codec().unseal(token)


def _codec() -> AESGCMRequestStateCodec:
    visitor = get_access_token()
    if visitor is None:
        raise InvalidRequestState("nobody has shown a key")
    return AESGCMRequestStateCodec([f"byourside mcp state\n{visitor.token}"])


def bearer_of(headers: Headers) -> str:
    """The agent key in the Authorization header. Raises Refusal `unauthorized` where there is none."""
    given = headers.getlist("authorization")
    found = BEARER.fullmatch(given[0].strip(" \t")) if len(given) == 1 else None
    if found is None:
        raise Refusal("unauthorized", "Send your agent key: `Authorization: Bearer bys_ak_…`.")
    return found[1]


def _door_of(request: Request | None) -> Door:
    assert request is not None, "over HTTP every message has its request"
    door = request.scope[DOOR]
    assert isinstance(door, HouseDoor)
    return door


def _refusal(refusal: Refusal, headers: Headers) -> Response:
    answer = Response(
        json.dumps({"error": refusal.token, "message": refusal.message}),
        refusal.status,
        {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        "application/json",
    )
    if refusal.status == 401:
        # RFC 6750 §3: an error code only where a key was shown.
        shown = ', error="invalid_token"' if "authorization" in headers else ""
        answer.headers["WWW-Authenticate"] = f'Bearer realm="byourside"{shown}'
    if refusal.status == 405:
        answer.headers["Allow"] = "POST"
    return answer
