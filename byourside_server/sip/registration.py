"""Tells a registrar where we are, and keeps it told (RFC 3261 §10).

One binding, ours: asked for, challenged, refreshed before it runs out, tried again after a failure, and
taken back at the end. Knows no call.
"""

from __future__ import annotations

from byourside_server.sip.core import Core
from byourside_server.sip.credentials import CHALLENGE_STATUSES, Credentials
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import escape_user, is_number, parse_name_addr, parse_sip_uri
from byourside_server.sip.keep_alive import KeepAlive
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.reason import retry_after_s
from byourside_server.sip.timers import Alarm
from byourside_server.sip.transaction import ClientTransaction
from byourside_server.sip.trunk_events import Registered, RegistrationFailed

# Refreshed when this share of the granted time has passed, so that a lost refresh can be tried again.
REFRESH_AT = 0.8
# Seconds until the next try after a failure; doubled with each, up to the longest.
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0
# Refusals that mean "not like this": trying again soon changes nothing, and locks accounts.
_LASTING = frozenset({400, 401, 403, 404, 405, 407, 416, 420, 604})
MAX_CHALLENGES = 2
# What a registrar may grant at most; more than a day is a mistake that would outlive us.
_LONGEST_EXPIRES_S = 86_400


class Registration:
    """One user's binding at one registrar."""

    def __init__(self, core: Core, trunk: TrunkAddress, user: str, expires_s: int) -> None:
        self.trunk = trunk
        self.user = user
        # Free for the owner.
        self.handle: object = None
        # What the registrar granted last; None while it does not know us.
        self.granted_s: int | None = None
        self._core = core
        self._asked_s = expires_s
        self._uri = f"sip:{trunk.domain}"
        self._aor = f"<sip:{escape_user(user)}@{trunk.domain}>"
        self._contact = core.contact(user, trunk.hop)
        self._call_id = core.token(16)
        self._tag = core.token(8)
        self._credentials = Credentials(trunk.user or user, trunk.password, core.token)
        self._cseq = 0
        self._challenges = 0
        self._failures = 0
        self._stopping = False
        self._alarm: Alarm | None = None
        self._pending: ClientTransaction | None = None
        self._keep_alive: KeepAlive | None = None

    def start(self, now: float) -> None:
        """Ask for the binding; `Registered` or `RegistrationFailed` follows, and follows again."""
        self._challenges = 0
        self._send(now)

    def stop(self, now: float) -> None:
        """Take the binding back; nothing more is told."""
        if self._stopping:
            return
        self._stopping = True
        self._core.alarms.cancel(self._alarm)
        if self._keep_alive is not None:
            self._keep_alive.stop()
        # One that is on its way may still be granted, so it is taken back all the same.
        if self.granted_s is not None or self._pending is not None:
            self._asked_s = 0
            self.start(now)

    def _send(self, now: float) -> None:
        self._cseq += 1
        lines = [
            ("From", f"{self._aor};tag={self._tag}"),
            ("To", self._aor),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._cseq} REGISTER"),
            ("Contact", self._contact),
            ("Expires", str(self._asked_s)),
            ("User-Agent", self._core.user_agent),
            *self._credentials.headers_for("REGISTER", self._uri, b""),
        ]
        request = self._core.build("REGISTER", self._uri, lines)
        self._pending = self._core.request(request, self.trunk.hop, self._on_response, now)

    def _on_response(self, transaction: ClientTransaction, response: Response | None, now: float) -> None:
        if transaction is not self._pending or (response is not None and response.status < 200):
            return
        self._pending = None
        if response is None:
            if transaction.transport_failed:
                self._fail(503, transaction.failure or "Service Unavailable", None, now)
            else:
                self._fail(408, "Request Timeout", None, now)
        elif response.status < 300:
            self._on_granted(response, now)
        elif not self._mends(transaction.request, response):
            self._fail(response.status, response.reason, retry_after_s(response.headers), now)
        else:
            self._send(now)

    def _mends(self, request: Request, response: Response) -> bool:
        """Whether the same may be asked again at once, with what the refusal taught."""
        if self._challenges >= MAX_CHALLENGES:
            return False
        self._challenges += 1
        if response.status in CHALLENGE_STATUSES:
            return self._credentials.learn(request, response)
        least = response.headers.get("Min-Expires") or ""
        if response.status == 423 and is_number(least) and len(least) <= 6 and int(least) > self._asked_s > 0:
            # §10.2.8: too brief for this registrar.
            self._asked_s = int(least)
            return True
        return False

    def _on_granted(self, response: Response, now: float) -> None:
        self._failures = 0
        if self._stopping:
            self.granted_s = None
            return
        granted_s = min(self._granted(response), _LONGEST_EXPIRES_S)
        self.granted_s = granted_s
        if self._keep_alive is None:
            self._keep_alive = KeepAlive(self._core, self.trunk.hop, now)
        # Never a storm, whatever a registrar grants.
        self._alarm = self._core.alarms.set(now + max(granted_s * REFRESH_AT, 1.0), self.start)
        self._core.trunk_events.append(Registered(self, granted_s))

    def _granted(self, response: Response) -> int:
        """§10.2.4: the expires of our own binding among those listed, else the Expires field."""
        try:
            ours = parse_sip_uri(parse_name_addr(self._contact).uri)
            for value in response.headers.values("Contact"):
                binding = parse_name_addr(value)
                theirs = parse_sip_uri(binding.uri)
                expires = binding.parameters.get("expires") or ""
                if (theirs.user, theirs.hop) == (ours.user, ours.hop) and is_number(expires):
                    return int(expires[:9])
        except SipParseError:
            pass
        expires = response.headers.get("Expires") or ""
        return int(expires[:9]) if is_number(expires) else self._asked_s

    def _fail(self, status: int, reason: str, retry_after: int | None, now: float) -> None:
        if self._stopping:
            return
        self.granted_s = None
        self._failures += 1
        wait_s = min(FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10), LONGEST_RETRY_S)
        if status in _LASTING:
            wait_s = LONGEST_RETRY_S
        self._alarm = self._core.alarms.set(now + max(wait_s, retry_after or 0), self.start)
        self._core.trunk_events.append(RegistrationFailed(self, status, reason))
