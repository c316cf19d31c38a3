"""The connections of one endpoint: which there are, what goes out on them, when they are let go.

Sans-IO like the rest: whoever holds the sockets opens what `to_open` asks for, and says what came of it.
A connection has a number, its flow. RFC 3261 §18; RFC 5626 §4.4.1 for the pings.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.framing import StreamFramer
from byourside_server.sip.hop import Hop

# A connection on which nothing was said for this long is closed; a ping says that it is wanted.
IDLE_S = 600.0
# A connection others opened must say something within this time; a message, begun, must end in it.
SILENT_S = 30.0
# Connections others may hold open at once; the one after is closed at once.
MAX_ACCEPTED = 1024


class Flow:
    """One connection."""

    def __init__(self, number: int, hop: Hop, now: float, *, accepted: bool) -> None:
        self.number = number
        # The far end, this flow's number with it.
        self.hop = replace(hop, flow=number)
        self.accepted = accepted
        self.established = accepted
        self.framer = StreamFramer()
        self.used_at = now
        # Whether a whole message or a ping ever came, and since when one is unfinished.
        self.has_spoken = False
        self._begun_at: float | None = None

    def feed(self, data: bytes, now: float) -> tuple[list[bytes], SipParseError | None]:
        """The messages that are whole with these bytes, and why no later one can be cut out, if so."""
        messages: list[bytes] = []
        error = None
        try:
            for message in self.framer.feed(data):
                messages.append(message)
        except SipParseError as wrong:
            error = wrong
        if messages or self.framer.has_pings:
            self.used_at, self.has_spoken, self._begun_at = now, True, None
        if not self.framer.is_inside:
            self._begun_at = None
        elif self._begun_at is None:
            self._begun_at = now
        return messages, error

    def is_idle(self, now: float) -> bool:
        """Whether it is to be let go."""
        if self._begun_at is not None and now - self._begun_at >= SILENT_S:
            return True
        patience_s = SILENT_S if self.accepted and not self.has_spoken else IDLE_S
        return now - self.used_at >= patience_s


class Streams:
    """Flows by number and by whom they lead to, and what the owner of the sockets is to do."""

    def __init__(self) -> None:
        self.flows: dict[int, Flow] = {}
        # (host, port, transport, server name) → the connection of ours that leads there.
        self._ours: dict[tuple[str, int, str, str | None], int] = {}
        self._last = 0
        self._accepted = 0
        self.to_open: deque[tuple[int, Hop]] = deque()
        self.to_send: deque[tuple[int, bytes]] = deque()
        self.to_close: deque[int] = deque()

    def send(self, data: bytes, hop: Hop, now: float) -> int:
        """Put bytes on the connection they belong to, or on a new one; the number of it."""
        flow = self._flow_to(hop)
        if flow is None:
            flow = self._add(replace(hop, flow=None), now, accepted=False)
            self.to_open.append((flow.number, flow.hop))
            self._ours[_key(hop)] = flow.number
        flow.used_at = now
        self.to_send.append((flow.number, data))
        return flow.number

    def accept(self, hop: Hop, now: float) -> Flow | None:
        """Note a connection that somebody opened to us; None where there are too many already."""
        if self._accepted >= MAX_ACCEPTED:
            return None
        self._accepted += 1
        return self._add(hop, now, accepted=True)

    def close(self, number: int) -> None:
        """Let a connection go, of our own will."""
        if self.forget(number) is not None:
            self.to_close.append(number)

    def forget(self, number: int) -> Flow | None:
        """Strike a connection from the books; what waited to go out on it is lost."""
        flow = self.flows.pop(number, None)
        if flow is None:
            return None
        if flow.accepted:
            self._accepted -= 1
        elif self._ours.get(_key(flow.hop)) == number:
            del self._ours[_key(flow.hop)]
        return flow

    def _flow_to(self, hop: Hop) -> Flow | None:
        if hop.flow is not None and hop.flow in self.flows:
            return self.flows[hop.flow]
        number = self._ours.get(_key(hop))
        return None if number is None else self.flows[number]

    def _add(self, hop: Hop, now: float, *, accepted: bool) -> Flow:
        self._last += 1
        flow = self.flows[self._last] = Flow(self._last, hop, now, accepted=accepted)
        return flow


def _key(hop: Hop) -> tuple[str, int, str, str | None]:
    return hop.host, hop.port, hop.transport, hop.server_name
