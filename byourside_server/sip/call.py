"""A call once it is a dialog: what both directions share, from the answer to the BYE.

Owners call the verbs and hear `events`. Calls leave datagrams and events on the endpoint's `Core`. How a
call comes about is in `outgoing` and `incoming`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Literal

from byourside_server.sip import events
from byourside_server.sip.awaited_ack import AwaitedAck
from byourside_server.sip.core import ALLOW, ALLOWED_METHODS, Core
from byourside_server.sip.credentials import CHALLENGE_STATUSES, Credentials
from byourside_server.sip.dialog import Dialog
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.grammar import parse_name_addr
from byourside_server.sip.hop import Hop
from byourside_server.sip.message import Request, Response
from byourside_server.sip.reason import encode_reason, q850_cause, reason_text
from byourside_server.sip.refer import VERDICT_TIMEOUT_S, final_status, is_about_refer, refer_headers
from byourside_server.sip.session import Session
from byourside_server.sip.timers import Alarm
from byourside_server.sip.transaction import ClientTransaction, ServerTransaction

Fields = Sequence[tuple[str, str]]
SDP_TYPE = ("Content-Type", "application/sdp")
# A request is sent again with credentials this often: once for a proxy, once for the server behind it.
MAX_CHALLENGES = 2


class CallState(StrEnum):
    CALLING = "calling"
    RINGING = "ringing"
    # We hung up before the answer, and the far side does not know yet.
    CANCELLING = "cancelling"
    ANSWERED = "answered"
    ENDED = "ended"


class SipCall:
    """One call, as its owner holds it."""

    def __init__(
        self,
        core: Core,
        sip_call_id: str,
        local_tag: str,
        user: str,
        credentials: Credentials,
        hop: Hop,
        *,
        scheme: str = "sip",
    ) -> None:
        self.sip_call_id = sip_call_id
        self.state = CallState.CALLING
        # Free for the owner.
        self.handle: object = None
        # False: the owner hears Reinvited and calls accept_reinvite or refuse_reinvite itself.
        self.answers_reinvites = True
        self._core = core
        self._local_tag = local_tag
        self._contact = ("Contact", core.contact(user, hop, scheme=scheme))
        # Hosts whose responses were taken in: they may also ask (`sources`).
        self.heard_from: set[str] = set()
        self._credentials = credentials
        self._session = Session()
        self._dialog: Dialog | None = None
        # INVITEs we answered 2xx, by CSeq number, until acknowledged.
        self._awaited: dict[int, AwaitedAck] = {}
        self._reinvite: ServerTransaction | None = None
        self._bye_after_ack: str | None = None
        # Set while a REFER of ours has no verdict yet.
        self._referring: Alarm | None = None
        core.calls[sip_call_id, local_tag] = self

    @property
    def remote_sdp(self) -> bytes:
        """Their latest session description, or b""."""
        return self._session.remote

    @property
    def local_sdp(self) -> bytes:
        """Our latest session description."""
        return self._session.local

    # --- verbs ------------------------------------------------------------------------------------

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """End the call, whatever its state. The farewell is finished in the background."""
        raise NotImplementedError

    def send_message(self, body: bytes, content_type: str, now: float) -> bool:
        """A MESSAGE inside the call (RFC 3428). False where the call is over and nobody would read it."""
        return self._send_inside("MESSAGE", body, content_type, now)

    def send_info(self, body: bytes, content_type: str, now: float) -> bool:
        """An INFO inside the call (RFC 6086). False where the call is over."""
        return self._send_inside("INFO", body, content_type, now)

    def refer(self, target_uri: str, now: float) -> None:
        """Ask the far side to call `target_uri` in our place (RFC 3515); `Referred` says what came of it.

        On a call that is over nothing is asked and nothing told.
        """
        if self.state is CallState.ENDED:
            return
        if self.state is not CallState.ANSWERED or self._dialog is None:
            raise LocalProtocolError("REFER on a call that is not answered")
        if self._referring is not None:
            raise LocalProtocolError("a REFER is under way")
        self._referring = self._core.alarms.set(now + VERDICT_TIMEOUT_S, lambda at: self._on_verdict(408))
        headers = refer_headers(target_uri, parse_name_addr(self._dialog.local).uri)
        # The Contact is where the NOTIFYs go: REFER refreshes the target (RFC 3515 §2.1).
        self._request(self._dialog, "REFER", now, self._on_refer_answered, [self._contact, *headers])

    def accept_reinvite(self, sdp: bytes, now: float) -> None:
        """Answer their re-INVITE with this description."""
        transaction, dialog = self._pending_reinvite()
        dialog.refresh_target(transaction.request)
        self._session.local = sdp
        self._reinvite = None
        self._accept(transaction, sdp, (), now)

    def refuse_reinvite(self, now: float, status: int = 488) -> None:
        """Refuse their re-INVITE; the session stays as it is (§14.2)."""
        transaction, _ = self._pending_reinvite()
        self._reinvite = None
        self._core.reply(transaction, status, now)

    # --- requests of ours inside the dialog ---------------------------------------------------------

    def _send_inside(self, method: str, body: bytes, content_type: str, now: float) -> bool:
        if self.state is CallState.ENDED:
            return False
        if self.state is not CallState.ANSWERED or self._dialog is None:
            raise LocalProtocolError(f"{method} before the call is answered")

        def done(response: Response | None, at: float) -> None:
            if response is not None and response.status < 300:
                return
            status, reason = (response.status, response.reason) if response else (408, "Request Timeout")
            if self.state is CallState.ANSWERED:
                self._core.emit(events.RequestFailed(self, method, status, reason))

        self._request(self._dialog, method, now, done, [("Content-Type", content_type)], body)
        return True

    def _request(
        self,
        dialog: Dialog,
        method: str,
        now: float,
        done: Callable[[Response | None, float], None],
        headers: Fields = (),
        body: bytes = b"",
        challenges: int = 0,
    ) -> None:
        """Send a request in `dialog`, with credentials if asked for them; `done` hears the last word."""
        uri, lines = self._lines(dialog, method, dialog.next_cseq())
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
                self._request(dialog, method, at, done, headers, body, challenges + 1)
                return
            done(response, at)

        self._core.request(request, dialog.destination, tell, now)

    def _lines(self, dialog: Dialog, method: str, number: int) -> tuple[str, list[tuple[str, str]]]:
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
        if method == "INVITE":
            lines += [self._contact, ALLOW]
        return uri, lines

    def _on_refer_answered(self, response: Response | None, now: float) -> None:
        """2xx: they will try, and say in NOTIFYs how it went. Anything else is the verdict."""
        if response is None or response.status >= 300:
            self._on_verdict(response.status if response else 408)

    def _on_verdict(self, status: int) -> None:
        alarm, self._referring = self._referring, None
        self._core.alarms.cancel(alarm)
        if alarm is not None and self.state is CallState.ANSWERED:
            self._core.emit(events.Referred(self, status))

    def _bye(self, dialog: Dialog, now: float, reason: str | None) -> None:
        """Say goodbye in the background. Whatever comes back, or nothing, the call is over (§15.1.1)."""
        headers = [("Reason", encode_reason(reason))] if reason else []
        self._request(dialog, "BYE", now, lambda response, at: self._forget(), headers)

    # --- the end ------------------------------------------------------------------------------------

    def _hang_up_answered(self, now: float, reason: str | None) -> None:
        """BYE, at once or after the ACK: the callee may not speak before it (§15)."""
        self._over("local", reason)
        if self._awaited:
            self._bye_after_ack = reason or ""
        elif self._dialog is not None:
            self._bye(self._dialog, now, reason)

    def _over(self, by: Literal["remote", "local"], reason: str | None, cause: int | None = None) -> None:
        self.state = CallState.ENDED
        self._core.alarms.cancel(self._referring)
        self._core.emit(events.HungUp(self, by, reason, cause))

    def _forget(self) -> None:
        """Leave the books; requests that still come get a 481."""
        for awaited in self._awaited.values():
            awaited.stop()
        self._awaited.clear()
        self._core.calls.pop((self.sip_call_id, self._local_tag), None)

    # --- requests of theirs -------------------------------------------------------------------------

    def _dialog_of(self, request: Request) -> Dialog | None:
        """The dialog a request of theirs belongs to, by its From tag."""
        dialog = self._dialog
        return dialog if dialog is not None and dialog.remote_tag == (request.from_.tag or "") else None

    def expects(self, request: Request, source: Hop) -> bool:
        """Whether a request with our tags may come from there; one of no dialog is refused for that."""
        dialog = self._dialog_of(request)
        return dialog is None or self._core.sources.may_speak(dialog, self.heard_from, source)

    def receive_request(self, transaction: ServerTransaction, now: float) -> None:
        """Deal with a request that carries this call's tags."""
        request = transaction.request
        dialog = self._dialog_of(request)
        if dialog is None:
            self._core.reply(transaction, 481, now)
        elif not dialog.takes_cseq(request.cseq[0]):
            # §12.2.2
            self._core.reply(transaction, 500, now, headers=[("Retry-After", "1")])
        elif request.method == "BYE":
            self._on_bye(transaction, now)
        elif self.state is CallState.ENDED:
            self._core.reply(transaction, 481, now)
        elif request.method == "INVITE":
            self._on_reinvite(transaction, now)
        elif request.method in _TEXT_EVENTS:
            self._core.reply(transaction, 200, now)
            content_type = request.headers.get("Content-Type") or ""
            self._core.emit(_TEXT_EVENTS[request.method](self, request.body, content_type))
        elif request.method == "NOTIFY":
            self._on_notify(transaction, now)
        elif request.method == "OPTIONS":
            self._core.reply(transaction, 200, now, headers=[ALLOW, ("Accept", "application/sdp")])
        else:
            assert request.method not in ALLOWED_METHODS, f"{request.method} has no handler"
            self._core.reply(transaction, 405, now, headers=[ALLOW])

    def _on_bye(self, transaction: ServerTransaction, now: float) -> None:
        self._core.reply(transaction, 200, now)
        if self._reinvite is not None:
            # §15.1.2: what is pending in the dialog ends with it.
            self.refuse_reinvite(now, 487)
        if self.state is CallState.ANSWERED:
            headers = transaction.request.headers
            self._over("remote", reason_text(headers), q850_cause(headers))
            self._forget()
        elif self._bye_after_ack is not None:
            self._forget()

    def _on_notify(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 6665 §4.1.3: there is no subscription but the one that a REFER of ours made."""
        if self._referring is None or not is_about_refer(transaction.request):
            self._core.reply(transaction, 481, now)
            return
        self._core.reply(transaction, 200, now)
        status = final_status(transaction.request)
        if status is not None:
            self._on_verdict(status)

    def _on_reinvite(self, transaction: ServerTransaction, now: float) -> None:
        if self.state is not CallState.ANSWERED or self._reinvite is not None:
            # §14.2: a second INVITE before the first is finally answered.
            self._core.reply(transaction, 500, now, headers=[("Retry-After", "1")])
            return
        self._reinvite = transaction
        transaction.on_cancel = self._on_reinvite_cancelled
        offered = transaction.request.sdp
        if self.answers_reinvites:
            answered = self._session.answer_again(offered)
            if answered is None:
                self.refuse_reinvite(now)
                return
            self.accept_reinvite(answered, now)
        else:
            self._core.reply(transaction, 100, now)
        if offered:
            self._session.remote = offered
        self._core.emit(events.Reinvited(self, offered, self.answers_reinvites))

    def _on_reinvite_cancelled(self, now: float) -> None:
        if self._reinvite is not None:
            self.refuse_reinvite(now, 487)

    def _pending_reinvite(self) -> tuple[ServerTransaction, Dialog]:
        if self._reinvite is None or self._dialog is None:
            raise LocalProtocolError("no re-INVITE is waiting for an answer")
        return self._reinvite, self._dialog

    def _accept(self, transaction: ServerTransaction, sdp: bytes, headers: Fields, now: float) -> None:
        """A 200 to an INVITE, first or later, sent until acknowledged."""
        transaction.on_cancel = None
        lines = [self._contact, ALLOW, *headers, *([SDP_TYPE] if sdp else [])]
        response = self._core.reply(transaction, 200, now, headers=lines, body=sdp)
        number, _ = transaction.request.cseq
        self._awaited[number] = AwaitedAck(
            self._core.alarms, transaction, response, lambda at: self._on_no_ack(number, at), now
        )

    def receive_ack(self, request: Request, now: float) -> None:
        """The ACK of a 2xx of ours; a second one is absorbed."""
        awaited = self._awaited.pop(request.cseq[0], None)
        if awaited is None:
            return
        awaited.stop()
        if request.sdp:
            # Their answer to an offer that stood in our 2xx.
            self._session.remote = request.sdp
            if self.state is CallState.ANSWERED:
                self._core.emit(events.Acknowledged(self, request.sdp))
        self._say_delayed_bye(now)

    def _on_no_ack(self, number: int, now: float) -> None:
        """§13.3.1.4: without ACK the dialog stands, but the session should be ended with a BYE."""
        self._awaited.pop(number, None)
        if self.state is CallState.ANSWERED:
            self._hang_up_answered(now, "no ACK")
        else:
            self._say_delayed_bye(now)

    def _say_delayed_bye(self, now: float) -> None:
        if self._bye_after_ack is not None and not self._awaited and self._dialog is not None:
            reason, self._bye_after_ack = self._bye_after_ack, None
            self._bye(self._dialog, now, reason or None)


_TEXT_EVENTS: dict[str, type[events.MessageReceived] | type[events.InfoReceived]] = {
    "MESSAGE": events.MessageReceived,
    "INFO": events.InfoReceived,
}
