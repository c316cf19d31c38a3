"""Gaps in speech and tones: nearer to what was said than silence, gone after 60 ms, without clicks."""

import numpy as np
import pytest

from byourside_server.media.concealment import CONCEALED_FRAMES, continued, period_of
from byourside_server.media.g711 import Floats, decode_ulaw, encode_ulaw
from byourside_server.media.messages import RowStats
from byourside_server.media.rtp import RtpPacket
from tests.media.bank_kit import Exchange, frames_of, speech


def wave(hz: float, samples: int = 480) -> Floats:
    return np.asarray(0.3 * np.sin(2 * np.pi * hz * np.arange(samples) / 8000), np.float32)


def through(ulaw: bytes, lose: set[int]) -> tuple[bytes, RowStats]:
    """What is heard of this sound without the packets of these numbers; one tick of delay is cut off."""
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    for number, frame in enumerate(frames_of(ulaw)):
        if number not in lose:
            exchange.deliver("a", RtpPacket(0, number, number * 160, 7, frame).to_bytes())
        exchange.tick()
    exchange.tick()
    stats = exchange.close("a")
    assert isinstance(stats, RowStats)
    return exchange.recorded("a")[0][160 : 160 + len(ulaw)], stats


def snr_db(wanted: Floats, given: Floats) -> float:
    """Held between -10 and 35 dB, as is the custom for means over segments."""
    ratio = (wanted**2).mean() / (((wanted - given) ** 2).mean() + 1e-9)
    return float(np.clip(10 * np.log10(ratio), -10, 35))


@pytest.mark.parametrize("hz", [80, 100, 160, 200, 250, 320])
def test_the_period_of_a_tone_is_found_or_a_multiple_of_it(hz: int) -> None:
    cycles = period_of(wave(hz)) * hz / 8000
    assert cycles == pytest.approx(round(cycles), abs=0.05)


@pytest.mark.parametrize("hz", [100, 160, 250, 400])
def test_a_tone_goes_on_without_a_step_and_fades(hz: int) -> None:
    history = wave(hz)
    sound = continued(history)
    wanted = wave(hz, 480 + 80)[480:]
    assert np.abs(sound[:80] - wanted).max() < 0.05
    steps = np.abs(np.diff(np.concatenate((history[-2:], sound))))
    assert steps.max() < 1.5 * np.abs(np.diff(history)).max()
    assert np.abs(sound[400:480]).max() < 0.25 * 0.3
    assert not sound[480:].any()


def test_silence_goes_on_as_silence() -> None:
    assert not continued(np.zeros(480, np.float32)).any()


def test_lost_speech_is_nearer_to_what_was_said_than_silence_or_the_last_packet_again() -> None:
    """Segmental signal-to-noise ratio of the first 10 ms; silence has 0 dB by definition."""
    said: Floats = np.asarray(decode_ulaw(speech()) / np.float32(32768), np.float32)
    ours, repeated = [], []
    for start in range(640, len(said) - 160, 480):
        wanted = said[start : start + 80]
        if (wanted**2).mean() > 1e-5:
            ours.append(snr_db(wanted, continued(said[start - 480 : start])[:80]))
            repeated.append(snr_db(wanted, said[start - 160 : start - 80]))
    assert np.mean(ours) > 1.0
    assert np.mean(ours) > np.mean(repeated) + 2


def test_every_lost_frame_is_concealed_and_counted() -> None:
    lost = set(range(5, 90, 12))
    heard, stats = through(speech(), lost)
    assert (stats.concealed_ms, stats.packets_lost) == (20 * len(lost), len(lost))
    loud = [number for number in lost if np.abs(decode_ulaw(frames_of(speech())[number])).mean() > 1000]
    assert loud
    assert all(np.abs(decode_ulaw(frames_of(heard)[number])).mean() > 200 for number in loud)


def test_what_arrived_is_left_as_it_was_but_for_the_seam() -> None:
    said = speech()[:16_000]
    heard, _ = through(said, {40})
    for number, (there, here) in enumerate(zip(frames_of(said), frames_of(heard), strict=True)):
        if number == 41:
            assert there[32:] == here[32:]
        elif number != 40:
            assert there == here


def test_a_longer_gap_is_silent_after_sixty_milliseconds() -> None:
    said = encode_ulaw((8000 * np.sin(2 * np.pi * 200 * np.arange(16_000) / 8000)).astype(np.int16)).tobytes()
    heard, stats = through(said, set(range(30, 36)))
    frames = [np.abs(decode_ulaw(frame)).max() for frame in frames_of(heard)]
    assert min(frames[30 : 30 + CONCEALED_FRAMES]) > 0
    assert frames[33:36] == [0, 0, 0]
    assert stats.concealed_ms == 60
