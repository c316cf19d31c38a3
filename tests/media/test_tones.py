"""Tones on a line."""

import numpy as np
import pytest

from byourside_server.media.g711 import ULAW_DECODE, encode_ulaw
from byourside_server.media.messages import ToneHeard
from tests.media.bank_kit import Exchange, silence, speech, tone


def heard(sound: bytes) -> list[ToneHeard]:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.say("a", sound + silence(0.5))
    return exchange.of_kind(ToneHeard)


def with_noise(sound: bytes, dbfs: float) -> bytes:
    values = ULAW_DECODE[np.frombuffer(sound, np.uint8)].astype(float)
    values += np.random.default_rng(5).normal(0, 10 ** (dbfs / 20) * 32768, len(values))
    return encode_ulaw(values.clip(-32768, 32767).astype(np.int16)).tobytes()


@pytest.mark.parametrize("hz", [440, 620, 850, 1000, 1400, 2000])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0])
def test_a_beep_is_heard_with_its_place_and_length(hz: float, seconds: float) -> None:
    (beep,) = heard(silence(0.7) + tone(seconds, hz))
    assert beep.kind == "beep"
    assert beep.frequency_hz == pytest.approx(hz, abs=6)
    assert beep.at_ms == pytest.approx(720, abs=45)
    assert beep.duration_ms == pytest.approx(seconds * 1000, abs=60)


@pytest.mark.parametrize("level_db", [-43, -40])
def test_a_beep_after_the_greeting_is_found_in_a_noisy_line(level_db: float) -> None:
    """The tone is at -19.5 dBFS: 20 dB of signal to noise and more."""
    sound = with_noise(speech() + silence(0.6) + tone(0.4, 950), level_db)
    assert [event.kind for event in heard(sound)] == ["beep"]


def test_speech_is_no_tone() -> None:
    assert heard(speech() + silence(0.3) + speech()) == []


@pytest.mark.parametrize("dbfs", [-20, -34, -60])
def test_noise_is_no_tone(dbfs: float) -> None:
    assert heard(with_noise(silence(4), dbfs)) == []


def test_keypad_tones_are_no_beep() -> None:
    keys = [(697, 1209), (770, 1336), (852, 1477), (941, 1336)]
    assert heard(b"".join(tone(0.2, *pair) + silence(0.1) for pair in keys * 2)) == []


@pytest.mark.parametrize(
    ("kind", "pair", "seconds"),
    [
        ("ringback", (440, 480), 2.0),
        ("ringback", (400, 450), 0.4),
        ("busy", (480, 620), 0.5),
        ("dial_tone", (350, 440), 3.0),
    ],
)
def test_pairs_of_the_network_are_named(kind: str, pair: tuple[float, float], seconds: float) -> None:
    """ITU-T E.180 supplement 2."""
    (event,) = heard(silence(0.3) + tone(seconds, *pair, amplitude=0.1))
    assert event.kind == kind
    assert event.duration_ms == pytest.approx(seconds * 1000, abs=150)


@pytest.mark.parametrize(
    ("kind", "hz", "seconds"),
    [
        ("fax_cng", 1100, 0.5),
        ("fax_ced", 2100, 1.8),
        ("busy", 425, 0.5),
        ("ringback", 425, 1.0),
        ("beep", 1100, 0.25),
    ],
)
def test_single_tones_are_named_by_frequency_and_length(kind: str, hz: float, seconds: float) -> None:
    """ITU-T T.30 §4 and E.180."""
    (event,) = heard(silence(0.3) + tone(seconds, hz))
    assert event.kind == kind


@pytest.mark.parametrize(("hz", "kind", "told_after_ms"), [(1000, "beep", 2000), (2100, "fax_ced", 500)])
def test_a_long_tone_is_reported_once_and_before_it_ends(hz: float, kind: str, told_after_ms: int) -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.say("a", tone(3.2, hz))
    (event,) = exchange.of_kind(ToneHeard)
    assert event.kind == kind
    assert event.duration_ms == pytest.approx(told_after_ms, abs=60)
    exchange.say("a", silence(0.5))
    assert len(exchange.of_kind(ToneHeard)) == 1


def test_three_rising_tones_are_the_number_not_in_service() -> None:
    """ITU-T E.180 §7: 950, 1400, 1800 Hz nominal; North America's 985.2, 1428.5, 1776.7 Hz."""
    (event,) = heard(silence(0.3) + tone(0.38, 985.2) + tone(0.276, 1428.5) + tone(0.38, 1776.7))
    assert event.kind == "sit"
    assert event.at_ms == pytest.approx(320, abs=45)


def test_the_answer_tone_of_a_modern_fax_is_one_all_the_same() -> None:
    """ITU-T V.8: 2100 Hz, whose phase is turned every 450 ms."""
    turned = b"".join(tone(0.45, 2100, amplitude=sign * 0.15) for sign in (1, -1) * 3)
    assert {event.kind for event in heard(turned)} == {"fax_ced"}


def test_a_beep_like_the_first_of_the_three_is_still_a_beep() -> None:
    assert [event.kind for event in heard(tone(0.4, 950))] == ["beep"]
