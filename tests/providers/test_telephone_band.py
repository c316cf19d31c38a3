import numpy as np
import pytest

from byourside_server.providers.telephone_band import (
    Samples,
    decode_ulaw,
    encode_ulaw,
    from_int16,
    resample,
    speech_level_dbfs,
    to_int16,
    to_telephone,
    widen,
)


def tone(frequency_hz: float, rate_hz: int, duration_s: float = 0.5, peak: float = 0.3) -> Samples:
    at = np.arange(int(rate_hz * duration_s)) / rate_hz
    return np.asarray(peak * np.sin(2 * np.pi * frequency_hz * at), np.float32)


def test_every_ulaw_code_survives_decoding_and_encoding() -> None:
    """G.711 table 2a; 0x7F is negative zero, which comes back as the positive zero 0xFF."""
    codes = bytes(range(256))
    assert encode_ulaw(decode_ulaw(codes)) == codes.replace(b"\x7f", b"\xff")


def test_ulaw_decodes_to_the_values_of_the_standard() -> None:
    """G.711 table 2a, decision value 8031 of 8159 at full scale, in 16-bit units ×4."""
    decoded = np.rint(decode_ulaw(b"\x80\x00\xff\xfe\x8f") * 32768).astype(int)
    assert decoded.tolist() == [32124, -32124, 0, 8, 16764]


def test_resampling_keeps_a_tone_inside_the_band() -> None:
    line = resample(tone(1000, 22050), 22050, 8000)
    assert len(line) == 4000
    assert np.abs(line - tone(1000, 8000))[100:-100].max() < 1e-4


def test_resampling_removes_what_would_fold_back() -> None:
    """5 kHz cannot exist at 8 kHz: without the filter it would sound as 3 kHz."""
    assert np.abs(resample(tone(5000, 22050), 22050, 8000))[100:-100].max() < 0.3 * 10 ** (-60 / 20)


def test_sound_for_the_line_has_the_line_s_level_and_is_not_clipped() -> None:
    quiet = tone(500, 16000, peak=0.001)
    loud = tone(500, 16000, peak=1.0)
    for source in (quiet, loud):
        line = decode_ulaw(to_telephone(source, 16000))
        assert speech_level_dbfs(line) == pytest.approx(-20, abs=0.3)
        assert np.abs(line).max() < 0.96


def test_silence_around_speech_is_cut_to_60_ms() -> None:
    padded = np.concatenate([np.zeros(8000, np.float32), tone(500, 8000), np.zeros(16000, np.float32)])
    assert len(to_telephone(padded, 8000)) / 8000 == pytest.approx(0.5 + 0.12, abs=0.021)


def test_silence_stays_silence() -> None:
    assert set(to_telephone(np.zeros(800, np.float32), 8000)) == {0xFF}
    assert to_telephone(np.zeros(0, np.float32), 22050) == b""


def test_widening_mirrors_the_band_at_half_strength() -> None:
    spectrum = np.abs(np.fft.rfft(widen(tone(1000, 8000, duration_s=1.0)) * np.hanning(16000)))
    assert spectrum[7000] / spectrum[1000] == pytest.approx(0.5, abs=0.01)


def test_int16_bytes_survive_the_way_through_floats() -> None:
    pcm = np.array([-32768, -1, 0, 1, 32767], "<i2").tobytes()
    assert to_int16(from_int16(pcm)) == pcm
