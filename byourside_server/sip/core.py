"""The floor that calls stand on: transactions in their books, datagrams to send, events to tell.

Knows how a message leaves and whom a response concerns; knows no dialog's meaning. One for each endpoint.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from byourside_server.sip.events import SipEvent
from byourside_server.sip.grammar import MAGIC_COOKIE, escape_user
from byourside_server.sip.message import Headers, Request, Response, respond
from byourside_server.sip.timers import Alarms
from byourside_server.sip.transaction import (
    Address,
    ClientKey,
    ClientTransaction,
    ServerKey,
    ServerTransaction,
)

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


class Core:
    """Everything the calls of one endpoint share."""

    # UDP; a stream transport sets both, and the tables of `machines` follow.
    transport = "UDP"
    reliable = False

    def __init__(self, host: str, port: int, user_agent: str, token: Callable[[int], str]) -> None:
        self.host = f"[{host}]" if ":" in host else host
        self.port = port
        self.user_agent = user_agent
        self.token = token
        self.alarms = Alarms()
        self.events: deque[SipEvent] = deque()
        self.outbox: deque[tuple[bytes, Address]] = deque()
        self.clients: dict[ClientKey, ClientTransaction] = {}
        self.servers: dict[ServerKey, ServerTransaction] = {}
        # (Call-ID, our tag) → the call that requests inside a dialog concern.
        self.calls: dict[tuple[str, str], SipCall] = {}
        # (Call-ID, From tag, CSeq) of live INVITEs: what reaches us twice by two ways is merged (§8.2.2.2).
        self.invited: dict[tuple[str, str, int], ServerKey] = {}

    # --- out --------------------------------------------------------------------------------------

    def send(self, data: bytes, destination: Address) -> None:
        self.outbox.append((data, destination))

    def emit(self, event: SipEvent) -> None:
        self.events.append(event)

    def chance(self) -> float:
        """A share from 0 to below 1, as random as the tokens are."""
        return zlib.crc32(self.token(4).encode()) / 2**32

    def contact(self, user: str) -> str:
        at_sign = "@" if user else ""
        return f"<sip:{escape_user(user)}{at_sign}{self.host}:{self.port}>"

    def build(self, method: str, uri: str, lines: Iterable[tuple[str, str]], body: bytes = b"") -> Request:
        """A request of ours with a fresh branch, which makes it a transaction of its own (§8.1.1.7)."""
        branch = f"{MAGIC_COOKIE}{self.token(8)}"
        # rport always: trunks lie behind NAT more often than not (RFC 3581).
        via = f"SIP/2.0/{self.transport} {self.host}:{self.port};branch={branch};rport"
        return Request(Headers((("Via", via), MAX_FORWARDS, *lines)), body, method, uri)

    def request(
        self,
        request: Request,
        destination: Address,
        tell: Callable[[ClientTransaction, Response | None, float], None],
        now: float,
    ) -> ClientTransaction:
        """Send a request and see to it until it is answered or given up."""
        transaction = ClientTransaction(self, request, destination, tell)
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
            source=transaction.source,
            to_tag=transaction.to_tag if status > 100 else None,
            headers=(*headers, ("Server", self.user_agent)),
            body=body,
        )
        transaction.respond(response, now)
        return response

    # --- the books --------------------------------------------------------------------------------

    def open_server(self, request: Request, source: Address, now: float) -> ServerTransaction:
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
