"""The dashboard as an ASGI application: it answers its own paths and hands every other one on.

The door of all pages: who is signed in, whether a form is ours, what headers every answer has. Pages behind
it deal with a `Visit` and raise Refusal for what can't be.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import replace

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from byourside_server.dashboard.assets import Assets
from byourside_server.dashboard.call_pages import CallPages
from byourside_server.dashboard.developers import Developers
from byourside_server.dashboard.live import Live
from byourside_server.dashboard.new_call import NewCall
from byourside_server.dashboard.origin import is_ours
from byourside_server.dashboard.overview import Overview
from byourside_server.dashboard.pages import Pages
from byourside_server.dashboard.routes import OWN_PATHS, Handler, Route, routes_at
from byourside_server.dashboard.signing_in import SigningIn
from byourside_server.dashboard.sound import Sound
from byourside_server.dashboard.visit import DashboardSettings, Form, Visit, proof_of, read_form
from byourside_server.errors import Refusal
from byourside_server.measures.route import ROUTE
from byourside_server.store.sessions import Session
from byourside_server.switchboard import Switchboard

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`, with which browsers hide the Origin of our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
NO_FORM = Form({})

log = logging.getLogger(__name__)


def create_dashboard(switchboard: Switchboard, otherwise: ASGIApp, *, settings: DashboardSettings) -> ASGIApp:
    """The pages over one switchboard; what is not theirs is answered by `otherwise`."""
    return Dashboard(switchboard, otherwise, settings)


class Dashboard:
    """ASGI application; the handlers of `ROUTES` by name are its pages' methods."""

    def __init__(self, switchboard: Switchboard, otherwise: ASGIApp, settings: DashboardSettings) -> None:
        self._switchboard = switchboard
        self._otherwise = otherwise
        self._settings = settings
        self._assets = Assets()
        self._pages = Pages(settings, self._assets)
        self._signing_in = SigningIn(switchboard, self._pages, settings)
        self._handlers = _handlers(switchboard, self._pages, self._signing_in, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not OWN_PATHS.fullmatch(scope["path"]):
            await self._otherwise(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        headers = MutableHeaders(raw=answer.raw_headers)
        headers.update(HEADERS)
        headers.setdefault("Cache-Control", "no-store")
        if scope["method"] == "HEAD" and isinstance(answer, StreamingResponse):
            answer = Response(status_code=answer.status_code, headers=dict(headers))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._enter(request)
        except Refusal as refusal:
            return self._pages.show_stranger("refused", status=refusal.status, refusal=refusal)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("page failed", extra={"path": request.url.path})
            fault = Refusal("internal_error", "The server met a fault of its own; its log tells more.")
            return self._pages.show_stranger("refused", status=500, refusal=fault)

    async def _enter(self, request: Request) -> Response:
        path = request.url.path
        method = "GET" if request.method == "HEAD" else request.method
        if path.startswith("/assets/"):
            request.scope[ROUTE] = "/assets"
            version, _, name = path.removeprefix("/assets/").partition("/")
            return self._assets.answer(version, name)
        if path == "/sign-in":
            request.scope[ROUTE] = path
            return await self._signing_in.answer(request, method)
        token = self._signing_in.token_of(request)
        session = await self._switchboard.office.session(token) if token else None
        found = routes_at(path)
        if found:
            request.scope[ROUTE] = found[0][0].path
        if session is None:
            return self._signing_in.refuse(request, data=any(route.data for route, _ in found))
        visit = await self._visit(request, token, session)
        return await self._inside(visit, method, found)

    async def _visit(self, request: Request, token: str, session: Session) -> Visit:
        accounts = tuple(await self._switchboard.office.accounts())
        if not accounts:
            raise Refusal("not_found", "There is no account: `byourside-server accounts create` makes one.")
        account = next((one for one in accounts if one.id == session.account_id), accounts[0])
        return Visit(request, token, session, account, accounts, NO_FORM)

    async def _inside(self, visit: Visit, method: str, found: list[tuple[Route, dict[str, str]]]) -> Response:
        data = any(route.data for route, _ in found)
        try:
            if not found:
                raise Refusal("not_found", "There is no page at this address.")
            for route, parts in found:
                if route.method == method:
                    visit.request.scope["path_params"] = parts
                    return await self._handlers[route.name](await self._check_form(visit, method))
            raise Refusal("method_not_allowed", "This address is not a page: it only takes forms.")
        except Refusal as refusal:
            if data:
                told = {"error": refusal.token, "message": refusal.message}
                return JSONResponse(told, refusal.status)
            return self._pages.show("refused", visit, status=refusal.status, refusal=refusal)

    async def _check_form(self, visit: Visit, method: str) -> Visit:
        """The visit with its form. A form that did not come from a page of this session is not read."""
        if method != "POST":
            return visit
        form = await read_form(visit.request)
        shown = form.one("proof").encode()
        if not is_ours(visit.request, self._settings.public_url) or not hmac.compare_digest(
            shown, proof_of(visit.token).encode()
        ):
            raise Refusal("unauthorized", "This form is not of your session: go back and load the page anew.")
        return replace(visit, form=form)


def _handlers(
    switchboard: Switchboard, pages: Pages, signing_in: SigningIn, settings: DashboardSettings
) -> dict[str, Handler]:
    overview, calls = Overview(switchboard, pages), CallPages(switchboard, pages)
    live, sound = Live(switchboard), Sound(switchboard)
    new_call, developers = NewCall(switchboard, pages, settings), Developers(switchboard, pages)
    return {
        "overview": overview.show,
        "calls": calls.list,
        "calls_live": live.account,
        "new_call": new_call.show,
        "place_call": new_call.place,
        "check_call": new_call.check,
        "call": calls.show,
        "call_live": live.call,
        "recording": sound.recording,
        "peaks": sound.peaks,
        "sip_trace": calls.sip_trace,
        "hang_up": calls.hang_up,
        "replay": calls.replay,
        "developers": developers.show,
        "create_key": developers.create_key,
        "revoke_key": developers.revoke_key,
        "set_caller_id": developers.set_caller_id,
        "show_secret": developers.show_secret,
        "rotate_secret": developers.rotate_secret,
        "look_at": signing_in.look_at,
        "sign_out": signing_in.sign_out,
        "sign_out_everywhere": signing_in.sign_out_everywhere,
    }
