"""Voice, ears and mind for lines at virtual time.

An engine or vendor works in real time, on the house's loop, and the lines' clock stands still meanwhile:
what it took is not charged to the call. Instead each answer takes a fixed time that is about right for an
idle machine, so that two runs of a call are alike. What was said or heard before needs no engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.mind import Decision, Mind, Situation, Speak
from byourside_server.lines.virtual_loop import VirtualLoop
from byourside_server.providers.base import Expectation, Recognition, SpeechToText, TextToSpeech, Usage
from byourside_server.providers.kept_speech import KeptSpeech, heard_key, pack, said_key, unpack

VOICE_TAKES_S = 0.03
EARS_TAKE_S = 0.1
EARS_TAKE_S_A_SECOND = 0.25  # of speech: the embedded recogniser's share of a core (docs/performance.md)
MIND_TAKES_S = 0.3


@dataclass(frozen=True)
class Outside:
    """Where time is real: the house's loop, seen from the lines' loop."""

    inside: VirtualLoop
    loop: asyncio.AbstractEventLoop


class AskedOnce:
    """Answers kept, and questions under way: calls that begin together ask the same at the same moment."""

    def __init__(self, kept: KeptSpeech, outside: Outside) -> None:
        self._kept = kept
        self._outside = outside
        self._asking: dict[str, asyncio.Task[bytes]] = {}

    async def answer(self, key: str, ask: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        """What is kept under `key`, else what `ask` brings, run in real time. Raises what it raises."""
        kept = self._kept.find(key)
        if kept is not None:
            return kept
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, ask))
        # Shielded: whoever is not interested any more leaves the answer to the others, and to the next.
        return await asyncio.shield(asking)

    async def _ask(self, key: str, ask: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        try:
            answer = await self._outside.inside.elsewhere(ask(), self._outside.loop)
        finally:
            del self._asking[key]
        self._kept.keep(key, answer)
        return answer


class VirtualVoice:
    """A `TextToSpeech` over another one. `setting` tells two voices of one name apart: what was asked for."""

    def __init__(self, voice: TextToSpeech, kept: KeptSpeech, outside: Outside, setting: str = "") -> None:
        self.name = voice.name
        self._kept_as = f"{setting} {voice.name}"
        self._voice = voice
        self._answers = AskedOnce(kept, outside)

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        """One piece."""
        yield await self.synthesize(text, language=language)

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        key = said_key(self._kept_as, language, text)
        sound = await self._answers.answer(key, lambda: self._voice.synthesize(text, language=language))
        await asyncio.sleep(VOICE_TAKES_S)
        return sound

    async def close(self) -> None:
        """Nothing of its own: the engine is closed by who opened it."""


class VirtualEars:
    """A `SpeechToText` over another one. It does not listen along: whole turns are recognised."""

    def __init__(self, ears: SpeechToText, kept: KeptSpeech, outside: Outside, setting: str = "") -> None:
        self.name = ears.name
        self._kept_as = f"{setting} {ears.name}"
        self._ears = ears
        self._answers = AskedOnce(kept, outside)

    async def prepare(self, expect: Expectation) -> None:
        """Nothing: an engine that is never asked need not be loaded."""

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        async def ask() -> bytes:
            return pack(await self._ears.transcribe(ulaw, expect, language=language))

        answer = await self._answers.answer(heard_key(self._kept_as, language, expect, ulaw), ask)
        await asyncio.sleep(EARS_TAKE_S + EARS_TAKE_S_A_SECOND * len(ulaw) / 8000)
        return unpack(answer)

    async def close(self) -> None:
        """Nothing of its own."""


class VirtualMind:
    """A mind that asks a model somewhere else: sentences arrive as they come, the answer after its time."""

    def __init__(self, mind: Mind, outside: Outside) -> None:
        self.name = mind.name
        self._mind = mind
        self._outside = outside

    @property
    def usage(self) -> Usage:
        return self._mind.usage

    async def reply(self, situation: Situation, speak: Speak) -> Decision:
        inside = self._outside.inside

        def speak_inside(text: str) -> None:
            inside.call_soon_threadsafe(speak, text)

        work = self._mind.reply(situation, speak_inside)
        decision = await inside.elsewhere(work, self._outside.loop)
        self.name = self._mind.name  # of the one that answered, where there are several
        await asyncio.sleep(MIND_TAKES_S)
        return decision

    async def prepare(self, brief: Brief) -> str | None:
        return await self._outside.inside.elsewhere(self._mind.prepare(brief), self._outside.loop)
