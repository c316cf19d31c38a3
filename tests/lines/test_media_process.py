"""The engine's process on real sockets of the loopback: where tests must wait for real time."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from byourside_server.lines import media_process
from byourside_server.lines.media_port import (
    ClipEnded,
    ClipStarted,
    Closed,
    FirstPacket,
    LineEvent,
    Lost,
    MediaUnavailable,
)
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.media.rtp import RtpPacket, parse
from tests.media.bank_kit import frames_of, speech

# Only the bound of a wait: an engine is slow to start on a machine that is busy with something else.
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_process, "START_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(media_process, "STOP_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(media_process, "OPEN_TIMEOUT_S", PATIENCE_S)


@contextlib.asynccontextmanager
async def engine(capacity: int = 4) -> AsyncIterator[ProcessMediaPort]:
    media = ProcessMediaPort(capacity)
    try:
        yield media
    finally:
        await media.stop()


class Ear(list[LineEvent]):
    """A listener that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = asyncio.Event()

    def hear(self, event: LineEvent) -> None:
        self.append(event)
        self._heard.set()

    async def until(self, kind: type) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not any(isinstance(event, kind) for event in self):
                self._heard.clear()
                await self._heard.wait()


Heard = tuple[float, RtpPacket]


class Phone(asyncio.DatagramProtocol):
    """A far side: keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._came = asyncio.Event()

    def datagram_received(self, data: bytes, address: tuple[str | int, ...]) -> None:
        packet = parse(data)
        assert packet is not None
        self.heard.append((asyncio.get_running_loop().time(), packet))
        self._came.set()

    async def until(self, packets: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < packets:
                self._came.clear()
                await self._came.wait()


async def a_phone() -> tuple[asyncio.DatagramTransport, Phone, int]:
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(Phone, local_addr=("127.0.0.1", 0))
    return transport, phone, transport.get_extra_info("sockname")[1]


def test_a_call_over_udp_is_recorded_to_the_sample_and_heard_back(tmp_path: Path) -> None:
    voice, clip = speech()[8000:16_000], bytes(range(1, 201)) * 40
    events = Ear()

    async def call() -> list[RtpPacket]:
        async with engine() as media:
            port = await media.open("call", events.hear)
            transport, phone, phone_port = await a_phone()
            media.connect("call", "127.0.0.1", phone_port, "PCMU", 101)
            media.start_recording("call", str(tmp_path / "call.wav"))
            media.play("call", 1, clip[:3000], last=False)
            media.play("call", 1, clip[3000:])
            loop = asyncio.get_running_loop()
            begin = loop.time()
            for number, frame in enumerate(frames_of(voice)):
                packet = RtpPacket(0, (65_520 + number) & 0xFFFF, number * 160, 7, frame)
                transport.sendto(packet.to_bytes(), ("127.0.0.1", port))
                await asyncio.sleep(max(0.0, begin + (number + 1) * 0.02 - loop.time()))
            await events.until(ClipEnded)
            await asyncio.sleep(0.4)  # Until the jitter buffer is empty, at its longest too.
            media.close("call")
            await events.until(Closed)
            assert media.cpu_s() > 0
            stats = await media.stats()
            assert stats.ticks > 50
            assert stats.stages.vad > 0
            transport.close()
            return [packet for _, packet in phone.heard]

    packets = asyncio.run(call())
    started, ended = (next(e for e in events if isinstance(e, kind)) for kind in (ClipStarted, ClipEnded))
    assert isinstance(started, ClipStarted)
    assert isinstance(ended, ClipEnded)
    assert (ended.complete, ended.played_ms, ended.at_ms - started.at_ms) == (True, 1000, 1000)

    sent = b"".join(packet.payload for packet in packets)
    assert clip in sent
    numbers = [(packet.sequence - packets[0].sequence) & 0xFFFF for packet in packets]
    assert numbers == list(range(len(packets)))
    stamps = [(packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF for packet in packets]
    assert stamps == [160 * number for number in numbers]

    data = (tmp_path / "call.wav").read_bytes()[58:]
    contact, agent = data[0::2], data[1::2]
    assert agent.index(clip) == started.at_ms * 8
    closed = events[-1]
    assert isinstance(closed, Closed)
    # Where the machine stalls, what is put in between is faded into the first half of the next frame, and
    # frames of the burst after it are left out to shorten the delay: as many as are told, others in order.
    halves, at, left_out = [frame[80:] for frame in frames_of(contact)], 0, 0
    for frame in frames_of(voice):
        if frame[80:] in halves[at:]:
            at = halves.index(frame[80:], at) + 1
        else:
            left_out += 1
    assert left_out == closed.stats.packets_skipped <= 16
    assert len(contact) == closed.stats.duration_ms * 8
    assert (closed.stats.packets_received, closed.stats.packets_lost) == (50, 0)


def test_sound_follows_the_address_it_comes_from() -> None:
    """A phone behind NAT announces one address and sends from another."""
    events = Ear()

    async def call() -> tuple[list[Heard], list[Heard], int]:
        async with engine() as media:
            port = await media.open("call", events.hear)
            announced, silent, announced_port = await a_phone()
            real, phone, _ = await a_phone()
            stranger, _, _ = await a_phone()
            media.connect("call", "127.0.0.1", announced_port)
            await silent.until(1)
            real.sendto(b"not rtp", ("127.0.0.1", port))
            real.sendto(RtpPacket(0, 1, 160, 7, b"\x01" * 160).to_bytes(), ("127.0.0.1", port))
            await phone.until(1)
            stranger.sendto(RtpPacket(0, 2, 320, 8, b"\x02" * 160).to_bytes(), ("127.0.0.1", port))
            await phone.until(len(phone.heard) + 10)
            media.close("call")
            await events.until(Closed)
            for transport in (announced, real, stranger):
                transport.close()
            closed = events[-1]
            assert isinstance(closed, Closed)
            return silent.heard, phone.heard, closed.stats.packets_received

    to_the_announced, to_the_real_phone, received = asyncio.run(call())
    assert [type(event) for event in events] == [FirstPacket, Closed]
    # One stream: the last packet to where it was announced is the one before the first to the real phone.
    numbers = [packet.sequence for _, packet in (to_the_announced[-1], to_the_real_phone[0])]
    assert (numbers[1] - numbers[0]) & 0xFFFF == 1
    assert received == 1


def test_a_phone_that_is_gone_does_not_disturb_the_others() -> None:
    """ECONNREFUSED from one socket is swallowed."""
    events = Ear()

    async def call() -> int:
        async with engine() as media:
            gone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            gone.bind(("127.0.0.1", 0))
            port = await media.open("gone", events.hear)
            media.connect("gone", *gone.getsockname())
            gone.sendto(RtpPacket(0, 1, 160, 7, b"\x01" * 160).to_bytes(), ("127.0.0.1", port))
            await events.until(FirstPacket)
            gone.close()
            transport, phone, phone_port = await a_phone()
            await media.open("here", events.hear)
            media.connect("here", "127.0.0.1", phone_port)
            await phone.until(10)
            transport.close()
            return len(phone.heard)

    assert asyncio.run(call()) >= 10


def test_a_dead_engine_is_reported_to_every_line_and_replaced() -> None:
    events = {"a": Ear(), "b": Ear(), "c": Ear()}

    async def story() -> None:
        async with engine() as media:
            await media.open("a", events["a"].hear)
            await media.open("b", events["b"].hear)
            assert media._child is not None
            os.kill(media._child.pid, signal.SIGKILL)
            await events["a"].until(Lost)
            await events["b"].until(Lost)
            media.play("a", 1, b"\x01" * 160)
            await media.open("c", events["c"].hear)
            assert events["c"] == []

    asyncio.run(story())
    assert len(events["a"]) == len(events["b"]) == 1


def test_stopping_finishes_open_recordings(tmp_path: Path) -> None:
    events = Ear()

    async def story() -> None:
        async with engine() as media:
            await media.open("a", events.hear)
            media.start_recording("a", str(tmp_path / "a.wav"))
            await asyncio.sleep(0.2)

    asyncio.run(story())
    (closed,) = events
    assert isinstance(closed, Closed)
    assert (tmp_path / "a.wav").stat().st_size == 58 + closed.stats.duration_ms * 16


def test_an_engine_that_has_just_died_is_stopped_all_the_same() -> None:
    """uvloop minds an end of what is closed already; its lines hear of the loss, and the child is buried."""
    uvloop = pytest.importorskip("uvloop")
    events = Ear()

    async def story() -> int | None:
        async with engine() as media:
            await media.open("a", events.hear)
            assert media._writer is not None
            assert media._child is not None
            media._writer.transport.abort()
            await asyncio.sleep(0)
            child = media._child
            await media.stop()
            return child.returncode

    assert uvloop.run(story()) is not None
    assert [type(event) for event in events] == [Lost]


def test_a_full_engine_refuses() -> None:
    async def story() -> str:
        async with engine(capacity=1) as media:
            await media.open("a", lambda event: None)
            try:
                await media.open("b", lambda event: None)
            except MediaUnavailable as refusal:
                return str(refusal)
        return "accepted"

    assert asyncio.run(story()) == "all 1 rows are in use"


def test_an_engine_that_hangs_is_given_no_more_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP: the process is there, its socket is open, and nothing comes back."""
    monkeypatch.setattr(media_process, "LOOK_EVERY_S", 3600.0)
    monkeypatch.setattr(media_process, "LOOK_PATIENCE_S", 0.1)

    async def story() -> tuple[bool, bool]:
        async with engine() as media:
            await media.open("a", lambda event: None)
            before = media.has_room()
            assert media.pid is not None
            os.kill(media.pid, signal.SIGSTOP)
            await media._look_once()
            after = media.has_room()
            os.kill(media.pid, signal.SIGCONT)
            return before, after

    assert asyncio.run(story()) == (True, False)


def test_an_engine_that_says_nothing_any_more_is_ended_and_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(media_process, "LOOK_EVERY_S", 3600.0)
    monkeypatch.setattr(media_process, "LOOK_PATIENCE_S", 0.05)
    monkeypatch.setattr(media_process, "SILENT_LOOKS", 2)
    events, again = Ear(), Ear()

    async def story() -> list[bool]:
        async with engine() as media:
            await media.open("a", events.hear)
            assert media.pid is not None
            os.kill(media.pid, signal.SIGSTOP)
            await media._look_once()
            had = [media.is_running]
            await media._look_once()
            await events.until(Lost)
            had.append(media.is_running)
            await media._look_once()
            had.append(media.has_room())
            await media.open("b", again.hear)
            return had

    assert asyncio.run(story()) == [True, False, True]
    assert "says nothing and is ended" in caplog.text
    assert Lost not in map(type, again)


def test_a_call_does_not_wait_for_ever_for_an_engine_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """And once the engine goes on, nothing is left of it there."""

    async def story() -> tuple[str, int]:
        async with engine() as media:
            await media.start()
            assert media.pid is not None
            os.kill(media.pid, signal.SIGSTOP)
            monkeypatch.setattr(media_process, "OPEN_TIMEOUT_S", 0.1)
            why = "opened"
            try:
                await media.open("a", lambda event: None)
            except MediaUnavailable as refusal:
                why = str(refusal)
            os.kill(media.pid, signal.SIGCONT)
            return why, (await media.stats()).rows_open

    assert asyncio.run(story()) == ("the media engine does not answer", 0)


def test_a_machine_that_has_room_for_no_process_refuses_and_starts_the_engine_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    async def story() -> None:
        async with engine() as media:
            with monkeypatch.context() as full:
                full.setattr(subprocess, "Popen", no_room)
                with pytest.raises(MediaUnavailable, match="does not start"):
                    await media.open("a", lambda event: None)
            assert await media.open("a", lambda event: None) > 0

    asyncio.run(story())
