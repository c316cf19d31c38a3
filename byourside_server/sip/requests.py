"""Requests of ours inside the dialogs of one call: written, proved when challenged, acknowledged.

Knows dialogs and credentials; what an answer means to the call is told to whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from byourside_server.sip.core import ALLOW, Core
from byourside_server.sip.credentials import CHALLENGE_STATUSES, CREDENTIAL_FIELDS, Credentials
from byourside_server.sip.dialog import Dialog
from byourside_server.sip.hop import Hop
from byourside_server.sip.message import Request, Response
from byourside_server.sip.transaction import ClientTransaction

Fields = Sequence[tuple[str, str]]
# Hears the request as it went out last, its final response or None, and when.
Done = Callable[[Request, Response | None, float], None]
SDP_TYPE = ("Content-Type", "application/sdp")
# A request is sent again with credentials this often: once for a proxy, once for the server behind it.
MAX_CHALLENGES = 2
# They change the session or move its target, and say what we can (RFC 3261 §12.2.1.1, RFC 3311 §5.1).
_SAY_WHO_WE_ARE = frozenset({"INVITE", "UPDATE"})


class Requests:
    """One call's way of asking."""

    def __init__(self, core: Core, credentials: Credentials, contact: tuple[str, str]) -> None:
        self._core = core
        self._credentials = credentials
        self._contact = contact
        # (To tag, CSeq number) → the ACK, to send again for every copy of the 2xx (§13.2.2.4).
        self._acks: dict[tuple[str, int], tuple[bytes, Hop]] = {}

    def send(
        self,
        dialog: Dialog,
        method: str,
        now: float,
        done: Done,
        headers: Fields = (),
        body: bytes = b"",
        challenges: int = 0,
    ) -> None:
        """Send a request in `dialog`, with credentials if asked for them; `done` hears the last word.

        Of an INVITE it also hears every copy of a 2xx.
        """
        uri, lines = self.lines(dialog, method, dialog.next_cseq())
        credentials = self._credentials.headers_for(method, uri, body)
        request = self._core.build(method, uri, [*lines, *headers, *credentials], body)

        def tell(transaction: ClientTransaction, response: Response | None, at: float) -> None:
            if response is not None and response.status < 200:
                return
            if (
                response is not None
                and response.status in CHALLENGE_STATUSES
                and challenges < MAX_CHALLENGES
                and self._credentials.learn(transaction.request, response)
            ):
                self.send(dialog, method, at, done, headers, body, challenges + 1)
                return
            if response is not None:
                self._credentials.accepted(transaction.request, response)
            done(transaction.request, response, at)

        self._core.request(request, dialog.destination, tell, now)

    def lines(self, dialog: Dialog, method: str, number: int) -> tuple[str, list[tuple[str, str]]]:
        """Request-URI and header fields of a request in `dialog` (§12.2.1.1)."""
        uri, routes = dialog.request_uri_and_routes
        lines = [("Route", route) for route in routes]
        lines += [
            ("From", dialog.local),
            ("To", dialog.remote),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{number} {method}"),
            ("User-Agent", self._core.user_agent),
        ]
        if method in _SAY_WHO_WE_ARE:
            # Not 100rel: provisional responses to these are none of our business.
            lines += [self._contact, ALLOW, ("Supported", "timer")]
        return uri, lines

    def acknowledge(self, dialog: Dialog, invite: Request, now: float, sdp: bytes = b"") -> None:
        """§13.2.2.4: a transaction of its own, on the dialog's route, with the INVITE's credentials."""
        number, _ = invite.cseq
        uri, lines = self.lines(dialog, "ACK", number)
        lines += [(name, value) for name, value in invite.headers if name.lower() in CREDENTIAL_FIELDS]
        lines += [SDP_TYPE] if sdp else []
        hop = dialog.destination
        ack = self._core.over(self._core.build("ACK", uri, lines, sdp), hop)
        key = dialog.remote_tag, number
        self._acks[key] = ack.encode(), hop
        self._core.send(*self._acks[key], now)

    def acknowledge_again(self, invite: Request, response: Response, now: float) -> bool:
        """True where this 2xx is a copy, which has got its ACK once more."""
        ack = self._acks.get((response.to.tag or "", invite.cseq[0]))
        if ack is not None:
            self._core.send(*ack, now)
        return ack is not None
