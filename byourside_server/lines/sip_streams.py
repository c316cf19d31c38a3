"""TCP and TLS connections under the SIP user agent: opened, listened for, written to, closed.

What is said on them, and which there are, is the endpoint's business; this file holds the sockets.
Connections of ours leave from the port others reach us at, so that a peer that wants to reach us finds
the connection there is (the idea of RFC 5923, without asking for it).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

from byourside_server.lines.sip_udp import family_of
from byourside_server.lines.tls_settings import TlsSettings, connection_failure
from byourside_server.sip.endpoint import SipEndpoint
from byourside_server.sip.hop import Hop, Transport

log = logging.getLogger(__name__)

# A trunk that does not take a connection within this time is down, long before Timer B would say so.
CONNECT_TIMEOUT_S = 4.0
# Bytes waiting for a peer that does not read; with more the connection is given up.
MOST_UNSENT = 1 << 20
# How long the last words of connections that are closed may take.
_FAREWELL_S = 2.0


class _Connection(asyncio.Protocol):
    """One connection: `number` is what the endpoint calls it."""

    def __init__(self, owner: SipStreams, hop: Hop | None, transport: Transport) -> None:
        self._owner = owner
        self._hop = hop
        self._kind = transport
        self.number: int | None = None if hop is None else hop.flow
        self.closed = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._waiting = bytearray()
        self._closing = False
        self._why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Other loops' transports look like this one and are none (uvloop).
        transport = self._transport = cast("asyncio.Transport", transport)
        if self.number is None:
            host, port, *_ = transport.get_extra_info("peername") or ("", 0)
            self.number = self._owner.accepted(self, Hop(host, port, self._kind))
            if self.number is None:
                transport.abort()
                return
        else:
            self._owner.opened(self.number)
        waiting, self._waiting = bytes(self._waiting), bytearray()
        self.write(waiting)
        if self._closing:
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self.number is not None:
            self._owner.received(self.number, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        if self.number is not None:
            name = "the peer" if self._hop is None else str(self._hop)
            why = self._why or ("connection closed" if exc is None else connection_failure(exc, name))
            self._owner.lost(self.number, why)

    def write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            self._waiting += data
            if len(self._waiting) > MOST_UNSENT:
                self._waiting.clear()
        elif not transport.is_closing() and data:
            transport.write(data)
            if transport.get_write_buffer_size() > MOST_UNSENT:
                self._why = "the peer does not read what is sent"
                transport.abort()

    def close(self) -> None:
        """Once everything is sent."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class SipStreams:
    """Every connection of one endpoint, and its listeners."""

    def __init__(self, endpoint: SipEndpoint, tls: TlsSettings, changed: Callable[[], None]) -> None:
        """Raises TlsSettingsError where a file of the settings cannot be used."""
        self._endpoint = endpoint
        self._changed = changed
        self._client_tls = tls.client_context()
        self._loop = asyncio.get_running_loop()
        # Where connections of ours leave from.
        self._local: dict[Transport, tuple[str, int]] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, _Connection] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def leave_from(self, transport: Transport, local: tuple[str, int]) -> None:
        self._local[transport] = local

    async def listen(self, sock: socket.socket, transport: Transport, tls: ssl.SSLContext | None) -> None:
        """Take connections on a bound socket."""
        server = await self._loop.create_server(
            lambda: _Connection(self, None, transport),
            sock=sock,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else CONNECT_TIMEOUT_S,
        )
        self._servers.append(server)

    async def close(self) -> None:
        """Stop listening, let connections say what they were given, and close them."""
        for server in self._servers:
            server.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connections = list(self._connections.values())
        for connection in connections:
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                for connection in connections:
                    await connection.closed.wait()
        for connection in connections:
            connection.abort()

    def move(self, now: float) -> None:
        """Do what the endpoint wants done: open, write, close."""
        for number, hop in self._endpoint.streams_to_open():
            connection = self._connections[number] = _Connection(self, hop, hop.transport)
            task = self._tasks[number] = self._loop.create_task(self._connect(number, hop, connection))
            task.add_done_callback(lambda done, number=number: self._tasks.pop(number, None))  # type: ignore[misc]
        for number, data in self._endpoint.stream_data_to_send(now):
            if number in self._connections:
                self._connections[number].write(data)
        for number in self._endpoint.streams_to_close():
            if number in self._tasks:
                self._tasks[number].cancel()
                self._connections.pop(number, None)
            elif number in self._connections:
                self._connections[number].close()

    # --- what connections say ---------------------------------------------------------------------

    def accepted(self, connection: _Connection, source: Hop) -> int | None:
        number = self._endpoint.accept_stream(source, self._loop.time())
        if number is not None:
            self._connections[number] = connection
        self._changed()
        return number

    def opened(self, number: int) -> None:
        self._endpoint.stream_opened(number, self._loop.time())

    def received(self, number: int, data: bytes) -> None:
        self._endpoint.receive_stream(number, data, self._loop.time())
        self._changed()

    def lost(self, number: int, why: str) -> None:
        self._connections.pop(number, None)
        self._endpoint.stream_lost(number, self._loop.time(), why)
        self._changed()

    # --- connections of ours ----------------------------------------------------------------------

    async def _connect(self, number: int, hop: Hop, connection: _Connection) -> None:
        name = hop.server_name or hop.host
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                sock = await self._connected(hop)
                try:
                    await self._loop.create_connection(
                        lambda: connection,
                        sock=sock,
                        ssl=self._client_tls if hop.transport == "tls" else None,
                        server_hostname=name if hop.transport == "tls" else None,
                    )
                except BaseException:
                    sock.close()
                    raise
        except (OSError, ValueError) as error:  # ValueError: a name that can be on no certificate
            why = connection_failure(error, name if hop.transport == "tls" else str(hop))
            log.warning("no SIP connection", extra={"hop": str(hop), "why": why})
            self.lost(number, why)

    async def _connected(self, hop: Hop) -> socket.socket:
        """A socket connected from our own port; from any, where that pair of addresses is still in use."""
        local = self._local.get(hop.transport)
        if local is not None:
            try:
                return await self._connected_from(local, hop)
            except OSError as error:
                if not _is_in_use(error):
                    raise
        return await self._connected_from(None, hop)

    async def _connected_from(self, local: tuple[str, int] | None, hop: Hop) -> socket.socket:
        sock = stream_socket(local, hop.host)
        try:
            await self._loop.sock_connect(sock, hop.address)
        except BaseException:
            sock.close()
            raise
        return sock


def stream_socket(local: tuple[str, int] | None, remote_host: str = "") -> socket.socket:
    """A TCP socket, bound so that others of ours can leave from the same port. Raises OSError."""
    sock = socket.socket(family_of(local[0] if local is not None else remote_host), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(local)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_in_use(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
