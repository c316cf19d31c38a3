"""A call placed to us: ring, answer or refuse. RFC 3261 §13.3."""

from __future__ import annotations

from byourside_server.sip import events
from byourside_server.sip.call import SDP_TYPE, CallState, Fields, SipCall
from byourside_server.sip.core import ALLOW, Core
from byourside_server.sip.credentials import Credentials
from byourside_server.sip.dialog import dialog_of_request
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.message import Headers
from byourside_server.sip.reason import reason_text
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
        credentials = Credentials(None, None, core.token)
        super().__init__(
            core, request.call_id, transaction.to_tag, to_user, credentials, transaction.source, scheme=scheme
        )
        self._dialog = dialog
        self._session.remote = request.sdp
        self._transaction = transaction
        self._ringing: Alarm | None = None
        transaction.on_cancel = self._on_cancelled

    @property
    def headers(self) -> Headers:
        """The INVITE's header fields."""
        return self._transaction.request.headers

    def ring(self, now: float, status: int = 180, sdp: bytes = b"", headers: Fields = ()) -> None:
        """A provisional response: 180, or 183 with early media."""
        self._expect_unanswered(f"{status}")
        if not 101 <= status <= 199:
            raise LocalProtocolError(f"{status} is not provisional")
        self.state = CallState.RINGING
        if sdp:
            self._session.local = sdp
        lines = [self._contact, ALLOW, *headers, *([SDP_TYPE] if sdp else [])]
        self._core.reply(self._transaction, status, now, headers=lines, body=sdp)
        self._core.alarms.cancel(self._ringing)
        self._ringing = self._core.alarms.set(
            now + KEEP_RINGING_S, lambda at: self.ring(at, status, sdp, headers)
        )

    def answer(self, sdp: bytes, now: float, headers: Fields = ()) -> None:
        """Pick up: a 200 with our description, until its ACK comes."""
        self._expect_unanswered("200")
        self._core.alarms.cancel(self._ringing)
        self.state = CallState.ANSWERED
        self._session.local = sdp
        self._accept(self._transaction, sdp, headers, now)

    def refuse(self, status: int, reason: str | None, now: float, headers: Fields = ()) -> None:
        """No: 486, 603, 302 with a Contact field, 401 with a challenge, ..."""
        self._expect_unanswered(f"{status}")
        if not 300 <= status <= 699:
            raise LocalProtocolError(f"{status} is not a refusal")
        self._close(status, reason, now, headers)

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """BYE after the answer; before it, a 480."""
        if self.state is CallState.ANSWERED:
            self._hang_up_answered(now, reason)
        elif self.state in (CallState.CALLING, CallState.RINGING):
            self._close(480, reason, now)

    def _close(self, status: int, reason: str | None, now: float, headers: Fields = ()) -> None:
        self._core.alarms.cancel(self._ringing)
        self.state = CallState.ENDED
        self._core.reply(self._transaction, status, now, reason, headers)
        self._transaction.on_cancel = None
        self._forget()

    def _on_cancelled(self, now: float) -> None:
        """§9.2: the CANCEL was answered by the endpoint; the INVITE gets its 487."""
        self._close(487, None, now)
        self._core.emit(events.Cancelled(self))

    def _on_bye(self, transaction: ServerTransaction, now: float) -> None:
        super()._on_bye(transaction, now)
        if self.state in (CallState.CALLING, CallState.RINGING):
            # §15.1.2: a caller may end an early dialog with a BYE.
            self._close(487, None, now)
            self._core.emit(events.Cancelled(self, reason_text(transaction.request.headers)))

    def _expect_unanswered(self, what: str) -> None:
        if self.state not in (CallState.CALLING, CallState.RINGING):
            raise LocalProtocolError(f"{what} to an INVITE that is {self.state}")
