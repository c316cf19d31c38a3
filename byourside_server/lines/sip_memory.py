"""SIP on a wire of memory: the same endpoint, its datagrams handed over in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from byourside_server.lines.sip_socket import SipSocket
from byourside_server.sip.endpoint import SipEndpoint
from byourside_server.sip.events import SipEvent

PORT = 5060


class SipWire(dict[tuple[str, int], SipSocket]):
    """Who listens where."""


class MemorySip(SipSocket):
    """A SipSocket whose datagrams never leave the process; open as soon as it is made."""

    def __init__(
        self,
        wire: SipWire,
        host: str,
        on_event: Callable[[SipEvent], None],
        *,
        user_agent: str = "ByYourSide",
    ) -> None:
        super().__init__(on_event, user_agent=user_agent)
        self.host, self.port = host, PORT
        self.endpoint = SipEndpoint(host, PORT, user_agent=user_agent)
        self._open = True
        self._wire = wire
        wire[host, PORT] = self

    async def close(self) -> None:
        self._wire.pop((self.host, self.port), None)
        await super().close()

    def _send_datagram(self, data: bytes, destination: tuple[str, int]) -> None:
        listener = self._wire.get(destination)
        if listener is not None:
            asyncio.get_running_loop().call_soon(listener.datagram_received, data, (self.host, self.port))
