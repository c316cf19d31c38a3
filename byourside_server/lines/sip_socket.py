"""The roof over the SIP user agent: its sockets, one timer, and nothing else.

All protocol is in `sip`; this file moves its bytes and wakes it at its deadlines.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TypeVar

from byourside_server.lines.sip_streams import SipStreams, stream_socket
from byourside_server.lines.sip_udp import UdpSocket
from byourside_server.lines.tls_settings import TlsSettings
from byourside_server.sip.endpoint import SipEndpoint
from byourside_server.sip.events import SipEvent
from byourside_server.sip.trunk_events import TrunkEvent

log = logging.getLogger(__name__)

# Alarms ring this much late at most, so that those of many calls ring together: nothing in SIP is shorter
# than 500 ms, and each call leaves two alarms behind that only clear up.
_GRAIN_S = 0.02

T = TypeVar("T")
Address = tuple[str, int]

# A free UDP port whose TCP namesake is taken is given back this often for another.
_TRIES = 8


class SipSocket:
    """A SipEndpoint on this machine's sockets: UDP, TCP on the same port, TLS.

    `on_event` hears of calls, `on_trunk_event` of registrations and OPTIONS.
    """

    def __init__(
        self,
        on_event: Callable[[SipEvent], None],
        *,
        user_agent: str,
        on_trunk_event: Callable[[TrunkEvent], None] | None = None,
    ) -> None:
        self._on_event = on_event
        self._on_trunk_event = on_trunk_event
        self._user_agent = user_agent
        self._loop = asyncio.get_running_loop()
        # Not asked of the handle: uvloop gives one without `when` for a moment that has passed.
        self._timer: asyncio.Handle | None = None
        self._wakes_at = 0.0
        self._udp: UdpSocket | None = None
        self._streams: SipStreams | None = None
        # The port TLS connections of ours leave from, where no listener holds it.
        self._held: socket.socket | None = None
        self._open = False
        self.endpoint: SipEndpoint
        self.host = ""
        self.port = 0
        # Where TLS connections to us are taken; None without a certificate.
        self.tls_port: int | None = None

    async def open(
        self,
        host: str,
        port: int = 0,
        *,
        tls: TlsSettings | None = None,
        tls_port: int = 0,
        advertised: Address | None = None,
    ) -> None:
        """Bind UDP and TCP to `port`, and TLS to `tls_port` where there is a certificate.

        `advertised` is where others reach us, where that is not the address bound to (NAT). Raises OSError
        where address or port can't be had, TlsSettingsError where a certificate can't.
        """
        tls = tls or TlsSettings()
        server_tls = tls.server_context()
        tcp = self._bind(host, port)
        secure: socket.socket | None = None
        try:
            secure = stream_socket((host, tls_port if server_tls is not None else 0))
            secure_port = int(secure.getsockname()[1])
            known_host, known_port = advertised or (self.host, self.port)
            self.endpoint = SipEndpoint(
                known_host, known_port, user_agent=self._user_agent, tls_port=secure_port
            )
            self._streams = SipStreams(self.endpoint, tls, self._pump)
            if tcp is not None:
                self._streams.leave_from("tcp", (host, self.port))
                await self._streams.listen(tcp, "tcp", None)
            self._streams.leave_from("tls", (host, secure_port))
            if server_tls is not None:
                await self._streams.listen(secure, "tls", server_tls)
                self.tls_port = secure_port
            else:
                self._held = secure
        except BaseException:
            for sock in (tcp, secure):
                if sock is not None:
                    sock.close()
            await self.close()
            raise
        self._open = True

    def _bind(self, host: str, port: int) -> socket.socket | None:
        """UDP, and the TCP socket of the same number where it can be had."""
        udp = self._udp = UdpSocket(self.datagram_received, self._on_unreachable)
        why = ""
        for _ in range(_TRIES if port == 0 else 1):
            udp.close()
            self.host, self.port = udp.open(host, port)
            try:
                return stream_socket((host, self.port))
            except OSError as error:
                why = error.strerror or str(error)
        log.warning("no SIP connections are taken over TCP", extra={"port": self.port, "why": why})
        return None

    async def close(self) -> None:
        """Send what is left to send, and close everything."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._streams is not None:
            await self._streams.close()
        if self._held is not None:
            self._held.close()
            self._held = None
        if self._udp is not None:
            self._udp.close()
            self._udp = None

    def do(self, action: Callable[[float], T]) -> T:
        """Run `action(now)` on the endpoint or one of its calls, then send what it left to send."""
        result = action(self._loop.time())
        self._pump()
        return result

    def datagram_received(self, data: bytes, source: Address) -> None:
        self.endpoint.receive_datagram(data, source, self._loop.time())
        self._pump()

    def _on_unreachable(self, address: Address, why: str) -> None:
        """The network says that datagrams do not arrive there."""
        self.endpoint.receive_transport_error(address, self._loop.time(), why)
        self._pump()

    def _pump(self) -> None:
        self._send()
        while (event := self.endpoint.next_event()) is not None:
            self._on_event(event)
            self._send()
        while (news := self.endpoint.next_trunk_event()) is not None:
            if self._on_trunk_event is not None:
                self._on_trunk_event(news)
            self._send()
        self._arm()

    def _send(self) -> None:
        now = self._loop.time()
        for data, destination in self.endpoint.datagrams_to_send(now):
            self._send_datagram(data, destination)
        if self._streams is not None:
            self._streams.move(now)

    def _send_datagram(self, data: bytes, destination: Address) -> None:
        if self._udp is not None:
            self._udp.send(data, destination)

    def _arm(self) -> None:
        deadline = self.endpoint.next_deadline()
        if self._timer is not None:
            if deadline is not None and self._wakes_at <= deadline + _GRAIN_S:
                return  # wakes early at worst, and re-arms
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._open:
            self._wakes_at = deadline + _GRAIN_S
            self._timer = self._loop.call_at(self._wakes_at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.endpoint.handle_deadline(self._loop.time())
        self._pump()
