"""One request and its responses, kept whole over a wire that loses, doubles and reorders.

Runs the tables of `machines`. Knows no dialog and no call: what must be known above is told to the one
who began the transaction. RFC 3261 §17.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from byourside_server.sip import machines
from byourside_server.sip.grammar import MAGIC_COOKIE
from byourside_server.sip.hop import DEFAULT_PORTS, Hop
from byourside_server.sip.machines import Do, Happening, Machine, State, Timer
from byourside_server.sip.message import Headers, Request, Response
from byourside_server.sip.timers import Alarm, Alarms

ServerKey = tuple[str, ...]
ClientKey = tuple[str, str]

# What a response means to the machines, by its class: 1xx, 2xx, all others.
_RECEIVED = (Happening.PROVISIONAL, Happening.SUCCESS, Happening.FAILURE)
_SENDING = (Happening.SEND_PROVISIONAL, Happening.SEND_SUCCESS, Happening.SEND_FAILURE)


def _of_class(status: int, happenings: tuple[Happening, Happening, Happening]) -> Happening:
    return happenings[min(status // 100, 3) - 1]


class Floor(Protocol):
    """What a transaction stands on: a way out, a clock's alarms, and a place in the books."""

    alarms: Alarms

    def send(self, data: bytes, hop: Hop, now: float) -> int | None: ...

    def over(self, request: Request, hop: Hop) -> Request: ...

    def refuses_tcp(self, hop: Hop, now: float) -> None: ...

    def close_client(self, transaction: ClientTransaction) -> None: ...

    def close_server(self, transaction: ServerTransaction) -> None: ...


class _Transaction:
    """The state, its timers, and the walk through the table."""

    def __init__(self, machine: Machine, floor: Floor, *, reliable: bool) -> None:
        self._machine = machine
        # The transport sees to it that nothing is lost: timers take their other column.
        self._reliable = reliable
        self._floor = floor
        self._running: dict[str, tuple[Alarm, float]] = {}
        self._sent = b""
        self.state = machine.initial

    def _start(self, now: float) -> None:
        self._start_timers(now)

    def _happen(self, happening: Happening, now: float, timer: Timer | None = None) -> bool:
        """Walk one step; False where the table has none and what happened is absorbed."""
        step = self._machine.steps.get((self.state, happening))
        if step is None:
            return False
        after, deeds = step
        if after is not self.state:
            self.state = after
            self._stop_timers()
            self._start_timers(now)
        for deed in deeds:
            self._do(deed, now)
            if deed is Do.RESEND_AND_BACK_OFF and timer is not None:
                self._back_off(timer, now)
        return True

    def _do(self, deed: Do, now: float) -> None:
        raise NotImplementedError

    def _closed(self) -> None:
        raise NotImplementedError

    def _start_timers(self, now: float) -> None:
        if self.state is State.TERMINATED:
            self._closed()
            return
        for timer in self._machine.timers.get(self.state, ()):
            after_s = timer.reliable_after_s if self._reliable else timer.after_s
            if after_s is not None:
                self._run(timer, after_s, now)

    def _run(self, timer: Timer, after_s: float, now: float) -> None:
        def ring(at: float) -> None:
            self._happen(timer.happening, at, timer)

        self._running[timer.letter] = self._floor.alarms.set(now + after_s, ring), after_s

    def _back_off(self, timer: Timer, now: float) -> None:
        _, last_s = self._running[timer.letter]
        self._run(timer, min(last_s * 2, timer.cap_s or last_s), now)

    def _stop_timers(self) -> None:
        kept = self._machine.kept.get(self.state, frozenset())
        for letter in [letter for letter in self._running if letter not in kept]:
            alarm, _ = self._running.pop(letter)
            self._floor.alarms.cancel(alarm)


class ClientTransaction(_Transaction):
    """Our request. `tell` hears each response to act upon, or None (and why) where none came."""

    def __init__(
        self,
        floor: Floor,
        request: Request,
        destination: Hop,
        tell: Callable[[ClientTransaction, Response | None, float], None],
        *,
        datagrams: Hop | None = None,
    ) -> None:
        """`datagrams`: where to send it after all, should TCP be refused to a request that is large."""
        super().__init__(
            machines.INVITE_CLIENT if request.method == "INVITE" else machines.NON_INVITE_CLIENT,
            floor,
            reliable=destination.reliable,
        )
        self.request = request
        self.destination = destination
        # The connection it went out on.
        self.flow: int | None = None
        # Why no response came: True where the network said so, False where nobody answered.
        self.transport_failed = False
        # What the network said, where it said something.
        self.failure = ""
        self._datagrams = datagrams
        self._was_sent_again = False
        self._tell = tell
        self._response: Response | None = None
        self._ack: bytes | None = None
        self.key: ClientKey = (request.via.branch or "", request.method)

    def start(self, now: float) -> None:
        self._send(now)
        self._start(now)

    def _send(self, now: float) -> None:
        self._sent = self.request.encode()
        self.flow = self._floor.send(self._sent, self.destination, now)

    def receive(self, response: Response, now: float) -> None:
        self._response = response
        self._happen(_of_class(response.status, _RECEIVED), now)

    def fail_transport(self, now: float, failure: str = "") -> None:
        """The network says that it will not arrive; a large request then tries UDP (§18.1.1)."""
        if self.state is self._machine.initial and self._datagrams is not None:
            self._floor.refuses_tcp(self.destination, now)
            self.destination, self._datagrams = self._datagrams, None
            self.request = self._floor.over(self.request, self.destination)
            self._reliable = False
            self._stop_timers()
            self.start(now)
            return
        self.failure = failure
        self._happen(Happening.TRANSPORT_ERROR, now)

    def lose_flow(self, now: float, failure: str) -> None:
        """A connection that stood has broken off before any answer: once, the same goes over a new one.

        The peer may have closed it for idleness the moment we used it. It is the same transaction to
        the peer, so one that had it already is not asked twice.
        """
        if self.state is self._machine.initial and not self._was_sent_again:
            self._was_sent_again = True
            self._send(now)
        else:
            self.fail_transport(now, failure)

    def abandon(self) -> None:
        """End without a word: the user no longer waits (§9.1, last paragraph)."""
        if self.state is not State.TERMINATED:
            self.state = State.TERMINATED
            self._stop_timers()
            self._closed()

    def _do(self, deed: Do, now: float) -> None:
        if deed is Do.PASS_UP:
            tell, response = self._tell, self._response
            if self.state is State.COMPLETED:
                # That was the last word: what lingers on for copies of it holds nothing of the call.
                self._tell, self._response = _tell_nobody, None
            tell(self, response, now)
        elif deed is Do.RESEND_AND_BACK_OFF:
            self.flow = self._floor.send(self._sent, self.destination, now)
        elif deed is Do.ACK:
            self._acknowledge(now)
        elif deed in (Do.TELL_TIMEOUT, Do.TELL_TRANSPORT_ERROR):
            self.transport_failed = deed is Do.TELL_TRANSPORT_ERROR
            self._tell(self, None, now)

    def _acknowledge(self, now: float) -> None:
        """§17.1.1.3: the ACK of a failure is part of the transaction and goes where the INVITE went."""
        if self._ack is None and self._response is not None:
            self._ack = follow_up(self.request, "ACK", to=self._response.headers.get("To")).encode()
        if self._ack is not None:
            self._floor.send(self._ack, self.destination, now)

    def _closed(self) -> None:
        self._floor.close_client(self)


def _tell_nobody(transaction: ClientTransaction, response: Response | None, now: float) -> None:
    """Who listens to a transaction that has said all it will."""


class ServerTransaction(_Transaction):
    """A request of the far side. The user calls `respond`; `on_ack` hears the ACK of a 2xx."""

    def __init__(self, floor: Floor, request: Request, source: Hop) -> None:
        super().__init__(
            machines.INVITE_SERVER if request.method == "INVITE" else machines.NON_INVITE_SERVER,
            floor,
            reliable=source.reliable,
        )
        self.request = request
        self.source = source
        self.key = server_key(request)
        # What this side put into To; all responses to one request carry the same (§8.2.6.2).
        self.to_tag: str | None = None
        # Ours to answer a CANCEL with, while the request is not finally answered.
        self.on_cancel: Callable[[float], None] | None = None
        self._reply_to = reply_hop(request, source)

    @property
    def answered(self) -> bool:
        return self.state not in (State.TRYING, State.PROCEEDING)

    def start(self, now: float) -> None:
        self._start(now)

    def respond(self, response: Response, now: float) -> None:
        self._sent = response.encode()
        self._happen(_of_class(response.status, _SENDING), now)

    def receive_again(self, now: float) -> None:
        self._happen(Happening.REQUEST, now)

    def receive_ack(self, now: float) -> None:
        self._happen(Happening.ACK, now)

    def _do(self, deed: Do, now: float) -> None:
        if deed in (Do.SEND, Do.RESEND, Do.RESEND_AND_BACK_OFF) and self._sent:
            self._floor.send(self._sent, self._reply_to, now)

    def _closed(self) -> None:
        self.on_cancel = None
        self._floor.close_server(self)


def reply_hop(request: Request, source: Hop) -> Hop:
    """Where responses go (§18.2.2): over the connection the request came on, else to the Via's port.

    Over streams the port others connect from is nobody's to call back; over UDP it is (RFC 3581).
    """
    if source.transport == "udp":
        return Hop(*request.via.reply_address(source.address))
    return Hop(
        source.host, request.via.port or DEFAULT_PORTS[source.transport], source.transport, flow=source.flow
    )


def follow_up(
    invite: Request, method: str, *, to: str | None = None, headers: Iterable[tuple[str, str]] = ()
) -> Request:
    """The CANCEL of an INVITE (§9.1) or the ACK of its refusal (§17.1.1.3): same branch, number, route."""
    sent = invite.headers
    number, _ = invite.cseq
    lines = [("Via", sent.lines("Via")[0]), ("Max-Forwards", "70")]
    lines += [("Route", route) for route in sent.lines("Route")]
    lines += [
        ("From", sent.get("From") or ""),
        ("To", to or sent.get("To") or ""),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{number} {method}"),
        *headers,
    ]
    return Request(Headers(lines), b"", method, invite.uri)


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """What makes two requests the same transaction (§17.2.3); an ACK counts as its INVITE."""
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    # The cookie alone names nothing (RFC 4475 §3.2.1).
    if via.branch is not None and via.branch.startswith(MAGIC_COOKIE) and via.branch != MAGIC_COOKIE:
        return via.branch, via.host.lower(), str(via.port or ""), method
    # RFC 2543 peers: no usable branch.
    number, _ = request.cseq
    return "2543", request.call_id, request.from_.tag or "", str(number), str(via), method
