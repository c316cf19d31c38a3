"""A vendor's sound on its way to the line: PCM or WAV cut anywhere in, µ-law in pieces of use out.

Knows formats and sizes; knows no vendor and no socket. The level stays as the vendor made it.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import numpy as np

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.resample import StreamResampler
from byourside_server.providers.telephone_band import encode_ulaw, from_int16

FIRST_PIECE = 320  # 40 ms of µ-law: soon, and enough to begin with
PIECE = 800  # 100 ms
LONGEST_WAV_HEAD = 4096
# Compressed sound taken for samples is white noise at -4.8 dBFS; a voice has -10 dBFS in its loudest 40 ms.
LOUDEST_VOICE_RMS = 0.5
_TESTED_SAMPLES = 480
_UNKNOWN_SIZE = 0x7FFF0000  # a head written before the end was known has this much or more, or 0
_PCM_FORMATS = frozenset({1, 0xFFFE})  # WAVE_FORMAT_PCM, WAVE_FORMAT_EXTENSIBLE
# What stands at the head of an answer that is no samples, whatever its content type says.
_FOREIGN_HEADS = {b"ID3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC", b'{"': "JSON", b"<!": "HTML", b"<h": "HTML"}


class SoundDecoder(Protocol):
    """Makes µ-law of what a vendor sends."""

    def push(self, data: bytes) -> bytes:
        """µ-law of what these bytes complete. Raises ProviderError for what is no sound."""
        ...

    def finish(self) -> bytes:
        """The rest. Raises ProviderError where the sound never began."""
        ...


class UlawDecoder:
    """For vendors that speak telephone: nothing to do."""

    def push(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class PcmDecoder:
    """Little-endian 16-bit samples, or a WAV file of them, cut anywhere.

    A server that was asked for bare samples and sends a WAV is understood: its head names the rate.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._channels = 1
        self._resampler: StreamResampler | None = None
        self._head = bytearray()
        self._left: int | None = None  # of the samples' bytes, where a WAV says how many
        self._rest = b""
        self._tested = False

    def push(self, data: bytes) -> bytes:
        if self._resampler is None:
            self._head += data
            body = self._past_head()
            if body is None:
                return b""
            data = body
        return self._samples(data)

    def finish(self) -> bytes:
        if self._resampler is None:
            if self._head[:4] == b"RIFF":
                raise _bad_answer("a WAV file that ends in its head")
            self._resampler = StreamResampler(self._rate_hz)
            start = self._samples(bytes(self._head))
            return start + encode_ulaw(self._resampler.finish())
        return encode_ulaw(self._resampler.finish())

    def _past_head(self) -> bytes | None:
        """What follows the head, once it is known where that ends."""
        if len(self._head) < 4:
            return None
        if self._head[:4] == b"RIFF":
            found = _wav_head(bytes(self._head))
            if found is None:
                return None
            self._rate_hz, self._channels, self._left, start = found
        else:
            for head, what in _FOREIGN_HEADS.items():
                if self._head.startswith(head):
                    raise _bad_answer(f"{what} where samples were asked for")
            start = 0
        self._resampler = StreamResampler(self._rate_hz)
        return bytes(self._head[start:])

    def _samples(self, data: bytes) -> bytes:
        assert self._resampler is not None
        if self._left is not None:  # what follows them are titles and the like
            data = data[: self._left]
            self._left -= len(data)
        data = self._rest + data
        whole = len(data) - len(data) % (2 * self._channels)
        self._rest = data[whole:]
        samples = from_int16(data[:whole])
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1)
        if not self._tested and len(samples) >= _TESTED_SAMPLES:
            self._tested = True
            if float(np.sqrt((samples**2).mean())) > LOUDEST_VOICE_RMS:
                raise _bad_answer("noise where a voice was asked for: is it compressed sound?")
        return encode_ulaw(self._resampler.push(samples))


def _wav_head(data: bytes) -> tuple[int, int, int | None, int] | None:
    """Rate, channels, bytes of samples and where they begin; None where more is needed."""
    if len(data) >= 12 and data[8:12] != b"WAVE":
        raise _bad_answer("a RIFF file that is no WAV")
    at, rate_hz, channels = 12, 0, 0
    while len(data) >= at + 8:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            if not rate_hz:
                raise _bad_answer("a WAV file that does not say its rate")
            return rate_hz, channels, size if 0 < size < _UNKNOWN_SIZE else None, at + 8
        if name == b"fmt " and len(data) >= at + 24:
            kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", data, at + 8)
            is_pcm = kind in _PCM_FORMATS and bits == 16
            if not is_pcm or channels not in (1, 2) or not 8000 <= rate_hz <= 96000:
                what = f"format {kind}, {bits} bits, {channels} channels, {rate_hz} Hz"
                raise _bad_answer(f"a WAV file of {what}; 16-bit PCM is needed")
        at += 8 + size + size % 2
    if at > LONGEST_WAV_HEAD:
        raise _bad_answer("a WAV file without samples")
    return None


def _bad_answer(what: str) -> ProviderError:
    return ProviderError(ProviderErrorKind.BAD_ANSWER, f"the answer is {what}")


class Pieces:
    """Gathers µ-law: 40 ms at first, then 100 ms or more, and the rest at the end."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._enough = FIRST_PIECE

    def push(self, ulaw: bytes) -> bytes | None:
        """The next piece, where there is enough for one."""
        self._waiting += ulaw
        return self.finish() if len(self._waiting) >= self._enough else None

    def finish(self) -> bytes | None:
        """What is left."""
        piece = bytes(self._waiting)
        self._waiting.clear()
        self._enough = PIECE
        return piece or None


async def telephone_pieces(
    received: AsyncIterator[bytes], decoder: SoundDecoder
) -> AsyncGenerator[bytes, None]:
    """µ-law in pieces of 100 ms or more, but for the first (40 ms) and the last. Raises ProviderError."""
    pieces = Pieces()
    async for data in received:
        piece = pieces.push(decoder.push(data))
        if piece is not None:
            yield piece
    last = pieces.push(decoder.finish()) or pieces.finish()
    if last is not None:
        yield last
