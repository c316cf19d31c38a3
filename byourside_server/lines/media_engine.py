"""The engine's own process: `python -m byourside_server.lines.media_engine --fd N --capacity C --host H`.

A loop of 20 ms on absolute deadlines, with no asyncio and no garbage collector. A tick that comes late is
run as soon as possible and counted; none is left out, so recordings keep the length of the call.
Ends when its parent's socket closes, finishing the recordings first: there are no orphans.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: more threads only fight over the tick

import argparse
import contextlib
import gc
import resource
import secrets
import select
import signal
import socket
import time
from bisect import bisect_left
from collections import deque

import numpy as np

from byourside_server.lines.media_room import MediaRoom
from byourside_server.lines.media_sockets import UdpRows
from byourside_server.lines.media_uring_rows import UringRows
from byourside_server.measures.table import TICK
from byourside_server.media.g711 import encode_ulaw
from byourside_server.media.messages import AskStats, Command, EngineStats, EngineSums, Event
from byourside_server.media.rtp import FRAME_SAMPLES, TICK_MS, RtpPacket
from byourside_server.media.wire import MessageReader, encode

TICK_S = TICK_MS / 1000
LATE_S = 0.005
LEAD_S = 0.002
"""How long before its packets are due a tick begins with commands: a thousand calls take half of it."""
FEW_ROWS = 100
SHORT_LEAD_S, SPARED_S = 0.0002, 0.00025
"""With few calls commands take no time that would be worth a second wake-up; so early packets may go."""
COMMANDS_S = 0.005
"""Hundreds of calls that begin or end at once wait for each other, not the ticks of those who talk."""
_READ_BYTES = 1 << 20
KEPT_TICKS = 1 << 14
"""Five and a half minutes."""
LATELY_TICKS = 100
_WARM_UP_TICKS = 100
"""Touches every array and every code path once before the first call."""


class Parent:
    """The other end of the socket: commands from it, events to it, never waiting."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._reader = MessageReader()
        self._unsent = bytearray()
        self._room = select.poll()  # select(2) knows no number above 1,023, and this one the server chose
        self._room.register(sock, select.POLLOUT)
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
            if len(data) < _READ_BYTES:
                break
        return found

    def tell(self, events: list[Event]) -> None:
        self._unsent += b"".join(map(encode, events))
        self._flush()

    def rest_until(self, moment: float) -> None:
        """Sleep, but hand over meanwhile what found no room: what was heard does not wait a tick for that."""
        while self._unsent and (whole_ms := int(1000 * (moment - time.monotonic()))) > 0:
            self._room.poll(whole_ms)
            self._flush()
        sleep_until(moment)

    def _flush(self) -> None:
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
    """How late the ticks began, and how long they took: all in sum, the latest one by one."""

    def __init__(self) -> None:
        self.ticks = self.late_ticks = self.over_ticks = 0
        self._late_counts = [0] * (len(TICK) + 1)
        self._sum_s = self._worst_s = 0.0
        self._kept = np.zeros((KEPT_TICKS, 3), np.float64)
        """Moment on the monotonic clock, lateness, work: seconds."""

    def note(self, due_at: float, late_s: float) -> None:
        kept = self._kept[self.ticks % KEPT_TICKS]
        kept[0], kept[1] = due_at, late_s
        self.ticks += 1
        self.late_ticks += late_s > LATE_S
        self._late_counts[bisect_left(TICK, late_s)] += 1
        self._sum_s += late_s
        self._worst_s = max(self._worst_s, late_s)

    def worked(self, work_s: float) -> None:
        """The tick just noted is done."""
        self.over_ticks += work_s > TICK_S
        self._kept[(self.ticks - 1) % KEPT_TICKS, 2] = work_s

    def write(self, path: str) -> None:
        """The latest ticks, oldest first, as 64-bit floats `[ticks, 3]`."""
        start = max(0, self.ticks - KEPT_TICKS)
        self._kept[np.arange(start, self.ticks) % KEPT_TICKS].tofile(path)

    def stats(self, room: MediaRoom) -> EngineStats:
        # The tick that runs is not done yet.
        lately = self._kept[np.arange(max(0, self.ticks - 1 - LATELY_TICKS), self.ticks - 1) % KEPT_TICKS]
        if not len(lately):
            lately = np.zeros((1, 3))
        traffic = room.traffic()
        return EngineStats(
            ticks=self.ticks,
            rows_open=len(room.bank.rows),
            mean_late_ms=1000 * self._sum_s / max(1, self.ticks),
            worst_late_ms=1000 * self._worst_s,
            lately_late_share=float((lately[:, 1] > LATE_S).mean()),
            lately_work_ms=1000 * float(np.quantile(lately[:, 2], 0.9)),
            stages=room.bank.cpu_by_stage(),
            sums=EngineSums(
                late_counts=tuple(self._late_counts),
                late_sum_s=self._sum_s,
                late_ticks=self.late_ticks,
                over_ticks=self.over_ticks,
                cpu_s=time.process_time(),
                packets_received=traffic.received,
                packets_sent=traffic.sent,
                packets_lost=traffic.lost,
                packets_late=traffic.late,
            ),
        )


class Orders:
    """Commands that wait for their moment, and the answers to those that ask."""

    def __init__(self, parent: Parent, room: MediaRoom, punctuality: Punctuality) -> None:
        self._parent, self._room, self._punctuality = parent, room, punctuality
        self._waiting: deque[Command] = deque()
        self._answers: list[Event] = []

    def obey(self, until: float) -> None:
        """Read what has come and carry it out, but no longer than that."""
        self._waiting.extend(self._parent.commands())
        while self._waiting and time.monotonic() < until:
            command = self._waiting.popleft()
            if isinstance(command, AskStats):
                self._answers.append(self._punctuality.stats(self._room))
            else:
                self._room.handle(command)

    def are_waiting(self) -> bool:
        return bool(self._waiting)

    def answers(self) -> list[Event]:
        told, self._answers = self._answers, []
        return told


def run(parent: Parent, room: MediaRoom, punctuality: Punctuality) -> None:
    """Tick until the parent is gone.

    Commands are carried out just before packets are due, so that a word sent down in time leaves in this tick
    and on time. Where the tick before took too long, packets go first and commands come after.
    """
    orders = Orders(parent, room, punctuality)
    deadline = time.monotonic() + TICK_S
    while not parent.is_gone:
        parent.rest_until(deadline - (LEAD_S if len(room.bank.rows) > FEW_ROWS else SHORT_LEAD_S))
        woke_at = time.monotonic()
        is_early = woke_at < deadline
        if is_early:
            orders.obey(until=deadline)
        before_s = time.monotonic() - woke_at
        sleep_until(deadline, SPARED_S)
        began_at = time.monotonic()
        punctuality.note(deadline, max(0.0, began_at - deadline))
        room.send()
        room.listen()
        if orders.are_waiting() or not is_early:
            orders.obey(until=time.monotonic() + COMMANDS_S)
        parent.tell([*room.events(), *orders.answers()])
        punctuality.worked(before_s + time.monotonic() - began_at)
        deadline += TICK_S
    room.close_all()
    parent.tell(list(room.events()))


def sleep_until(moment: float, spared_s: float = 0.0) -> None:
    """Sleep on the monotonic clock; not at all where the moment is past, or no more than `spared_s` away."""
    wait_s = moment - time.monotonic()
    if wait_s > spared_s:
        time.sleep(wait_s)


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


def open_rows(capacity: int, host: str, sockets: str) -> UdpRows:
    """Sockets by the kernel's ring where there is one, else one by one."""
    if sockets == "ring":
        with contextlib.suppress(OSError):
            return UringRows(capacity, host)
    return UdpRows(capacity, host)


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
    arguments.add_argument(
        "--sockets", choices=("ring", "plain"), default="ring", help="io_uring if there is any"
    )
    arguments.add_argument(
        "--ticks-file", help="where to write when each tick was due, began and how long it took"
    )
    options = arguments.parse_args()
    # Ctrl-C reaches the whole group: the parent decides when calls end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parent = Parent(socket.socket(fileno=options.fd))
    random = np.random.default_rng(secrets.randbits(128))
    rows = open_rows(options.capacity, options.host, options.sockets)
    warm_up(options.capacity)
    room = MediaRoom(options.capacity, rows, random, time.thread_time, time.time)
    gc.collect()
    gc.freeze()
    gc.disable()
    ask_for_priority()
    punctuality = Punctuality()
    run(parent, room, punctuality)
    if options.ticks_file:
        punctuality.write(options.ticks_file)


if __name__ == "__main__":
    main()
