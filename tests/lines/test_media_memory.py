"""The engine in virtual time: two of them on one wire."""

import asyncio
import wave
from pathlib import Path

import pytest

from byourside_server.lines.media_memory import InProcessMedia, MemoryWire
from byourside_server.lines.media_port import (
    ClipEnded,
    ClipStarted,
    Closed,
    FirstPacket,
    LineEvent,
    MediaUnavailable,
    SpeechStopped,
)
from byourside_server.media.rtp import RtpPacket, parse
from tests.media.bank_kit import silence, speech


def kinds(events: list[LineEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_what_one_engine_plays_the_other_hears_and_records(tmp_path: Path) -> None:
    """Thirty seconds of call take well under a second of wall time."""
    wire = MemoryWire()
    near, far = InProcessMedia(2, wire, "10.0.0.1"), InProcessMedia(2, wire, "10.0.0.2", seed=2)
    said: list[LineEvent] = []
    heard: list[LineEvent] = []

    async def call() -> None:
        near_port = await near.open("call", said.append)
        far_port = await far.open("phone", heard.append)
        near.connect("call", "10.0.0.2", far_port)
        far.connect("phone", "10.0.0.1", near_port, "PCMA")
        near.start_recording("call", str(tmp_path / "call.wav"))
        far.start_recording("phone", "")
        near.play("call", 1, silence(0.5) + speech() + silence(0.5))
        for _ in range(1500):
            near.tick()
            far.tick()
        near.close("call")
        far.close("phone")

    asyncio.run(call())
    assert kinds(said) == ["ClipStarted", "FirstPacket", "ClipEnded", "Closed"]
    assert kinds(heard) == ["FirstPacket", "SpeechStarted", "SpeechStopped", "Closed"]
    (turn,) = [event for event in heard if isinstance(event, SpeechStopped)]
    (clip,) = [event for event in said if isinstance(event, ClipEnded)]
    assert 0 < turn.start_ms - 500 < 350
    assert clip.at_ms - 500 - 350 < turn.end_ms < clip.at_ms
    data = (tmp_path / "call.wav").read_bytes()
    assert len(data) == 58 + 30 * 8000 * 2
    assert data[58 + 1 :: 2].startswith(silence(0.5) + speech())


def test_a_test_may_be_the_far_side_itself() -> None:
    wire = MemoryWire()
    media = InProcessMedia(1, wire)
    phone = ("192.0.2.1", 5000)
    packets: list[RtpPacket | None] = []
    wire.listen(phone, lambda data, _: packets.append(parse(data)))
    events: list[LineEvent] = []
    port = asyncio.run(media.open("call", events.append))
    media.connect("call", *phone)
    wire.send(RtpPacket(0, 1, 160, 9, b"\x01" * 160).to_bytes(), phone, (media.host, port))
    media.play("call", 3, b"\x02" * 320)
    for _ in range(3):
        media.tick()
    assert [packet.payload[0] for packet in packets if packet] == [2, 2, 0xFF]
    assert kinds(events) == ["ClipStarted", "FirstPacket", "ClipEnded"]


def test_a_full_engine_refuses_and_a_closed_line_makes_room() -> None:
    media = InProcessMedia(1, MemoryWire())
    events: list[LineEvent] = []

    async def story() -> None:
        await media.open("a", events.append)
        with pytest.raises(MediaUnavailable):
            await media.open("b", events.append)
        with pytest.raises(MediaUnavailable):
            await media.open("a", events.append)
        media.close("a")
        await media.open("b", events.append)

    asyncio.run(story())
    assert kinds(events) == ["Closed"]


def test_commands_for_a_line_that_is_gone_do_nothing() -> None:
    media = InProcessMedia(1, MemoryWire())
    media.play("nobody", 1, b"\x01")
    media.clear("nobody")
    media.connect("nobody", "192.0.2.1", 5000)
    media.start_recording("nobody", "/nonexistent/x.wav")
    media.close("nobody")
    media.tick()


def test_a_disk_that_refuses_costs_the_recording_and_not_the_call() -> None:
    media = InProcessMedia(1, MemoryWire())
    events: list[LineEvent] = []
    asyncio.run(media.open("a", events.append))
    media.connect("a", "192.0.2.1", 5000)
    media.start_recording("a", "/nonexistent/folder/a.wav")
    media.play("a", 1, b"\x01" * 160)
    for _ in range(60):
        media.tick()
    media.close("a")
    assert kinds(events) == ["ClipStarted", "ClipEnded", "Closed"]
    assert isinstance(events[-1], Closed)
    assert events[-1].stats.duration_ms == 1200


def test_the_wave_module_of_python_agrees_about_the_header_where_it_can(tmp_path: Path) -> None:
    """`wave` reads PCM alone and says so by the format tag: 7 is what it must complain about."""
    media = InProcessMedia(1, MemoryWire())
    asyncio.run(media.open("a", lambda event: None))
    media.start_recording("a", str(tmp_path / "a.wav"))
    media.tick()
    media.close("a")
    with pytest.raises(wave.Error, match="unknown format: 7"), wave.open(str(tmp_path / "a.wav")):
        pass


def test_first_packet_and_clips_carry_the_answer_as_zero() -> None:
    wire = MemoryWire()
    media = InProcessMedia(1, wire)
    events: list[LineEvent] = []
    asyncio.run(media.open("a", events.append))
    media.connect("a", "192.0.2.1", 5000)
    for _ in range(10):
        media.tick()
    media.start_recording("a", "")
    media.play("a", 1, b"\x01" * 160)
    media.tick()
    assert [event for event in events if isinstance(event, FirstPacket)] == []
    assert events[0] == ClipStarted("a", 1, at_ms=0, early=False)
