"""One text on its way to sound, and the shelf of what was made before it is needed.

A sound grows while the voice speaks; whoever plays it follows along. Knows no line and no utterance.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from byourside_server.providers.base import ProviderError, TextToSpeech

# Greeting, fillers and last words, and the replies most likely to come: half a megabyte a call at most.
SHELF_SOUNDS = 16
# For what is kept for the whole call.
ATTEMPTS, ATTEMPT_S = 3, 6.0


class Sound:
    """µ-law that is still being made: `ulaw` so far, and whether that is all. Made when its `turn` comes."""

    def __init__(self, pieces: AsyncIterator[bytes], turn: asyncio.Lock | None = None) -> None:
        self.ulaw = bytearray()
        self.has_begun = turn is None
        self.is_over = False
        self.failure: Exception | None = None
        self._grown = asyncio.Event()
        self._making = asyncio.create_task(self._make(pieces, turn or contextlib.nullcontext()))

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there: made to its end, and not nothing."""
        return self.is_over and self.failure is None and bool(self.ulaw)

    async def reach(self, length: int) -> None:
        """Wait until there are so many bytes, or no more to come."""
        while len(self.ulaw) < length and not self.is_over:
            self._grown.clear()
            await self._grown.wait()

    def cancel(self) -> None:
        """Nobody wants the rest."""
        self._making.cancel()

    def give_up(self, failure: Exception) -> None:
        """No more is waited for: it has failed."""
        self.failure = failure
        self._making.cancel()

    async def _make(
        self, pieces: AsyncIterator[bytes], turn: contextlib.AbstractAsyncContextManager[None]
    ) -> None:
        try:
            async with turn:
                self.has_begun = True
                async for piece in pieces:
                    self.ulaw += piece
                    self._grown.set()
        except Exception as error:
            # A driver's own fault must not look like speech that goes on: who plays it is told.
            self.failure = error
        finally:
            self.is_over = True
            self._grown.set()


class Shelf:
    """Sounds by their words, made ahead or being made; those not to be kept make room, the longest unwanted
    first."""

    def __init__(self, voice: TextToSpeech, language: str) -> None:
        self._voice = voice
        self._language = language
        self._sounds: dict[str, Sound] = {}
        self._kept: set[str] = set()
        # One after the other, so that a voice is not taken for slow that merely has much to say at once. What
        # is kept has a queue of its own: it is wanted some day, the other is said next.
        self._kept_turn, self._next_turn = asyncio.Lock(), asyncio.Lock()
        # Not wanted a moment ago: cancelled by `sweep`, unless the same words are wanted again before.
        self._unwanted: dict[str, Sound] = {}

    def prepare(self, text: str, *, keep: bool = False) -> None:
        """Have `text` made when what was prepared before is; with `keep` it stays for the whole call.

        What fails is found out, and tried again, when it is said. With the shelf full of sounds that are kept
        or still being made, nothing is begun.
        """
        sound = self._wanted(text)
        if (sound is not None and sound.failure is None) or not self._make_room():
            return
        if keep:
            self._kept.add(text)
            self._sounds[text] = Sound(self._persistently(text))
        elif text in self._unwanted:
            self._sounds[text] = self._unwanted.pop(text)
        else:
            self._sounds[text] = Sound(self._stream(text), self._next_turn)

    def take(self, text: str) -> Sound:
        """What was prepared for exactly these words, else a sound begun now. It stays on the shelf.

        What waits for its turn is begun now; so is what is kept and not there yet, to come piece by piece.
        """
        prepared = self._wanted(text)
        if prepared is None or prepared.failure is not None:
            return self._begin(text)
        if text in self._kept:
            return prepared if prepared.ulaw else self._begin(text)
        if not prepared.has_begun:
            prepared.cancel()
            prepared = self._sounds[text] = self._begin(text)
        return prepared

    def discard(self, text: str) -> None:
        """What was prepared is not wanted: made no further, unless it is there already or kept."""
        sound = self._sounds.get(text)
        if sound is not None and text not in self._kept and not sound.is_over:
            del self._sounds[text]
            self._unwanted[text] = sound

    def give_back(self, text: str, sound: Sound) -> None:
        """It is not played any further: one that was not prepared is not made to its end."""
        if self._sounds.get(text) is not sound and not sound.is_over and sound.failure is None:
            self._unwanted[text] = sound

    def sweep(self) -> None:
        """Stop making what was given back and is not wanted again."""
        for sound in self._unwanted.values():
            sound.cancel()
        self._unwanted.clear()

    def close(self) -> None:
        """Stop making anything."""
        self.sweep()
        for sound in self._sounds.values():
            sound.cancel()

    def _wanted(self, text: str) -> Sound | None:
        """What there is of these words, now the last to make room: they are said next."""
        sound = self._sounds.pop(text, None)
        if sound is not None:
            self._sounds[text] = sound
        return sound

    def _make_room(self) -> bool:
        if len(self._sounds) < SHELF_SOUNDS:
            return True
        free = (words for words, sound in self._sounds.items() if sound.is_over and words not in self._kept)
        oldest = next(free, None)
        if oldest is None:
            return False
        del self._sounds[oldest]
        return True

    async def _persistently(self, text: str) -> AsyncIterator[bytes]:
        """The whole sound, tried for again and again: it must be there when everything else has failed."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                async with self._kept_turn, asyncio.timeout(ATTEMPT_S):
                    sound = await self._voice.synthesize(text, language=self._language)
                yield sound
                return
            except (ProviderError, TimeoutError):
                if not attempts_left:
                    raise

    def _begin(self, text: str) -> Sound:
        if text in self._unwanted:
            return self._unwanted.pop(text)
        return Sound(self._stream(text))

    def _stream(self, text: str) -> AsyncIterator[bytes]:
        return self._voice.stream(text, language=self._language)
