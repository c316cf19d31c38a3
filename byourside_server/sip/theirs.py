"""What the far side wants changed: its re-INVITEs and UPDATEs, answered or refused, and who must wait.

RFC 3261 §14.2, RFC 3311 §5.2. Changes of our own are in `changes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from byourside_server.sip import events
from byourside_server.sip.core import ALLOW, SUPPORTED
from byourside_server.sip.dialog import Dialog
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.requests import SDP_TYPE
from byourside_server.sip.transaction import ServerTransaction

if TYPE_CHECKING:
    from byourside_server.sip.call import SipCall

# §14.2 and RFC 3311 §5.2: a 500 asks to come again after a random 0 to 10 s.
_MOST_WAIT_S = 10


class Theirs:
    """The changes the far side asks for in one call."""

    def __init__(self, call: SipCall) -> None:
        self._call = call
        self._pending: tuple[ServerTransaction, Dialog] | None = None

    @property
    def is_pending(self) -> bool:
        """A re-INVITE of theirs waits for its answer."""
        return self._pending is not None

    # --- re-INVITE ------------------------------------------------------------------------------------

    def receive_invite(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        call = self._call
        if not call.is_answered or self.is_pending:
            # §14.2: a second INVITE before the first is finally answered.
            self._come_again(transaction, now)
            return
        if call.changes.is_inviting or call.changes.is_offering or call.offers_in_2xx:
            # Glare: two offers would cross (§14.2, RFC 3311 §5.2).
            call.core.reply(transaction, 491, now)
            return
        self._pending = transaction, dialog
        transaction.on_cancel = self._on_cancelled
        call.learn_manners(transaction.request)
        offered = transaction.request.sdp
        if call.answers_reinvites:
            answered = call.session.answer_again(offered)
            if answered is None:
                self.refuse(now, 488)
                return
            self.accept(answered, now)
        else:
            call.core.reply(transaction, 100, now)
        if offered:
            call.session.remote = offered
        call.core.emit(events.Reinvited(call, offered, call.answers_reinvites, call.flow))

    def accept(self, sdp: bytes, now: float) -> None:
        """Answer the re-INVITE that waits."""
        transaction, dialog = self._take()
        dialog.refresh_target(transaction.request)
        self._call.session.local = sdp
        self._call.accept_invite(transaction, sdp, (), now)

    def refuse(self, now: float, status: int) -> None:
        transaction, _ = self._take()
        transaction.on_cancel = None
        self._call.core.reply(transaction, status, now)
        self._call.changes.proceed(now)

    def end(self, now: float) -> None:
        """The call is over: what waits is 487 (§15.1.2)."""
        if self.is_pending:
            transaction, _ = self._take()
            transaction.on_cancel = None
            self._call.core.reply(transaction, 487, now)

    def _on_cancelled(self, now: float) -> None:
        if self.is_pending:
            self.refuse(now, 487)

    def _take(self) -> tuple[ServerTransaction, Dialog]:
        if self._pending is None:
            raise LocalProtocolError("no re-INVITE is waiting for an answer")
        pending, self._pending = self._pending, None
        return pending

    # --- UPDATE ---------------------------------------------------------------------------------------

    def receive_update(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        """Answered at once, whoever answers re-INVITEs: no human is asked (RFC 3311 §5.2)."""
        call, request = self._call, transaction.request
        answered = b""
        if request.sdp:
            if call.is_owed_an_answer(dialog):
                call.core.reply(transaction, 491, now)
                return
            if call.owes_an_answer(dialog):
                self._come_again(transaction, now)
                return
            answer = call.session.answer_again(request.sdp)
            if answer is None:
                call.core.reply(transaction, 488, now)
                return
            answered = answer
        dialog.refresh_target(request)
        call.learn_manners(request)
        headers = [call.contact, ALLOW, SUPPORTED]
        if call.is_answered:
            headers += call.timer.answering(request, now)
        headers += [SDP_TYPE] if answered else []
        call.core.reply(transaction, 200, now, headers=headers, body=answered)
        if answered:
            self.take_offer(dialog, request.sdp, answered, "UPDATE")

    def take_offer(self, dialog: Dialog, offered: bytes, answered: bytes, method: str) -> None:
        """An offer of theirs has been answered outside of an INVITE."""
        call = self._call
        call.session.local = answered
        call.session.remote = offered
        call.note_offer(dialog, offered)
        call.core.emit(events.Reinvited(call, offered, True, call.flow, method))

    def _come_again(self, transaction: ServerTransaction, now: float) -> None:
        core = self._call.core
        after_s = int(core.chance() * (_MOST_WAIT_S + 1))
        core.reply(transaction, 500, now, headers=[("Retry-After", f"{after_s}")])
