"""G.711 tables against formulas written from the Recommendation, value by value."""

import numpy as np

from byourside_server.media.g711 import (
    ALAW_DECODE,
    ALAW_ENCODE,
    ALAW_TO_ULAW,
    ULAW_DECODE,
    ULAW_ENCODE,
    ULAW_TO_ALAW,
    decode_into,
    decode_ulaw,
    encode_ulaw,
)

EVERY_SAMPLE = range(-32768, 32768)


def ulaw_value(code: int) -> int:
    """ITU-T G.711 table 2: decoder output 2(33 + step)·2^segment - 66 in 14 bits, here in 16 (×4/2)."""
    code = ~code & 0xFF
    segment, step = code >> 4 & 7, code & 15
    magnitude = ((2 * step + 33) << segment) - 33
    return -4 * magnitude if code & 0x80 else 4 * magnitude


def alaw_value(code: int) -> int:
    """ITU-T G.711 table 1: the middle of the step, in 13 bits, here in 16 (×8)."""
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = 2 * step + 1 if segment == 0 else (2 * step + 33) << (segment - 1)
    return 8 * magnitude if code & 0x80 else -8 * magnitude


def test_every_ulaw_code_decodes_to_the_value_of_table_2() -> None:
    assert ULAW_DECODE.tolist() == [ulaw_value(code) for code in range(256)]


def test_every_alaw_code_decodes_to_the_value_of_table_1() -> None:
    assert ALAW_DECODE.tolist() == [alaw_value(code) for code in range(256)]


def ulaw_code(sample: int) -> int:
    """The encoder of G.711 in words: add the bias, find the segment, keep four bits, invert."""
    magnitude = min(abs(sample), 32635) + 132
    segment = magnitude.bit_length() - 8
    return ~((0x80 if sample < 0 else 0) | segment << 4 | (magnitude >> (segment + 3) & 15)) & 0xFF


def alaw_code(sample: int) -> int:
    magnitude = sample if sample >= 0 else ~sample
    segment = max(0, magnitude.bit_length() - 8)
    step = magnitude >> (segment + 3 if segment else 4) & 15
    return ((0x80 if sample >= 0 else 0) | segment << 4 | step) ^ 0x55


def test_all_65536_samples_encode_as_the_recommendation_says() -> None:
    samples = np.array(EVERY_SAMPLE, np.int16)
    assert ULAW_ENCODE[samples.view(np.uint16)].tolist() == [ulaw_code(value) for value in EVERY_SAMPLE]
    assert ALAW_ENCODE[samples.view(np.uint16)].tolist() == [alaw_code(value) for value in EVERY_SAMPLE]


def test_encoding_picks_the_nearest_ulaw_value() -> None:
    """A property of the law that does not follow from either formula alone."""
    samples = np.arange(-32000, 32001, 7, dtype=np.int16)
    chosen = np.abs(decode_ulaw(encode_ulaw(samples)).astype(int) - samples)
    values = np.sort(ULAW_DECODE.astype(int))
    right = np.clip(np.searchsorted(values, samples), 1, 255)
    nearest = np.minimum(abs(values[right] - samples), abs(samples - values[right - 1]))
    assert (chosen == nearest).mean() > 0.99


def test_decoding_and_encoding_again_keeps_every_code() -> None:
    """Except µ-law's negative zero 0x7F, which comes back as 0xFF."""
    codes = np.arange(256, dtype=np.uint8)
    changed = codes[ULAW_ENCODE[ULAW_DECODE.view(np.uint16)] != codes]
    assert changed.tolist() == [0x7F]
    assert (ALAW_ENCODE[ALAW_DECODE.view(np.uint16)] == codes).all()


def test_transcoding_tables_go_through_the_sample_values() -> None:
    for code in range(256):
        assert ALAW_TO_ULAW[code] == ulaw_code(alaw_value(code))
        assert ULAW_TO_ALAW[code] == alaw_code(ulaw_value(code))


def test_pairs_decode_like_single_bytes() -> None:
    every_pair = np.arange(65536, dtype=np.uint16).view(np.uint8).reshape(512, 256)
    floats = np.zeros(every_pair.shape, np.float32)
    decode_into(every_pair, floats)
    assert (floats == ULAW_DECODE[every_pair].astype(np.float32) / 32768).all()
