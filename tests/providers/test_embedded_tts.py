"""espeak-ng is the real library from its wheel, in its real process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
import pytest

from byourside_server.providers.base import ProviderError, ProviderErrorKind, TextToSpeech
from byourside_server.providers.embedded_tts import EmbeddedTextToSpeech, open_espeak
from byourside_server.providers.flite import find_flite
from byourside_server.providers.registry import open_text_to_speech
from byourside_server.providers.remembered import REMEMBERED_SENTENCES
from byourside_server.providers.telephone_band import decode_ulaw, speech_level_dbfs

Result = TypeVar("Result")


class CountingVoice:
    """Says each text as its bytes, and counts."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    async def say(self, text: str, language: str) -> bytes:
        self.said.append((text, language))
        return text.encode()

    async def close(self) -> None: ...


def with_voice(story: Callable[[EmbeddedTextToSpeech], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        speech = open_espeak()
        try:
            return await story(speech)
        finally:
            await speech.close()

    return asyncio.run(run())


def test_espeak_says_a_sentence_at_a_telephone_s_pace_and_level() -> None:
    """16 words at 160 a minute are 6 s; pauses and short words make it 3.5 to 7."""
    text = "I am calling to confirm the appointment for tomorrow at two. Does that still work for you?"

    async def story(speech: EmbeddedTextToSpeech) -> bytes:
        return await speech.synthesize(text)

    ulaw = with_voice(story)
    assert 3.5 < len(ulaw) / 8000 < 7
    assert -22 < speech_level_dbfs(decode_ulaw(ulaw)) < -19
    assert abs(decode_ulaw(ulaw)).max() < 0.96


def likeness(one: bytes, other: bytes) -> float:
    """Correlation of loudness over time, by 20 ms: espeak's pitch flutters at random, its pace does not."""
    frames = min(len(one), len(other)) // 160
    loudness = [decode_ulaw(ulaw[: frames * 160]).reshape(frames, 160).std(axis=1) for ulaw in (one, other)]
    return float(np.corrcoef(loudness)[0, 1])


def test_espeak_says_the_same_sentence_the_same_way_after_another() -> None:
    async def story(speech: EmbeddedTextToSpeech) -> list[bytes]:
        texts = ["Hello there.", "Something else entirely.", "Hello there."]
        voice = speech._voice
        return [await voice.say(text, "en-US") for text in texts]

    first, other, again = with_voice(story)
    assert likeness(first, again) > 0.95
    assert likeness(first, other) < 0.6


def test_espeak_speaks_other_languages_and_refuses_unknown_ones() -> None:
    async def story(speech: EmbeddedTextToSpeech) -> tuple[bytes, bytes, ProviderErrorKind, bytes]:
        english = await speech.synthesize("Guten Tag", language="en-US")
        german = await speech.synthesize("Guten Tag", language="de-DE")
        with pytest.raises(ProviderError) as caught:
            await speech.synthesize("Guten Tag", language="tlh-XX")
        return english, german, caught.value.kind, await speech.synthesize("Still here")

    english, german, kind, later = with_voice(story)
    assert english != german
    assert kind is ProviderErrorKind.BAD_INPUT
    assert len(later) > 4000


def test_sentences_asked_for_together_come_out_apart() -> None:
    async def story(speech: EmbeddedTextToSpeech) -> list[bytes]:
        return await asyncio.gather(
            *(speech.synthesize(text) for text in ("One.", "Two three four.", "One."))
        )

    short, long, same = with_voice(story)
    assert likeness(short, same) > 0.95
    assert len(long) > len(short)


def test_a_sentence_said_lately_is_not_synthesised_again() -> None:
    voice = CountingVoice()
    speech = EmbeddedTextToSpeech("counting", voice)

    async def story() -> None:
        await speech.synthesize("Hello.")
        await speech.synthesize("Hello.")
        await speech.synthesize("Hello.", language="en-GB")

    asyncio.run(story())
    assert voice.said == [("Hello.", "en-US"), ("Hello.", "en-GB")]


def test_the_oldest_sentence_is_forgotten_first() -> None:
    voice = CountingVoice()
    speech = EmbeddedTextToSpeech("counting", voice)

    async def story() -> None:
        for number in range(REMEMBERED_SENTENCES):
            await speech.synthesize(f"Line {number}")
        await speech.synthesize("Line 0")  # used again: line 1 is now the oldest
        await speech.synthesize("One too many")
        voice.said.clear()
        await speech.synthesize("Line 0")
        await speech.synthesize("Line 1")

    asyncio.run(story())
    assert voice.said == [("Line 1", "en-US")]


def test_text_without_a_word_is_silent_without_the_engine() -> None:
    voice = CountingVoice()
    assert asyncio.run(EmbeddedTextToSpeech("counting", voice).synthesize(" ... ")) == b""
    assert voice.said == []


def test_a_text_too_long_to_say_is_refused() -> None:
    with pytest.raises(ProviderError) as caught:
        asyncio.run(EmbeddedTextToSpeech("counting", CountingVoice()).synthesize("a" * 5001))
    assert caught.value.kind is ProviderErrorKind.BAD_INPUT


def test_the_embedded_voice_is_flite_where_it_is_installed() -> None:
    speech: TextToSpeech = open_text_to_speech("embedded")
    assert speech.name == ("flite" if find_flite() else "espeak")
    asyncio.run(speech.close())


def test_without_flite_the_embedded_voice_is_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    speech = open_text_to_speech("embedded")
    assert speech.name == "espeak"
    asyncio.run(speech.close())
    with pytest.raises(ProviderError, match="apt install flite"):
        open_text_to_speech("flite")


@pytest.mark.skipif(find_flite() is None, reason="the flite program is not installed")
def test_flite_says_a_sentence_at_the_line_s_level() -> None:
    ulaw = asyncio.run(open_text_to_speech("flite").synthesize("That works. Thank you, goodbye."))
    assert 1.2 < len(ulaw) / 8000 < 4
    assert -22 < speech_level_dbfs(decode_ulaw(ulaw)) < -19
