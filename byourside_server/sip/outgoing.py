"""A call we place: INVITE, its responses, giving it up. RFC 3261 §13.2 and §9.1."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.sip import events
from byourside_server.sip.call import MAX_CHALLENGES, SDP_TYPE, CallState, Fields, SipCall
from byourside_server.sip.core import ALLOW, Core
from byourside_server.sip.credentials import CHALLENGE_STATUSES, CREDENTIAL_FIELDS, Credentials
from byourside_server.sip.dialog import Dialog, dialog_of_response
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import escape_user, parse_name_addr
from byourside_server.sip.hop import Hop, Transport
from byourside_server.sip.message import Request, Response
from byourside_server.sip.reason import encode_reason, q850_cause, retry_after_s
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
    """A call placed through a trunk."""

    def __init__(
        self,
        core: Core,
        trunk: TrunkAddress,
        to_user: str,
        from_user: str,
        sdp: bytes,
        headers: Fields,
        from_address: str | None = None,
    ) -> None:
        credentials = Credentials(trunk.user, trunk.password, core.token)
        super().__init__(core, core.token(16), core.token(8), from_user, credentials, trunk.hop)
        self._session.local = sdp
        self._trunk = trunk
        self._uri = f"sip:{escape_user(to_user)}@{trunk.domain}"
        known_as = from_address or f"<sip:{escape_user(from_user)}@{trunk.domain}>"
        self._from = f"{known_as};tag={self._local_tag}"
        self._headers = tuple(headers)
        self._invite: ClientTransaction | None = None
        self._cseq = 0
        self._provisional_seen = False
        self._cancel_reason: str | None = None
        self._cancel_alarm: Alarm | None = None
        self._early: dict[str, Dialog] = {}
        # To tag → the description in its first provisional response, which counts as the answer.
        self._early_sdp: dict[str, bytes] = {}
        # (To tag, CSeq number) → the ACK, to send again for every copy of the 2xx (§13.2.2.4).
        self._acks: dict[tuple[str, int], tuple[bytes, Hop]] = {}

    def dial(self, now: float) -> None:
        """Send the INVITE, with whatever credentials are known by now."""
        self._cseq += 1
        self._provisional_seen = False
        lines = [
            ("From", self._from),
            ("To", f"<{self._uri}>"),
            ("Call-ID", self.sip_call_id),
            ("CSeq", f"{self._cseq} INVITE"),
            self._contact,
            ALLOW,
            ("User-Agent", self._core.user_agent),
            *self._headers,
            *self._credentials.headers_for("INVITE", self._uri, self._session.local),
            *([SDP_TYPE] if self._session.local else []),
        ]
        request = self._core.build("INVITE", self._uri, lines, self._session.local)
        self._invite = self._core.request(request, self._trunk.hop, self._on_response, now)

    def transfer(self, to_user: str, now: float) -> None:
        """Hand the call over to a number of the same trunk; `Referred` says what came of it."""
        self.refer(f"sip:{escape_user(to_user)}@{self._trunk.domain}", now)

    # --- giving up ----------------------------------------------------------------------------------

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """CANCEL before the answer, BYE after it."""
        if self.state is CallState.ANSWERED:
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
        self._core.request(cancel, invite.destination, lambda transaction, response, at: None, now)
        self._cancel_alarm = self._core.alarms.set(now + GIVE_UP_S, self._on_cancel_unheard)

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
        self.state = CallState.RINGING
        tag = response.to.tag
        if tag is not None and tag not in self._early:
            self._early[tag] = dialog_of_response(request, response, self._trunk.hop)
        if response.sdp:
            self._early_sdp.setdefault(tag or "", response.sdp)
            self._session.remote = response.sdp
        self._core.emit(
            events.Progress(self, response.status, response.reason, response.sdp, response.headers)
        )

    def _on_success(self, request: Request, response: Response, now: float) -> None:
        key = response.to.tag or "", request.cseq[0]
        if key in self._acks:
            self._core.send(*self._acks[key], now)
            return
        dialog = dialog_of_response(request, response, self._trunk.hop)
        early = self._early.pop(dialog.remote_tag, None)
        if early is not None:
            dialog.remote_cseq = early.remote_cseq
        self._acknowledge(dialog, request, key, now)
        if self._dialog is not None or self.state is CallState.ENDED:
            # §13.2.2.4: a second fork answered too; it is acknowledged and hung up.
            self._request(dialog, "BYE", now, lambda final, at: None)
            return
        self._dialog = dialog
        if self.state is CallState.CANCELLING:
            # The answer crossed our CANCEL (§9.1): it is a call, and we end it.
            self._core.alarms.cancel(self._cancel_alarm)
            self.state = CallState.ENDED
            self._core.emit(events.Cancelled(self, self._cancel_reason))
            self._bye(dialog, now, self._cancel_reason)
            return
        self.state = CallState.ANSWERED
        # §13.2.1: a gateway that sent its answer with the 183 need not send it again.
        answer = response.sdp or self._early_sdp.get(dialog.remote_tag, b"")
        if answer:
            self._session.remote = answer
        self._core.emit(events.Answered(self, answer, response.headers))

    def _acknowledge(self, dialog: Dialog, invite: Request, key: tuple[str, int], now: float) -> None:
        """§13.2.2.4: a transaction of its own, on the dialog's route, with the INVITE's credentials."""
        uri, lines = self._lines(dialog, "ACK", key[1])
        lines += [(name, value) for name, value in invite.headers if name.lower() in CREDENTIAL_FIELDS]
        hop = dialog.destination
        ack = self._core.over(self._core.build("ACK", uri, lines), hop)
        self._acks[key] = ack.encode(), hop
        self._core.send(*self._acks[key], now)

    def _on_failure(self, request: Request, response: Response, now: float) -> None:
        if self.state is CallState.CANCELLING:
            self._finish(events.Cancelled(self, self._cancel_reason))
        elif (
            response.status in CHALLENGE_STATUSES
            and self._cseq <= MAX_CHALLENGES
            and self._credentials.learn(request, response)
        ):
            self.dial(now)
        else:
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
        self._core.alarms.cancel(self._cancel_alarm)
        self.state = CallState.ENDED
        self._core.emit(event)
        self._forget()

    def _dialog_of(self, request: Request) -> Dialog | None:
        return super()._dialog_of(request) or self._early.get(request.from_.tag or "")


def _contacts(response: Response) -> tuple[str, ...]:
    """Where a 3xx says to look; nothing where any of it cannot be read."""
    try:
        return tuple(parse_name_addr(value).uri for value in response.headers.values("Contact"))
    except SipParseError:
        return ()
