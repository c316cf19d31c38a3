"""The roof over the SIP user agent: one UDP socket, one timer, and nothing else.

All protocol is in `sip`; this file moves its datagrams and wakes it at its deadlines.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

from byourside_server.sip.endpoint import SipEndpoint
from byourside_server.sip.events import SipEvent

T = TypeVar("T")

# Asked of the kernel; bursts of INVITEs otherwise overflow the default 208 KiB.
RECEIVE_BUFFER = 4 << 20


class SipSocket(asyncio.DatagramProtocol):
    """A SipEndpoint on a UDP socket of this machine."""

    def __init__(self, on_event: Callable[[SipEvent], None], *, user_agent: str) -> None:
        self._on_event = on_event
        self._user_agent = user_agent
        self._loop = asyncio.get_running_loop()
        # Not asked of the handle: uvloop gives one without `when` for a moment that has passed.
        self._timer: asyncio.Handle | None = None
        self._wakes_at = 0.0
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self.endpoint: SipEndpoint
        self.host = ""
        self.port = 0

    async def open(self, host: str, port: int = 0) -> None:
        """Bind. Raises OSError where the address or port can't be had."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.setblocking(False)
            sock.bind((host, port))
            transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=sock)
        except BaseException:
            sock.close()
            raise
        self._transport = transport
        self.host, self.port = sock.getsockname()[:2]
        self.endpoint = SipEndpoint(self.host, self.port, user_agent=self._user_agent)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()
            self._transport = None

    def do(self, action: Callable[[float], T]) -> T:
        """Run `action(now)` on the endpoint or one of its calls, then send what it left to send."""
        result = action(self._loop.time())
        self._pump()
        return result

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.endpoint.receive_datagram(data, (addr[0], addr[1]), self._loop.time())
        self._pump()

    def error_received(self, exc: Exception) -> None:
        """ICMP errors carry no address here; the transaction's own timers speak for a dead peer."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def _pump(self) -> None:
        self._send()
        while (event := self.endpoint.next_event()) is not None:
            self._on_event(event)
            self._send()
        self._arm()

    def _send(self) -> None:
        for data, destination in self.endpoint.datagrams_to_send(self._loop.time()):
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(data, destination)

    def _arm(self) -> None:
        deadline = self.endpoint.next_deadline()
        if self._timer is not None:
            if deadline is not None and self._wakes_at <= deadline:
                return  # wakes early at worst, and re-arms
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._transport is not None:
            self._timer = self._loop.call_at(deadline, self._on_timer)
            self._wakes_at = deadline

    def _on_timer(self) -> None:
        self._timer = None
        self.endpoint.handle_deadline(self._loop.time())
        self._pump()
