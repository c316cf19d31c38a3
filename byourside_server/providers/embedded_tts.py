"""Speech without a vendor: text made speakable, said by an engine on this machine, remembered.

Two engines stand behind the same door: espeak-ng in a worker process, and flite where installed.
Knows nothing of calls; what it returns is ready for the line.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.flite import FliteVoice, find_flite
from byourside_server.providers.remembered import RememberedSentences
from byourside_server.providers.shared_making import SharedMaking
from byourside_server.providers.spoken_text import to_spoken
from byourside_server.providers.worker_process import WorkerProcess

LONGEST_TEXT = 5000  # characters: about five minutes of speech


class Voice(Protocol):
    """An engine that says one text."""

    async def say(self, text: str, language: str) -> bytes: ...

    async def close(self) -> None: ...


class EspeakVoice:
    """espeak-ng in its own process."""

    def __init__(self) -> None:
        self._worker = WorkerProcess("byourside_server.providers.espeak_worker")

    @property
    def process_id(self) -> int | None:
        return self._worker.process_id

    async def say(self, text: str, language: str) -> bytes:
        """µ-law at 8 kHz. Raises ProviderError."""
        return await self._worker.ask(json.dumps({"text": text, "language": language}).encode())

    async def close(self) -> None:
        await self._worker.close()


class EmbeddedTextToSpeech:
    """A `TextToSpeech` over one engine; what was said lately is not synthesised again."""

    def __init__(self, name: str, voice: Voice) -> None:
        self.name = name
        self._voice = voice
        self._remembered = RememberedSentences()
        self._making = SharedMaking()
        self._is_closed = False

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        """One piece: it takes milliseconds. Raises ProviderError."""
        yield await self.synthesize(text, language=language)

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        """µ-law 8 kHz mono, b"" for text without a word. Raises ProviderError."""
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self.name} is closed")
        if len(text) > LONGEST_TEXT:
            raise ProviderError(
                ProviderErrorKind.BAD_INPUT, f"{len(text)} characters are too many to say at once"
            )
        spoken = to_spoken(text)
        if not any(character.isalnum() for character in spoken):
            return b""
        sound = self._remembered.recall(language, spoken)
        if sound is None:
            following = self._making.follow(language, spoken, lambda: self._say(spoken, language))
            async with contextlib.aclosing(following) as pieces:
                sound = b"".join([piece async for piece in pieces])
        return sound

    async def _say(self, spoken: str, language: str) -> AsyncGenerator[bytes, None]:
        sound = await self._voice.say(spoken, language)
        self._remembered.keep(language, spoken, sound)
        yield sound

    async def close(self) -> None:
        self._is_closed = True
        await self._voice.close()


def open_espeak() -> EmbeddedTextToSpeech:
    """espeak-ng from the wheel: always there."""
    return EmbeddedTextToSpeech("espeak", EspeakVoice())


def open_flite() -> EmbeddedTextToSpeech:
    """flite, or a ProviderError that says how to get it."""
    program = find_flite()
    if program is None:
        raise ProviderError(
            ProviderErrorKind.BAD_CONFIGURATION,
            "text-to-speech 'flite' needs the flite program (Debian: apt install flite); 'espeak' does not",
        )
    return EmbeddedTextToSpeech("flite", FliteVoice(program))


def open_embedded() -> EmbeddedTextToSpeech:
    """flite where it is installed, else espeak-ng."""
    return open_flite() if find_flite() else open_espeak()
