"""One look at the dashboard: who is looking, at which account, and what the house may be asked."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

from byourside_server.accounts.account import Account
from byourside_server.errors import Refusal
from byourside_server.store.sessions import Session

MAX_BODY_BYTES = 256 * 1024
MAX_FIELDS = 500


@dataclass(frozen=True)
class DashboardSettings:
    """What this front may be told about itself."""

    version: str
    """Shown at the foot of every page."""
    public_url: str
    """How browsers reach this server; where it is https, so is the session."""
    allow_local_webhooks: bool = False
    """A developer's setting: `webhookUrl` may be http://localhost."""


class Form:
    """The fields of a posted form, in their order."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def one(self, name: str) -> str:
        """The field's value without blanks around it, empty where it is not there."""
        return self.all(name)[0].strip() if self.all(name) else ""

    def all(self, name: str) -> list[str]:
        """Every value of a field that may come several times."""
        return self._values.get(name, [])


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    token: str
    """The session's secret, out of the cookie."""
    session: Session
    account: Account
    """The account being looked at."""
    accounts: tuple[Account, ...]
    """All that could be."""
    form: Form

    @property
    def proof(self) -> str:
        """What a form of this session carries to show that it is ours."""
        return proof_of(self.token)

    def part(self, name: str) -> str:
        """A named part of the path."""
        return str(self.request.scope["path_params"][name])


def proof_of(token: str) -> str:
    """The token against forged forms that belongs to a cookie: nobody can tell the cookie from it."""
    return hmac.new(token.encode(), b"byourside form", hashlib.sha256).hexdigest()


async def read_form(request: Request) -> Form:
    """The urlencoded form in a body. Raises Refusal `invalid_json` or `body_too_large`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise Refusal("body_too_large", "The form is larger than 256 KiB.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind != "application/x-www-form-urlencoded":
            raise ValueError(kind)
        # Browsers send line ends in forms as CR LF (WHATWG HTML §4.10.21.4); here they are LF.
        text = body.decode("ascii")
        values = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        if any("\x00" in value for found in values.values() for value in found):
            raise ValueError("NUL")
    except ValueError:
        raise Refusal("invalid_json", "The form can't be read.") from None
    return Form({name: [value.replace("\r\n", "\n") for value in found] for name, found in values.items()})
