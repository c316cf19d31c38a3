"""Voices of engines on this machine: a text said sentence by sentence, so that the first is soon there.

Knows sentences and the request to a worker; no engine. What comes back is ready for the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.heard_words import two_letters
from byourside_server.providers.local_engine import LocalEngine
from byourside_server.providers.remembering_voice import RememberingVoice
from byourside_server.providers.spoken_text import to_spoken

LONGEST_TEXT = 5000  # characters: about five minutes of speech
PAUSE = b"\xff" * 1600  # 200 ms between sentences: each is trimmed to 60 ms of silence at its ends
# Not after one letter: that is an initial or an abbreviation.
_SENTENCE_END = re.compile(r"(?<=\w\w[.!?…])\s+|(?<=[!?…])\s+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, with their punctuation."""
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    return [part for part in parts if any(character.isalnum() for character in part)]


class LocalTextToSpeech(RememberingVoice):
    """A `TextToSpeech` over one engine that speaks one `language`, such as "en-us"."""

    def __init__(self, name: str, engine: LocalEngine, language: str) -> None:
        super().__init__(name, self._made, longest_text=LONGEST_TEXT)
        self._engine = engine
        self._language = language

    @property
    def process_id(self) -> int | None:
        """The worker process, if it runs."""
        return self._engine.process_id

    async def close(self) -> None:
        """A second close does nothing."""
        await super().close()
        await self._engine.close()

    async def _made(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        if two_letters(language) != two_letters(self._language):
            raise ProviderError(
                ProviderErrorKind.BAD_INPUT, f"{self.name} speaks {self._language!r} and not {language!r}"
            )
        spoken = to_spoken(text) if two_letters(language) == "en" else text
        for number, sentence in enumerate(sentences(spoken)):
            sound = await self._engine.ask(json.dumps({"text": sentence}).encode())
            if sound:
                yield PAUSE + sound if number else sound
