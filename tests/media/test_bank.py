"""Rows together: what goes in at one end comes out at the right moment at the other."""

import itertools
import struct
from dataclasses import replace

import numpy as np
import pytest

from byourside_server.media.bank import AudioBank
from byourside_server.media.dtmf import key_tones
from byourside_server.media.g711 import ALAW_TO_ULAW, ULAW_TO_ALAW
from byourside_server.media.messages import (
    ClipEnded,
    ClipStarted,
    DigitHeard,
    FirstPacket,
    LineEvent,
    RowStats,
    SpeechPiece,
    SpeechStopped,
    ToneHeard,
)
from byourside_server.media.rows import BankFull
from byourside_server.media.rtp import RtpPacket
from tests.media.bank_kit import SILENT_FRAME, Exchange, frames_of, silence, speech
from tests.media.test_music import plucked


def test_a_connected_row_sends_every_tick_with_rising_numbers() -> None:
    """RFC 3550 §5.1: sequence by one, timestamp by the samples in a packet."""
    exchange = Exchange()
    exchange.open("a")
    exchange.run(5)
    first, *rest = exchange.sent["a"]
    for index, packet in enumerate(rest, start=1):
        assert packet.sequence == (first.sequence + index) & 0xFFFF
        assert packet.timestamp == (first.timestamp + 160 * index) & 0xFFFFFFFF
        assert (packet.ssrc, packet.payload, packet.payload_type) == (first.ssrc, SILENT_FRAME, 0)


def test_streams_begin_at_random_and_the_random_comes_from_outside() -> None:
    starts = []
    for seed in (1, 1, 2):
        exchange = Exchange(seed=seed)
        exchange.open("a")
        exchange.tick()
        packet = exchange.sent["a"][0]
        starts.append((packet.sequence, packet.timestamp, packet.ssrc))
    assert starts[0] == starts[1]
    assert not set(starts[0]) & set(starts[2])


def test_numbers_go_past_their_end() -> None:
    exchange = Exchange()
    row = exchange.open("a")
    exchange.bank.sender._sequence[row] = 65_535
    exchange.bank.sender._timestamp[row] = 0xFFFFFFFF - 159
    exchange.run(2)
    assert [packet.sequence for packet in exchange.sent["a"]] == [65_535, 0]
    assert [packet.timestamp for packet in exchange.sent["a"]] == [0xFFFFFFFF - 159, 0]


def test_what_the_far_side_says_stands_in_the_recording_to_the_sample() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.say("a", speech())
    exchange.run(5)
    stats = exchange.close("a")
    contact, _ = exchange.recorded("a")
    ticks = len(frames_of(speech())) + 5
    assert contact == (b"\xff" * 160 + speech()).ljust(ticks * 160, b"\xff")
    assert isinstance(stats, RowStats)
    assert (stats.duration_ms, stats.packets_received, stats.packets_lost) == (ticks * 20, ticks - 5, 0)
    assert stats.packets_sent == ticks
    assert stats.jitter_ms == 0


def test_what_the_agent_says_stands_where_its_events_say() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.run(7)
    exchange.bank.start_recording("a")
    exchange.run(3)
    clip = bytes(range(1, 251)) * 2
    exchange.bank.play("a", 4, clip)
    exchange.run(60)
    exchange.close("a")
    assert exchange.of_kind(ClipStarted) == [ClipStarted("a", 4, at_ms=60, early=False)]
    assert exchange.of_kind(ClipEnded) == [ClipEnded("a", 4, 60 + 62, 62, complete=True, early=False)]
    _, agent = exchange.recorded("a")
    assert agent.index(clip) == 60 * 8
    assert agent.count(b"\xff") == len(agent) - len(clip)


@pytest.mark.parametrize("ticks", [0, 1, 49, 50, 51, 64, 65, 137])
def test_the_file_is_as_long_as_the_ticks(ticks: int) -> None:
    """Header and length agree, whatever the phase between the call and the blocks of a second."""
    for line_opened_at in (0, 13):
        exchange = Exchange()
        exchange.run(line_opened_at)
        exchange.open("x")
        exchange.open("a")
        exchange.bank.start_recording("a")
        exchange.run(ticks)
        exchange.close("a")
        data = bytes(exchange.files["a"])
        assert len(data) == 58 + ticks * 320
        assert struct.unpack_from("<I", data, 54)[0] == ticks * 320


def test_a_file_is_playable_while_the_call_goes_on() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.run(175)
    data = bytes(exchange.files["a"])
    size = struct.unpack_from("<I", data, 54)[0]
    assert size == len(data) - 58
    assert 175 - 50 <= size // 320 <= 175


def test_marker_stands_on_the_first_frame_of_a_clip() -> None:
    """RFC 3551 §4.1."""
    exchange = Exchange()
    exchange.open("a")
    exchange.run(2)
    exchange.bank.play("a", 1, b"\x01" * 480)
    exchange.run(4)
    assert [packet.marker for packet in exchange.sent["a"]] == [False, False, True, False, False, False]


def test_alaw_rows_speak_alaw_outside_and_ulaw_inside() -> None:
    exchange = Exchange()
    exchange.open("a", codec="PCMA")
    exchange.open("b")
    exchange.bank.start_recording("a")
    said = bytes(range(160))
    exchange.bank.play("a", 1, said)
    exchange.bank.play("b", 1, said)
    exchange.say("a", bytes(range(160)), payload_type=8)
    exchange.run(3)
    exchange.close("a")
    assert exchange.sent["a"][0].payload_type == 8
    assert exchange.sent["a"][0].payload == ULAW_TO_ALAW[np.arange(160)].tobytes()
    assert exchange.sent["a"][1].payload == bytes([ULAW_TO_ALAW[0xFF]]) * 160
    assert exchange.sent["b"][0].payload == said
    contact, agent = exchange.recorded("a")
    assert contact[160:320] == ALAW_TO_ULAW[np.arange(160)].tobytes()
    assert agent[:160] == said


def test_a_closed_row_leaves_nothing_to_the_next_line() -> None:
    """A stranger must not hear a frame, see a time or inherit a setting of the call before."""
    exchange = Exchange(capacity=1)
    exchange.open("a", dtmf=101)
    exchange.bank.start_recording("a")
    exchange.bank.barge_in("a", True, 0)
    exchange.bank.play("a", 1, b"\x01" * 160 * 500)
    exchange.bank.send_dtmf("a", "123456789")
    exchange.say("a", speech()[:16_000])
    exchange.deliver("a", RtpPacket(0, 200, 0, 9, b"\x02" * 160).to_bytes())
    exchange.tick()
    exchange.close("a")
    exchange.events.clear()

    fresh = Exchange(capacity=1)
    fresh.open("b")
    exchange.open("b")
    for one in (exchange, fresh):
        one.bank.start_recording("b")
        one.bank.play("b", 1, silence(0.1))
        one.say("b", silence(0.5) + speech() + silence(1))
        one.close("b")
    assert exchange.recorded("b") == fresh.recorded("b")
    assert exchange.events[0] == fresh.events[0]
    assert {packet.payload for packet in exchange.sent["b"]} == {SILENT_FRAME}
    # Speech is found within a chunk: the phase of its chunks against the tick differs.
    assert [type(event) for event in exchange.events] == [type(event) for event in fresh.events]


def test_rows_come_and_go_lowest_first_and_the_bank_says_when_it_is_full() -> None:
    bank = AudioBank(3, np.random.default_rng(1))
    assert [bank.open(line) for line in "abc"] == [0, 1, 2]
    with pytest.raises(BankFull):
        bank.open("d")
    bank.close("b")
    bank.close("a")
    assert bank.open("d") == 0
    assert bank.rows.used_prefix == 3
    bank.close("c")
    assert bank.rows.used_prefix == 1


def test_lines_do_not_hear_each_other() -> None:
    exchange = Exchange()
    for line in ("a", "b"):
        exchange.open(line)
        exchange.bank.start_recording(line)
    exchange.bank.play("a", 1, b"\x11" * 800)
    exchange.say_together({"a": b"\x01" * 800, "b": b"\x02" * 800})
    exchange.run(1)
    for line in ("a", "b"):
        exchange.close(line)
    assert set(exchange.recorded("a")[0]) == {0x01, 0xFF}
    assert set(exchange.recorded("b")[0]) == {0x02, 0xFF}
    assert set(exchange.recorded("b")[1]) == {0xFF}


def test_in_step_a_line_is_told_the_same_on_every_row() -> None:
    """Where rows take turns, two that hear the same are told it at other moments and cut elsewhere."""
    heard = speech() + silence(1) + plucked(6) + silence(3)

    def told(*, in_step: bool) -> list[list[LineEvent]]:
        exchange = Exchange(40, in_step=in_step)
        for number in range(40):
            exchange.open(f"line {number}")
        lines = ("line 0", "line 1", "line 39")
        for line in lines:
            exchange.bank.start_recording(line)
            exchange.bank.listen_along(line, True)
        exchange.say_together(dict.fromkeys(lines, heard))
        exchange.run(10)
        return [
            [replace(event, line_id="") for event in exchange.events if event.line_id == line]
            for line in lines
        ]

    first, second, last = told(in_step=True)
    assert {type(event) for event in first} >= {SpeechStopped, SpeechPiece, ToneHeard}
    assert first == second == last
    first, second, last = told(in_step=False)
    assert first != last


def test_early_media_has_its_own_clock_until_the_answer() -> None:
    exchange = Exchange()
    exchange.run(10)
    exchange.open("a")
    exchange.run(4)
    exchange.say("a", silence(0.02))
    exchange.bank.play("a", 1, b"\x01" * 160)
    exchange.tick()
    exchange.bank.start_recording("a")
    exchange.bank.play("a", 2, b"\x01" * 160)
    exchange.tick()
    assert exchange.of_kind(FirstPacket) == [FirstPacket("a", at_ms=80, early=True)]
    assert exchange.of_kind(ClipStarted) == [ClipStarted("a", 1, 100, True), ClipStarted("a", 2, 0, False)]


def test_connecting_again_keeps_stream_and_clock_and_changes_the_codec() -> None:
    """A re-INVITE is not a new call: RFC 3264 §8 keeps the session, the numbers run on."""
    exchange = Exchange()
    exchange.open("a")
    exchange.run(3)
    exchange.bank.connect("a", "PCMA", 101)
    exchange.run(1)
    before, after = exchange.sent["a"][-2:]
    assert after.sequence == (before.sequence + 1) & 0xFFFF
    assert (before.ssrc, after.payload_type) == (after.ssrc, 8)


def test_keys_go_out_as_events_in_place_of_frames() -> None:
    exchange = Exchange()
    exchange.open("a", dtmf=101)
    exchange.run(1)
    exchange.bank.send_dtmf("a", "9")
    exchange.run(10)
    packets = exchange.sent["a"]
    events = packets[1:9]
    assert {packet.payload_type for packet in events} == {101}
    assert {packet.timestamp for packet in events} == {(packets[0].timestamp + 160) & 0xFFFFFFFF}
    assert [packet.payload[0] for packet in events] == [9] * 8
    assert [packet.marker for packet in events] == [True] + [False] * 7
    assert [packet.sequence for packet in packets] == [(packets[0].sequence + n) & 0xFFFF for n in range(11)]
    assert packets[9].payload_type == 0


def test_keys_between_two_banks() -> None:
    near, far = Exchange(seed=1), Exchange(seed=2)
    near.open("a", dtmf=101)
    far.open("b", dtmf=101)
    near.bank.send_dtmf("a", "44*#")
    for _ in range(80):
        near.tick()
        far.deliver("b", near.sent["a"][-1].to_bytes())
        far.tick()
    heard = far.of_kind(DigitHeard)
    assert [event.digit for event in heard] == ["4", "4", "*", "#"]
    times = [event.at_ms for event in heard]
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [260] * 3
    stats = far.close("b")
    assert isinstance(stats, RowStats)
    assert stats.packets_lost == 0


def test_keys_without_events_are_tones_that_make_no_clip_events() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.send_dtmf("a", "1")
    exchange.run(15)
    sounding = [packet.payload != SILENT_FRAME for packet in exchange.sent["a"]]
    assert sounding == [True] * 5 + [False] * 10
    assert exchange.events == []


def test_keys_that_are_tones_are_pressed_whole_whoever_speaks_over_them() -> None:
    """A tone cut in two is two keys; a menu that is read out once more begins over them."""
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.barge_in("a", True, 160, 64)  # as it was for the words before
    exchange.bank.send_dtmf("a", "1234567890")
    exchange.say("a", speech())
    exchange.close("a")
    assert exchange.recorded("a")[1].startswith(key_tones("1234567890"))


@pytest.mark.parametrize("samples", [80, 240, 320, 480])
def test_other_packet_times_are_heard_whole(samples: int) -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    sound = bytes(range(1, 241)) * 16
    due = 0.0
    pieces = [sound[at : at + samples] for at in range(0, len(sound), samples)]
    for number, piece in enumerate(pieces):
        exchange.deliver("a", RtpPacket(0, number, number * samples, 1, piece).to_bytes())
        due += samples / 160
        while due >= 1:
            exchange.tick()
            due -= 1
    exchange.run(10)
    exchange.close("a")
    contact, _ = exchange.recorded("a")
    heard = b"".join(frame for frame in frames_of(contact) if frame != SILENT_FRAME)
    # The stream ends here in the middle of a sound, which is concealed for 60 ms.
    assert heard[: len(sound)] == sound


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", bytes(172), b"\x80\xc8" + bytes(26), RtpPacket(13, 1, 1, 1, b"\x30").to_bytes()],
    ids=["empty", "text", "zeros", "RTCP", "comfort noise"],
)
def test_what_is_not_sound_is_not_heard(data: bytes) -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.deliver("a", data)
    exchange.run(3)
    assert exchange.events == []
    stats = exchange.close("a")
    assert isinstance(stats, RowStats)
    assert stats.packets_received == 0


def test_closing_cuts_the_clip_that_plays() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.play("a", 1, b"\x01" * 1600)
    exchange.run(4)
    exchange.close("a")
    assert exchange.of_kind(ClipEnded) == [ClipEnded("a", 1, 80, 80, complete=False, early=False)]
