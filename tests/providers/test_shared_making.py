"""One sentence wanted by several at once: scripted making in virtual time, then an embedded voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.embedded_tts import EmbeddedTextToSpeech
from byourside_server.providers.remembering_voice import RememberingVoice
from tests.providers.test_speech_chain import in_virtual_time


class ScriptedMaking:
    """Pieces a second apart; counts how often it was begun, ended and called off."""

    def __init__(self, *script: bytes | Exception) -> None:
        self.script = script
        self.begun = 0
        self.called_off = 0

    async def __call__(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        self.begun += 1
        try:
            for step in self.script:
                await asyncio.sleep(1)
                if isinstance(step, Exception):
                    raise step
                yield step
        except (asyncio.CancelledError, GeneratorExit):
            self.called_off += 1
            raise


def voice(make: ScriptedMaking) -> RememberingVoice:
    return RememberingVoice("scripted", make, longest_text=100)


def test_what_is_being_made_is_not_made_twice_and_who_comes_later_misses_nothing() -> None:
    async def story() -> None:
        make = ScriptedMaking(b"one", b"two", b"three")
        speaking = voice(make)
        first = asyncio.create_task(speaking.synthesize("One moment."))
        await asyncio.sleep(1.5)
        began = asyncio.get_running_loop().time()
        later = [piece async for piece in speaking.stream("One moment.")]
        assert (later, make.begun) == ([b"one", b"two", b"three"], 1)
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.5, abs=0.01)
        assert await first == b"onetwothree"
        assert await speaking.synthesize("One moment.") == b"onetwothree"
        assert make.begun == 1

    in_virtual_time(story)


def test_another_sentence_or_language_is_another_making() -> None:
    async def story() -> None:
        make = ScriptedMaking(b"one")
        speaking = voice(make)
        await asyncio.gather(
            speaking.synthesize("Hello."),
            speaking.synthesize("Goodbye."),
            speaking.synthesize("Hello.", language="de-DE"),
        )
        assert make.begun == 3

    in_virtual_time(story)


def test_one_who_leaves_takes_nothing_from_the_others_and_the_last_calls_it_off() -> None:
    async def story() -> None:
        make = ScriptedMaking(b"one", b"two")
        speaking = voice(make)
        leaving = asyncio.create_task(speaking.synthesize("One moment."))
        staying = asyncio.create_task(speaking.synthesize("One moment."))
        await asyncio.sleep(1.5)
        leaving.cancel()
        assert await staying == b"onetwo"
        assert make.called_off == 0
        async with aclosing(voice(make).stream("Another.")) as pieces:  # type: ignore[type-var]
            assert await anext(pieces) == b"one"
        assert make.called_off == 1

    in_virtual_time(story)


def test_what_was_called_off_is_begun_anew_by_the_next() -> None:
    async def story() -> None:
        make = ScriptedMaking(b"one")
        speaking = voice(make)
        leaving = asyncio.create_task(speaking.synthesize("One moment."))
        await asyncio.sleep(0.5)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert await speaking.synthesize("One moment.") == b"one"
        assert (make.begun, make.called_off) == (2, 1)

    in_virtual_time(story)


def test_a_failure_is_everybodys_and_is_not_remembered() -> None:
    async def story() -> None:
        busy = ProviderError(ProviderErrorKind.RATE_LIMITED, "too many", retry_after_s=7.0)
        make = ScriptedMaking(b"one", busy)
        speaking = voice(make)
        both = (speaking.synthesize("One moment."), speaking.synthesize("One moment."))
        failures = await asyncio.gather(*both, return_exceptions=True)
        for failure in failures:
            assert isinstance(failure, ProviderError)
            assert (failure.kind, str(failure), failure.retry_after_s) == (busy.kind, "too many", 7.0)
        assert failures[0] is not failures[1]
        make.script = (b"one",)
        assert await speaking.synthesize("One moment.") == b"one"
        assert make.begun == 2

    in_virtual_time(story)


def test_calls_that_begin_together_have_an_embedded_voice_say_their_fillers_once() -> None:
    class SimulatedVoice:
        said = 0

        async def say(self, text: str, language: str) -> bytes:
            self.said += 1
            await asyncio.sleep(0.2)
            return b"\x01" * 800

        async def close(self) -> None: ...

    async def story() -> None:
        engine = SimulatedVoice()
        speaking = EmbeddedTextToSpeech("simulated", engine)
        sounds = await asyncio.gather(*(speaking.synthesize("One moment, please.") for _ in range(20)))
        assert sounds == [b"\x01" * 800] * 20
        assert engine.said == 1

    in_virtual_time(story)
