"""Many small sends and receives for one system call: the kernel's io_uring, by ctypes and numpy.

A ring's entries are rows of structured arrays that lie in memory shared with the kernel, so a thousand
packets are handed over by copying one prepared array and entering the kernel once. Knows entries, tails and
completions; knows no row, packet or call. Linux 5.17 and newer; where the kernel or a sandbox forbids it,
`Ring` raises OSError and its owner goes on without. Layout: io_uring(7), io_uring_setup(2).
"""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SETUP, _ENTER = 425, 426
_OFFSET_ENTRIES = 0x10000000
_ENTER_GETEVENTS = 1
# One thread submits and waits: completions need not interrupt it (Linux 6.0 and 6.1; 0 before).
_SINGLE_ISSUER, _COOPERATIVE = 1 << 12, 1 << 8
_FEATURE_SINGLE_MMAP, _FEATURE_CQE_SKIP = 1 << 0, 1 << 11
# Without the second a ring is made, and then refuses every quiet entry and all that stand behind it.
_FEATURES_NEEDED = _FEATURE_SINGLE_MMAP | _FEATURE_CQE_SKIP

SEND, RECV = 26, 27
QUIET = 1 << 6
"""Entry flag: say nothing where it went well (IOSQE_CQE_SKIP_SUCCESS, Linux 5.17)."""
DONT_WAIT, NO_SIGNAL = 0x40, 0x4000

ENTRY = np.dtype(
    [
        ("opcode", "u1"),
        ("flags", "u1"),
        ("priority", "u2"),
        ("file", "i4"),
        ("offset", "u8"),
        ("address", "u8"),
        ("length", "u4"),
        ("message_flags", "u4"),
        ("user_data", "u8"),
        ("unused", "u1", (24,)),
    ]
)
COMPLETION = np.dtype([("user_data", "u8"), ("result", "i4"), ("flags", "u4")])
Entries = NDArray[np.void]
Words = NDArray[np.uint64]

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


class Ring:
    """One submission and one completion queue; used by one thread."""

    def __init__(self, entries: int) -> None:
        """Raises OSError where the kernel has none to give."""
        parameters = (ctypes.c_uint32 * 30)()
        parameters[2] = _SINGLE_ISSUER | _COOPERATIVE
        self._file = _LIBC.syscall(_SETUP, entries, ctypes.byref(parameters))
        if self._file < 0:
            parameters[2] = 0
            self._file = _LIBC.syscall(_SETUP, entries, ctypes.byref(parameters))
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        self.entries, completions, features = parameters[0], parameters[1], parameters[5]
        if features & _FEATURES_NEEDED != _FEATURES_NEEDED:
            os.close(self._file)
            raise OSError("this kernel's io_uring is too old")
        # io_sqring_offsets: head, tail, mask, entries, flags, dropped, array; io_cqring_offsets: … cqes.
        submitted, completed = parameters[10:20], parameters[20:30]
        size = max(submitted[6] + 4 * self.entries, completed[5] + COMPLETION.itemsize * completions)
        self._shared = mmap.mmap(self._file, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._shared_entries = mmap.mmap(
            self._file,
            ENTRY.itemsize * self.entries,
            mmap.MAP_SHARED,
            mmap.PROT_READ | mmap.PROT_WRITE,
            offset=_OFFSET_ENTRIES,
        )
        memory = np.frombuffer(self._shared, np.uint8)

        def word(offset: int, count: int = 1) -> NDArray[np.uint32]:
            return memory[offset : offset + 4 * count].view(np.uint32)

        word(submitted[6], self.entries)[:] = np.arange(self.entries)
        self._tail = word(submitted[1])
        self._done_head, self._done_tail = word(completed[0]), word(completed[1])
        self._entries = _words(np.frombuffer(self._shared_entries, np.uint8), ENTRY)
        self._done = _words(
            memory[completed[5] : completed[5] + COMPLETION.itemsize * completions], COMPLETION
        )

    def submit(self, entries: Entries) -> Entries:
        """Hand over entries, in pieces where they are many; returns what has been completed.

        All are waited for but the quiet ones; they must complete at once of themselves.
        """
        answers = []
        for start in range(0, len(entries), self.entries):
            piece = entries[start : start + self.entries]
            self._put(_words(piece, ENTRY))
            loud = len(piece) - int(np.count_nonzero(piece["flags"] & QUIET))
            entered = _LIBC.syscall(_ENTER, self._file, len(piece), loud, _ENTER_GETEVENTS, None, 0)
            if entered < 0:
                raise OSError(ctypes.get_errno(), "io_uring_enter")
            answers.append(self._take())
        if not answers:
            return np.zeros(0, COMPLETION)
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def close(self) -> None:
        os.close(self._file)

    def _put(self, piece: Words) -> None:
        tail = int(self._tail[0])
        first = tail % self.entries
        room = min(len(piece), self.entries - first)
        self._entries[first : first + room] = piece[:room]
        self._entries[: len(piece) - room] = piece[room:]
        self._tail[0] = (tail + len(piece)) & 0xFFFFFFFF

    def _take(self) -> Entries:
        head, tail = int(self._done_head[0]), int(self._done_tail[0])
        first, count = head % len(self._done), (tail - head) & 0xFFFFFFFF
        found = self._done[first : first + count]
        if len(found) < count:
            found = np.concatenate([found, self._done[: count - len(found)]])
        else:
            found = found.copy()
        self._done_head[0] = tail
        return found.view(COMPLETION)[:, 0]


def _words(memory: NDArray[Any], layout: np.dtype[np.void]) -> Words:
    """The same memory as 64-bit words, an entry a line: numpy copies records twenty times slower."""
    return memory.view(np.uint64).reshape(-1, layout.itemsize // 8)
