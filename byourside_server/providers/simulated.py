"""Simulated speech engines, for tests in virtual time: no process, no clock, the same every time.

They are named as simulated and never chosen by default. `ToneTextToSpeech` writes each word as a tone
whose pitch is the word's own; `ScriptedSpeechToText` answers with what the test knows was said.
"""

import zlib
from collections.abc import AsyncIterator, Iterable, Mapping

import numpy as np

from byourside_server.providers.base import Expectation, Recognition
from byourside_server.providers.telephone_band import LINE_RATE_HZ, encode_ulaw

WORD_MS = 240
GAP_MS = 80  # 320 ms a word: close to the 160 words a minute of a real voice, in round ticks of 20 ms
LOWEST_TONE_HZ = 300
TONE_STEPS = 64
TONE_STEP_HZ = 25
TONE_LEVEL = 0.14  # RMS -20 dBFS


class ToneTextToSpeech:
    """A `TextToSpeech` in which equal words are equal tones of 240 ms, 80 ms apart."""

    name = "simulated-tone"

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        """A word at a time."""
        for word in text.split():
            yield await self.synthesize(word, language=language)

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        """µ-law 8 kHz mono, b"" for text without words."""
        return b"".join(_word_tone(word.lower()) + b"\xff" * (GAP_MS * 8) for word in text.split())

    async def close(self) -> None:
        """Nothing to close."""


def _word_tone(word: str) -> bytes:
    frequency = LOWEST_TONE_HZ + TONE_STEP_HZ * (zlib.crc32(word.encode()) % TONE_STEPS)
    at = np.arange(WORD_MS * LINE_RATE_HZ // 1000) / LINE_RATE_HZ
    return encode_ulaw(TONE_LEVEL * np.sin(2 * np.pi * frequency * at))


class ScriptedSpeechToText:
    """A `SpeechToText` that knows the recordings: the one it finds inside the audio is what was said.

    `texts` maps recordings (µ-law) to words. The audio of a turn is cut by voice activity, so the
    recording's loudest quarter second is looked for, not the whole. Where none is found the next
    line of `script` is the answer, and "" after its end.
    """

    name = "simulated-script"

    def __init__(self, texts: Mapping[bytes, str] | None = None, script: Iterable[str] = ()) -> None:
        self._texts = {_loudest_piece(ulaw): text for ulaw, text in (texts or {}).items()}
        self._script = iter(script)
        self.asked: list[Expectation] = []

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """What the recording, or else the script, says; confidence 1 or 0."""
        self.asked.append(expect)
        heard = [(ulaw.find(piece), text) for piece, text in self._texts.items() if piece in ulaw]
        text = " ".join(text for _, text in sorted(heard)) if heard else next(self._script, "")
        return Recognition(text, 1.0 if text else 0.0)

    async def prepare(self, expect: Expectation) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to close."""


def _loudest_piece(ulaw: bytes, length: int = LINE_RATE_HZ // 4) -> bytes:
    if len(ulaw) <= length:
        return ulaw
    loudness = 0x7F - (np.frombuffer(ulaw, np.uint8).astype(np.int64) & 0x7F)
    total = np.concatenate([[0], np.cumsum(loudness)])
    start = int(np.argmax(total[length:] - total[:-length]))
    return ulaw[start : start + length]
