"""Two engines on a wire that is encrypted, reported on, held, and rained upon, in virtual time."""

import asyncio

import pytest

from byourside_server.calls.media_facts import MediaFacts, media_facts
from byourside_server.lines.media_memory import InProcessMedia, MemoryWire, Weather
from byourside_server.lines.media_port import PLAIN, Closed, LineEvent, SpeechStopped, Srtp
from byourside_server.media.rtcp import parse as parse_report
from byourside_server.media.rtp import RtpPacket, parse
from tests.media.bank_kit import silence, speech

NEAR, FAR = "10.0.0.1", "10.0.0.2"
SUITE = "AES_CM_128_HMAC_SHA1_80"
OURS, THEIRS = bytes(range(30)), bytes(range(50, 80))


class Pair:
    """One call between two engines; what each side sent passes `tapped`."""

    def __init__(self, weather: Weather | None = None) -> None:
        self.wire = MemoryWire(weather)
        self.near = InProcessMedia(1, self.wire, NEAR)
        self.far = InProcessMedia(1, self.wire, FAR, seed=2)
        self.said: list[LineEvent] = []
        self.heard: list[LineEvent] = []
        self.tapped: list[bytes] = []

        async def open_both() -> tuple[int, int]:
            return await self.near.open("a", self.said.append), await self.far.open("b", self.heard.append)

        self.near_port, self.far_port = asyncio.run(open_both())
        send = self.wire.send

        def tap(data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
            self.tapped.append(data)
            send(data, source, target)

        self.wire.send = tap  # type: ignore[method-assign]

    def connect(
        self, near: Srtp = PLAIN, far: Srtp = PLAIN, *, sends: bool = True, mux: bool = False
    ) -> None:
        beside = 0 if mux else 1
        self.near.connect(
            "a", FAR, self.far_port, rtcp_port=self.far_port + beside, srtp=near, sends=sends
        )
        self.far.connect("b", NEAR, self.near_port, rtcp_port=self.near_port + beside, srtp=far)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.wire.pass_time(0.01)
            self.near.tick()
            self.wire.pass_time(0.01)
            self.far.tick()

    def close(self) -> tuple[MediaFacts, MediaFacts]:
        self.near.close("a")
        self.far.close("b")
        found = []
        for events in (self.said, self.heard):
            assert isinstance(events[-1], Closed)
            facts = media_facts(events[-1].stats)
            assert facts is not None
            found.append(facts)
        return found[0], found[1]

    def turns(self) -> list[SpeechStopped]:
        return [event for event in self.heard if isinstance(event, SpeechStopped)]


def test_encrypted_sound_is_heard_and_cannot_be_overheard() -> None:
    pair = Pair()
    pair.connect(Srtp(SUITE, OURS, THEIRS), Srtp(SUITE, THEIRS, OURS))
    pair.near.start_recording("a", "")
    pair.far.start_recording("b", "")
    pair.near.play("a", 1, silence(0.2) + speech() + silence(0.5))
    pair.run(len(speech()) / 8000 + 2)
    near, far = pair.close()
    assert len(pair.turns()) == 1
    assert (near.srtp, far.srtp, far.packets_rejected) == (SUITE, SUITE, 0)
    assert not any(speech()[8000:8160] in data for data in pair.tapped)
    assert {len(data) for data in pair.tapped if parse(data)} == {182}


def test_a_stranger_without_the_key_is_not_heard() -> None:
    pair = Pair()
    pair.connect(Srtp(SUITE, OURS, THEIRS), Srtp(SUITE, THEIRS, OURS))
    pair.run(0.1)
    for number in range(20):
        forged = RtpPacket(0, number, number * 160, 1, b"\x10" * 160).to_bytes()
        pair.wire.send(forged, ("10.9.9.9", 5), (NEAR, pair.near_port))
    pair.run(1)
    near, _ = pair.close()
    assert near.packets_rejected == 20


def test_new_keys_in_the_middle_lose_nothing() -> None:
    """A re-INVITE re-keys both directions (RFC 4568 §7.1.4)."""
    pair = Pair()
    pair.connect(Srtp(SUITE, OURS, THEIRS), Srtp(SUITE, THEIRS, OURS))
    pair.run(1)
    fresh_ours, fresh_theirs = OURS[::-1], THEIRS[::-1]
    pair.connect(Srtp(SUITE, fresh_ours, fresh_theirs), Srtp(SUITE, fresh_theirs, fresh_ours))
    pair.run(1)
    near, far = pair.close()
    # The first old packet may still be under way to the side that has the new key already.
    assert near.packets_rejected + far.packets_rejected <= 2
    assert min(near.packets_received, far.packets_received) >= 98


@pytest.mark.parametrize("mux", [False, True], ids=["port after", "same port"])
@pytest.mark.parametrize("keys", [PLAIN, Srtp(SUITE, OURS, THEIRS)], ids=["plain", "srtp"])
def test_both_sides_report_and_say_goodbye(keys: Srtp, mux: bool) -> None:
    """RFC 3550 §6.3.1 and §6.3.7; on the sound's port after RFC 5761."""
    pair = Pair()
    pair.connect(keys, PLAIN if keys is PLAIN else Srtp(SUITE, THEIRS, OURS), mux=mux)
    pair.run(20)
    reports = [report for data in pair.tapped if (report := parse_report(data)) is not None]
    near, far = pair.close()
    for facts in (near, far):
        assert facts.their_loss_percent == 0
        assert facts.round_trip_ms is not None
        assert 0 <= facts.round_trip_ms <= 60
        assert facts.mos is not None
        assert facts.mos > 4.3
    if keys is PLAIN:
        assert 4 <= len(reports) <= 16
        assert any(report.sender and report.blocks for report in reports)
        last = parse_report(pair.tapped[-1])
        assert last is not None
        assert last.bye
    else:
        assert reports == []


def test_a_held_row_is_silent_and_goes_on_where_it_stood() -> None:
    """RFC 3264 §8.4: who hears nothing is sent nothing; the numbers show no loss, the timestamps the time."""
    pair = Pair()
    pair.connect()
    pair.run(0.2)
    pair.connect(sends=False)
    before = len(pair.tapped)
    pair.run(1)
    packets = [packet for data in pair.tapped[before:] if (packet := parse(data))]
    assert len({packet.ssrc for packet in packets}) == 1, "only the far side speaks"
    pair.connect()
    pair.run(0.2)
    mine = [p for data in pair.tapped if (p := parse(data)) and p.ssrc != packets[0].ssrc]
    assert [(p.sequence - mine[0].sequence) & 0xFFFF for p in mine] == list(range(20))
    assert (mine[10].timestamp - mine[9].timestamp) & 0xFFFFFFFF == 51 * 160
    near, _ = pair.close()
    assert near.packets_sent == 20


def test_speech_is_heard_whole_through_bad_weather() -> None:
    """5 % lost, 60 ms of jitter, much of it out of order: one turn, as long as it was."""
    pair = Pair(Weather(loss=0.05, jitter_s=0.06))
    pair.connect()
    pair.near.start_recording("a", "")
    pair.far.start_recording("b", "")
    pair.run(3)
    pair.near.play("a", 1, speech() + silence(0.5))
    pair.run(len(speech()) / 8000 + 8)
    near, far = pair.close()
    assert sum(turn.end_ms - turn.start_ms for turn in pair.turns()) > 0.8 * len(speech()) / 8
    assert 2 < far.loss_percent < 9
    assert far.concealed_ms > 100
    assert near.their_loss_percent == pytest.approx(5, abs=4)
    assert far.mos is not None
    assert 3 < far.mos < 4.2
