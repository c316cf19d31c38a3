"""The user agent's door: datagrams and the time go in, datagrams, events and deadlines come out.

Reads every datagram, finds whom it concerns, and answers itself what concerns nobody. No sockets, no
clock: whoever holds the socket calls the five verbs. RFC 3261 §8.2, §17.1.3 and §17.2.3.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence

from byourside_server.sip import events
from byourside_server.sip.core import ALLOW, ALLOWED_METHODS, SUPPORTED_EXTENSIONS, Core
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.events import SipEvent
from byourside_server.sip.grammar import parse_sip_uri
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.message import Request, Response, respond
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from byourside_server.sip.parse import parse
from byourside_server.sip.trace import Tap
from byourside_server.sip.transaction import Address, ServerTransaction, server_key

__all__ = ["SipEndpoint", "TrunkAddress"]

# Methods of the IANA registry that we know of and do not allow: 405. Anything else is unheard of: 501.
KNOWN_METHODS = frozenset({*ALLOWED_METHODS, "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"})
# Requests that only make sense about something that already is.
_NEED_A_DIALOG = frozenset({"BYE", "INFO", "NOTIFY", "PRACK", "UPDATE"})
_SCHEMES = ("sip", "sips", "tel")
_KEEP_ALIVE_BYTES = b"\r\n\0 "


class SipEndpoint:
    """A SIP user agent, both sides, at one address.

    `host` is the address others reach us at: it is written into Via and Contact.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user_agent: str = "By Your Side",
        token: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._core = Core(host, port, user_agent, token)
        # Datagrams that came to nothing, by why: "malformed", "stray response", "stray ack".
        self.dropped: Counter[str] = Counter()
        # Hears every message as it passes, before it is understood or after it is sent.
        self.tap: Tap | None = None

    # --- the five verbs -----------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, source: tuple[str, int], now: float) -> None:
        """Take in one datagram. Never raises for what it holds."""
        if not data.strip(_KEEP_ALIVE_BYTES):
            return
        if self.tap is not None:
            self.tap("received", data, source, self._core.transport, now)
        try:
            message = parse(data)
        except SipParseError as error:
            self.dropped["malformed"] += 1
            self._answer_malformed(error, source)
            return
        if isinstance(message, Response):
            self._receive_response(message, now)
        elif message.method == "ACK":
            self._receive_ack(message, now)
        else:
            self._receive_request(message, source, now)

    def next_event(self) -> SipEvent | None:
        """The next thing that happened, or None."""
        return self._core.events.popleft() if self._core.events else None

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[str, int]]]:
        """Everything to be sent now, with its destination; each is given out once."""
        waiting = list(self._core.outbox)
        self._core.outbox.clear()
        if self.tap is not None:
            for data, destination in waiting:
                self.tap("sent", data, destination, self._core.transport, now)
        return waiting

    def next_deadline(self) -> float | None:
        """When `handle_deadline` is to be called, unless something comes in before."""
        return self._core.alarms.next_at()

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`."""
        self._core.alarms.ring(now)

    # --- more ---------------------------------------------------------------------------------------

    def invite(
        self,
        trunk: TrunkAddress,
        *,
        to_user: str,
        from_user: str,
        sdp: bytes,
        now: float,
        headers: Sequence[tuple[str, str]] = (),
    ) -> OutgoingCall:
        """Place a call."""
        call = OutgoingCall(self._core, trunk, to_user, from_user, sdp, headers)
        call.dial(now)
        return call

    def receive_transport_error(self, source: tuple[str, int], now: float) -> None:
        """The network says that nothing at `source` listens: what waits for it has failed (§17.1.4)."""
        for transaction in list(self._core.clients.values()):
            if transaction.destination == source:
                transaction.fail_transport(now)

    def held(self) -> dict[str, int]:
        """How much is kept in memory: calls, transactions of either side, alarms."""
        core = self._core
        return {
            "calls": len(core.calls),
            "client transactions": len(core.clients),
            "server transactions": len(core.servers),
            "invites": len(core.invited),
            "alarms": len(core.alarms),
        }

    # --- responses and ACKs -------------------------------------------------------------------------

    def _receive_response(self, response: Response, now: float) -> None:
        _, method = response.cseq
        transaction = self._core.clients.get((response.via.branch or "", method))
        # §8.1.3.3: a second Via means that it was on its way to somebody else.
        if transaction is None or len(response.headers.values("Via")) != 1:
            self.dropped["stray response"] += 1
            return
        transaction.receive(response, now)

    def _receive_ack(self, request: Request, now: float) -> None:
        transaction = self._core.servers.get(server_key(request))
        call = self._core.calls.get((request.call_id, request.to.tag or ""))
        if transaction is not None:
            transaction.receive_ack(now)
        # A call still in the books answered 2xx; old peers acknowledge it with the INVITE's branch.
        if call is not None:
            call.receive_ack(request, now)
        if transaction is None and call is None:
            self.dropped["stray ack"] += 1

    # --- requests -----------------------------------------------------------------------------------

    def _answer_malformed(self, error: SipParseError, source: Address) -> None:
        """§21.4.1: a 400 whose reason says what is wrong, where that much could be read. Without state."""
        request = error.request
        if request is None:
            return
        response = respond(
            request,
            error.status,
            str(error) if error.status == 400 else None,
            source=source,
            to_tag=self._core.token(8),
        )
        self._core.send(response.encode(), request.via.reply_address(source))

    def _receive_request(self, request: Request, source: Address, now: float) -> None:
        known = self._core.servers.get(server_key(request))
        if known is not None:
            known.receive_again(now)
            return
        transaction = self._core.open_server(request, source, now)
        if self._core.is_merged(transaction):
            self._core.reply(transaction, 482, now)
        elif request.method == "CANCEL":
            self._receive_cancel(transaction, now)
        elif (objection := _objection(request)) is not None:
            status, headers = objection
            self._core.reply(transaction, status, now, headers=headers)
        elif request.to.tag is not None or request.method in _NEED_A_DIALOG:
            self._receive_inside(transaction, now)
        elif request.method == "INVITE":
            self._receive_invite(transaction, now)
        elif request.method == "OPTIONS":
            self._core.reply(transaction, 200, now, headers=[ALLOW, ("Accept", "application/sdp")])
        else:
            self._core.reply(transaction, 405, now, headers=[ALLOW])

    def _receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        """§9.2: the CANCEL is answered for itself; then what it cancels, if that still can be."""
        invite = self._core.servers.get(server_key(transaction.request, "INVITE"))
        if invite is None:
            self._core.reply(transaction, 481, now)
            return
        transaction.to_tag = invite.to_tag
        self._core.reply(transaction, 200, now)
        if invite.on_cancel is not None:
            invite.on_cancel(now)

    def _receive_inside(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        call = self._core.calls.get((request.call_id, request.to.tag or ""))
        if call is None:
            self._core.reply(transaction, 481, now)
        else:
            call.receive_request(transaction, now)

    def _receive_invite(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        to_user = _user_of(request.uri)
        try:
            call = IncomingCall(self._core, transaction, to_user)
        except SipParseError as error:
            self._core.reply(transaction, 400, now, str(error))
            return
        self._core.reply(transaction, 100, now)
        self._core.emit(
            events.InviteReceived(call, to_user, _user_of(request.from_.uri), request.sdp, request.headers)
        )


def _objection(request: Request) -> tuple[int, list[tuple[str, str]]] | None:
    """Why a request is not even looked at, in the order of §8.2, with the fields that explain it."""
    if request.method not in ALLOWED_METHODS:
        return (405 if request.method in KNOWN_METHODS else 501), [ALLOW]
    if request.uri.partition(":")[0].lower() not in _SCHEMES:
        return 416, []
    unknown = request.headers.tokens("Require") - SUPPORTED_EXTENSIONS
    if unknown:
        return 420, [("Unsupported", ", ".join(sorted(unknown)))]
    if request.method == "INVITE" and request.body and not request.sdp:
        return 415, [("Accept", "application/sdp")]
    return None


def _user_of(uri: str) -> str:
    """What was dialled, or who calls: the user part, or the number of a tel URI; "" where there is none."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        return rest.split(";", 1)[0]
    try:
        return parse_sip_uri(uri).number or ""
    except SipParseError:
        return ""
