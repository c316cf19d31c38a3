"""The user agent's door: bytes and the time go in, bytes, events and deadlines come out.

Reads every message, finds whom it concerns, and answers itself what concerns nobody. No sockets, no
clock: whoever holds the sockets calls the verbs. RFC 3261 §8.2, §17.1.3 and §17.2.3.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from byourside_server.sip import events
from byourside_server.sip.core import ALLOW, ALLOWED_METHODS, SUPPORTED, SUPPORTED_EXTENSIONS, Core
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.events import SipEvent
from byourside_server.sip.grammar import is_number, parse_sip_uri
from byourside_server.sip.hop import Address, Hop, written_host
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.keep_alive import KeepAlive
from byourside_server.sip.message import Request, Response, respond
from byourside_server.sip.options import ask_options
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from byourside_server.sip.parse import parse
from byourside_server.sip.registration import Registration
from byourside_server.sip.session_timer import refusal_of_interval
from byourside_server.sip.timers import GIVE_UP_S
from byourside_server.sip.trace import Tap
from byourside_server.sip.transaction import ServerTransaction, reply_hop, server_key
from byourside_server.sip.trunk_events import TrunkEvent

T = TypeVar("T")

__all__ = ["SipEndpoint", "TrunkAddress"]

# Methods of the IANA registry that we know of and do not allow: 405. Anything else is unheard of: 501.
KNOWN_METHODS = frozenset({*ALLOWED_METHODS, "PUBLISH", "REGISTER", "SUBSCRIBE"})
# Requests that only make sense about something that already is.
_NEED_A_DIALOG = frozenset({"BYE", "INFO", "NOTIFY", "PRACK", "UPDATE"})
# Requests of others kept in mind at once, for 32 s each over UDP: 300 calls a second. More are answered 503
# and forgotten, so that a flood costs no memory.
MAX_REQUESTS = 20_000
_SCHEMES = ("sip", "sips", "tel")
_KEEP_ALIVE_BYTES = b"\r\n\0 "


class SipEndpoint:
    """A SIP user agent, both sides, at one address.

    `host`, `port` and `tls_port` are where others reach us, whatever the sockets are bound to: they are
    written into Via and Contact. Without `tls_port` nobody can open a TLS connection to us.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user_agent: str = "By Your Side",
        token: Callable[[int], str] = secrets.token_hex,
        tls_port: int | None = None,
    ) -> None:
        self._core = Core(host, port, user_agent, token, tls_port=tls_port)
        # What came to nothing, by why: "malformed", "stray response", "strange source", "stream: …".
        self.dropped: Counter[str] = self._core.dropped
        # Our address as the far side last saw it over UDP (RFC 3581): the public one, behind NAT.
        self.seen_as: Address | None = None

    def tap(self, tap: Tap | None) -> None:
        """Let somebody hear every message as it passes: before it is understood, and when it is sent."""
        self._core.tap = tap

    # --- the five verbs -----------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, source: Address, now: float) -> None:
        """Take in one datagram. Never raises for what it holds."""
        if not data.strip(_KEEP_ALIVE_BYTES):
            return
        self._receive(data, Hop(*source), now)

    def next_event(self) -> SipEvent | None:
        """The next thing that happened with a call, or None."""
        return self._core.events.popleft() if self._core.events else None

    def next_trunk_event(self) -> TrunkEvent | None:
        """The next thing that happened with a trunk apart from calls, or None."""
        return self._core.trunk_events.popleft() if self._core.trunk_events else None

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Every datagram to be sent now, with its destination; each is given out once."""
        return _all_of(self._core.outbox)

    def next_deadline(self) -> float | None:
        """When `handle_deadline` is to be called, unless something comes in before."""
        return self._core.alarms.next_at()

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`."""
        self._core.alarms.ring(now)

    # --- the same over connections (TCP, TLS) -------------------------------------------------------

    def streams_to_open(self) -> list[tuple[int, Hop]]:
        """Connections to be opened, by number; then `stream_opened` or `stream_lost` is called."""
        return _all_of(self._core.streams.to_open)

    def stream_data_to_send(self, now: float) -> list[tuple[int, bytes]]:
        """Bytes for connections, in order; what is for one that is not open yet waits for it."""
        return _all_of(self._core.streams.to_send)

    def streams_to_close(self) -> list[int]:
        """Connections to be closed once what was given out for them is sent."""
        return _all_of(self._core.streams.to_close)

    def accept_stream(self, source: Hop, now: float) -> int | None:
        """Somebody opened a connection to us: its number, or None where it is to be closed at once."""
        flow = self._core.streams.accept(source, now)
        if flow is None:
            self.dropped["stream: too many"] += 1
            return None
        self._core.watch(flow, now)
        return flow.number

    def stream_opened(self, number: int, now: float) -> None:
        """A connection that was asked for stands."""
        flow = self._core.streams.flows.get(number)
        if flow is not None:
            flow.established = True

    def receive_stream(self, number: int, data: bytes, now: float) -> None:
        """Take in bytes of one connection, cut anyhow. Never raises for what they hold."""
        flow = self._core.streams.flows.get(number)
        if flow is None:
            return
        messages, error = flow.feed(data, now)
        for message in messages:
            self._receive(message, flow.hop, now)
        if pongs := flow.framer.pongs_to_send():
            self._core.streams.send(pongs, flow.hop, now)
        if error is not None:
            self.dropped[f"stream: {error}"] += 1
            self._core.streams.close(number)
            self._fail_flow(number, established=False, why=str(error), now=now)

    def stream_lost(self, number: int, now: float, why: str = "") -> None:
        """A connection broke off, or could not be opened; `why` is for people."""
        flow = self._core.streams.forget(number)
        if flow is not None:
            self._fail_flow(number, established=flow.established, why=why, now=now)

    def _fail_flow(self, number: int, *, established: bool, why: str, now: float) -> None:
        for transaction in list(self._core.clients.values()):
            if transaction.flow != number:
                continue
            if established:
                transaction.lose_flow(now, why)
            else:
                transaction.fail_transport(now, why)

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
        from_address: str | None = None,
        offers: bool = True,
    ) -> OutgoingCall:
        """Place a call; without `offers` the far side makes the offer.

        `from_address` is a whole From in place of `from_user` at the trunk's domain.
        """
        call = OutgoingCall(
            self._core, trunk, to_user, from_user, sdp, headers, from_address, offers=offers
        )
        call.dial(now)
        return call

    def register(self, trunk: TrunkAddress, user: str, expires_s: int, now: float) -> Registration:
        """Tell the trunk's registrar where `user` is, and keep it told until `stop` (§10)."""
        registration = Registration(self._core, trunk, user, expires_s)
        registration.start(now)
        return registration

    def ask_options(self, trunk: TrunkAddress, now: float, *, timeout_s: float = GIVE_UP_S) -> None:
        """Ask whether the trunk is alive; `OptionsAnswered` says, within `timeout_s` (§11)."""
        ask_options(self._core, trunk, now, timeout_s)

    def keep_alive(self, trunk: TrunkAddress, now: float, *, interval_s: float | None = None) -> KeepAlive:
        """Keep the way to the trunk open through NAT and firewalls, until `stop` (RFC 5626 §4.4)."""
        return KeepAlive(self._core, trunk.hop, now, interval_s)

    def advertise(self, host: str, port: int) -> None:
        """From the next call on, be reached here: what `seen_as` taught, for one."""
        self._core.host, self._core.port = written_host(host), port

    def trust(self, networks: Iterable[str]) -> None:
        """Networks that may speak in any call, for carriers that send from several addresses.

        Raises ValueError for what is no network.
        """
        self._core.sources.trust(networks)

    def receive_transport_error(self, source: Address, now: float, why: str = "") -> None:
        """The network says that no datagram reaches `source`: what waits for it has failed (§17.1.4)."""
        for transaction in list(self._core.clients.values()):
            if transaction.destination.transport == "udp" and transaction.destination.address == source:
                transaction.fail_transport(now, why)

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

    def _receive(self, data: bytes, source: Hop, now: float) -> None:
        if self._core.tap is not None:
            self._core.tap("received", data, source, now)
        try:
            message = parse(data)
        except SipParseError as error:
            self.dropped["malformed"] += 1
            self._answer_malformed(error, source, now)
            return
        if isinstance(message, Response):
            self._receive_response(message, source, now)
        elif message.method == "ACK":
            self._receive_ack(message, source, now)
        else:
            self._receive_request(message, source, now)

    def _receive_response(self, response: Response, source: Hop, now: float) -> None:
        _, method = response.cseq
        transaction = self._core.clients.get((response.via.branch or "", method))
        # §8.1.3.3: a second Via means that it was on its way to somebody else.
        if transaction is None or len(response.vias) != 1:
            self.dropped["stray response"] += 1
            return
        if not self._core.sources.may_answer(transaction.destination, source):
            self.dropped["strange source"] += 1
            return
        self._learn_from(response, source)
        transaction.receive(response, now)

    def _learn_from(self, response: Response, source: Hop) -> None:
        """Who answers us, and as whom they see us."""
        call = self._core.calls.get((response.call_id, response.from_.tag or ""))
        if call is not None:
            call.heard_from.add(source.host)
        via = response.via
        host = via.parameters.get("received") or via.host
        port = via.parameters.get("rport") or ""
        if source.transport == "udp" and is_number(port) and len(port) <= 5:
            self.seen_as = host.strip("[]"), int(port)

    def _receive_ack(self, request: Request, source: Hop, now: float) -> None:
        transaction = self._core.servers.get(server_key(request))
        call = self._core.calls.get((request.call_id, request.to.tag or ""))
        if not self._may_end(transaction, source) or (call is not None and not call.expects(request, source)):
            self.dropped["strange source"] += 1
            return
        if transaction is not None:
            transaction.receive_ack(now)
        # A call still in the books answered 2xx; old peers acknowledge it with the INVITE's branch.
        if call is not None:
            call.receive_ack(request, now)
        if transaction is None and call is None:
            self.dropped["stray ack"] += 1

    # --- requests -----------------------------------------------------------------------------------

    def _answer_malformed(self, error: SipParseError, source: Hop, now: float) -> None:
        """§21.4.1: a 400 whose reason says what is wrong, where that much could be read. Without state."""
        if error.request is not None:
            reason = str(error) if error.status == 400 else None
            self._answer_without_state(error.request, error.status, reason, source, now)

    def _answer_without_state(
        self, request: Request, status: int, reason: str | None, source: Hop, now: float
    ) -> None:
        to_tag = self._core.token(8)
        response = respond(request, status, reason, source=source.address, to_tag=to_tag)
        self._core.send(response.encode(), reply_hop(request, source), now)

    def _may_end(self, transaction: ServerTransaction | None, source: Hop) -> bool:
        """CANCEL and ACK come by the way of their INVITE (§9.1, §17.1.1.3)."""
        return transaction is None or self._core.sources.may_answer(transaction.source, source)

    def _receive_request(self, request: Request, source: Hop, now: float) -> None:
        known = self._core.servers.get(server_key(request))
        if known is not None:
            known.receive_again(now)
            return
        if len(self._core.servers) >= MAX_REQUESTS and not self._is_of_a_call(request):
            self.dropped["too many requests"] += 1
            self._answer_without_state(request, 503, None, source, now)
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
            headers = [ALLOW, SUPPORTED, ("Accept", "application/sdp")]
            self._core.reply(transaction, 200, now, headers=headers)
        else:
            self._core.reply(transaction, 405, now, headers=[ALLOW])

    def _is_of_a_call(self, request: Request) -> bool:
        """Whether a request is about a call there is; those are dealt with however many others come."""
        return request.method == "CANCEL" or (request.call_id, request.to.tag or "") in self._core.calls

    def _receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        """§9.2: the CANCEL is answered for itself; then what it cancels, if that still can be."""
        invite = self._core.servers.get(server_key(transaction.request, "INVITE"))
        if invite is None:
            self._core.reply(transaction, 481, now)
            return
        if not self._may_end(invite, transaction.source):
            self._refuse_stranger(transaction, now)
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
        elif not call.expects(request, transaction.source):
            self._refuse_stranger(transaction, now)
        else:
            call.receive_request(transaction, now)

    def _refuse_stranger(self, transaction: ServerTransaction, now: float) -> None:
        """Right tags from an address that has nothing to do with the call; the call goes on."""
        self.dropped["strange source"] += 1
        self._core.reply(transaction, 403, now)

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


def _all_of(waiting: deque[T]) -> list[T]:
    """Everything that waits; each is given out once."""
    taken = list(waiting)
    waiting.clear()
    return taken


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
    if request.method == "INVITE" and not _takes_sdp(request):
        return 406, []
    if request.method in ("INVITE", "UPDATE") and (fields := refusal_of_interval(request)) is not None:
        return 422, fields
    return None


def _takes_sdp(request: Request) -> bool:
    """Whether the answer to an INVITE may be a session description (§20.1, RFC 4475 §3.3.15)."""
    accepted = {value.partition(";")[0].strip() for value in request.headers.tokens("Accept")}
    return not accepted or not accepted.isdisjoint({"application/sdp", "application/*", "*/*"})


def _user_of(uri: str) -> str:
    """What was dialled, or who calls: the user part, or the number of a tel URI; "" where there is none."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        return rest.split(";", 1)[0]
    try:
        return parse_sip_uri(uri).number or ""
    except SipParseError:
        return ""
