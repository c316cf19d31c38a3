"""A dialog: what two user agents agree to call the same conversation (RFC 3261 §12).

Knows tags, targets, routes and sequence numbers; knows no timer and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import NameAddr, parse_name_addr, parse_sip_uri
from byourside_server.sip.hop import Hop, hop_of_uri
from byourside_server.sip.message import Request, Response, SipMessage, contact_uri


@dataclass
class Dialog:
    """One side's state of a dialog (§12: "dialog state")."""

    call_id: str
    local_tag: str
    remote_tag: str
    # From and To of our requests, whole, tags included.
    local: str
    remote: str
    # The remote target: their Contact.
    target: str
    # Route fields of our requests, in order.
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int | None
    # Where to send when the next hop is a name: looking names up is not for this room.
    fallback: Hop

    def takes_cseq(self, number: int) -> bool:
        """§12.2.2: a request of a lower number than one before is out of order; remembers the number."""
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def next_cseq(self) -> int:
        self.local_cseq += 1
        return self.local_cseq

    def refresh_target(self, message: SipMessage) -> None:
        """§12.2.1.2: re-INVITEs and their 2xx move the target."""
        self.target = contact_uri(message) or self.target

    @property
    def request_uri_and_routes(self) -> tuple[str, tuple[str, ...]]:
        """§12.2.1.1: loose routers keep the target in the Request-URI, strict ones take its place."""
        if not self.routes:
            return self.target, ()
        first = parse_name_addr(self.routes[0])
        if "lr" in parse_sip_uri(first.uri).parameters:
            return self.target, self.routes
        return first.uri, (*self.routes[1:], f"<{self.target}>")

    @property
    def destination(self) -> Hop:
        """The next hop: the first route, or the target (§8.1.2)."""
        uri, routes = self.request_uri_and_routes
        first = parse_name_addr(self.routes[0]).uri if self.routes and routes == self.routes else uri
        try:
            return hop_of_uri(parse_sip_uri(first), self.fallback)
        except SipParseError:  # a tel URI, for one
            return self.fallback


def _routes(message: SipMessage, *, backwards: bool) -> tuple[str, ...]:
    """The Record-Route values as a route set; an unreadable one is a protocol error of the far side."""
    values = message.headers.values("Record-Route")
    for value in values:
        parse_sip_uri(parse_name_addr(value).uri)
    return tuple(reversed(values)) if backwards else tuple(values)


def dialog_of_response(request: Request, response: Response, fallback: Hop) -> Dialog:
    """§12.1.2: our INVITE and a response with a To tag make a dialog."""
    number, _ = request.cseq
    return Dialog(
        call_id=request.call_id,
        local_tag=request.from_.tag or "",
        remote_tag=response.to.tag or "",
        local=request.headers.get("From") or "",
        remote=response.headers.get("To") or "",
        target=contact_uri(response) or request.uri,
        routes=_routes(response, backwards=True),
        local_cseq=number,
        remote_cseq=None,
        fallback=fallback,
    )


def dialog_of_request(request: Request, local_tag: str, source: Hop) -> Dialog:
    """§12.1.1: their INVITE and the tag we answer with make a dialog.

    Raises SipParseError where it has no Contact.
    """
    number, _ = request.cseq
    target = contact_uri(request)
    if target is None:
        raise SipParseError("INVITE has no Contact that can be read")
    to = request.to
    return Dialog(
        call_id=request.call_id,
        local_tag=local_tag,
        remote_tag=request.from_.tag or "",
        local=str(NameAddr(to.uri, to.display, {**to.parameters, "tag": local_tag})),
        remote=request.headers.get("From") or "",
        target=target,
        routes=_routes(request, backwards=False),
        local_cseq=0,
        remote_cseq=number,
        fallback=source,
    )
