"""Two or more SIP endpoints and an in-memory wire, driven by a clock that only moves when told.

The wire loses, doubles and delays as it is told, by a seeded generator, so every run is the same run.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from byourside_server.sip import sdp
from byourside_server.sip.endpoint import SipEndpoint, TrunkAddress
from byourside_server.sip.events import InviteReceived, SipEvent
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import OutgoingCall
from byourside_server.sip.parse import parse

Address = tuple[str, int]
E = TypeVar("E", bound=SipEvent)

OFFICE: Address = ("10.0.0.1", 5060)
PHONE: Address = ("10.0.0.2", 5060)
OFFER = sdp.offer("10.0.0.1", 4000).encode()
ANSWER = sdp.offer("10.0.0.2", 4002, (sdp.PCMU, sdp.TELEPHONE_EVENT)).encode()


def tokens(prefix: str) -> Callable[[int], str]:
    """Tokens that count instead of being random; two endpoints need two prefixes."""
    numbers = count(1)
    return lambda size: f"{prefix}{next(numbers):0{2 * size}x}"


@dataclass(frozen=True)
class Sent:
    """One datagram on its way."""

    at: float
    source: Address
    destination: Address
    data: bytes
    lost: bool

    @property
    def message(self) -> Request | Response:
        return parse(self.data)

    @property
    def label(self) -> str:
        """`INVITE`, or `200 INVITE` for a response."""
        message = self.message
        if isinstance(message, Request):
            return message.method
        return f"{message.status} {message.cseq[1]}"


@dataclass
class Weather:
    """What the wire does to datagrams: shares of 1, and seconds."""

    loss: float = 0.0
    duplication: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0


@dataclass
class Wire:
    """Moves datagrams between endpoints and rings their alarms."""

    weather: Weather = field(default_factory=Weather)
    seed: int = 1
    # Says of a datagram about to go whether it is lost, apart from the weather.
    lose: Callable[[Sent], bool] = lambda sent: False
    keep_log: bool = True
    now: float = 0.0

    def __post_init__(self) -> None:
        self.log: list[Sent] = []
        self.endpoints: dict[Address, SipEndpoint] = {}
        self.events: dict[Address, list[SipEvent]] = {}
        self.reactions: dict[Address, Callable[[SipEvent], None]] = {}
        self._air: list[tuple[float, int, Sent]] = []
        self._order = count()
        self._random = random.Random(self.seed)

    def attach(self, address: Address, name: str) -> SipEndpoint:
        endpoint = SipEndpoint(*address, user_agent=name, token=tokens(name))
        self.endpoints[address] = endpoint
        self.events[address] = []
        return endpoint

    def inject(self, data: bytes, source: Address, destination: Address) -> None:
        """Put a hand-made datagram on the wire."""
        self._put(data, source, destination)
        self.settle()

    def settle(self) -> None:
        """Deliver everything that arrives at this moment, and what follows from it."""
        while self._collect() or self._deliver():
            pass

    def run_until(self, moment: float) -> None:
        """Move the clock on, stopping wherever something is due."""
        self.settle()
        while (due := self._next_due()) is not None and due <= moment:
            self.now = max(self.now, due)
            for endpoint in self.endpoints.values():
                endpoint.handle_deadline(self.now)
            self.settle()
        self.now = moment

    def run(self, seconds: float) -> None:
        self.run_until(self.now + seconds)

    def labels(self, source: Address, since: float = 0.0) -> list[str]:
        """What an address has sent, in order."""
        return [sent.label for sent in self.log if sent.source == source and sent.at >= since]

    def moments(self, source: Address, label: str) -> list[float]:
        """When it sent that."""
        return [round(sent.at, 6) for sent in self.log if sent.source == source and sent.label == label]

    def last(self, source: Address, label: str) -> Request | Response:
        return next(
            sent.message for sent in reversed(self.log) if sent.source == source and sent.label == label
        )

    def _collect(self) -> bool:
        moved = False
        for address, endpoint in self.endpoints.items():
            for data, destination in endpoint.datagrams_to_send(self.now):
                self._put(data, address, destination)
                moved = True
            while (event := endpoint.next_event()) is not None:
                moved = True
                self.events[address].append(event)
                if address in self.reactions:
                    self.reactions[address](event)
        return moved

    def _put(self, data: bytes, source: Address, destination: Address) -> None:
        copies = 2 if self._chance(self.weather.duplication) else 1
        for _ in range(copies):
            sent = Sent(self.now, source, destination, data, False)
            if self._chance(self.weather.loss) or self.lose(sent):
                sent = Sent(self.now, source, destination, data, True)
            if self.keep_log:
                self.log.append(sent)
            delay_s = self.weather.delay_s + self._random.random() * self.weather.jitter_s
            if not sent.lost and destination in self.endpoints:
                heapq.heappush(self._air, (self.now + delay_s, next(self._order), sent))

    def _chance(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _deliver(self) -> bool:
        moved = False
        while self._air and self._air[0][0] <= self.now:
            _, _, sent = heapq.heappop(self._air)
            self.endpoints[sent.destination].receive_datagram(sent.data, sent.source, self.now)
            moved = True
        return moved

    def _next_due(self) -> float | None:
        due = [at for endpoint in self.endpoints.values() if (at := endpoint.next_deadline()) is not None]
        if self._air:
            due.append(self._air[0][0])
        return min(due, default=None)


class Pair:
    """An office that calls and a phone that is called, with a wire between them."""

    def __init__(self, wire: Wire | None = None, trunk: TrunkAddress | None = None) -> None:
        self.wire = wire or Wire()
        self.office = self.wire.attach(OFFICE, "aa")
        self.phone = self.wire.attach(PHONE, "bb")
        self.trunk = trunk or TrunkAddress(PHONE, "carrier.example")

    def dial(self, headers: tuple[tuple[str, str], ...] = (), offer: bytes = OFFER) -> OutgoingCall:
        call = self.office.invite(
            self.trunk,
            to_user="+14155550123",
            from_user="+14155550100",
            sdp=offer,
            now=self.wire.now,
            headers=headers,
        )
        self.wire.settle()
        return call

    @property
    def ringing(self) -> IncomingCall:
        """The call that reached the phone last."""
        return self.heard_by_phone(InviteReceived)[-1].call

    def answered(self, answer: bytes = ANSWER) -> tuple[OutgoingCall, IncomingCall]:
        call = self.dial()
        incoming = self.ringing
        incoming.answer(answer, self.wire.now)
        self.wire.settle()
        return call, incoming

    def heard_by_office(self, kind: type[E]) -> list[E]:
        return [event for event in self.wire.events[OFFICE] if isinstance(event, kind)]

    def heard_by_phone(self, kind: type[E]) -> list[E]:
        return [event for event in self.wire.events[PHONE] if isinstance(event, kind)]

    def story(self, address: Address) -> list[str]:
        """The names of the events one side heard."""
        return [type(event).__name__ for event in self.wire.events[address]]
