"""The in-memory wire with connections: opened, cut into any pieces, refused and broken as a test says."""

from __future__ import annotations

from collections.abc import Iterator

from byourside_server.sip.endpoint import SipEndpoint
from byourside_server.sip.hop import Hop
from byourside_server.sip.trunk_events import TrunkEvent
from tests.sip.wire import Address, Sent, Wire, tokens

TLS_PORT = 5061
# One end of a connection: whose, and what number it has there.
End = tuple[Address, int]


class StreamWire(Wire):
    """A wire on which every endpoint also listens for TCP and, on port 5061, for TLS."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # Bytes a connection delivers at once.
        self.piece = 1 << 16
        # Hosts that take no connections, and why.
        self.refusing: dict[str, str] = {}
        # Opened connections, with the hop they were opened to.
        self.opened: list[tuple[Address, Hop]] = []
        # What went over connections: message by message, and pings and pongs apart.
        self.streamed: list[Sent] = []
        self.blank: list[tuple[Address, bytes]] = []
        self.trunk_events: dict[Address, list[TrunkEvent]] = {}
        self.peers: dict[End, End] = {}
        self._next_port = 40_000

    def attach(self, address: Address, name: str) -> SipEndpoint:
        super().attach(address, name)
        endpoint = SipEndpoint(*address, user_agent=name, token=tokens(name), tls_port=TLS_PORT)
        self.endpoints[address] = endpoint
        self.trunk_events[address] = []
        return endpoint

    def break_connections(self) -> None:
        """Every connection is gone at once, for both ends."""
        for (address, number), _ in list(self.peers.items()):
            self.peers.pop((address, number), None)
            self.endpoints[address].stream_lost(number, self.now, "connection closed")
        self.settle()

    def forget_connections(self, address: Address) -> None:
        """One side's connections are gone, and the other side learns it when it next writes."""
        for end in [end for end in self.peers if end[0] == address]:
            self.endpoints[address].stream_lost(end[1], self.now, "rebooted")
            del self.peers[end]

    def over_streams(self, source: Address) -> list[str]:
        """What an address said over connections, in order."""
        return [sent.label for sent in self.streamed if sent.source == source]

    def _collect(self) -> bool:
        moved = super()._collect()
        for address, endpoint in self.endpoints.items():
            while (news := endpoint.next_trunk_event()) is not None:
                self.trunk_events[address].append(news)
                moved = True
            for number, hop in endpoint.streams_to_open():
                self._open(address, number, hop)
                moved = True
            for number, data in endpoint.stream_data_to_send(self.now):
                self._carry((address, number), data)
                moved = True
            for number in endpoint.streams_to_close():
                self._close((address, number))
                moved = True
        return moved

    def _open(self, address: Address, number: int, hop: Hop) -> None:
        self.opened.append((address, hop))
        port = 5060 if hop.transport == "tcp" else TLS_PORT
        listener = self.endpoints.get((hop.host, 5060)) if hop.port == port else None
        why = self.refusing.get(hop.host, "connection refused" if listener is None else "")
        if listener is None or why:
            self.endpoints[address].stream_lost(number, self.now, why)
            return
        self._next_port += 1
        theirs = listener.accept_stream(Hop(address[0], self._next_port, hop.transport), self.now)
        assert theirs is not None
        self.endpoints[address].stream_opened(number, self.now)
        self._join((address, number), ((hop.host, 5060), theirs))

    def _join(self, one: End, other: End) -> None:
        self.peers[one], self.peers[other] = other, one

    def _carry(self, end: End, data: bytes) -> None:
        other = self.peers.get(end)
        if other is None or other not in self.peers:
            self.peers.pop(end, None)
            self.endpoints[end[0]].stream_lost(end[1], self.now, "connection reset")
            return
        if data.strip():
            self.streamed.append(Sent(self.now, end[0], other[0], data, False))
        elif data:
            self.blank.append((end[0], data))
        for piece in pieces(data, self.piece):
            self.endpoints[other[0]].receive_stream(other[1], piece, self.now)

    def _close(self, end: End) -> None:
        other = self.peers.pop(end, None)
        if other is not None:
            self.peers.pop(other, None)
            self.endpoints[other[0]].stream_lost(other[1], self.now, "connection closed")


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
