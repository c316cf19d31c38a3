"""The media engine in this process, on a wire of memory, advanced by hand: for virtual time.

The same bank, jitter buffer, network and recording as in real calls; only sockets and clock are missing.
Two engines on one `MemoryWire` talk to each other; a test may listen and send on it itself.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from byourside_server.lines.media_port import MediaUnavailable, OnEvent
from byourside_server.lines.media_room import MediaRoom
from byourside_server.media.bank import LARGEST_PACKET_BYTES
from byourside_server.media.g711 import Bytes
from byourside_server.media.jitter import Ints, Rows
from byourside_server.media.messages import (
    PLAIN,
    BargeIn,
    Clear,
    Close,
    Closed,
    Command,
    Connect,
    ListenAlong,
    Open,
    Opened,
    OpenFailed,
    Play,
    SendDtmf,
    Srtp,
    StartRecording,
)
from byourside_server.media.rtp import TICK_MS

Address = tuple[str, int]
OnPacket = Callable[[bytes, Address], None]
_FIRST_PORT = 40_000
PERIOD_TICKS = 80
"""After so many ticks everything that a line has only now and then is due as it was before: the chunks of
voice activity (8), pieces of speech and key tones (5), looks for music (10), refills of the calendar (16)."""


@dataclass(frozen=True)
class Weather:
    """What becomes of datagrams: each is lost by chance, or takes its own share of the jitter."""

    loss: float
    jitter_s: float
    seed: int = 1


class MemoryWire:
    """Datagrams between addresses, delivered at once and in order; to nobody, they are gone.

    In bad weather they wait for `pass_time`, which whoever moves the clock calls, and some never come.
    """

    def __init__(self, weather: Weather | None = None) -> None:
        self._listeners: dict[Address, OnPacket] = {}
        self._next_port = _FIRST_PORT
        self._weather = weather
        self._random = np.random.default_rng(weather.seed if weather else 1)
        self._under_way: list[tuple[float, int, bytes, Address, Address]] = []
        self._now = 0.0
        self._count = 0

    def free_port(self) -> int:
        self._next_port += 2
        return self._next_port

    def listen(self, address: Address, on_packet: OnPacket) -> None:
        self._listeners[address] = on_packet

    def leave(self, address: Address) -> None:
        self._listeners.pop(address, None)

    def send(self, data: bytes, source: Address, target: Address) -> None:
        if self._weather is None:
            self._deliver(data, source, target)
        elif self._random.random() >= self._weather.loss:
            self._count += 1
            at = self._now + self._weather.jitter_s * float(self._random.random())
            heapq.heappush(self._under_way, (at, self._count, data, source, target))

    def pass_time(self, seconds: float) -> None:
        """Deliver what arrives until then, in the order of arrival."""
        self._now += seconds
        while self._under_way and self._under_way[0][0] <= self._now:
            self._deliver(*heapq.heappop(self._under_way)[2:])

    def _deliver(self, data: bytes, source: Address, target: Address) -> None:
        listener = self._listeners.get(target)
        if listener is not None:
            listener(data, source)


class MemoryRows:
    """`PacketRows` on a `MemoryWire`."""

    def __init__(self, wire: MemoryWire, host: str) -> None:
        self._wire = wire
        self._host = host
        self._addresses: dict[int, Address] = {}
        self._targets: dict[int, Address] = {}
        self._waiting: dict[int, deque[bytes]] = {}
        self._report_targets: dict[int, Address] = {}
        self._reports: deque[tuple[int, bytes, float | None]] = deque()
        self._muted: set[int] = set()

    def open(self, row: int) -> int:
        address = (self._host, self._wire.free_port())
        waiting: deque[bytes] = deque()
        self._addresses[row], self._waiting[row] = address, waiting
        self._wire.listen(address, lambda data, _: waiting.append(data))
        beside = (self._host, address[1] + 1)
        self._wire.listen(beside, lambda data, _: self._reports.append((row, data, None)))
        return address[1]

    def aim(self, row: int, host: str, port: int, rtcp_port: int) -> None:
        self._targets[row] = (host, port)
        self._report_targets[row] = (host, rtcp_port)

    def mute(self, row: int, silent: bool) -> None:
        (self._muted.add if silent else self._muted.discard)(row)

    def close(self, row: int) -> None:
        host, port = self._addresses.pop(row)
        self._wire.leave((host, port))
        self._wire.leave((host, port + 1))
        self._targets.pop(row, None)
        self._report_targets.pop(row, None)
        self._muted.discard(row)
        self._reports = deque(report for report in self._reports if report[0] != row)
        del self._waiting[row]

    def send(self, packets: Bytes, instead: Mapping[int, bytes]) -> None:
        for row, target in list(self._targets.items()):
            if row in self._muted:
                continue
            data = instead.get(row) or packets[row].tobytes()
            self._wire.send(data, self._addresses[row], target)

    def send_report(self, row: int, data: bytes) -> None:
        target = self._report_targets.get(row, ("", 0))
        if target[1]:
            host, port = self._addresses[row]
            shared = target == self._targets.get(row)
            self._wire.send(data, (host, port if shared else port + 1), target)

    def receive_reports(self) -> list[tuple[int, bytes, float | None]]:
        arrived = list(self._reports)
        self._reports.clear()
        return arrived

    def receive(self) -> Iterator[tuple[Rows, Bytes, Ints]]:
        """Everything that waits, oldest first, one packet of each row in a round."""
        while rows := [row for row, waiting in self._waiting.items() if waiting]:
            packets = np.zeros((len(rows), LARGEST_PACKET_BYTES), np.uint8)
            lengths = np.zeros(len(rows), np.int64)
            for index, row in enumerate(rows):
                data = self._waiting[row].popleft()[:LARGEST_PACKET_BYTES]
                packets[index, : len(data)] = np.frombuffer(data, np.uint8)
                lengths[index] = len(data)
            yield np.array(rows, np.intp), packets, lengths


class InProcessMedia:
    """`MediaPort` whose time is moved by `tick()`: 20 ms of sound for every line."""

    def __init__(self, capacity: int, wire: MemoryWire, host: str = "127.0.0.1", seed: int = 1) -> None:
        self.host = host
        self._ticks = 0
        self._skipped = 0
        self._room = MediaRoom(
            capacity,
            MemoryRows(wire, host),
            np.random.default_rng(seed),
            cpu_clock=lambda: 0.0,
            clock=lambda: self._ticks * TICK_MS / 1000,
            in_step=True,
        )
        self._listeners: dict[str, OnEvent] = {}

    @property
    def is_idle(self) -> bool:
        """No line is open: a tick would do nothing."""
        return not self._listeners

    def has_room(self) -> bool:
        """Always: time waits for this engine."""
        return True

    def expect(self) -> None:
        """Nothing: there is always room."""

    async def open(self, line_id: str, on_event: OnEvent) -> int:
        if line_id in self._listeners:
            raise MediaUnavailable(f"line {line_id} is open already")
        self._catch_up()
        answers: list[Opened | OpenFailed] = []

        def note_answer(event: object) -> None:
            if isinstance(event, Opened | OpenFailed):
                answers.append(event)

        self._listeners[line_id] = note_answer
        self._do(Open(line_id))
        if not answers or isinstance(answers[0], OpenFailed):
            self._listeners.pop(line_id, None)
            raise MediaUnavailable(answers[0].why if isinstance(answers[0], OpenFailed) else "no answer")
        self._listeners[line_id] = on_event
        return answers[0].port

    def connect(
        self,
        line_id: str,
        host: str,
        port: int,
        codec: str = "PCMU",
        dtmf_payload_type: int | None = None,
        *,
        rtcp_port: int = 0,
        srtp: Srtp = PLAIN,
        sends: bool = True,
    ) -> None:
        self._do(Connect(line_id, host, port, codec, dtmf_payload_type, rtcp_port, srtp, sends))

    def start_recording(self, line_id: str, path: str) -> None:
        self._do(StartRecording(line_id, path))

    def play(self, line_id: str, clip_id: int, ulaw: bytes, *, last: bool = True) -> None:
        self._do(Play(line_id, clip_id, ulaw, last))

    def clear(self, line_id: str) -> None:
        self._do(Clear(line_id))

    def barge_in(self, line_id: str, enabled: bool, after_ms: int = 0, hold_after_ms: int = 0) -> None:
        self._do(BargeIn(line_id, enabled, after_ms, hold_after_ms))

    def listen_along(self, line_id: str, enabled: bool) -> None:
        self._do(ListenAlong(line_id, enabled))

    def send_dtmf(self, line_id: str, digits: str) -> None:
        self._do(SendDtmf(line_id, digits))

    def close(self, line_id: str) -> None:
        self._do(Close(line_id))

    def tick(self) -> None:
        """Let 20 ms pass, then tell every line what happened."""
        self._ticks += 1
        self._room.tick()
        self._tell()

    def skip(self) -> None:
        """Let 20 ms pass while no line is open."""
        assert self.is_idle
        self._ticks += 1
        self._skipped += 1

    def _catch_up(self) -> None:
        """Be where the skipped ticks would have led to, as far as a line can tell."""
        for _ in range(self._skipped % PERIOD_TICKS):
            self._room.tick()
        self._skipped = 0

    def _do(self, command: Command) -> None:
        self._room.handle(command)
        self._tell()

    def _tell(self) -> None:
        for event in self._room.events():
            listener = self._listeners.get(event.line_id)
            if isinstance(event, Closed):
                self._listeners.pop(event.line_id, None)
            if listener is not None:
                listener(event)
