"""A call we place: INVITE, its responses, giving it up. RFC 3261 §13.2 and §9.1."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.sip import events
from byourside_server.sip.call import CallState, SipCall
from byourside_server.sip.core import ALLOW, SUPPORTED, Core
from byourside_server.sip.credentials import CHALLENGE_STATUSES, Credentials
from byourside_server.sip.dialog import Dialog, dialog_of_response
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.fork import Fork, Forks
from byourside_server.sip.grammar import escape_user, parse_name_addr
from byourside_server.sip.hop import Hop, Transport
from byourside_server.sip.message import Request, Response
from byourside_server.sip.reason import encode_reason, q850_cause, retry_after_s
from byourside_server.sip.redirect import next_target
from byourside_server.sip.reliable import is_reliable, number_of
from byourside_server.sip.requests import MAX_CHALLENGES, SDP_TYPE, Fields
from byourside_server.sip.timers import GIVE_UP_S, Alarm
from byourside_server.sip.transaction import ClientTransaction, follow_up


@dataclass(frozen=True)
class TrunkAddress:
    """Where calls are sent, and as whom."""

    # The next hop, already resolved.
    host_port: tuple[str, int]
    # The domain in Request-URI, From and To.
    domain: str
    user: str | None = None
    password: str | None = None
    transport: Transport = "udp"
    # The name the trunk's certificate must carry, over TLS; the domain where None.
    server_name: str | None = None

    @property
    def hop(self) -> Hop:
        """Where requests to the trunk go."""
        name = (self.server_name or self.domain) if self.transport == "tls" else None
        return Hop(*self.host_port, self.transport, name)


class OutgoingCall(SipCall):
    """A call placed through a trunk.

    `offers=False` leaves the offering to them: the INVITE goes without a description, and theirs, in a
    reliable provisional or the 200, is answered from `sdp` in the PRACK or ACK.
    """

    def __init__(
        self,
        core: Core,
        trunk: TrunkAddress,
        to_user: str,
        from_user: str,
        sdp: bytes,
        headers: Fields,
        from_address: str | None = None,
        *,
        offers: bool = True,
    ) -> None:
        credentials = Credentials(trunk.user, trunk.password, core.token)
        super().__init__(
            core, core.token(16), core.token(8), from_user, credentials, trunk.hop, owns_call_id=True
        )
        self.session.local = sdp
        self._offer = sdp if offers else b""
        self._trunk = trunk
        self._to_user = to_user
        self._uri = self._dialled_uri = f"sip:{escape_user(to_user)}@{trunk.domain}"
        known_as = from_address or f"<sip:{escape_user(from_user)}@{trunk.domain}>"
        self._from = f"{known_as};tag={self._local_tag}"
        self._headers = tuple(headers)
        self._invite: ClientTransaction | None = None
        self._cseq = 0
        self._challenges = 0
        self._tried = frozenset({self._uri})
        self._provisional_seen = False
        self._cancel_reason: str | None = None
        self._cancel_alarm: Alarm | None = None
        self._forks = Forks()

    def dial(self, now: float) -> None:
        """Send the INVITE, with whatever credentials are known by now."""
        self._cseq += 1
        self._provisional_seen = False
        self._forks.clear()
        lines = [
            ("From", self._from),
            ("To", f"<{self._dialled_uri}>"),
            ("Call-ID", self.sip_call_id),
            ("CSeq", f"{self._cseq} INVITE"),
            self.contact,
            ALLOW,
            SUPPORTED,
            *self.timer.asking(),
            ("User-Agent", self.core.user_agent),
            *self._headers,
            *self.credentials.headers_for("INVITE", self._uri, self._offer),
            *([SDP_TYPE] if self._offer else []),
        ]
        request = self.core.build("INVITE", self._uri, lines, self._offer)
        self._invite = self.core.request(request, self._trunk.hop, self._on_response, now)

    @property
    def is_heard(self) -> bool:
        """Whether anything came back to the INVITE, be it a 100."""
        return self._provisional_seen

    def transfer(self, to_user: str, now: float) -> None:
        """Hand the call over to a number of the same trunk; `Referred` says what came of it."""
        self.refer(f"sip:{escape_user(to_user)}@{self._trunk.domain}", now)

    # --- giving up ----------------------------------------------------------------------------------

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """CANCEL before the answer, BYE after it."""
        if self.is_answered:
            self._hang_up_answered(now, reason)
        elif self.state in (CallState.CALLING, CallState.RINGING):
            self.state = CallState.CANCELLING
            self._cancel_reason = reason
            # §9.1: no CANCEL before a provisional response; Timer B bounds the wait for one.
            if self._provisional_seen:
                self._send_cancel(now)

    def _send_cancel(self, now: float) -> None:
        invite = self._invite
        if invite is None or self._cancel_alarm is not None:
            return
        headers = [("Reason", encode_reason(self._cancel_reason))] if self._cancel_reason else []
        cancel = follow_up(invite.request, "CANCEL", headers=headers)
        self.core.request(cancel, invite.destination, lambda transaction, response, at: None, now)
        self._cancel_alarm = self.core.alarms.set(now + GIVE_UP_S, self._on_cancel_unheard)

    def _on_cancel_unheard(self, now: float) -> None:
        """§9.1: 64*T1 after the CANCEL the INVITE counts as cancelled, answered or not."""
        if self._invite is not None:
            self._invite.abandon()
        self._finish(events.Cancelled(self, self._cancel_reason))

    # --- responses ----------------------------------------------------------------------------------

    def _on_response(self, transaction: ClientTransaction, response: Response | None, now: float) -> None:
        if response is not None and 200 <= response.status < 300:
            self._on_success(transaction.request, response, now)
        elif transaction is not self._invite or self.state in (CallState.ANSWERED, CallState.ENDED):
            return
        elif response is None:
            self._on_silence(transaction)
        elif response.status < 200:
            self._on_provisional(transaction.request, response, now)
        else:
            self._on_failure(transaction.request, response, now)

    def _on_provisional(self, request: Request, response: Response, now: float) -> None:
        self._provisional_seen = True
        if self.state is CallState.CANCELLING:
            self._send_cancel(now)
            return
        if response.status == 100:
            return
        if response.status == 199:
            self._on_fork_gone(response)
            return
        self.state = CallState.RINGING
        if response.to.tag is None:
            # §12.1.1: no tag, no dialog; a ringing all the same.
            self._tell_progress(response, response.sdp)
            return
        fork = self._forks.of(response, dialog_of_response(request, response, self._trunk.hop))
        if not is_reliable(response):
            self._on_ringing(fork, response)
            return
        for ready in fork.order.take(response):
            self._acknowledge_provisional(fork, request, ready, now)
            self._on_ringing(fork, ready)

    def _on_ringing(self, fork: Fork, response: Response) -> None:
        self.learn_manners(response)
        is_new = self._forks.describe(fork, response.sdp)
        if is_new:
            self.session.remote = response.sdp
        self._tell_progress(response, response.sdp if is_new else b"")

    def _tell_progress(self, response: Response, sdp: bytes) -> None:
        self.core.emit(events.Progress(self, response.status, response.reason, sdp, response.headers))

    def _acknowledge_provisional(self, fork: Fork, request: Request, response: Response, now: float) -> None:
        """RFC 3262 §4: PRACK in the early dialog; where the response made the offer, with our answer (§5)."""
        number, _ = request.cseq
        body = b""
        if response.sdp and not self._offer and not fork.sdp:
            body = self.session.answer_again(response.sdp) or b""
            self.session.local = body or self.session.local
        headers = [("RAck", f"{number_of(response)} {number} INVITE"), *([SDP_TYPE] if body else [])]
        self.requests.send(fork.dialog, "PRACK", now, lambda asked, answer, at: None, headers, body)

    def _on_fork_gone(self, response: Response) -> None:
        """RFC 6228: a fork has ended; where it was listened to, the one heard before it is again."""
        listened_to = self._forks.listened_to
        gone = self._forks.drop(response.to.tag or "")
        heard = self._forks.listened_to
        if gone is not None and gone is listened_to and heard is not None:
            self.session.remote = heard.sdp
            self._tell_progress(response, heard.sdp)

    def _on_success(self, request: Request, response: Response, now: float) -> None:
        if self.requests.acknowledge_again(request, response, now):
            return
        dialog = dialog_of_response(request, response, self._trunk.hop)
        fork = self._forks.drop(dialog.remote_tag)
        if fork is not None:
            # PRACKs and UPDATEs have counted on in it (§12.2.1.1), the route is the 2xx's (§13.2.2.4).
            dialog.remote_cseq = fork.dialog.remote_cseq
            dialog.local_cseq = max(dialog.local_cseq, fork.dialog.local_cseq)
        early_sdp = fork.sdp if fork is not None else b""
        self.requests.acknowledge(dialog, request, now, self._answer_to(response, early_sdp))
        if self.dialog is not None or self.state is CallState.ENDED:
            # §13.2.2.4: a second fork answered too; it is acknowledged and hung up.
            self.requests.send(dialog, "BYE", now, lambda asked, answer, at: None)
            return
        self.dialog = dialog
        if self.state is CallState.CANCELLING:
            # The answer crossed our CANCEL (§9.1): it is a call, and we end it.
            self.core.alarms.cancel(self._cancel_alarm)
            self.state = CallState.ENDED
            self.core.emit(events.Cancelled(self, self._cancel_reason))
            self._bye(dialog, now, self._cancel_reason)
            return
        self.state = CallState.ANSWERED
        self.credentials.accepted(request, response)
        self.learn_manners(response)
        self.timer.learn(response, now)
        # §13.2.1: a gateway that sent its answer with the 183 need not send it again.
        answer = response.sdp or early_sdp
        if answer:
            self.session.remote = answer
        self.core.emit(events.Answered(self, answer, response.headers))
        self.changes.proceed(now)

    def _answer_to(self, response: Response, early_sdp: bytes) -> bytes:
        """What the ACK says: our answer where the 200 made the offer (§13.2.2.4)."""
        if self._offer or early_sdp or not response.sdp or self.dialog is not None:
            return b""
        answer = self.session.answer_again(response.sdp) or b""
        self.session.local = answer or self.session.local
        return answer

    def _on_failure(self, request: Request, response: Response, now: float) -> None:
        if self.state is CallState.CANCELLING:
            self._finish(events.Cancelled(self, self._cancel_reason))
        elif not self._try_again(request, response, now):
            self._refuse(response)

    def _try_again(self, request: Request, response: Response, now: float) -> bool:
        """Whether the INVITE went out once more: proved, to another target, or with a longer interval."""
        if response.status in CHALLENGE_STATUSES:
            if self._challenges == MAX_CHALLENGES or not self.credentials.learn(request, response):
                return False
            self._challenges += 1
        elif 300 <= response.status < 400:
            target = next_target(
                response.status,
                _contacts(response),
                dialled=self._to_user,
                hosts=frozenset({self._trunk.domain.lower(), self._trunk.host_port[0].lower()}),
                tried=self._tried,
            )
            if target is None:
                return False
            self._uri, self._tried = target, self._tried | {target}
            self._challenges = 0
        elif response.status != 422 or not self.timer.raise_to(response):
            return False
        self.dial(now)
        return True

    def _refuse(self, response: Response) -> None:
        headers = response.headers
        self._finish(
            events.Refused(
                self,
                response.status,
                response.reason,
                q850_cause(headers),
                retry_after_s(headers),
                contacts=_contacts(response) if response.status < 400 else (),
                headers=headers,
            )
        )

    def _on_silence(self, transaction: ClientTransaction) -> None:
        if self.state is CallState.CANCELLING:
            self._finish(events.Cancelled(self, self._cancel_reason))
        elif transaction.transport_failed:
            self._finish(events.Refused(self, 503, transaction.failure or "Service Unavailable", local=True))
        else:
            self._finish(events.Refused(self, 408, "Request Timeout", local=True))

    def _finish(self, event: events.Refused | events.Cancelled) -> None:
        self.core.alarms.cancel(self._cancel_alarm)
        self.state = CallState.ENDED
        self.core.emit(event)
        self._forget()

    # --- early dialogs ------------------------------------------------------------------------------

    def _dialog_of(self, request: Request) -> Dialog | None:
        fork = self._forks.find(request.from_.tag or "")
        return super()._dialog_of(request) or (fork.dialog if fork is not None else None)

    def dialog_for_changes(self) -> Dialog | None:
        fork = self._forks.listened_to
        if self.state is CallState.RINGING and fork is not None and self.allows("UPDATE"):
            return fork.dialog
        return super().dialog_for_changes()

    def is_owed_an_answer(self, dialog: Dialog) -> bool:
        """Before the answer our INVITE's offer is open with every fork that sent no description yet."""
        if self.is_answered:
            return super().is_owed_an_answer(dialog)
        fork = self._forks.find(dialog.remote_tag)
        return self.changes.is_offering or fork is None or not fork.sdp

    def note_offer(self, dialog: Dialog, offered: bytes) -> None:
        fork = self._forks.find(dialog.remote_tag)
        if fork is not None:
            fork.sdp = offered


def _contacts(response: Response) -> tuple[str, ...]:
    """Where a 3xx says to look; nothing where any of it cannot be read."""
    try:
        return tuple(parse_name_addr(value).uri for value in response.headers.values("Contact"))
    except SipParseError:
        return ()
