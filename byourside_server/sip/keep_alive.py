"""Empty lines that keep a way open: NAT and firewalls forget one on which nothing is said.

Over UDP a datagram of two line ends, over a connection the ping of RFC 5626 §4.4.1. A peer that used to
answer pings and no longer does is taken for gone, and its connection is closed.
"""

from __future__ import annotations

from byourside_server.sip.core import Core
from byourside_server.sip.hop import Hop
from byourside_server.sip.timers import Alarm

# RFC 5626 §4.4.2: NATs forget UDP within 30 s; §4.4.1: connections within minutes.
UDP_INTERVAL_S = 25.0
STREAM_INTERVAL_S = 100.0
# §4.4.1: a pong that takes longer is none.
PONG_WITHIN_S = 10.0
_EMPTY = b"\r\n\r\n"


class KeepAlive:
    """Pings one hop at an interval until `stop`."""

    def __init__(self, core: Core, hop: Hop, now: float, interval_s: float | None = None) -> None:
        self._core = core
        self._hop = hop
        self._interval_s = interval_s or (STREAM_INTERVAL_S if hop.reliable else UDP_INTERVAL_S)
        self._alarm: Alarm | None = core.alarms.set(now + self._interval_s, self._ping)

    def stop(self) -> None:
        self._core.alarms.cancel(self._alarm)
        self._alarm = None

    def _ping(self, now: float) -> None:
        self._alarm = self._core.alarms.set(now + self._interval_s, self._ping)
        if not self._hop.reliable:
            self._core.send(_EMPTY, self._hop, now)
            return
        # Opened where it is not: a trunk that calls us needs it, whoever closed it last.
        number = self._core.send(b"", self._hop, now)
        flow = self._core.streams.flows[number] if number is not None else None
        if flow is None or number is None:
            return
        self._core.streams.send(flow.framer.ping(), flow.hop, now)

        def listen(at: float) -> None:
            if self._core.streams.flows.get(number) is flow and flow.framer.is_deaf:
                self._core.dropped["stream: no pong"] += 1
                self._core.streams.close(number)

        self._core.alarms.set(now + PONG_WITHIN_S, listen)
