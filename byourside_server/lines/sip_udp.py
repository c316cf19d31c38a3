"""The UDP socket under the SIP user agent, and what the network says of datagrams that did not arrive.

With IP_RECVERR (Linux) every ICMP error names the address it is about, so that a port nobody listens on
fails what waits for it at once. Elsewhere errors stay nameless and the transactions' timers speak.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable

Address = tuple[str, int]

# Asked of the kernel; bursts of INVITEs otherwise overflow the default 208 KiB.
RECEIVE_BUFFER = 4 << 20
# Datagrams taken in a row before others have their turn.
_AT_ONCE = 64
_LARGEST = 65_535
# linux/in.h, linux/in6.h, linux/errqueue.h: IP_RECVERR, IPV6_RECVERR, and the errno at the head of
# struct sock_extended_err.
_RECVERR = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
_ERRNO = struct.Struct("=I")
# What means that nobody is there. A datagram too large for the path (EMSGSIZE) is merely cut next time.
_NOBODY_THERE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class UdpSocket:
    """A bound socket; `receive` hears datagrams, `unreachable` hears of addresses nobody answers at."""

    def __init__(
        self, receive: Callable[[bytes, Address], None], unreachable: Callable[[Address, str], None]
    ) -> None:
        self._receive = receive
        self._unreachable = unreachable
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._buffer = memoryview(bytearray(_LARGEST))
        # Datagrams the kernel had no room for; to the protocol they are lost like any other.
        self.overflowed = 0

    def open(self, host: str, port: int) -> Address:
        """Bind; the address there is now. Raises OSError where it can't be had."""
        family = family_of(host)
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.setblocking(False)
            if hasattr(socket, "MSG_ERRQUEUE"):
                level, option = _RECVERR[family]
                sock.setsockopt(level, option, 1)
            sock.bind((host, port))
        except BaseException:
            sock.close()
            raise
        self._socket = sock
        self._loop.add_reader(sock, self._read)
        bound = sock.getsockname()
        return str(bound[0]), int(bound[1])

    def close(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def send(self, data: bytes, destination: Address) -> None:
        sock = self._socket
        if sock is None:
            return
        # An error that waits in the socket is given to whoever sends next; it is about somebody else.
        for _ in range(2):
            try:
                sock.sendto(data, destination)
            except BlockingIOError:
                self.overflowed += 1
            except OSError as error:
                if self._read_errors(sock):
                    continue
                self._loop.call_soon(self._unreachable, destination, error.strerror or str(error))
            return

    def _read(self) -> None:
        for number in range(_AT_ONCE):
            sock = self._socket
            if sock is None:
                return
            try:
                size, source = sock.recvfrom_into(self._buffer)
            except BlockingIOError:
                if number == 0:
                    # Woken for an error that a send has taken from the socket but not from its queue.
                    self._read_errors(sock)
                return
            except OSError:
                self._read_errors(sock)
                continue
            self._receive(bytes(self._buffer[:size]), (source[0], source[1]))

    def _read_errors(self, sock: socket.socket) -> bool:
        """Take in what the network said of datagrams sent before; whether it said anything."""
        if not hasattr(socket, "MSG_ERRQUEUE"):
            return False
        said = False
        while True:
            try:
                _, about, _, destination = sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return said
            said = True
            for level, kind, body in about:
                if (level, kind) not in _RECVERR.values() or len(body) < _ERRNO.size:
                    continue
                (number,) = _ERRNO.unpack_from(body)
                if number in _NOBODY_THERE and destination:
                    # Later, for this may be in the midst of sending.
                    address = str(destination[0]), int(destination[1])
                    self._loop.call_soon(self._unreachable, address, os.strerror(number))
