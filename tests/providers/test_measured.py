"""Engines are timed and their failures counted; what they say and how they fail stays as it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from byourside_server.measures.book import Book
from byourside_server.measures.table import VENDOR_FAILURES, VENDOR_TIME
from byourside_server.providers import registry
from byourside_server.providers.base import (
    Completion,
    Expectation,
    Generation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SettlingStream,
    SpeechStream,
    StreamingSpeechToText,
    TextDelta,
)
from byourside_server.providers.language_registry import open_language_model
from byourside_server.providers.measured import MeasuredModel, MeasuredVoice, measured_ears
from byourside_server.providers.speech_chain import SpeechToTextChain, TextToSpeechChain
from byourside_server.providers.speech_chain_stream import chain_of_ears

LIMITED = ProviderError(ProviderErrorKind.RATE_LIMITED, "slowly", retry_after_s=3.0)
ANY = Expectation()


class Engine:
    """Voice, ears, stream and model in one; fails where it is told to."""

    name = "some/engine"

    def __init__(self, *, fails: bool = False, breaks_off: bool = False) -> None:
        self.fails, self.breaks_off = fails, breaks_off
        self.closed = 0
        self.let_go = False

    def stumble(self) -> None:
        if self.fails:
            raise LIMITED

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        self.stumble()
        try:
            yield b""
            yield b"one"
            if self.breaks_off:
                raise LIMITED
            yield b"two"
        finally:
            self.let_go = True

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        self.stumble()
        return b"onetwo"

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        self.stumble()
        return Recognition("yes", 0.9)

    async def prepare(self, expect: Expectation) -> None:
        self.stumble()

    async def generate(self, request: Any) -> AsyncGenerator[TextDelta | Completion, None]:
        self.stumble()
        try:
            yield TextDelta("yes")
            yield Completion()
        finally:
            self.let_go = True

    async def close(self) -> None:
        self.closed += 1


class Listening(Engine):
    """Ears that listen along."""

    def push(self, ulaw: bytes) -> None:
        pass

    async def open_stream(self, *, language: str = "en-US") -> SpeechStream:
        self.stumble()
        return self

    async def finish(self, expect: Expectation) -> Recognition:
        self.stumble()
        return Recognition("streamed", 0.9)


class Settling(Listening):
    """Whose stream tells its words in a pause."""

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        try:
            yield Recognition("str", 0.5)
            yield Recognition("streamed", 0.9)
        finally:
            self.let_go = True


def answers(book: Book, door: str) -> int:
    tallies = book.tallies(VENDOR_TIME)
    return sum(tallies[door, "some/engine"].counts) if tallies else 0


def test_a_voice_is_timed_to_its_first_sound_once() -> None:
    async def story() -> None:
        book, engine = Book(), Engine()
        voice = MeasuredVoice(engine, book)
        assert [piece async for piece in voice.stream("Hello")] == [b"", b"one", b"two"]
        assert await voice.synthesize("Hello") == b"onetwo"
        await voice.close()
        assert (answers(book, "voice"), engine.closed, engine.let_go) == (2, 1, True)
        assert book.counts(VENDOR_FAILURES) == {}

    asyncio.run(story())


def test_a_voice_that_nobody_listens_to_any_more_is_let_go_at_once() -> None:
    async def story() -> None:
        engine = Engine()
        pieces = MeasuredVoice(engine, Book()).stream("Hello")
        assert isinstance(pieces, AsyncGenerator)
        async with contextlib.aclosing(pieces):
            await anext(pieces)
        assert engine.let_go

    asyncio.run(story())


def test_a_voice_that_breaks_off_is_counted_after_it_was_timed() -> None:
    async def story() -> None:
        book = Book()
        with pytest.raises(ProviderError) as raised:
            [piece async for piece in MeasuredVoice(Engine(breaks_off=True), book).stream("Hello")]
        assert raised.value is LIMITED
        assert answers(book, "voice") == 1
        assert book.counts(VENDOR_FAILURES) == {("voice", "some/engine", "rate_limited"): 1}

    asyncio.run(story())


def test_ears_are_timed_and_those_that_listen_along_still_do() -> None:
    async def story() -> None:
        book = Book()
        assert not isinstance(measured_ears(Engine(), book), StreamingSpeechToText)
        ears = measured_ears(Listening(), book)
        assert isinstance(ears, StreamingSpeechToText)
        await ears.prepare(ANY)
        assert (await ears.transcribe(b"x", ANY)).text == "yes"
        stream = await ears.open_stream()
        stream.push(b"x")
        assert (await stream.finish(ANY)).text == "streamed"
        await stream.close()
        assert answers(book, "ears") == 2

    asyncio.run(story())


def test_ears_that_can_be_asked_in_a_pause_still_can_alone_and_in_a_chain() -> None:
    """Else nothing is asked ahead in a server whose engines are measured, and that is every one."""

    async def story() -> None:
        book = Book()
        plain = measured_ears(Listening(), book)
        assert isinstance(plain, StreamingSpeechToText)
        assert not isinstance(await plain.open_stream(), SettlingStream)
        for make in (lambda ears: ears, lambda ears: chain_of_ears([ears, Engine()])):
            engine = Settling()
            ears = make(measured_ears(engine, book))
            assert isinstance(ears, StreamingSpeechToText)
            stream = await ears.open_stream()
            assert isinstance(stream, SettlingStream)
            stream.push(b"x")
            assert [guess.text async for guess in stream.settle(ANY)] == ["str", "streamed"]
            engine.let_go = False
            async with contextlib.aclosing(stream.settle(ANY)) as guesses:
                await anext(guesses)
            assert engine.let_go, "nobody listens any more"
            await stream.close()
        assert answers(book, "ears") == 0, "a guess is no answer"

    asyncio.run(story())


def test_failures_count_by_kind_wherever_they_happen() -> None:
    async def story() -> None:
        book = Book()
        ears = measured_ears(Listening(fails=True), book)
        assert isinstance(ears, StreamingSpeechToText)
        model = MeasuredModel(Engine(fails=True), book)
        request = Generation(messages=())
        answer = anext(model.generate(request))
        for ask in (ears.prepare(ANY), ears.transcribe(b"", ANY), ears.open_stream(), answer):
            with pytest.raises(ProviderError) as raised:
                await ask
            assert raised.value is LIMITED
        assert book.counts(VENDOR_FAILURES) == {
            ("ears", "some/engine", "rate_limited"): 3,
            ("mind", "some/engine", "rate_limited"): 1,
        }

    asyncio.run(story())


def test_a_model_is_timed_to_its_first_token_and_hangs_up_when_closed() -> None:
    async def story() -> None:
        book, engine = Book(), Engine()
        generating = MeasuredModel(engine, book).generate(Generation(messages=()))
        async with contextlib.aclosing(generating) as pieces:
            assert isinstance(await anext(pieces), TextDelta)
        assert engine.let_go
        assert answers(book, "mind") == 1

    asyncio.run(story())


def test_the_registry_measures_every_engine_of_a_chain_by_its_own_name() -> None:
    """And a chain counts whom it found late."""

    async def story() -> None:
        book = Book()
        voice = registry.open_text_to_speech("simulated-tone, simulated-tone", {}, book)
        ears = registry.open_speech_to_text("simulated-script, simulated-script", {}, book)
        assert isinstance(voice, TextToSpeechChain)
        assert isinstance(ears, SpeechToTextChain)
        await voice.synthesize("Hello there")
        voice.on_late("tone")
        ears.on_late("script")
        [(door, _)] = book.tallies(VENDOR_TIME)
        assert door == "voice"
        assert book.counts(VENDOR_FAILURES) == {("voice", "tone", "late"): 1, ("ears", "script", "late"): 1}
        alone = registry.open_text_to_speech("simulated-tone", {}, book)
        assert isinstance(alone, MeasuredVoice)
        model = open_language_model("ollama?model=llama3", {}, book=book)
        assert model.name == "ollama/llama3"
        for each in (voice, ears, alone, model):
            await each.close()

    asyncio.run(story())
