"""In and out: the password shown, the cookie given, and both taken back."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from byourside_server.dashboard.attempts import Attempts
from byourside_server.dashboard.origin import address_of, is_ours
from byourside_server.dashboard.pages import Pages
from byourside_server.dashboard.routes import way_on
from byourside_server.dashboard.visit import DashboardSettings, Form, Visit, proof_of, read_form
from byourside_server.errors import Refusal
from byourside_server.store.sessions import LONGEST_S
from byourside_server.switchboard import Switchboard

MAX_TOKEN_CHARS = 128
# Until somebody is signed in, forms are tied to a cookie that means nothing else.
FORM_COOKIE_S = 3600


class SigningIn:
    """`/sign-in`, `/sign-out` and the choice of an account."""

    def __init__(self, switchboard: Switchboard, pages: Pages, settings: DashboardSettings) -> None:
        self._switchboard = switchboard
        self._office = switchboard.office
        self._pages = pages
        self._settings = settings
        self._attempts = Attempts()
        self._secure = settings.public_url.startswith("https://")
        # `__Host-`: no other host of the domain can have set it (RFC 6265bis §4.1.3.2).
        prefix = "__Host-" if self._secure else ""
        self._cookie, self._form_cookie = f"{prefix}byourside", f"{prefix}byourside-form"

    def token_of(self, request: Request) -> str:
        """The session's token, empty where there is none."""
        return request.cookies.get(self._cookie, "")[:MAX_TOKEN_CHARS]

    def refuse(self, request: Request, *, data: bool) -> Response:
        """A stranger goes to the sign-in page, and learns nothing else."""
        if data:
            return JSONResponse({"error": "unauthorized", "message": "Sign in first."}, 401)
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        way = way_on(asked) if request.method in ("GET", "HEAD") else "/"
        return RedirectResponse("/sign-in" + ("" if way == "/" else f"?next={quote(way, safe='')}"), 303)

    async def answer(self, request: Request, method: str) -> Response:
        """The sign-in page, shown or sent in. Raises Refusal `method_not_allowed`."""
        if method == "POST":
            return await self._enter(request)
        if method != "GET":
            raise Refusal("method_not_allowed", "This page is looked at or sent in.")
        token = self.token_of(request)
        way = way_on(request.query_params.get("next", "/"))
        if token and await self._office.session(token) is not None:
            return RedirectResponse(way, 303)
        return self._form(request, way)

    async def _enter(self, request: Request) -> Response:
        form = await read_form(request)
        way = way_on(form.one("next"))
        if self._form_cookie not in request.cookies:
            # So it is where a browser comes over http to a server whose cookies are for https.
            cure = f"Your browser kept no cookie: use {self._settings.public_url}/"
            return self._form(request, way, cure, 400)
        if not self._is_our_form(request, form):
            return self._form(request, way, "That page had grown old. Please try again.", 400)
        address, clock = address_of(request), self._switchboard.clock
        wait_s = self._attempts.wait_s(address, clock.monotonic())
        if wait_s > 0:
            answer = self._form(request, way, f"Too many attempts. Try again in {_soon(wait_s)}.", 429)
            answer.headers["Retry-After"] = str(int(wait_s) + 1)
            return answer
        self._attempts.begin(address, clock.monotonic())
        token = await self._office.sign_in(form.one("password"))
        if token is None:
            return self._form(request, way, "That is not the password.", 401)
        self._attempts.forgive(address)
        answer = RedirectResponse(way, 303)
        self._give(answer, self._cookie, token, int(LONGEST_S))
        self._take(answer, self._form_cookie)
        return answer

    async def sign_out(self, visit: Visit) -> Response:
        """End this session."""
        await self._office.sign_out(visit.session)
        return self._farewell()

    async def sign_out_everywhere(self, visit: Visit) -> Response:
        """End all sessions."""
        await self._office.sign_out_everywhere()
        return self._farewell()

    async def look_at(self, visit: Visit) -> Response:
        """Show another account from now on."""
        await self._office.look_at(visit.session, visit.form.one("account"))
        return RedirectResponse("/", 303)

    def _farewell(self) -> Response:
        answer = RedirectResponse("/sign-in", 303)
        self._take(answer, self._cookie)
        # Also what the browser's "back" would show.
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    def _is_our_form(self, request: Request, form: Form) -> bool:
        token = request.cookies.get(self._form_cookie, "")
        shown = hmac.compare_digest(form.one("proof").encode(), proof_of(token).encode())
        return bool(token) and shown and is_ours(request, self._settings.public_url)

    def _form(self, request: Request, way: str, trouble: str | None = None, status: int = 200) -> Response:
        token = request.cookies.get(self._form_cookie, "")[:MAX_TOKEN_CHARS] or secrets.token_urlsafe(24)
        answer = self._pages.show_stranger(
            "sign_in", status=status, way=way, trouble=trouble, proof=proof_of(token)
        )
        self._give(answer, self._form_cookie, token, FORM_COOKIE_S)
        return answer

    def _give(self, answer: Response, name: str, token: str, max_age: int) -> None:
        answer.set_cookie(
            name, token, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def _take(self, answer: Response, name: str) -> None:
        answer.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")


def _soon(seconds: float) -> str:
    whole = int(seconds) + 1
    return f"{whole} seconds" if whole < 120 else f"{whole // 60 + 1} minutes"
