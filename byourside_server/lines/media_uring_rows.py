"""Rows on real UDP whose packets of one tick go and come in one system call.

The same sockets, latches and ports as `media_sockets`; only the two inner loops are the ring's. Each row's
packet is sent and its next one received right after the other, while the kernel has that socket at hand: what
came is kept until it is asked for, in the same tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from byourside_server.lines import media_uring as uring
from byourside_server.lines.media_sockets import LEFTOVER_ROUNDS, UdpRows
from byourside_server.media.bank import LARGEST_PACKET_BYTES
from byourside_server.media.g711 import Bytes
from byourside_server.media.jitter import Ints, Rows
from byourside_server.media.rtp import PACKET_BYTES

RING_ENTRIES = 8192


class UringRows(UdpRows):
    """Raises OSError where there is no io_uring."""

    def __init__(self, capacity: int, host: str) -> None:
        super().__init__(capacity, host)
        self._ring = uring.Ring(min(RING_ENTRIES, 1 << (2 * capacity - 1).bit_length()))
        self._receiving = self._both = np.zeros(0, uring.ENTRY)
        self._sends: Rows = np.zeros(0, np.intp)
        """Places of the sends among `_both`."""
        self._sent_from = 0
        """Address of the packets that the entries point at."""
        self._came: tuple[Rows, Ints] = _nothing()
        self._unasked: set[int] = set()
        """Rows latched since the last send."""

    def _send_latched(self, packets: Bytes, instead: Mapping[int, bytes]) -> None:
        if self._sent_from != packets.ctypes.data:
            self._aim_entries(packets)
        entries = self._both
        if instead:
            entries, kept = entries.copy(), []
            places = {int(entries["user_data"][at]): at for at in self._sends}
            for row, data in instead.items():
                if row in places:
                    kept.append(np.frombuffer(data, np.uint8))
                    entries["address"][places[row]] = kept[-1].ctypes.data
                    entries["length"][places[row]] = len(data)
        # What a port that is gone or a full queue refuses is not sent: speech does not wait.
        self._came = self._receive_of(entries)
        self._unasked.clear()

    def _receive_latched(self) -> tuple[Rows, Ints]:
        rows, lengths = self._came
        self._came = _nothing()
        if self._unasked:
            late = np.isin(self._receiving["user_data"], list(self._unasked))
            more_rows, more_lengths = self._receive_of(self._receiving[late])
            rows, lengths = np.concatenate([rows, more_rows]), np.concatenate([lengths, more_lengths])
        return rows, lengths

    def _receive_of(self, entries: uring.Entries) -> tuple[Rows, Ints]:
        """Do what the entries say; the rows that received something, and how much."""
        done = self._ring.submit(entries)
        lengths = done["result"].astype(np.int64)
        rows = done["user_data"].astype(np.intp)
        came = lengths > 0
        return (rows, lengths) if np.count_nonzero(came) == len(came) else (rows[came], lengths[came])

    def _leftovers(self) -> Iterator[tuple[Rows, Bytes, Ints]]:
        """Ask everyone once more, and again whoever had something."""
        asked = self._receiving
        for _ in range(LEFTOVER_ROUNDS):
            rows, lengths = self._receive_of(asked)
            if not len(rows):
                return
            yield self._round(rows, lengths)
            asked = self._receiving[np.isin(self._receiving["user_data"], rows)]

    def _watch(self, row: int) -> None:
        """No epoll: one that watches a socket is told of every packet sent on it, 0.4 µs each."""
        self._unasked.add(row)

    def _unwatch(self, row: int) -> None:
        self._unasked.discard(row)

    def _list_sockets(self) -> None:
        if not self._changed:
            return
        super()._list_sockets()
        latched = sorted(self._latched)
        self._receiving = self._entries(uring.RECV, latched)
        self._receiving["address"] = (
            self._packets.ctypes.data + self._receiving["user_data"] * LARGEST_PACKET_BYTES
        )
        self._receiving["length"] = LARGEST_PACKET_BYTES
        sending = self._entries(uring.SEND, [row for row, _ in self._writers])
        sending["flags"], sending["length"] = uring.QUIET, PACKET_BYTES
        both = np.concatenate([sending, self._receiving])
        self._both = both[np.argsort(both["user_data"], kind="stable")]
        self._sends = np.flatnonzero(self._both["opcode"] == uring.SEND)
        self._sent_from = 0

    def _aim_entries(self, packets: Bytes) -> None:
        """Point at the bank's packets, which stay where they are."""
        self._sent_from = packets.ctypes.data
        rows = self._both["user_data"][self._sends]
        self._both["address"][self._sends] = packets.ctypes.data + rows * packets.strides[0]

    def _entries(self, opcode: int, rows: list[int]) -> uring.Entries:
        entries = np.zeros(len(rows), uring.ENTRY)
        entries["opcode"] = opcode
        entries["message_flags"] = uring.DONT_WAIT | uring.NO_SIGNAL
        entries["user_data"] = rows
        entries["file"] = [self._sockets[row].fileno() for row in rows]
        return entries


def _nothing() -> tuple[Rows, Ints]:
    return np.zeros(0, np.intp), np.zeros(0, np.int64)
