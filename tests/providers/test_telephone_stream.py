"""A vendor's sound in pieces is the same as whole: no click at a border, no half sample, no other format."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np
import pytest

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.resample import StreamResampler
from byourside_server.providers.telephone_band import (
    Samples,
    decode_ulaw,
    encode_ulaw,
    from_int16,
    resample,
    to_int16,
)
from byourside_server.providers.telephone_stream import PcmDecoder, UlawDecoder, telephone_pieces

RATES_HZ = (8000, 16000, 22050, 24000, 44100, 48000)


def sine(rate_hz: int, frequency_hz: float = 997.0, seconds: float = 1.0, level: float = 0.3) -> Samples:
    at = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.asarray(level * np.sin(2 * np.pi * frequency_hz * at), np.float32)


def cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = number = 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        yield data[at : at + size]
        at, number = at + size, number + 1


def wav(samples: Samples, rate_hz: int, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(channels)
        opened.setsampwidth(2)
        opened.setframerate(rate_hz)
        opened.writeframes(to_int16(samples))
    return file.getvalue()


def decoded(data: bytes, sizes: Sequence[int], rate_hz: int = 24000) -> bytes:
    decoder = PcmDecoder(rate_hz)
    return b"".join([decoder.push(piece) for piece in cut(data, sizes)]) + decoder.finish()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("size", [1, 37, 480, 10_000])
def test_a_sine_in_pieces_is_the_sine_whole(rate_hz: int, size: int) -> None:
    """Within one step of 16 bits of the whole file's conversion, at every sample."""
    whole = sine(rate_hz, seconds=0.25)
    stream = StreamResampler(rate_hz)
    pieces = [stream.push(whole[at : at + size]) for at in range(0, len(whole), size)]
    result = np.concatenate([*pieces, stream.finish()])
    expected = resample(whole, rate_hz, 8000)
    assert len(result) == len(expected)
    assert np.abs(result - expected).max() * 32768 < 1


def test_what_the_line_cannot_carry_does_not_fold_back_into_the_voice() -> None:
    """5 kHz would come out as 3 kHz without the low-pass filter."""
    high, low = (decode_ulaw(decoded(to_int16(sine(24000, hz)), [4800])) for hz in (5000, 1000))
    assert low[800:-800].std() == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    assert high[800:-800].std() < low[800:-800].std() / 300


@pytest.mark.parametrize("sizes", [[4800], [1], [3, 7, 331, 1023]], ids=["100 ms", "bytes", "odd"])
def test_samples_cut_in_their_middle_are_put_together(sizes: list[int]) -> None:
    pcm = to_int16(sine(24000, seconds=0.3))
    assert decoded(pcm, sizes) == encode_ulaw(resample(from_int16(pcm), 24000, 8000))


@pytest.mark.parametrize("sizes", [[4800], [1], [43, 2]], ids=["100 ms", "bytes", "in the head"])
@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_a_wav_file_says_its_own_rate(sizes: list[int], rate_hz: int) -> None:
    samples = sine(rate_hz, seconds=0.15)
    expected = encode_ulaw(resample(from_int16(to_int16(samples)), rate_hz, 8000))
    assert decoded(wav(samples, rate_hz), sizes, rate_hz=24000) == expected


def test_titles_behind_the_samples_are_not_played() -> None:
    samples = sine(24000)
    assert decoded(wav(samples, 24000) + b"LIST\x40\0\0\0" + b"\x7f" * 64, [999]) == decoded(
        wav(samples, 24000), [999]
    )


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_streamed_wav_need_not_know_its_length(size: int) -> None:
    """ffmpeg and others write the head before they know."""
    file = bytearray(wav(sine(24000), 24000))
    file[40:44] = size.to_bytes(4, "little")
    assert decoded(bytes(file), [4096]) == decoded(wav(sine(24000), 24000), [4096])


def test_two_channels_become_one() -> None:
    left = sine(24000)
    both = np.column_stack([left, np.zeros_like(left)]).reshape(-1)
    assert decode_ulaw(decoded(wav(both, 24000, channels=2), [5001])).std() == pytest.approx(
        0.15 / np.sqrt(2), rel=0.05
    )


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"ID3\x04" + bytes(5000), "MP3"),
        (b"OggS" + bytes(5000), "Ogg"),
        (b'{"error": "no"}', "JSON"),
        (b"<html></html>", "HTML"),
        (b"RIFF\0\0\0\0AVI " + bytes(50), "no WAV"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0", "ends in its head"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0" + bytes(500), "does not say its rate"),
        (b"RIFF\0\0\0\0WAVE" + b"LIST\0\x20\0\0" + bytes(9000), "without samples"),
        (np.random.default_rng(1).bytes(5000), "noise"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_sound_is_named_and_never_played(data: bytes, named: str) -> None:
    with pytest.raises(ProviderError, match=named) as caught:
        decoded(data, [4000])
    assert caught.value.kind is ProviderErrorKind.BAD_ANSWER


def test_a_wav_of_another_format_is_named() -> None:
    file = bytearray(wav(sine(24000), 24000))
    file[20:22] = (6).to_bytes(2, "little")  # A-law
    with pytest.raises(ProviderError, match="format 6"):
        decoded(bytes(file), [4000])


def test_a_loud_voice_is_no_noise() -> None:
    """Speech at -9 dBFS, hotter than any vendor's."""
    assert len(decoded(to_int16(sine(24000, level=0.5)), [4800])) == 8000


@pytest.mark.parametrize("size", [1, 160, 1000, 10_000])
def test_pieces_are_long_enough_to_be_worth_their_way(size: int) -> None:
    sound = bytes(range(256)) * 20

    async def received() -> AsyncIterator[bytes]:
        for piece in cut(sound, [size]):
            yield piece

    async def story() -> list[bytes]:
        return [piece async for piece in telephone_pieces(received(), UlawDecoder())]

    pieces = asyncio.run(story())
    assert b"".join(pieces) == sound
    assert len(pieces[0]) >= 320
    assert all(len(piece) >= 800 for piece in pieces[1:-1])
    assert len(pieces[0]) <= max(320, size)
