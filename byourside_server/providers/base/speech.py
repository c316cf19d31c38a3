"""The doors to speech: what every engine or vendor must be able to do.

Audio crosses these doors as G.711 µ-law bytes, 8 kHz, mono (1 byte = 1 sample = 0.125 ms).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

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


class TextToSpeech(Protocol):
    """Text in, telephone sound out."""

    name: str

    def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        """µ-law 8 kHz mono in pieces, each as soon as it is made. Raises ProviderError, also midway."""
        ...

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        """The same, whole. Raises ProviderError."""
        ...

    async def close(self) -> None: ...


class SpeechToText(Protocol):
    """Telephone sound in, words out."""

    name: str

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech. Raises ProviderError."""
        ...

    async def prepare(self, expect: Expectation) -> None:
        """Load what such a recognition will need: said while the phone rings. Raises ProviderError."""
        ...

    async def close(self) -> None: ...


class SpeechStream(Protocol):
    """One line's sound on its way to a recogniser that listens along."""

    def push(self, ulaw: bytes) -> None:
        """The next piece of speech (100 ms or so). Never blocks, never raises."""
        ...

    async def finish(self, expect: Expectation) -> Recognition:
        """The words of everything pushed since the last `finish`, as an answer to what `expect` says.

        Raises ProviderError.
        """
        ...

    async def close(self) -> None: ...


@runtime_checkable
class SettlingStream(SpeechStream, Protocol):
    """One that can be asked for its words while the speaker may go on."""

    def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        """The words of everything pushed since the last `finish`, in a pause; `finish` follows all the same.

        Guesses as they come, the last of them for good; none where nothing can be told. Raises ProviderError.
        """
        ...


@runtime_checkable
class StreamingSpeechToText(SpeechToText, Protocol):
    """A recogniser that can listen along, so that words are there when the speaker stops."""

    async def open_stream(self, *, language: str = "en-US") -> SpeechStream:
        """A stream for one line, open for the whole call. Raises ProviderError."""
        ...
