"""The doors to speech: what every engine or vendor must be able to do.

Audio crosses these doors as G.711 µ-law bytes, 8 kHz, mono (1 byte = 1 sample = 0.125 ms).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

# What the contact may say next, as kinds; a recogniser that can use the hint is far better with it.
ANSWER_KINDS = frozenset(
    {
        "yes_no",
        "number",
        "money",
        "digits",
        "time",
        "day",
        "name",
        "greeting",
        "voicemail",
        "goodbye",
        "repeat",
        "open",
    }
)


@dataclass(frozen=True)
class Expectation:
    """What answer is expected: kinds out of ANSWER_KINDS and literal sentences."""

    kinds: frozenset[str] = frozenset({"open"})
    phrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = self.kinds - ANSWER_KINDS
        assert not unknown, f"unknown answer kinds {sorted(unknown)}"


@dataclass(frozen=True)
class Recognition:
    """What was heard: lower-case words, "" for nothing intelligible; confidence 0 to 1."""

    text: str
    confidence: float


class ProviderErrorKind(Enum):
    """Why a provider failed, and whether asking it again can help."""

    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    BAD_CONFIGURATION = "bad_configuration"
    BAD_INPUT = "bad_input"

    @property
    def is_permanent(self) -> bool:
        return self in (ProviderErrorKind.BAD_CONFIGURATION, ProviderErrorKind.BAD_INPUT)


class ProviderError(Exception):
    """A vendor or engine that did not do its part."""

    def __init__(self, kind: ProviderErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class TextToSpeech(Protocol):
    """Text in, telephone sound out."""

    name: str

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        """µ-law 8 kHz mono. Raises ProviderError."""
        ...

    async def close(self) -> None: ...


class SpeechToText(Protocol):
    """Telephone sound in, words out."""

    name: str

    async def transcribe(self, ulaw: bytes, expect: Expectation) -> Recognition:
        """Words of one stretch of speech. Raises ProviderError."""
        ...

    async def prepare(self, expect: Expectation) -> None:
        """Load what such a recognition will need: said while the phone rings. Raises ProviderError."""
        ...

    async def close(self) -> None: ...
