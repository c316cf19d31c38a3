"""What every voice does around its engine: what it said lately or is just making, it makes no second time.

How the sound is made is handed in. Knows no engine and no vendor.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.remembered import RememberedSentences
from byourside_server.providers.shared_making import SharedMaking


class RememberingVoice:
    """A `TextToSpeech` over `make(text, language)`, µ-law in pieces. `longest_text` is in characters."""

    def __init__(
        self,
        name: str,
        make: Callable[[str, str], AsyncGenerator[bytes, None]],
        *,
        longest_text: int,
    ) -> None:
        self.name = name
        self._make = make
        self._longest_text = longest_text
        self._remembered = RememberedSentences()
        self._making = SharedMaking()
        self._is_closed = False

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        """µ-law in pieces as they are made, or at once where it was said lately. Raises ProviderError."""
        self._refuse(text)
        if not any(character.isalnum() for character in text):
            return
        sound = self._remembered.recall(language, text)
        if sound is not None:
            yield sound
            return
        following = self._making.follow(language, text, lambda: self._made_and_kept(text, language))
        async with contextlib.aclosing(following) as pieces:
            async for piece in pieces:
                yield piece

    async def _made_and_kept(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        said = bytearray()
        async with contextlib.aclosing(self._make(text, language)) as pieces:
            async for piece in pieces:
                said += piece
                yield piece
        if not said:
            raise ProviderError(ProviderErrorKind.BAD_ANSWER, f"{self.name} made no sound")
        self._remembered.keep(language, text, bytes(said))

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        """The same, whole. Raises ProviderError."""
        return b"".join([piece async for piece in self.stream(text, language=language)])

    async def close(self) -> None:
        """Say nothing more; a second close does nothing."""
        self._is_closed = True

    def _refuse(self, text: str) -> None:
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self.name} is closed")
        if len(text) > self._longest_text:
            raise ProviderError(
                ProviderErrorKind.BAD_INPUT,
                f"{len(text)} characters are too many to say at once; {self.name} takes {self._longest_text}",
            )
