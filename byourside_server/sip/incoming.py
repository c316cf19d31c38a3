"""A call placed to us: ring, answer or refuse. RFC 3261 §13.3, RFC 3262 for ringing that must arrive."""

from __future__ import annotations

from byourside_server.sip import events
from byourside_server.sip.call import CallState, SipCall
from byourside_server.sip.core import ALLOW, SUPPORTED, Core
from byourside_server.sip.credentials import Credentials
from byourside_server.sip.dialog import Dialog, dialog_of_request
from byourside_server.sip.errors import LocalProtocolError, SipParseError
from byourside_server.sip.message import Headers
from byourside_server.sip.reason import reason_text
from byourside_server.sip.reliable import ReliableRinging, rack_of
from byourside_server.sip.requests import SDP_TYPE, Fields
from byourside_server.sip.timers import Alarm
from byourside_server.sip.transaction import ServerTransaction

# §13.3.1.1: a ringing that lasts says so every minute, lest a proxy's Timer C ends it.
KEEP_RINGING_S = 60.0


class IncomingCall(SipCall):
    """A call that waits for `ring`, `answer` or `refuse`. Raises SipParseError for one without Contact."""

    def __init__(self, core: Core, transaction: ServerTransaction, to_user: str) -> None:
        request = transaction.request
        transaction.to_tag = core.token(8)
        dialog = dialog_of_request(request, transaction.to_tag, transaction.source)
        # §12.1.1: who calls a sips URI is answered with one.
        scheme = "sips" if request.uri[:5].lower() == "sips:" else "sip"
        super().__init__(
            core,
            request.call_id,
            transaction.to_tag,
            to_user,
            Credentials(None, None, core.token),
            transaction.source,
            scheme=scheme,
            owns_call_id=False,
        )
        self.dialog = dialog
        self.session.remote = request.sdp
        self.learn_manners(request)
        self._transaction = transaction
        self._ringing: Alarm | None = None
        self._reliable = ReliableRinging(core, transaction, self._on_no_prack)
        # Whether offer and answer have been exchanged before the 200, and our half of it was acknowledged.
        self._has_described = False
        self._is_described = False
        # An answer that must wait for a PRACK (RFC 3262 §3).
        self._answer: tuple[bytes, Fields] | None = None
        transaction.on_cancel = self._on_cancelled

    @property
    def headers(self) -> Headers:
        """The INVITE's header fields."""
        return self._transaction.request.headers

    @property
    def can_ring_reliably(self) -> bool:
        """Whether the caller acknowledges provisional responses (100rel)."""
        headers = self.headers
        return "100rel" in headers.tokens("Supported") | headers.tokens("Require")

    def ring(
        self,
        now: float,
        status: int = 180,
        sdp: bytes = b"",
        headers: Fields = (),
        *,
        reliable: bool = False,
    ) -> None:
        """A provisional response: 180, or 183 with early media.

        `reliable` has it repeated until its PRACK; so it is also where the caller requires that (RFC 3262).
        A description sent reliably is our answer, or our offer where the INVITE had none.
        """
        self._expect_unanswered(f"{status}")
        if not 101 <= status <= 199:
            raise LocalProtocolError(f"{status} is not provisional")
        if reliable and not self.can_ring_reliably:
            raise LocalProtocolError("the caller does not support 100rel")
        reliable = reliable or "100rel" in self.headers.tokens("Require")
        self.state = CallState.RINGING
        if reliable and self._has_described:
            sdp = b""  # what was said reliably is not said again: it would be a new offer (RFC 3262 §5)
        if sdp:
            self.session.local = sdp
        lines = [self.contact, ALLOW, SUPPORTED, *headers, *([SDP_TYPE] if sdp else [])]
        if reliable:
            self._has_described = self._has_described or bool(sdp)
            self._reliable.send(status, lines, sdp, now)
        else:
            self.core.reply(self._transaction, status, now, headers=lines, body=sdp)
        self.core.alarms.cancel(self._ringing)
        self._ringing = self.core.alarms.set(
            now + KEEP_RINGING_S, lambda at: self.ring(at, status, sdp, headers, reliable=reliable)
        )

    def answer(self, sdp: bytes, now: float, headers: Fields = ()) -> None:
        """Pick up: a 200 with our description, until its ACK comes.

        It waits for the PRACK of a description sent before; then that one holds, and `sdp` is not sent.
        """
        self._expect_unanswered("200")
        if self._reliable.keeps_answer_back:
            self._answer = sdp, headers
            return
        self._answer = None
        self._stop_ringing()
        self.state = CallState.ANSWERED
        if self._has_described:
            sdp = b""
        else:
            self.session.local = sdp
        self.accept_invite(self._transaction, sdp, headers, now)

    def refuse(self, status: int, reason: str | None, now: float, headers: Fields = ()) -> None:
        """No: 486, 603, 302 with a Contact field, 401 with a challenge, ..."""
        self._expect_unanswered(f"{status}")
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"{status} is not a refusal")
        self._close(status, reason, now, headers)

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """BYE after the answer; before it, a 480."""
        if self.is_answered:
            self._hang_up_answered(now, reason)
        elif self.state in (CallState.CALLING, CallState.RINGING):
            self._close(480, reason, now)

    def _close(self, status: int, reason: str | None, now: float, headers: Fields = ()) -> None:
        self._stop_ringing()
        self.state = CallState.ENDED
        self.core.reply(self._transaction, status, now, reason, headers)
        self._transaction.on_cancel = None
        self._forget()

    def _stop_ringing(self) -> None:
        self.core.alarms.cancel(self._ringing)
        self._reliable.stop()

    def _on_cancelled(self, now: float) -> None:
        """§9.2: the CANCEL was answered by the endpoint; the INVITE gets its 487."""
        self._close(487, None, now)
        self.core.emit(events.Cancelled(self))

    def _on_bye(self, transaction: ServerTransaction, now: float) -> None:
        super()._on_bye(transaction, now)
        if self.state in (CallState.CALLING, CallState.RINGING):
            # §15.1.2: a caller may end an early dialog with a BYE.
            self._close(487, None, now)
            self.core.emit(events.Cancelled(self, reason_text(transaction.request.headers)))

    def _expect_unanswered(self, what: str) -> None:
        if self.state not in (CallState.CALLING, CallState.RINGING) or self._answer is not None:
            raise LocalProtocolError(f"{what} to an INVITE that is {self.state}")

    # --- PRACK ----------------------------------------------------------------------------------------

    def _on_prack(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        """RFC 3262 §3 and §5: it may bring the answer to our offer, or an offer after our answer."""
        try:
            rack = rack_of(transaction.request)
        except SipParseError as error:
            self.core.reply(transaction, 400, now, str(error))
            return
        acknowledged = self._reliable.acknowledge(rack, now)
        if acknowledged is None:
            self.core.reply(transaction, 481, now)
            return
        self._is_described = self._is_described or bool(acknowledged)
        self._take_description(transaction, dialog, acknowledged, now)
        self._reliable.go_on(now)
        if self._answer is not None and not self._reliable.keeps_answer_back:
            (sdp, headers), self._answer = self._answer, None
            self.answer(sdp, now, headers)
        self.changes.proceed(now)

    def _take_description(
        self, transaction: ServerTransaction, dialog: Dialog, acknowledged: bytes, now: float
    ) -> None:
        brought = transaction.request.sdp
        if not brought:
            self.core.reply(transaction, 200, now)
        elif acknowledged and not self._transaction.request.sdp:
            self.core.reply(transaction, 200, now)
            self.session.remote = brought
            self.core.emit(events.Acknowledged(self, brought, self.flow))
        elif (answered := self.session.answer_again(brought)) is None:
            self.core.reply(transaction, 488, now)
        else:
            self.core.reply(transaction, 200, now, headers=[SDP_TYPE], body=answered)
            self.theirs.take_offer(dialog, brought, answered, "PRACK")

    def _on_no_prack(self, now: float) -> None:
        """RFC 3262 §3: 64*T1 without a PRACK end the attempt."""
        self._close(504, None, now)
        self.core.emit(events.Cancelled(self, "no PRACK"))

    # --- before the answer ----------------------------------------------------------------------------

    def dialog_for_changes(self) -> Dialog | None:
        if self.state is CallState.RINGING and self._is_described and self.allows("UPDATE"):
            return self.dialog if self._answer is None else None
        return super().dialog_for_changes()

    def is_owed_an_answer(self, dialog: Dialog) -> bool:
        """Our offer in a reliable response is open until its PRACK."""
        if self.is_answered:
            return super().is_owed_an_answer(dialog)
        made_offer = self._has_described and not self._transaction.request.sdp
        return self.changes.is_offering or (made_offer and not self._is_described)

    def owes_an_answer(self, dialog: Dialog) -> bool:
        """The INVITE's offer is open until our answer was acknowledged."""
        if self.is_answered:
            return super().owes_an_answer(dialog)
        return not self._is_described
