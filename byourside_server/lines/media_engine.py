"""The engine's own process: `python -m byourside_server.lines.media_engine --fd N --capacity C --host H`.

A loop of 20 ms on absolute deadlines, with no asyncio and no garbage collector. A tick that comes late is
run as soon as possible and counted; none is left out, so recordings keep the length of the call.
Ends when its parent's socket closes, finishing the recordings first: there are no orphans.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: more threads only fight over the tick

import argparse
import gc
import resource
import secrets
import signal
import socket
import time
from collections import deque

import numpy as np

from byourside_server.lines.media_room import MediaRoom
from byourside_server.lines.media_sockets import UdpRows
from byourside_server.media.g711 import encode_ulaw
from byourside_server.media.messages import AskStats, Command, EngineStats, Event
from byourside_server.media.rtp import FRAME_SAMPLES, TICK_MS, RtpPacket
from byourside_server.media.wire import MessageReader, encode

TICK_S = TICK_MS / 1000
LATE_S = 0.005
COMMANDS_S = 0.005
"""Hundreds of calls that begin or end at once wait for each other, not the ticks of those who talk."""
_READ_BYTES = 1 << 20
_WARM_UP_TICKS = 100
"""Touches every array and every code path once before the first call."""


class Parent:
    """The other end of the socket: commands from it, events to it, never waiting."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._reader = MessageReader()
        self._unsent = bytearray()
        self.is_gone = False

    def commands(self) -> list[Command]:
        found: list[Command] = []
        while not self.is_gone:
            try:
                data = self._sock.recv(_READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.is_gone = True
                break
            found += self._reader.receive(data)
        return found

    def tell(self, events: list[Event]) -> None:
        for event in events:
            self._unsent += encode(event)
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except BlockingIOError:
                return
            except OSError:
                self._unsent.clear()
                return
            del self._unsent[:sent]


class Punctuality:
    """How late the ticks began."""

    def __init__(self) -> None:
        self.ticks = self.late_ticks = 0
        self._sum_s = self._worst_s = 0.0

    def note(self, late_s: float) -> None:
        self.ticks += 1
        self.late_ticks += late_s > LATE_S
        self._sum_s += late_s
        self._worst_s = max(self._worst_s, late_s)

    def stats(self, room: MediaRoom) -> EngineStats:
        return EngineStats(
            ticks=self.ticks,
            rows_open=len(room.bank.rows),
            late_ticks=self.late_ticks,
            mean_late_ms=1000 * self._sum_s / max(1, self.ticks),
            worst_late_ms=1000 * self._worst_s,
            cpu_s=time.process_time(),
            stages=room.bank.cpu_by_stage(),
        )


def run(parent: Parent, room: MediaRoom) -> None:
    """Tick until the parent is gone."""
    punctuality = Punctuality()
    waiting: deque[Command] = deque()
    deadline = time.monotonic()
    while not parent.is_gone:
        wait_s = deadline - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        punctuality.note(max(0.0, time.monotonic() - deadline))
        waiting.extend(parent.commands())
        answers: list[Event] = []
        enough_at = time.monotonic() + COMMANDS_S
        while waiting and time.monotonic() < enough_at:
            command = waiting.popleft()
            if isinstance(command, AskStats):
                answers.append(punctuality.stats(room))
            else:
                room.handle(command)
        room.tick()
        parent.tell([*room.events(), *answers])
        deadline += TICK_S
    room.close_all()
    parent.tell(list(room.events()))


def warm_up(capacity: int) -> None:
    """Load code, tables and BLAS with a bank that is thrown away."""
    from byourside_server.lines.media_memory import MemoryRows, MemoryWire

    rows = MemoryRows(MemoryWire(), "warm-up")
    room = MediaRoom(min(capacity, 32), rows, np.random.default_rng(0), time.thread_time, time.time)
    line = room.bank.open("warm-up")
    time_s = np.arange(_WARM_UP_TICKS * FRAME_SAMPLES) / 8000
    beep = encode_ulaw((8000 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.int16))
    for tick, frame in enumerate(beep.reshape(-1, FRAME_SAMPLES)):
        packet = RtpPacket(0, tick, tick * FRAME_SAMPLES, 1, frame.tobytes()).to_bytes()
        room.bank.packets_to_send()
        room.bank.receive(np.array([line]), np.frombuffer(packet, np.uint8)[None], np.array([len(packet)]))
        room.bank.listen()


def ask_for_priority() -> None:
    """Real-time scheduling where the system grants it; the engine works without."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (OSError, AttributeError):
        return


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fd", type=int, required=True, help="inherited socket to the parent")
    arguments.add_argument("--capacity", type=int, default=64)
    arguments.add_argument("--host", default="127.0.0.1", help="address the RTP sockets are bound to")
    options = arguments.parse_args()
    # Ctrl-C reaches the whole group: the parent decides when calls end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parent = Parent(socket.socket(fileno=options.fd))
    random = np.random.default_rng(secrets.randbits(128))
    rows = UdpRows(options.capacity, options.host)
    warm_up(options.capacity)
    room = MediaRoom(options.capacity, rows, random, time.thread_time, time.time)
    gc.collect()
    gc.freeze()
    gc.disable()
    ask_for_priority()
    run(parent, room)


if __name__ == "__main__":
    main()
