"""The floor that calls stand on: transactions in their books, datagrams to send, events to tell.

Knows how a message leaves and whom a response concerns; knows no dialog's meaning. One for each endpoint.
"""

from __future__ import annotations

import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from byourside_server.sip.events import SipEvent
from byourside_server.sip.grammar import MAGIC_COOKIE, escape_user
from byourside_server.sip.hop import Address, Hop, Transport, written_host
from byourside_server.sip.message import Headers, Request, Response, respond
from byourside_server.sip.sources import Sources
from byourside_server.sip.streams import SILENT_S, Flow, Streams
from byourside_server.sip.timers import Alarms
from byourside_server.sip.trace import Tap
from byourside_server.sip.transaction import (
    ClientKey,
    ClientTransaction,
    ServerKey,
    ServerTransaction,
)
from byourside_server.sip.trunk_events import TrunkEvent

if TYPE_CHECKING:
    from byourside_server.sip.call import SipCall

ALLOWED_METHODS = (
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "OPTIONS",
    "INFO",
    "MESSAGE",
    "NOTIFY",
    "PRACK",
    "UPDATE",
    "REFER",
)
ALLOW = ("Allow", ", ".join(ALLOWED_METHODS))
# Extensions a request may Require of us (§8.2.2.3); each comes with its code.
SUPPORTED_EXTENSIONS: frozenset[str] = frozenset({"100rel", "timer"})
SUPPORTED = ("Supported", ", ".join(sorted(SUPPORTED_EXTENSIONS)))
MAX_FORWARDS = ("Max-Forwards", "70")
# §18.1.1: a request larger than this goes by TCP, where the next hop takes TCP.
LARGEST_DATAGRAM = 1300
# How long it is remembered of a hop that it does not take TCP.
REFUSED_TCP_S = 600.0


class Core:
    """Everything the calls of one endpoint share."""

    def __init__(
        self,
        host: str,
        port: int,
        user_agent: str,
        token: Callable[[int], str],
        *,
        tls_port: int | None = None,
    ) -> None:
        self.host = written_host(host)
        self.port = port
        # TLS has a port of its own (§18.1.1); without one, what others send must come by our connection.
        self.tls_port = tls_port
        self.user_agent = user_agent
        self.token = token
        self.alarms = Alarms()
        self.events: deque[SipEvent] = deque()
        self.trunk_events: deque[TrunkEvent] = deque()
        self.outbox: deque[tuple[bytes, Address]] = deque()
        self.streams = Streams()
        self.sources = Sources()
        self.tap: Tap | None = None
        # What came to nothing, by why.
        self.dropped: Counter[str] = Counter()
        # Hops that do not take TCP → until when that is remembered.
        self._no_tcp: dict[Address, float] = {}
        self.clients: dict[ClientKey, ClientTransaction] = {}
        self.servers: dict[ServerKey, ServerTransaction] = {}
        # (Call-ID, our tag) → the call that requests inside a dialog concern.
        self.calls: dict[tuple[str, str], SipCall] = {}
        # (Call-ID, From tag, CSeq) of live INVITEs: what reaches us twice by two ways is merged (§8.2.2.2).
        self.invited: dict[tuple[str, str, int], ServerKey] = {}

    # --- out --------------------------------------------------------------------------------------

    def send(self, data: bytes, hop: Hop, now: float) -> int | None:
        """Put bytes on their way; the number of the connection they take, or None for a datagram."""
        if self.tap is not None:
            self.tap("sent", data, hop, now)
        if hop.transport == "udp":
            self.outbox.append((data, hop.address))
            return None
        known = len(self.streams.flows)
        number = self.streams.send(data, hop, now)
        if len(self.streams.flows) > known:
            self.watch(self.streams.flows[number], now)
        return number

    def watch(self, flow: Flow, now: float) -> None:
        """Look at a connection now and then, and let it go once it is idle."""

        def look(at: float) -> None:
            if self.streams.flows.get(flow.number) is not flow:
                return
            # A peer may have no other way to tell us of a call's end than the connection we opened.
            if flow.is_idle(at) and (flow.accepted or not self.calls):
                self.dropped["stream: idle"] += flow.accepted
                self.streams.close(flow.number)
            else:
                self.alarms.set(at + SILENT_S, look)

        self.alarms.set(now + SILENT_S, look)

    def emit(self, event: SipEvent) -> None:
        self.events.append(event)

    def chance(self) -> float:
        """A share from 0 to below 1, as random as the tokens are."""
        return zlib.crc32(self.token(4).encode()) / 2**32

    def port_of(self, transport: Transport) -> int:
        """Where others reach us by a transport."""
        return self.tls_port or self.port if transport == "tls" else self.port

    def contact(self, user: str, hop: Hop | None = None, *, scheme: str = "sip") -> str:
        """Our address as the far side of `hop` is to use it; UDP goes without saying (§19.1.1)."""
        transport = "udp" if hop is None else hop.transport
        at_sign = "@" if user else ""
        parameter = "" if transport == "udp" else f";transport={transport}"
        return f"<{scheme}:{escape_user(user)}{at_sign}{self.host}:{self.port_of(transport)}{parameter}>"

    def build(self, method: str, uri: str, lines: Iterable[tuple[str, str]], body: bytes = b"") -> Request:
        """A request of ours with a fresh branch, which makes it a transaction of its own (§8.1.1.7).

        Its Via is that of UDP until `request` or `over` fits it to its hop.
        """
        branch = f"{MAGIC_COOKIE}{self.token(8)}"
        return Request(Headers((("Via", self._via("udp", branch)), MAX_FORWARDS, *lines)), body, method, uri)

    def _via(self, transport: Transport, branch: str) -> str:
        # rport always: trunks lie behind NAT more often than not (RFC 3581).
        return f"SIP/2.0/{transport.upper()} {self.host}:{self.port_of(transport)};branch={branch};rport"

    def over(self, request: Request, hop: Hop) -> Request:
        """A request of ours with the topmost Via of the hop's transport (§18.1.1), its branch kept."""
        if hop.transport == "udp" and (request.headers.get("Via") or "").startswith("SIP/2.0/UDP "):
            return request  # as built
        via = self._via(hop.transport, request.via.branch or "")
        lines = list(request.headers)
        top = next(index for index, (name, _) in enumerate(lines) if name == "Via")
        lines[top] = "Via", via
        return Request(Headers(lines), request.body, request.method, request.uri)

    def _by_size(self, request: Request, hop: Hop, now: float) -> Hop:
        """`hop`, or the same by TCP where the request is too large for one datagram (§18.1.1)."""
        too_large = hop.transport == "udp" and len(request.encode()) > LARGEST_DATAGRAM
        return hop.over("tcp") if too_large and self._no_tcp.get(hop.address, now) <= now else hop

    def refuses_tcp(self, hop: Hop, now: float) -> None:
        """Remember of a hop that it does not take TCP."""
        self._no_tcp = {address: until for address, until in self._no_tcp.items() if until > now}
        self._no_tcp[hop.address] = now + REFUSED_TCP_S

    def request(
        self,
        request: Request,
        destination: Hop,
        tell: Callable[[ClientTransaction, Response | None, float], None],
        now: float,
    ) -> ClientTransaction:
        """Send a request and see to it until it is answered or given up."""
        hop = self._by_size(request, destination, now)
        datagrams = destination if hop is not destination else None
        transaction = ClientTransaction(self, self.over(request, hop), hop, tell, datagrams=datagrams)
        self.clients[transaction.key] = transaction
        transaction.start(now)
        return transaction

    def reply(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """Answer a request; every response to it but 100 carries the same To tag (§8.2.6.2)."""
        if transaction.to_tag is None and status > 100:
            transaction.to_tag = self.token(8)
        response = respond(
            transaction.request,
            status,
            reason,
            source=transaction.source.address,
            to_tag=transaction.to_tag if status > 100 else None,
            headers=(*headers, ("Server", self.user_agent)),
            body=body,
        )
        transaction.respond(response, now)
        return response

    # --- the books --------------------------------------------------------------------------------

    def open_server(self, request: Request, source: Hop, now: float) -> ServerTransaction:
        transaction = ServerTransaction(self, request, source)
        self.servers[transaction.key] = transaction
        if request.method == "INVITE" and request.to.tag is None:
            self.invited.setdefault(_merge_key(request), transaction.key)
        transaction.start(now)
        return transaction

    def is_merged(self, transaction: ServerTransaction) -> bool:
        """Whether the same INVITE is being dealt with already, having come another way."""
        request = transaction.request
        if request.method != "INVITE" or request.to.tag is not None:
            return False
        return self.invited.get(_merge_key(request), transaction.key) != transaction.key

    def close_client(self, transaction: ClientTransaction) -> None:
        self.clients.pop(transaction.key, None)

    def close_server(self, transaction: ServerTransaction) -> None:
        self.servers.pop(transaction.key, None)
        if transaction.request.method == "INVITE":
            key = _merge_key(transaction.request)
            if self.invited.get(key) == transaction.key:
                del self.invited[key]


def _merge_key(request: Request) -> tuple[str, str, int]:
    return request.call_id, request.from_.tag or "", request.cseq[0]
