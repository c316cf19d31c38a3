"""A call handed over, as both sides live it: our REFER and its verdict, their REFER and what we tell of it.

RFC 3515, RFC 4488 (no subscription) and RFC 6665 for the NOTIFYs. Calls nobody itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from byourside_server.sip import events
from byourside_server.sip.dialog import Dialog
from byourside_server.sip.errors import LocalProtocolError, SipParseError
from byourside_server.sip.grammar import parse_name_addr
from byourside_server.sip.message import REASONS, Request, Response
from byourside_server.sip.refer import (
    SIPFRAG_TYPE,
    VERDICT_TIMEOUT_S,
    final_status,
    is_about_refer,
    notify_headers,
    refer_headers,
    target_of,
    wants_no_notify,
)
from byourside_server.sip.timers import Alarm
from byourside_server.sip.transaction import ServerTransaction

if TYPE_CHECKING:
    from byourside_server.sip.call import SipCall


class Referral:
    """The REFER of one call, in either direction; one at a time."""

    def __init__(self, call: SipCall) -> None:
        self._call = call
        # Set while a REFER of ours has no verdict yet.
        self._referring: Alarm | None = None
        # Their REFER, while it is waited for what comes of it; and how many there have been.
        self._taken: Request | None = None
        self._count = 0

    @property
    def is_under_way(self) -> bool:
        return self._referring is not None

    def stop(self) -> None:
        self._call.core.alarms.cancel(self._referring)
        self._referring = None
        self._taken = None

    # --- ours -----------------------------------------------------------------------------------------

    def ask(self, dialog: Dialog, target_uri: str, now: float, *, subscribe: bool) -> None:
        """Ask the far side to call `target_uri`; without `subscribe` its 2xx is the verdict (RFC 4488)."""
        if self.is_under_way:
            raise LocalProtocolError("a REFER is under way")
        core = self._call.core
        self._referring = core.alarms.set(now + VERDICT_TIMEOUT_S, lambda at: self._on_verdict(408))
        headers = refer_headers(target_uri, parse_name_addr(dialog.local).uri, subscribe=subscribe)
        # The Contact is where the NOTIFYs go: REFER refreshes the target (RFC 3515 §2.1).
        self._call.requests.send(dialog, "REFER", now, self._on_answered, [self._call.contact, *headers])

    def _on_answered(self, request: Request, response: Response | None, now: float) -> None:
        """2xx: they will try, and say in NOTIFYs how it went. Anything else is the verdict."""
        if response is None or response.status >= 300:
            self._on_verdict(response.status if response else 408)
            self._call.check_dialog("REFER", response, now)
        elif wants_no_notify(response.headers):
            self._on_verdict(response.status)

    def on_notify(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 6665 §4.1.3: there is no subscription but the one that a REFER of ours made."""
        if not self.is_under_way or not is_about_refer(transaction.request):
            self._call.core.reply(transaction, 481, now)
            return
        self._call.core.reply(transaction, 200, now)
        status = final_status(transaction.request)
        if status is not None:
            self._on_verdict(status)

    def _on_verdict(self, status: int) -> None:
        alarm, self._referring = self._referring, None
        self._call.core.alarms.cancel(alarm)
        if alarm is not None and self._call.is_answered:
            self._call.core.emit(events.Referred(self._call, status))

    # --- theirs ---------------------------------------------------------------------------------------

    def receive(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        """Their REFER: declined unless the owner takes referrals, for whoever refers us spends our money."""
        core, request = self._call.core, transaction.request
        if not self._call.takes_referrals or not self._call.is_answered:
            core.reply(transaction, 603, now)
            return
        if self._taken is not None:
            core.reply(transaction, 491, now)
            return
        try:
            target = target_of(request)
        except SipParseError as error:
            core.reply(transaction, 400, now, str(error))
            return
        dialog.refresh_target(request)
        self._taken = request
        self._count += 1
        silent = wants_no_notify(request.headers)
        told = [("Refer-Sub", "false")] if silent else []
        core.reply(transaction, 202, now, headers=[self._call.contact, *told])
        if not silent:
            # §2.4.4: the first NOTIFY goes at once.
            self._notify(100, now)
        core.emit(events.ReferReceived(self._call, target, request.headers))

    def tell(self, status: int, now: float) -> None:
        """What became of their REFER: 1xx goes on, anything else ends it."""
        if self._taken is None:
            raise LocalProtocolError("no REFER of theirs waits to hear of its outcome")
        if not wants_no_notify(self._taken.headers):
            self._notify(status, now)
        if status >= 200:
            self._taken = None

    def _notify(self, status: int, now: float) -> None:
        dialog = self._call.dialog
        if dialog is None or self._taken is None:
            return
        # §2.4.6: the second and later ones are told apart by the REFER's number.
        number = self._taken.cseq[0] if self._count > 1 else None
        headers = [self._call.contact, *notify_headers(status, number), ("Content-Type", SIPFRAG_TYPE)]
        body = f"SIP/2.0 {status} {REASONS.get(status, '')}\r\n".encode()
        self._call.requests.send(dialog, "NOTIFY", now, self._on_notified, headers, body)

    def _on_notified(self, request: Request, response: Response | None, now: float) -> None:
        """A NOTIFY that is refused ends the subscription (RFC 6665 §4.2.2), not the call."""
        if response is None or response.status >= 300:
            self._taken = None
