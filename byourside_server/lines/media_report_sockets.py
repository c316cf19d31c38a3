"""RTCP on real UDP: one socket a row, on the port after its RTP (RFC 3550 §11).

Read once a tick all together; arrivals carry the kernel's time, so that round trips are measured to less than
a tick. A report is taken from the host that the sound goes to or comes from, and answered where it came from.
"""

import select
import socket
import struct
from collections.abc import Callable

Address = tuple[str, int]

_LARGEST_BYTES = 1500
_MOST_A_TICK = 64
# socket(7), Linux; `socket` has no name for it. Tells arrivals as struct timespec.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")


class ReportSockets:
    def __init__(self, host: str, heard_from: Callable[[int], str | None]) -> None:
        """`heard_from` tells the host that a row's sound comes from."""
        self._host = host
        self._heard_from = heard_from
        self._sockets: dict[int, socket.socket] = {}
        self._row_of: dict[int, int] = {}
        self._targets: dict[int, Address] = {}
        self._epoll = select.epoll()

    def bind(self, row: int, port: int) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.bind((self._host, port))
        except OSError:
            sock.close()
            raise
        self._sockets[row] = sock
        self._row_of[sock.fileno()] = row
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def aim(self, row: int, target: Address | None) -> None:
        if target is None:
            self._targets.pop(row, None)
        else:
            self._targets[row] = target

    def close(self, row: int) -> None:
        sock = self._sockets.pop(row)
        self._epoll.unregister(sock.fileno())
        del self._row_of[sock.fileno()]
        self._targets.pop(row, None)
        sock.close()

    def send(self, row: int, data: bytes) -> None:
        if row in self._targets:
            try:
                self._sockets[row].sendto(data, self._targets[row])
            except OSError:  # nobody listens there: many telephones speak no RTCP
                return

    def receive(self) -> list[tuple[int, bytes, float | None]]:
        found: list[tuple[int, bytes, float | None]] = []
        for file, _ in self._epoll.poll(0, _MOST_A_TICK):
            row = self._row_of[file]
            try:
                data, extras, _, sender = self._sockets[row].recvmsg(_LARGEST_BYTES, 64)
            except OSError:
                continue
            target = self._targets.get(row)
            if target is None or sender[0] not in (target[0], self._heard_from(row)):
                continue
            self._targets[row] = sender
            found.append((row, data, _arrived_at(extras)))
        return found


def _arrived_at(extras: list[tuple[int, int, bytes]]) -> float | None:
    for level, kind, data in extras:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return None
