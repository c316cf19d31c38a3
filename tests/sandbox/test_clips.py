import numpy as np
import pytest

from byourside_server.providers.telephone_band import decode_ulaw, speech_level_dbfs
from byourside_server.sandbox.clips import (
    CLIP_FOLDER,
    all_clips,
    beep,
    busy_tone,
    clip_rows,
    fax_answer_tone,
    hold_music,
    load_clip,
    noise,
    ringback,
    silence,
)


def strongest_hz(ulaw: bytes, count: int = 1) -> list[float]:
    """The loudest frequencies, apart by at least 10 Hz."""
    samples = decode_ulaw(ulaw)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    step = 8000 / len(samples)
    found: list[float] = []
    for index in np.argsort(spectrum)[::-1]:
        if all(abs(index * step - other) > 10 for other in found):
            found.append(float(index * step))
        if len(found) == count:
            break
    return sorted(found)


def test_every_row_of_the_table_has_its_recording_and_every_recording_its_row() -> None:
    assert {path.stem for path in CLIP_FOLDER.glob("*.ul")} == set(clip_rows())


def test_recordings_are_speech_at_the_line_s_level_and_a_speaker_s_pace() -> None:
    for clip in all_clips():
        assert -21 < speech_level_dbfs(decode_ulaw(clip.ulaw)) < -19, clip.clip_id
        assert 0.03 < clip.duration_s / len(clip.text) < 0.25, clip.clip_id


def test_a_clip_carries_its_words_and_voice() -> None:
    clip = load_clip("yes_works")
    assert (clip.text, clip.voice) == ("Yes, that works for me.", "rms")
    assert 1.0 < clip.duration_s < 2.5


def test_an_unknown_clip_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load_clip("never recorded")


def test_a_beep_has_its_frequency_length_and_level() -> None:
    tone = beep(1000, 400)
    assert len(tone) == 3200
    assert strongest_hz(tone) == [pytest.approx(1000, abs=3)]
    assert speech_level_dbfs(decode_ulaw(tone)) == pytest.approx(-12, abs=0.5)


@pytest.mark.parametrize(
    ("tone", "frequencies_hz", "on_ms", "off_ms"),
    [(ringback(12_000), [440, 480], 2000, 4000), (busy_tone(4000), [480, 620], 500, 500)],
    ids=["ringback", "busy"],
)
def test_network_tones_keep_their_frequencies_and_cadence(
    tone: bytes, frequencies_hz: list[float], on_ms: int, off_ms: int
) -> None:
    """ITU-T E.180 for North America."""
    assert strongest_hz(tone[: on_ms * 8], 2) == pytest.approx(frequencies_hz, abs=3)
    period = (on_ms + off_ms) * 8
    assert set(tone[on_ms * 8 : period]) == {0xFF}
    assert tone[:period] == tone[period : 2 * period]


def test_a_fax_answers_with_2100_hz() -> None:
    """ITU-T T.30: CED."""
    assert strongest_hz(fax_answer_tone(2600)) == [pytest.approx(2100, abs=3)]


def test_music_and_noise_are_as_long_as_asked_and_never_silent() -> None:
    for sound in (hold_music(9000), noise(9000, -40)):
        assert len(sound) == 72_000
        frames = decode_ulaw(sound).reshape(-1, 800)
        assert (frames**2).mean(axis=1).min() > 1e-6


def test_noise_is_the_same_for_the_same_seed() -> None:
    assert noise(100, -40, seed=1) == noise(100, -40, seed=1) != noise(100, -40, seed=2)


def test_silence_is_ulaw_zero() -> None:
    assert silence(20) == b"\xff" * 160
