"""Rows on real UDP whose packets of one tick go and come in two system calls.

The same sockets, latches and ports as `media_sockets`; only the two inner loops are the ring's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from byourside_server.lines import media_uring as uring
from byourside_server.lines.media_sockets import UdpRows
from byourside_server.media.bank import LARGEST_PACKET_BYTES
from byourside_server.media.g711 import Bytes
from byourside_server.media.jitter import Ints, Rows
from byourside_server.media.rtp import PACKET_BYTES

RING_ENTRIES = 4096


class UringRows(UdpRows):
    """Raises OSError where there is no io_uring."""

    def __init__(self, capacity: int, host: str) -> None:
        super().__init__(capacity, host)
        self._ring = uring.Ring(min(RING_ENTRIES, 1 << max(1, capacity - 1).bit_length()))
        self._receiving = self._sending = np.zeros(0, uring.ENTRY)
        self._sent_from = 0
        """Address of the packets that the entries point at."""

    def _send_latched(self, packets: Bytes, instead: Mapping[int, bytes]) -> None:
        if self._sent_from != packets.ctypes.data:
            self._aim_entries(packets)
        entries = self._sending
        if instead:
            entries, kept = entries.copy(), []
            numbers = {int(row): at for at, row in enumerate(entries["user_data"])}
            for row, data in instead.items():
                if row in numbers:
                    kept.append(np.frombuffer(data, np.uint8))
                    entries["address"][numbers[row]] = kept[-1].ctypes.data
                    entries["length"][numbers[row]] = len(data)
        # What a port that is gone or a full queue refuses is not sent: speech does not wait.
        self._ring.submit(entries, wait=False)

    def _receive_latched(self) -> tuple[Rows, Ints]:
        done = self._ring.submit(self._receiving, wait=True)
        done = done[done["result"] > 0]
        return done["user_data"].astype(np.intp), done["result"].astype(np.int64)

    def _list_sockets(self) -> None:
        if not self._changed:
            return
        super()._list_sockets()
        self._receiving = self._entries(uring.RECV, sorted(self._latched))
        self._receiving["address"] = (
            self._packets.ctypes.data + self._receiving["user_data"] * LARGEST_PACKET_BYTES
        )
        self._receiving["length"] = LARGEST_PACKET_BYTES
        self._sending = self._entries(uring.SEND, [row for row, _ in self._writers])
        self._sending["flags"], self._sending["length"] = uring.QUIET, PACKET_BYTES
        self._sent_from = 0

    def _aim_entries(self, packets: Bytes) -> None:
        """Point at the bank's packets, which stay where they are."""
        self._sent_from = packets.ctypes.data
        self._sending["address"] = packets.ctypes.data + self._sending["user_data"] * packets.strides[0]

    def _entries(self, opcode: int, rows: list[int]) -> uring.Entries:
        entries = np.zeros(len(rows), uring.ENTRY)
        entries["opcode"] = opcode
        entries["message_flags"] = uring.DONT_WAIT | uring.NO_SIGNAL
        entries["user_data"] = rows
        entries["file"] = [self._sockets[row].fileno() for row in rows]
        return entries
