"""Scripted engines for chains: what each request brings and when. In virtual time nothing else moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SpeechStream,
)

Kind = ProviderErrorKind


def failing(kind: Kind = Kind.UNAVAILABLE, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError(kind, f"scripted {kind.value}", retry_after_s=retry_after_s)


# Seconds before it happens, and what: a piece of sound, or an error.
Step = tuple[float, bytes | ProviderError]


@dataclass
class ScriptedVoice:
    """Each request takes the next line of the script, and the last line again and again."""

    name: str
    script: list[list[Step]]
    asked_at: list[float] = field(default_factory=list)
    taken_back: int = 0
    closed: int = 0

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        self.asked_at.append(asyncio.get_running_loop().time())
        steps = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        try:
            for after_s, what in steps:
                await asyncio.sleep(after_s)
                if isinstance(what, ProviderError):
                    raise what
                yield what
        except (asyncio.CancelledError, GeneratorExit):
            self.taken_back += 1
            raise

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        return b"".join([piece async for piece in self.stream(text, language=language)])

    async def close(self) -> None:
        self.closed += 1


@dataclass
class ScriptedEars:
    """Each request takes the next line of the script, and the last line again and again."""

    name: str
    script: list[tuple[float, str | ProviderError]]
    fails_to_prepare: ProviderError | None = None
    heard: list[bytes] = field(default_factory=list)
    expected: list[Expectation] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)
    prepared: int = 0
    taken_back: int = 0
    closed: int = 0

    async def prepare(self, expect: Expectation) -> None:
        self.prepared += 1
        if self.fails_to_prepare is not None:
            raise self.fails_to_prepare

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        self.heard.append(ulaw)
        self.expected.append(expect)
        return await self.answer()

    async def answer(self) -> Recognition:
        self.asked_at.append(asyncio.get_running_loop().time())
        after_s, words = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        try:
            await asyncio.sleep(after_s)
        except asyncio.CancelledError:
            self.taken_back += 1
            raise
        if isinstance(words, ProviderError):
            raise words
        return Recognition(words, 0.9)

    async def close(self) -> None:
        self.closed += 1


@dataclass
class ScriptedStreamingEars(ScriptedEars):
    """Listens along; its streams answer from the same script. `openings` are the errors of opening them."""

    openings: list[ProviderError | None] = field(default_factory=list)
    streams: list[ScriptedStream] = field(default_factory=list)

    async def open_stream(self, *, language: str = "en-US") -> SpeechStream:
        failure = self.openings.pop(0) if self.openings else None
        if failure is not None:
            raise failure
        self.streams.append(ScriptedStream(self))
        return self.streams[-1]


@dataclass
class ScriptedStream:
    """Remembers what it was given, stretch by stretch."""

    ears: ScriptedEars
    pushed: bytearray = field(default_factory=bytearray)
    is_closed: bool = False

    def push(self, ulaw: bytes) -> None:
        self.pushed += ulaw

    async def finish(self, expect: Expectation) -> Recognition:
        self.ears.expected.append(expect)
        self.ears.heard.append(bytes(self.pushed))
        self.pushed.clear()
        return await self.ears.answer()

    async def close(self) -> None:
        self.is_closed = True
