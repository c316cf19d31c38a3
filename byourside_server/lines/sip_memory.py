"""SIP on a wire of memory: the same endpoint, its datagrams handed over in this process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from byourside_server.lines.media_memory import Weather
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.sip.endpoint import SipEndpoint
from byourside_server.sip.events import SipEvent

PORT = 5060


class SipWire(dict[tuple[str, int], SipSocket]):
    """Who listens where, and the weather between them."""

    def __init__(self, weather: Weather | None = None) -> None:
        super().__init__()
        self._weather = weather
        self._random = random.Random(weather.seed if weather else 1)

    def carry(self, data: bytes, source: tuple[str, int], destination: tuple[str, int]) -> None:
        """Hand a datagram over, at once or as the weather lets it."""
        listener, loop = self.get(destination), asyncio.get_running_loop()
        if listener is None:
            return
        if self._weather is None:
            loop.call_soon(listener.datagram_received, data, source)
        elif self._random.random() >= self._weather.loss:
            delay_s = self._weather.jitter_s * self._random.random()
            loop.call_later(delay_s, listener.datagram_received, data, source)


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
        self._wire.carry(data, (self.host, self.port), destination)
