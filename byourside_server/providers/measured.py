"""Engines and models as they are, with their first answers timed and their failures counted.

Each engine of a chain is wrapped by itself, so that the figures name the one that was slow or failed. What a
chain finds late is counted by the chain.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass

from byourside_server.measures.book import Book
from byourside_server.measures.table import VENDOR_FAILURES, VENDOR_TIME
from byourside_server.providers.base import (
    Completion,
    Expectation,
    Generation,
    LanguageModel,
    ProviderError,
    Recognition,
    SettlingStream,
    SpeechStream,
    SpeechToText,
    StreamingSpeechToText,
    TextDelta,
    TextToSpeech,
)

LATE = "late"


@dataclass(frozen=True)
class Stopwatch:
    """Notes one engine's answers behind one door: voice, ears or mind."""

    book: Book
    door: str
    engine: str

    def answered(self, since: float) -> None:
        self.book.observe(VENDOR_TIME, time.monotonic() - since, self.door, self.engine)

    def failed(self, kind: str) -> None:
        self.book.count(VENDOR_FAILURES, self.door, self.engine, kind)

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Count a ProviderError that passes."""
        try:
            yield
        except ProviderError as error:
            self.failed(error.kind.value)
            raise


class MeasuredVoice:
    """A `TextToSpeech`."""

    def __init__(self, engine: TextToSpeech, book: Book) -> None:
        self.name = engine.name
        self._engine = engine
        self._stopwatch = Stopwatch(book, "voice", engine.name)

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        asked_at = time.monotonic()
        has_sounded = False
        pieces = self._engine.stream(text, language=language)
        try:
            with self._stopwatch.watch():
                async for piece in pieces:
                    if piece and not has_sounded:
                        has_sounded = True
                        self._stopwatch.answered(asked_at)
                    yield piece
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        asked_at = time.monotonic()
        with self._stopwatch.watch():
            said = await self._engine.synthesize(text, language=language)
        self._stopwatch.answered(asked_at)
        return said

    async def close(self) -> None:
        await self._engine.close()


class MeasuredEars:
    """A `SpeechToText`."""

    def __init__(self, engine: SpeechToText, book: Book) -> None:
        self.name = engine.name
        self._engine = engine
        self._stopwatch = Stopwatch(book, "ears", engine.name)

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        asked_at = time.monotonic()
        with self._stopwatch.watch():
            heard = await self._engine.transcribe(ulaw, expect, language=language)
        self._stopwatch.answered(asked_at)
        return heard

    async def prepare(self, expect: Expectation) -> None:
        with self._stopwatch.watch():
            await self._engine.prepare(expect)

    async def close(self) -> None:
        await self._engine.close()


class MeasuredStreamingEars(MeasuredEars):
    """A `StreamingSpeechToText`: its words are timed from the end of the stretch on."""

    def __init__(self, engine: StreamingSpeechToText, book: Book) -> None:
        super().__init__(engine, book)
        self._streaming = engine

    async def open_stream(self, *, language: str = "en-US") -> SpeechStream:
        with self._stopwatch.watch():
            stream = await self._streaming.open_stream(language=language)
        if isinstance(stream, SettlingStream):
            return _MeasuredSettlingStream(stream, self._stopwatch)
        return _MeasuredStream(stream, self._stopwatch)


class _MeasuredStream:
    def __init__(self, stream: SpeechStream, stopwatch: Stopwatch) -> None:
        self._stream = stream
        self._stopwatch = stopwatch

    def push(self, ulaw: bytes) -> None:
        self._stream.push(ulaw)

    async def finish(self, expect: Expectation) -> Recognition:
        asked_at = time.monotonic()
        with self._stopwatch.watch():
            heard = await self._stream.finish(expect)
        self._stopwatch.answered(asked_at)
        return heard

    async def close(self) -> None:
        await self._stream.close()


class _MeasuredSettlingStream(_MeasuredStream):
    """One that can be asked in a pause still can.

    That is not timed: a guess is no answer. What fails in a pause fails again at the end, and counts there.
    """

    def __init__(self, stream: SettlingStream, stopwatch: Stopwatch) -> None:
        super().__init__(stream, stopwatch)
        self._settling = stream

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        async with contextlib.aclosing(self._settling.settle(expect)) as guesses:
            async for guess in guesses:
                yield guess


class MeasuredModel:
    """A `LanguageModel`."""

    def __init__(self, model: LanguageModel, book: Book) -> None:
        self.name = model.name
        self._model = model
        self._stopwatch = Stopwatch(book, "mind", model.name)

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        asked_at = time.monotonic()
        has_answered = False
        with self._stopwatch.watch():
            async with contextlib.aclosing(self._model.generate(request)) as pieces:
                async for piece in pieces:
                    if not has_answered:
                        has_answered = True
                        self._stopwatch.answered(asked_at)
                    yield piece

    async def close(self) -> None:
        await self._model.close()


def measured_ears(engine: SpeechToText, book: Book) -> MeasuredEars:
    """Ears that listen along still do."""
    if isinstance(engine, StreamingSpeechToText):
        return MeasuredStreamingEars(engine, book)
    return MeasuredEars(engine, book)
