"""What recognisers of general speech have in common: spelling of what was heard, and what they are told.

Pure text and bytes. The house's spelling is lower-case words without punctuation; figures stay as the
vendor wrote them ("3:30 pm", "$249.50").
"""

from __future__ import annotations

import re
import struct

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind

BYTES_PER_SECOND = 8000
LONGEST_SPEECH_S = 60
SHORTEST_SPEECH = 800  # 100 ms: vendors refuse less, and no word is shorter
LONGEST_PROMPT = 600  # characters: whisper reads the last 224 tokens of a prompt

_HALF_OF_DAY = re.compile(r"\b([ap])\.\s?m\b\.?")
# "[BLANK_AUDIO]", "(music)": whisper's, not the speaker's; an area code in brackets is the speaker's
_REMARK = re.compile(r"\[[^\]\d]*\]|\([^)\d]*\)|[♪♫]+")
_EDGES = ".,;:!?…\"“”„«»¿¡()[]{}*_-–—'‘"
_BETWEEN_LETTERS = re.compile(r"(?<=[^\W\d_])[-–—/](?=[^\W\d_])")


def house_spelling(text: str) -> str:
    """ "Yes, at 3:30 P.M. – that's fine!" → "yes at 3:30 pm that's fine"."""
    text = _REMARK.sub(" ", text).lower().replace("’", "'")
    text = _HALF_OF_DAY.sub(r"\1m", text)
    text = _BETWEEN_LETTERS.sub(" ", text)
    words = (word.strip(_EDGES) for word in text.split())
    return " ".join(word for word in words if word)


def refuse_too_long(ulaw: bytes) -> None:
    """Raises ProviderError (BAD_INPUT) for more than a minute of speech."""
    seconds = len(ulaw) / BYTES_PER_SECOND
    if seconds > LONGEST_SPEECH_S:
        raise ProviderError(ProviderErrorKind.BAD_INPUT, f"{seconds:.0f} s of speech; a minute is the most")


def prompt_of(expect: Expectation) -> str:
    """The expected sentences as a hint; those that do not fit are left out. "" for none."""
    prompt = ""
    for phrase in expect.phrases:
        longer = f"{prompt}, {phrase}" if prompt else phrase
        if len(longer) <= LONGEST_PROMPT:
            prompt = longer
    return prompt


def two_letters(language: str) -> str:
    """ "en-US" → "en"."""
    return language.partition("-")[0].lower()


def wav_of(pcm: bytes, rate_hz: int) -> bytes:
    """16-bit mono samples as a WAV file."""
    size = len(pcm)
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE"),
            struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16),
            struct.pack("<4sI", b"data", size),
            pcm,
        )
    )
