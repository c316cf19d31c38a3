"""A call once it is a dialog: what both directions share, from the answer to the BYE.

Owners call the verbs and hear `events`. Calls leave datagrams and events on the endpoint's `Core`. How a
call comes about is in `outgoing` and `incoming`, our own changes to it in `changes`, theirs in `theirs`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from byourside_server.sip import events
from byourside_server.sip.awaited_ack import AwaitedAck
from byourside_server.sip.changes import Changes, Wish
from byourside_server.sip.core import ALLOW, ALLOWED_METHODS, SUPPORTED, Core
from byourside_server.sip.credentials import Credentials
from byourside_server.sip.dialog import Dialog
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.flow import Flow
from byourside_server.sip.hop import Hop
from byourside_server.sip.keys import RELAY_TYPE, KeyPresses, relay
from byourside_server.sip.message import Request, Response, SipMessage
from byourside_server.sip.reason import encode_reason, q850_cause, reason_text
from byourside_server.sip.referral import Referral
from byourside_server.sip.requests import SDP_TYPE, Fields, Requests
from byourside_server.sip.session import Session
from byourside_server.sip.session_timer import SessionTimer
from byourside_server.sip.theirs import Theirs
from byourside_server.sip.transaction import ServerTransaction

# RFC 3261 §12.2.1.2 and RFC 5057 §5.1: after these, or silence, the far side has no such call any more.
_GONE = frozenset({408, 481})
# Their silence means nothing for the call: text may find no reader, and a REFER may wait for a person.
_MAY_BE_IGNORED = frozenset({"MESSAGE", "REFER"})


class CallState(StrEnum):
    CALLING = "calling"
    RINGING = "ringing"
    # We hung up before the answer, and the far side does not know yet.
    CANCELLING = "cancelling"
    ANSWERED = "answered"
    ENDED = "ended"


class SipCall:
    """One call, as its owner holds it. Attributes without a verb are for the files of this room."""

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
        owns_call_id: bool,
    ) -> None:
        self.sip_call_id = sip_call_id
        self.state = CallState.CALLING
        # Free for the owner.
        self.handle: object = None
        # False: the owner hears Reinvited and calls accept_reinvite or refuse_reinvite itself.
        self.answers_reinvites = True
        # True: the owner hears ReferReceived and tells what comes of it; else a REFER is declined.
        self.takes_referrals = False
        self.core = core
        self.contact = ("Contact", core.contact(user, hop, scheme=scheme))
        # Hosts whose responses were taken in: they may also ask (`sources`).
        self.heard_from: set[str] = set()
        self.credentials = credentials
        self.requests = Requests(core, credentials, self.contact)
        self.session = Session()
        self.dialog: Dialog | None = None
        self.timer = SessionTimer(core.alarms, self._refresh, self._on_expired)
        self.changes = Changes(self, owns_call_id=owns_call_id)
        self.theirs = Theirs(self)
        self._local_tag = local_tag
        self._referral = Referral(self)
        self._keys = KeyPresses(core.alarms, self._press_key)
        # INVITEs we answered 2xx, by CSeq number, until acknowledged; and those of them that made an offer.
        self._awaited: dict[int, AwaitedAck] = {}
        self._offered_in_2xx: set[int] = set()
        self._bye_after_ack: str | None = None
        self._their_methods: frozenset[str] = frozenset()
        core.calls[sip_call_id, local_tag] = self

    @property
    def remote_sdp(self) -> bytes:
        """Their latest session description, or b""."""
        return self.session.remote

    @property
    def local_sdp(self) -> bytes:
        """Our latest session description."""
        return self.session.local

    @property
    def flow(self) -> Flow:
        """Who may send sound now: holds of either side, by the latest descriptions."""
        return self.session.flow

    @property
    def is_answered(self) -> bool:
        return self.state is CallState.ANSWERED

    @property
    def is_over(self) -> bool:
        return self.state is CallState.ENDED

    def allows(self, method: str) -> bool:
        """Whether they said that they take such requests (their last Allow field)."""
        return method in self._their_methods

    # --- verbs ------------------------------------------------------------------------------------

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """End the call, whatever its state. The farewell is finished in the background."""
        raise NotImplementedError

    def hold(self, now: float) -> None:
        """Ask them to send no sound (RFC 3264 §8.4); `Reoffered` says what came of it."""
        self._change(Wish("hold"), now)

    def resume(self, now: float) -> None:
        """Take them off our hold; they may still hold us."""
        self._change(Wish("resume"), now)

    def reoffer(self, sdp: bytes, now: float) -> None:
        """Offer another description, under our origin and its next version; `Reoffered` says the answer.

        Before the answer by UPDATE, once they allow it and the first descriptions are exchanged; after it by
        re-INVITE. A change that can't be sent yet waits. On a call that is over nothing is asked.
        """
        self._change(Wish("offer", sdp), now)

    def send_message(self, body: bytes, content_type: str, now: float) -> bool:
        """A MESSAGE inside the call (RFC 3428). False where the call is over and nobody would read it."""
        return self._send_inside("MESSAGE", body, content_type, now)

    def send_info(self, body: bytes, content_type: str, now: float) -> bool:
        """An INFO inside the call (RFC 6086). False where the call is over."""
        return self._send_inside("INFO", body, content_type, now)

    def press(self, keys: str, now: float) -> None:
        """Telephone keys by INFO, one after the other; where RFC 4733 is agreed on, sound does it better."""
        if self.is_answered:
            self._keys.add(keys, now)

    def refer(self, target_uri: str, now: float, *, subscribe: bool = True) -> None:
        """Ask the far side to call `target_uri` in our place (RFC 3515); `Referred` says what came of it.

        On a call that is over nothing is asked and nothing told.
        """
        if self.state is CallState.ENDED:
            return
        if not self.is_answered or self.dialog is None:
            raise LocalProtocolError("REFER on a call that is not answered")
        self._referral.ask(self.dialog, target_uri, now, subscribe=subscribe)

    def notify_refer(self, status: int, now: float) -> None:
        """Tell what became of their REFER: 180 while it rings, 200 once they talk, else why not."""
        if self.is_answered:
            self._referral.tell(status, now)

    def accept_reinvite(self, sdp: bytes, now: float) -> None:
        """Answer their re-INVITE with this description."""
        self.theirs.accept(sdp, now)

    def refuse_reinvite(self, now: float, status: int = 488) -> None:
        """Refuse their re-INVITE; the session stays as it is (§14.2)."""
        self.theirs.refuse(now, status)

    # --- requests of ours inside the dialog ---------------------------------------------------------

    def _change(self, wish: Wish, now: float) -> None:
        if self.state not in (CallState.ENDED, CallState.CANCELLING):
            self.changes.ask(wish, now)

    def _send_inside(self, method: str, body: bytes, content_type: str, now: float) -> bool:
        if self.state is CallState.ENDED:
            return False
        if not self.is_answered or self.dialog is None:
            raise LocalProtocolError(f"{method} before the call is answered")

        def done(request: Request, response: Response | None, at: float) -> None:
            if response is not None and response.status < 300:
                return
            status, reason = (response.status, response.reason) if response else (408, "Request Timeout")
            if self.is_answered:
                self.core.emit(events.RequestFailed(self, method, status, reason))
            self.check_dialog(method, response, at)

        self.requests.send(self.dialog, method, now, done, [("Content-Type", content_type)], body)
        return True

    def _press_key(self, key: str, now: float) -> None:
        if not self.is_answered or self.dialog is None:
            return

        def done(request: Request, response: Response | None, at: float) -> None:
            if self.check_dialog("INFO", response, at):
                self._keys.go_on(at)

        self.requests.send(self.dialog, "INFO", now, done, [("Content-Type", RELAY_TYPE)], relay(key))

    def check_dialog(self, method: str, response: Response | None, now: float) -> bool:
        """False where an answer, or its absence, says that the far side knows the call no more: it ends."""
        is_gone = response is None or response.status in _GONE
        if is_gone and method in _MAY_BE_IGNORED and (response is None or response.status != 481):
            is_gone = False
        if is_gone and self.is_answered:
            why = "no answer" if response is None else f"{response.status}"
            self._hang_up_answered(now, f"{why} to {method}", by="network")
        return not is_gone

    def dialog_for_changes(self) -> Dialog | None:
        """The dialog in which an offer of ours may go now, or None while one is in the way (§14.1)."""
        is_free = self.is_answered and not self._awaited and not self.theirs.is_pending
        return self.dialog if is_free else None

    def is_owed_an_answer(self, dialog: Dialog) -> bool:
        """Whether an offer of ours is open in that dialog."""
        return self.changes.is_offering or self.offers_in_2xx

    def owes_an_answer(self, dialog: Dialog) -> bool:
        """Whether an offer of theirs is open in that dialog."""
        return self.theirs.is_pending

    def note_offer(self, dialog: Dialog, offered: bytes) -> None:
        """An offer of theirs was answered there."""

    def learn_manners(self, message: SipMessage) -> None:
        """What they say they take."""
        methods = message.headers.values("Allow")
        if methods:
            self._their_methods = frozenset(methods)

    def _refresh(self, now: float) -> None:
        """RFC 4028 §10: a sign of life is due from us."""
        self.changes.ask(Wish("refresh"), now)

    def _on_expired(self, now: float) -> None:
        """RFC 4028 §10: no refresh came through, so there is nobody there."""
        if self.is_answered:
            self._hang_up_answered(now, "session expired", by="network")

    def _bye(self, dialog: Dialog, now: float, reason: str | None) -> None:
        """Say goodbye in the background. Whatever comes back, or nothing, the call is over (§15.1.1)."""
        headers = [("Reason", encode_reason(reason))] if reason else []
        self.requests.send(dialog, "BYE", now, lambda request, response, at: self._forget(), headers)

    # --- the end ------------------------------------------------------------------------------------

    def _hang_up_answered(
        self, now: float, reason: str | None, by: Literal["local", "network"] = "local"
    ) -> None:
        """BYE, at once or after the ACK: the callee may not speak before it (§15)."""
        self._over(by, reason)
        if self._awaited:
            self._bye_after_ack = reason or ""
        elif self.dialog is not None:
            self._bye(self.dialog, now, reason)

    def _over(
        self, by: Literal["remote", "local", "network"], reason: str | None, cause: int | None = None
    ) -> None:
        self.state = CallState.ENDED
        self._stop()
        self.core.emit(events.HungUp(self, by, reason, cause))

    def _stop(self) -> None:
        for part in (self.timer, self.changes, self._referral, self._keys):
            part.stop()

    def _forget(self) -> None:
        """Leave the books; requests that still come get a 481."""
        self._stop()
        for awaited in self._awaited.values():
            awaited.stop()
        self._awaited.clear()
        self.core.calls.pop((self.sip_call_id, self._local_tag), None)

    # --- requests of theirs -------------------------------------------------------------------------

    def _dialog_of(self, request: Request) -> Dialog | None:
        """The dialog a request of theirs belongs to, by its From tag."""
        dialog = self.dialog
        return dialog if dialog is not None and dialog.remote_tag == (request.from_.tag or "") else None

    def expects(self, request: Request, source: Hop) -> bool:
        """Whether a request with our tags may come from there; one of no dialog is refused for that."""
        dialog = self._dialog_of(request)
        return dialog is None or self.core.sources.may_speak(dialog, self.heard_from, source)

    def receive_request(self, transaction: ServerTransaction, now: float) -> None:
        """Deal with a request that carries this call's tags."""
        request = transaction.request
        dialog = self._dialog_of(request)
        if dialog is None:
            self.core.reply(transaction, 481, now)
        elif not dialog.takes_cseq(request.cseq[0]):
            # §12.2.2
            self.core.reply(transaction, 500, now, headers=[("Retry-After", "1")])
        elif request.method == "BYE":
            self._on_bye(transaction, now)
        elif self.state is CallState.ENDED:
            self.core.reply(transaction, 481, now)
        else:
            self._receive_in_call(transaction, dialog, now)

    def _receive_in_call(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        request = transaction.request
        match request.method:
            case "INVITE":
                self.theirs.receive_invite(transaction, dialog, now)
            case "UPDATE":
                self.theirs.receive_update(transaction, dialog, now)
            case "PRACK":
                self._on_prack(transaction, dialog, now)
            case "MESSAGE" | "INFO":
                self.core.reply(transaction, 200, now)
                content_type = request.headers.get("Content-Type") or ""
                self.core.emit(_TEXT_EVENTS[request.method](self, request.body, content_type))
            case "NOTIFY":
                self._referral.on_notify(transaction, now)
            case "REFER":
                self._referral.receive(transaction, dialog, now)
            case "OPTIONS":
                headers = [ALLOW, SUPPORTED, ("Accept", "application/sdp")]
                self.core.reply(transaction, 200, now, headers=headers)
            case method:
                assert method not in ALLOWED_METHODS, f"{method} has no handler"
                self.core.reply(transaction, 405, now, headers=[ALLOW])

    def _on_prack(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        """RFC 3262 §3: a PRACK that matches no response of ours."""
        self.core.reply(transaction, 481, now)

    def _on_bye(self, transaction: ServerTransaction, now: float) -> None:
        self.core.reply(transaction, 200, now)
        # §15.1.2: what is pending in the dialog ends with it.
        self.theirs.end(now)
        if self.is_answered:
            headers = transaction.request.headers
            self._over("remote", reason_text(headers), q850_cause(headers))
            self._forget()
        elif self._bye_after_ack is not None:
            self._forget()

    # --- our 2xx and its ACK --------------------------------------------------------------------------

    @property
    def offers_in_2xx(self) -> bool:
        """An offer of ours stands in a 2xx, and its answer is to come in the ACK."""
        return bool(self._offered_in_2xx)

    def accept_invite(self, transaction: ServerTransaction, sdp: bytes, headers: Fields, now: float) -> None:
        """A 200 to an INVITE, first or later, sent until acknowledged."""
        transaction.on_cancel = None
        lines = [self.contact, ALLOW, SUPPORTED, *self.timer.answering(transaction.request, now)]
        lines += [*headers, *([SDP_TYPE] if sdp else [])]
        response = self.core.reply(transaction, 200, now, headers=lines, body=sdp)
        number, _ = transaction.request.cseq
        if sdp and not transaction.request.sdp:
            self._offered_in_2xx.add(number)
        self._awaited[number] = AwaitedAck(
            self.core.alarms, transaction, response, lambda at: self._on_no_ack(number, at), now
        )

    def receive_ack(self, request: Request, now: float) -> None:
        """The ACK of a 2xx of ours; a second one is absorbed."""
        number, _ = request.cseq
        awaited = self._awaited.pop(number, None)
        if awaited is None:
            return
        awaited.stop()
        self._offered_in_2xx.discard(number)
        if request.sdp:
            # Their answer to an offer that stood in our 2xx.
            self.session.remote = request.sdp
            if self.is_answered:
                self.core.emit(events.Acknowledged(self, request.sdp, self.flow))
        self._say_delayed_bye(now)
        self.changes.proceed(now)

    def _on_no_ack(self, number: int, now: float) -> None:
        """§13.3.1.4: without ACK the dialog stands, but the session should be ended with a BYE."""
        self._awaited.pop(number, None)
        self._offered_in_2xx.discard(number)
        if self.is_answered:
            self._hang_up_answered(now, "no ACK")
        else:
            self._say_delayed_bye(now)

    def _say_delayed_bye(self, now: float) -> None:
        if self._bye_after_ack is not None and not self._awaited and self.dialog is not None:
            reason, self._bye_after_ack = self._bye_after_ack, None
            self._bye(self.dialog, now, reason or None)


_TEXT_EVENTS: dict[str, type[events.MessageReceived] | type[events.InfoReceived]] = {
    "MESSAGE": events.MessageReceived,
    "INFO": events.InfoReceived,
}
