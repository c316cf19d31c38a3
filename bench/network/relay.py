"""Bad weather on loopback: all between a server and the sandbox goes through here, and not all arrives.

The server (127.0.0.1) takes 127.0.0.3 for the sandbox, the sandbox (127.0.0.2) takes 127.0.0.4 for the
server. Addresses in SIP and SDP are rewritten letter for letter, ports stay, so that every datagram, of SIP,
RTP and RTCP alike, passes one of the relay's sockets, is lost with the given chance, and else delayed by its
own share of the jitter: later ones overtake earlier ones. Simulated weather, not the kernel's.

Prints `ready` and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

SERVER, SANDBOX = "127.0.0.1", "127.0.0.2"
SANDBOX_IMAGE, SERVER_IMAGE = "127.0.0.3", "127.0.0.4"
_MEDIA = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_CALL_ID = re.compile(rb"^Call-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass
class Weather:
    loss: float
    jitter_s: float
    random: random.Random
    counts: Counter[str] = field(default_factory=Counter)

    def delay_s(self) -> float | None:
        """How long a datagram takes; None: for ever."""
        if self.random.random() < self.loss:
            self.counts["lost"] += 1
            return None
        self.counts["passed"] += 1
        return self.random.uniform(0.0, self.jitter_s)


class Side(asyncio.DatagramProtocol):
    """One socket: what comes in on it leaves by its twin, to the far address."""

    def __init__(self, relay: Relay, *, for_sip: bool) -> None:
        self._relay = relay
        self._for_sip = for_sip
        self.twin: Side | None = None
        self.target: tuple[str, int] | None = None
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        if self._for_sip:
            self._relay.take_sip(self, data, sender)
        elif self.twin is not None and self.twin.target is not None:
            self._relay.pass_on(self.twin, data, self.twin.target)

    def error_received(self, error: Exception) -> None:
        """A port that is gone: the network does not tell."""


class Relay:
    def __init__(self, weather: Weather, sandbox_port: int) -> None:
        self._weather = weather
        self._loop = asyncio.get_running_loop()
        self._sandbox_port = sandbox_port
        self._to_sandbox: Side
        self._to_server: Side | None = None
        self._server_address: tuple[str, int] | None = None
        self._media: dict[tuple[bytes, str], tuple[int, list[Side]]] = {}

    async def open(self) -> None:
        self._to_sandbox = await self._socket(SANDBOX_IMAGE, self._sandbox_port, for_sip=True)

    async def _socket(self, host: str, port: int, *, for_sip: bool) -> Side:
        made = await self._loop.create_datagram_endpoint(
            lambda: Side(self, for_sip=for_sip), local_addr=(host, port)
        )
        return made[1]

    def pass_on(self, out: Side, data: bytes, target: tuple[str, int]) -> None:
        delay_s = self._weather.delay_s()
        if delay_s is not None:
            self._loop.call_later(delay_s, out.transport.sendto, data, target)

    def take_sip(self, side: Side, data: bytes, sender: tuple[str, int]) -> None:
        from_server = side is self._to_sandbox
        if from_server and self._server_address is None:
            self._server_address = sender
            self._loop.create_task(self._open_server_side(sender[1], data))
            return
        self._loop.create_task(self._forward_sip(from_server, data))

    async def _open_server_side(self, port: int, data: bytes) -> None:
        self._to_server = await self._socket(SERVER_IMAGE, port, for_sip=True)
        await self._forward_sip(True, data)

    async def _forward_sip(self, from_server: bool, data: bytes) -> None:
        if self._to_server is None or self._server_address is None:
            return
        await self._watch_media(from_server, data)
        if from_server:
            # Its own address, and what it took for the sandbox's.
            data = data.replace(SERVER.encode(), SERVER_IMAGE.encode())
            data = data.replace(SANDBOX_IMAGE.encode(), SANDBOX.encode())
            self.pass_on(self._to_server, data, (SANDBOX, self._sandbox_port))
        else:
            data = data.replace(SERVER_IMAGE.encode(), SERVER.encode())
            data = data.replace(SANDBOX.encode(), SANDBOX_IMAGE.encode())
            self.pass_on(self._to_sandbox, data, self._server_address)

    async def _watch_media(self, from_server: bool, data: bytes) -> None:
        """An image of every RTP port that is named, and of the RTCP port after it."""
        media, call = _MEDIA.search(data), _CALL_ID.search(data)
        if media is None or call is None or int(media[1]) == 0:
            return
        port, mine, other = int(media[1]), *(("server", "sandbox") if from_server else ("sandbox", "server"))
        if (call[1], mine) in self._media:
            return
        self._media[call[1], mine] = (port, [])
        host = SERVER_IMAGE if from_server else SANDBOX_IMAGE
        sides = [await self._socket(host, port + more, for_sip=False) for more in (0, 1)]
        for more, side in enumerate(sides):
            side.target = (SERVER if from_server else SANDBOX, port + more)
        self._media[call[1], mine] = (port, sides)
        twins = self._media.get((call[1], other), (0, []))[1]
        for side, twin in zip(sides, twins, strict=False):
            # What arrives at the image of one leaves from the image of the other.
            side.twin, twin.twin = _Out(twin, side), _Out(side, twin)


class _Out(Side):
    """Leaves by one side's socket, to the other side's owner."""

    def __init__(self, by: Side, owner: Side) -> None:
        self.transport, self.target = by.transport, owner.target


async def run(given: argparse.Namespace) -> None:
    weather = Weather(given.loss, given.jitter_ms / 1000, random.Random(given.seed))
    relay = Relay(weather, given.sandbox_port)
    await relay.open()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    sys.stdout.write(f"{weather.counts['passed']} {weather.counts['lost']}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sandbox-port", type=int, required=True)
    parser.add_argument("--loss", type=float, default=0.05)
    parser.add_argument("--jitter-ms", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
