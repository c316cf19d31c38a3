"""Rows on real UDP: one socket a row, read and written once a tick without waiting.

A row's socket hears anyone until the first RTP packet comes; then it is connected to that sender, so that
a phone behind NAT is answered where it really is, and the kernel keeps everyone else out. A sender that
has been quiet for a while may have moved (a gateway that failed over, a NAT that forgot): the socket then
hears anyone again, and goes on sending to the old one until a new one speaks.
"""

import ctypes
import select
import socket
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from byourside_server.lines.media_report_sockets import Address, ReportSockets
from byourside_server.media.bank import LARGEST_PACKET_BYTES
from byourside_server.media.g711 import Bytes
from byourside_server.media.jitter import Ints, Rows
from byourside_server.media.rtp import parse

LEFTOVERS_EVERY_TICKS = 4
LEFTOVER_ROUNDS = 16
"""More than the jitter ring holds is not worth reading in one tick."""
_USUAL_BYTES = 192
_RECEIVE_BUFFER_BYTES = 64 * 1024

LOOSEN_AFTER_TICKS = 100
LOOSEN_EVERY_TICKS = 25
LEFT_FOR_TICKS = 25
OPEN_ATTEMPTS = 16
_NO_ADDRESS = bytes(16)

_LIBC = ctypes.CDLL(None, use_errno=True)


class UdpRows:
    def __init__(self, capacity: int, host: str) -> None:
        self._host = host
        self._packets = np.zeros((capacity, LARGEST_PACKET_BYTES), np.uint8)
        self._numbers = np.arange(capacity)
        self._views = [memoryview(self._packets[row]) for row in range(capacity)]
        self._sockets: dict[int, socket.socket] = {}
        self._ports: dict[int, int] = {}
        self._targets: dict[int, Address] = {}
        self._latched: set[int] = set()
        self._senders: dict[int, Address] = {}
        """Where rows without a latch were heard from last: believed before what the SDP said."""
        self._left: dict[int, tuple[Address, int]] = {}
        """Senders that the far side has moved away from, and until which tick they are not believed."""
        self._heard_at = np.zeros(capacity, np.int64)
        self._row_of: dict[int, int] = {}
        self._strangers = select.epoll()
        """Sockets without a latch."""
        self._epoll = select.epoll()
        """Latched sockets, asked for what was left over."""
        self._readers: list[tuple[int, Callable[[memoryview], int], memoryview]] = []
        self._writers: list[tuple[int, Callable[[memoryview], int]]] = []
        self._out_views: list[memoryview] = []
        self._out_packets: Bytes | None = None
        self._changed = False
        """Rows came, went or were aimed: the lists are made anew before their next use, once a tick."""
        self._ticks = 0
        self._muted: set[int] = set()
        self._reports = ReportSockets(host, lambda row: self._senders.get(row, (None, 0))[0])
        self._share_port: set[int] = set()
        """Rows whose reports go where their sound does (RFC 5761)."""

    def open(self, row: int) -> int:
        for attempt in range(1, OPEN_ATTEMPTS + 1):
            try:
                self._bind_pair(row, self._free_port())
            except OSError:  # somebody took it in between, or there is none
                if attempt == OPEN_ATTEMPTS:
                    raise
            else:
                break
        return self._ports[row]

    def aim(self, row: int, host: str, port: int, rtcp_port: int = 0) -> None:
        shares = rtcp_port == port
        (self._share_port.add if shares else self._share_port.discard)(row)
        self._reports.aim(row, (host, rtcp_port) if rtcp_port and not shares else None)
        if self._targets.get(row) == (host, port):
            return
        if row in self._latched and row in self._targets:
            self._loosen(row)
            # Its last packets may still be under way; they are no reason to believe in it again.
            self._left[row] = self._senders[row], self._ticks + LEFT_FOR_TICKS
        self._targets[row] = (host, port)
        self._senders.pop(row, None)
        self._changed = True

    def mute(self, row: int, silent: bool) -> None:
        if silent != (row in self._muted):
            (self._muted.add if silent else self._muted.discard)(row)
            self._changed = True

    def send_report(self, row: int, data: bytes) -> None:
        if row not in self._share_port:
            self._reports.send(row, data)
            return
        try:
            if row in self._latched:
                self._sockets[row].send(data)
            else:
                self._sockets[row].sendto(data, self._senders.get(row, self._targets[row]))
        except OSError:
            return

    def receive_reports(self) -> list[tuple[int, bytes, float | None]]:
        return self._reports.receive()

    def close(self, row: int) -> None:
        self._unbind(row)
        self._reports.close(row)
        self._muted.discard(row)
        self._share_port.discard(row)
        self._targets.pop(row, None)
        self._senders.pop(row, None)
        self._left.pop(row, None)
        del self._ports[row]

    def send(self, packets: Bytes, instead: Mapping[int, bytes]) -> None:
        self._list_sockets()
        self._send_latched(packets, instead)
        if len(self._writers) == len(self._targets):
            return
        for row, target in self._targets.items():
            if row in self._latched or row in self._muted:
                continue
            try:
                data = instead[row] if row in instead else packets[row].data
                self._sockets[row].sendto(data, self._senders.get(row, target))
            except OSError:
                continue

    def _send_latched(self, packets: Bytes, instead: Mapping[int, bytes]) -> None:
        views = self._views_of(packets)
        for row, send in self._writers:
            try:
                send(views[row] if row not in instead else memoryview(instead[row]))
            except OSError:  # refused by a port that is gone, or the queue is full: speech does not wait
                continue

    def receive(self) -> Iterator[tuple[Rows, Bytes, Ints]]:
        self._ticks += 1
        self._latch_new()
        self._list_sockets()
        rows, lengths = self._receive_latched()
        if len(rows):
            yield self._round(rows, lengths)
        if self._ticks % LEFTOVERS_EVERY_TICKS == 0:
            yield from self._leftovers()
        if self._ticks % LOOSEN_EVERY_TICKS == 0:
            self._loosen_quiet()

    def _receive_latched(self) -> tuple[Rows, Ints]:
        rows, lengths = [], []
        for row, receive_into, view in self._readers:
            try:
                length = receive_into(view)
            except OSError:  # nothing there, or ECONNREFUSED from what was sent before
                continue
            rows.append(row)
            lengths.append(length)
        return np.array(rows, np.intp), np.array(lengths, np.int64)

    def _leftovers(self) -> Iterator[tuple[Rows, Bytes, Ints]]:
        for _ in range(LEFTOVER_ROUNDS):
            rows, lengths = [], []
            for file, _ in self._epoll.poll(0):
                row = self._row_of[file]
                try:
                    lengths.append(self._sockets[row].recv_into(self._views[row]))
                except OSError:
                    continue
                rows.append(row)
            if not rows:
                return
            yield self._round(np.array(rows, np.intp), np.array(lengths, np.int64))

    def _round(self, rows: Rows, lengths: Ints) -> tuple[Rows, Bytes, Ints]:
        """What these received; a view where it is the first rows, valid until the next round."""
        self._heard_at[rows] = self._ticks
        width = int(lengths.max()) if np.count_nonzero(lengths > _USUAL_BYTES) else _USUAL_BYTES
        is_whole = not np.count_nonzero(rows != self._numbers[: len(rows)])
        packets = self._packets[: len(rows), :width] if is_whole else self._packets[rows, :width]
        return rows, packets, lengths

    def _latch_new(self) -> None:
        """Connect sockets that hear their first RTP packet; that packet itself is peeked, not taken."""
        if len(self._latched) == len(self._sockets):
            return
        for file, _ in self._strangers.poll(0, len(self._sockets)):
            row = self._row_of[file]
            sock = self._sockets[row]
            try:
                data, sender = sock.recvfrom(LARGEST_PACKET_BYTES, socket.MSG_PEEK)
                if parse(data) is None or self._has_left(row, sender):
                    sock.recv(LARGEST_PACKET_BYTES)
                    continue
                sock.connect(sender)
            except OSError:
                continue
            self._latched.add(row)
            self._senders[row] = sender
            self._heard_at[row] = self._ticks
            self._strangers.unregister(file)
            self._watch(row)
            self._changed = True

    def _watch(self, row: int) -> None:
        """The row has its latch: its leftovers will be asked for."""
        self._epoll.register(self._sockets[row].fileno(), select.EPOLLIN)

    def _unwatch(self, row: int) -> None:
        self._epoll.unregister(self._sockets[row].fileno())

    def _has_left(self, row: int, sender: Address) -> bool:
        left, until = self._left.get(row, (None, 0))
        return sender == left and self._ticks < until

    def _loosen_quiet(self) -> None:
        """Let go of senders that have not been heard for a while."""
        quiet = np.flatnonzero(self._heard_at < self._ticks - LOOSEN_AFTER_TICKS)
        for row in self._latched.intersection(quiet.tolist()):
            self._loosen(row)

    def _loosen(self, row: int) -> None:
        """Hear anyone again, on the same port."""
        # connect(2): an address of family AF_UNSPEC dissolves the association. `socket` can't write one.
        _LIBC.connect(self._sockets[row].fileno(), _NO_ADDRESS, len(_NO_ADDRESS))
        self._latched.discard(row)
        self._unwatch(row)
        self._strangers.register(self._sockets[row].fileno(), select.EPOLLIN)
        self._changed = True

    def _free_port(self) -> int:
        """A port to be bound by its number: Linux lets a socket keep only such a one in `_loosen`.

        Even, since the next one is for its reports (RFC 3550 §11).
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((self._host, 0))
            port: int = probe.getsockname()[1]
            return port & ~1

    def _bind_pair(self, row: int, port: int) -> None:
        self._bind(row, port)
        try:
            self._reports.bind(row, port + 1)
        except OSError:
            self._unbind(row)
            raise

    def _bind(self, row: int, port: int) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            sock.bind((self._host, port))
        except OSError:
            sock.close()
            raise
        self._sockets[row] = sock
        self._ports[row] = port
        self._row_of[sock.fileno()] = row
        self._strangers.register(sock.fileno(), select.EPOLLIN)

    def _unbind(self, row: int) -> None:
        if row in self._latched:
            self._latched.discard(row)
            self._unwatch(row)
        else:
            self._strangers.unregister(self._sockets[row].fileno())
        sock = self._sockets.pop(row)
        del self._row_of[sock.fileno()]
        sock.close()
        self._changed = True

    def _list_sockets(self) -> None:
        """Bound methods ready to call, in row order: the two inner loops do nothing else."""
        if not self._changed:
            return
        self._changed = False
        latched = sorted(self._latched)
        self._readers = [(row, self._sockets[row].recv_into, self._views[row]) for row in latched]
        sending = self._targets.keys() - self._muted
        self._writers = [(row, self._sockets[row].send) for row in latched if row in sending]

    def _views_of(self, packets: Bytes) -> list[memoryview]:
        """Views of the bank's packet array, made anew only when the number of rows changes."""
        if self._out_packets is None or len(self._out_packets) != len(packets):
            self._out_packets = packets
            self._out_views = [memoryview(packet) for packet in packets]
        return self._out_views
