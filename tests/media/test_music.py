"""Hold music: heard when it has gone on for some seconds, and told when it is over."""

import numpy as np
import pytest

from byourside_server.media.g711 import encode_ulaw
from byourside_server.media.messages import ToneHeard
from tests.media.bank_kit import Exchange, silence, speech, tone


def as_ulaw(wave: np.ndarray) -> bytes:
    return encode_ulaw((wave.clip(-1, 1) * 32767).astype(np.int16)).tobytes()


def band(seconds: int, noise_dbfs: float = -90) -> bytes:
    """Chords with overtones that change every second, and a drum twice a second."""
    random, at = np.random.default_rng(3), np.arange(seconds * 8000) / 8000
    wave = random.normal(0, 10 ** (noise_dbfs / 20), len(at))
    roots = np.repeat(np.resize([220.0, 196.0, 174.6, 146.8], seconds), 8000)
    for step in (1.0, 1.26, 1.5):
        for overtone, share in ((1, 1.0), (2, 0.5), (3, 0.3)):
            wave += 0.05 * share * np.sin(2 * np.pi * np.cumsum(roots * step * overtone) / 8000)
    for beat in range(0, len(at), 4000):
        wave[beat : beat + 800] += random.normal(0, 0.12, 800) * np.exp(-np.arange(800) / 150)
    return as_ulaw(wave)


def plucked(seconds: int) -> bytes:
    """One string after the other, four a second (Karplus and Strong)."""
    random, wave = np.random.default_rng(4), np.zeros((seconds + 1) * 8000)
    for place in range(seconds * 4):
        length = int(8000 / (262, 330, 392, 523, 440, 349)[place * 5 % 6])
        string, period = np.empty(8000), random.uniform(-1, 1, length)
        for start in range(0, 8000, length):
            string[start : start + length] = period[: 8000 - start]
            period = 0.498 * (period + np.roll(period, -1))
        wave[place * 2000 : place * 2000 + 8000] += 0.12 * string
    return as_ulaw(wave[: seconds * 8000])


def music_of(sound: bytes) -> list[ToneHeard]:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.say("a", sound + silence(2))
    return [event for event in exchange.of_kind(ToneHeard) if event.kind.startswith("music")]


@pytest.mark.parametrize(
    "music", [band(6), band(6, noise_dbfs=-32), plucked(6)], ids=["band", "noisy", "plucked"]
)
def test_music_is_told_after_three_seconds_and_again_when_it_is_over(music: bytes) -> None:
    began, ended = music_of(silence(1) + music)
    assert (began.kind, ended.kind) == ("music", "music_ended")
    assert began.at_ms == ended.at_ms == pytest.approx(1000, abs=220)
    assert 2500 <= began.duration_ms <= 3300
    assert ended.duration_ms == pytest.approx(6000, abs=500)


def test_somebody_who_takes_the_call_ends_the_music() -> None:
    began, ended = music_of(band(5) + speech())
    assert (began.kind, ended.kind) == ("music", "music_ended")
    assert ended.at_ms + ended.duration_ms == pytest.approx(5000, abs=400)


def test_two_seconds_are_no_hold_music() -> None:
    assert music_of(band(2)) == []


@pytest.mark.parametrize(
    "sound",
    [
        speech() * 3,
        (tone(2, 440, 480) + silence(4)) * 2,
        (tone(0.4, 400, 450) + silence(0.2) + tone(0.4, 400, 450) + silence(2)) * 3,
        (tone(0.5, 480, 620) + silence(0.5)) * 8,
        tone(8, 350, 440),
        tone(4, 2100) + tone(3, 1650, 1850),
        as_ulaw(np.random.default_rng(5).normal(0, 0.05, 64_000)),
        as_ulaw(0.1 * np.sin(2 * np.pi * 150 * np.arange(64_000) / 8000)),
    ],
    ids=["speech", "ringback", "UK ringback", "busy", "dial tone", "fax", "noise", "hum"],
)
def test_what_is_no_music(sound: bytes) -> None:
    assert music_of(sound) == []


def test_the_next_line_of_the_row_begins_without_music() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.say("a", band(4))
    exchange.close("a")
    exchange.open("b")
    exchange.say("b", silence(3))
    assert [event.line_id for event in exchange.of_kind(ToneHeard) if event.kind == "music_ended"] == []
