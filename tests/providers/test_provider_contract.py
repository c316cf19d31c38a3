"""What every speech provider does alike, whoever made it: one list of demands, asked of all.

Vendors are local servers that speak their protocol. A new engine joins with a row in VOICES or EARS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TypeVar

import numpy as np
import pytest

from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    SpeechToText,
    StreamingSpeechToText,
    TextToSpeech,
)
from byourside_server.providers.flite import find_flite
from byourside_server.providers.registry import open_speech_to_text, open_text_to_speech
from byourside_server.providers.telephone_band import decode_ulaw, speech_level_dbfs
from byourside_server.sandbox.clips import load_clip, silence
from tests.vendors.audio_server import SimulatedAudioServer
from tests.vendors.deepgram_server import SimulatedDeepgramServer

Result = TypeVar("Result")
KEY = "simulated-key-1234567890"
CLIP = "yes_works"
WORDS = "yes that works for me"
EXPECT = Expectation(frozenset({"yes_no"}))
SHORT, LONG = "Hello there.", "I am calling about the appointment that you have with us tomorrow at two."


@dataclass(frozen=True)
class Servers:
    """Where the simulated vendors are, and ears that stay open: some take a second to start."""

    audio: SimulatedAudioServer
    deepgram: SimulatedDeepgramServer
    runner: asyncio.Runner
    ears: dict[str, SpeechToText] = field(default_factory=dict)

    def spec(self, template: str) -> str:
        return template.format(audio=self.audio.base_url, deepgram=self.deepgram.base_url)


def hear(ulaw: bytes) -> str:
    """Simulated hearing: sound louder than a quiet line is the clip."""
    return "Yes, that works for me." if speech_level_dbfs(decode_ulaw(ulaw)) > -45 else ""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with (
        SimulatedAudioServer(key=KEY, hear=hear) as audio,
        SimulatedDeepgramServer(key=KEY, hear=hear) as deepgram,
        asyncio.Runner() as runner,
    ):
        servers = Servers(audio, deepgram, runner)
        yield servers
        for ears in servers.ears.values():
            runner.run(ears.close())


@dataclass(frozen=True)
class Row:
    """One provider. `key_env` is the variable of its key; `closes` is False for what holds nothing."""

    spec: str
    key_env: str | None = None
    closes: bool = True
    hears_clip: bool = True
    limits_length: bool = True


VOICES: dict[str, Row] = {
    "espeak": Row("espeak"),
    "embedded": Row("embedded"),
    "simulated": Row("simulated-tone", closes=False),
    "openai": Row("openai?base_url={audio}", "OPENAI_API_KEY"),
    "openai-wav": Row("openai?base_url={audio}&format=wav", "OPENAI_API_KEY"),
    "compatible": Row("compatible?base_url={audio}&model=any&key_env=SOME_KEY", "SOME_KEY"),
    "deepgram": Row("deepgram?base_url={audio}", "DEEPGRAM_API_KEY"),
    "chain": Row("openai?base_url={audio}, espeak"),
    "chain-fallen-back": Row("openai?base_url=http://127.0.0.1:9/v1, deepgram?base_url={audio}"),
}
if find_flite():
    VOICES["flite"] = Row("flite")
if find_spec("livekit"):
    said = "livekit:openai.TTS?base_url={audio}&response_format=pcm&key_env=SOME_KEY"
    VOICES["livekit"] = Row(said, "SOME_KEY")

EARS: dict[str, Row] = {
    "pocketsphinx": Row("pocketsphinx"),
    "simulated": Row("simulated-script", closes=False, hears_clip=False, limits_length=False),
    "openai": Row("openai?base_url={audio}", "OPENAI_API_KEY"),
    "groq": Row("groq?base_url={audio}", "GROQ_API_KEY"),
    "compatible": Row("compatible?base_url={audio}&model=any&key_env=SOME_KEY", "SOME_KEY"),
    "deepgram": Row("deepgram?base_url={deepgram}", "DEEPGRAM_API_KEY"),
    "chain": Row("openai?base_url={audio}, groq?base_url={audio}"),
    "chain-streaming": Row("deepgram?base_url={deepgram}, openai?base_url={audio}"),
    "chain-fallen-back": Row("deepgram?base_url=http://127.0.0.1:9/v1, openai?base_url={audio}"),
}
if find_spec("livekit"):
    EARS["livekit"] = Row("livekit:openai.STT?base_url={audio}&key_env=SOME_KEY", "SOME_KEY")
STREAMING = ("deepgram", "chain-streaming", "chain-fallen-back")

every_voice = pytest.mark.parametrize("row", VOICES.values(), ids=VOICES)
every_ear = pytest.mark.parametrize("row", EARS.values(), ids=EARS)
with_key = [
    (kind, name) for kind, rows in (("voice", VOICES), ("ears", EARS)) for name in rows if rows[name].key_env
]


def keys(key: str = KEY) -> dict[str, str]:
    return dict.fromkeys(("OPENAI_API_KEY", "GROQ_API_KEY", "DEEPGRAM_API_KEY", "SOME_KEY"), key)


def speak(servers: Servers, row: Row, story: Callable[[TextToSpeech], Awaitable[Result]]) -> Result:
    """A story of a voice that has said nothing yet."""

    async def run() -> Result:
        voice = open_text_to_speech(servers.spec(row.spec), keys())
        try:
            return await story(voice)
        finally:
            await voice.close()

    return servers.runner.run(run())


def listen(servers: Servers, row: Row, story: Callable[[SpeechToText], Awaitable[Result]]) -> Result:
    """A story of ears that are not closed."""

    async def run() -> Result:
        if row.spec not in servers.ears:
            servers.ears[row.spec] = open_speech_to_text(servers.spec(row.spec), keys())
        return await story(servers.ears[row.spec])

    return servers.runner.run(run())


def longest_silence_s(ulaw: bytes) -> float:
    """Between the first and the last sound, in frames of 20 ms below -50 dBFS."""
    samples = decode_ulaw(ulaw)
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).std(axis=1) > 10 ** (-50 / 20)
    sounding = np.flatnonzero(frames)
    return float(np.diff(sounding).max(initial=1) - 1) * 0.02


@every_voice
def test_the_pieces_joined_are_the_whole_and_sound_like_telephone_speech(servers: Servers, row: Row) -> None:
    async def story(voice: TextToSpeech) -> tuple[list[bytes], bytes]:
        return [piece async for piece in voice.stream(LONG)], await voice.synthesize(LONG)

    pieces, whole = speak(servers, row, story)
    assert b"".join(pieces) == whole
    assert len(pieces[0]) >= 320
    assert all(len(piece) >= 800 for piece in pieces[1:-1])
    assert 2.0 < len(whole) / 8000 < 9.0
    assert -30 < speech_level_dbfs(decode_ulaw(whole)) < -10
    assert longest_silence_s(whole) < 1.0


@every_voice
def test_what_is_prepared_whole_is_the_same_when_streamed(servers: Servers, row: Row) -> None:
    async def story(voice: TextToSpeech) -> tuple[bytes, bytes]:
        return await voice.synthesize(SHORT), b"".join([piece async for piece in voice.stream(SHORT)])

    prepared, streamed = speak(servers, row, story)
    assert prepared == streamed != b""


@every_voice
def test_two_sentences_at_once_do_not_mix(servers: Servers, row: Row) -> None:
    async def story(voice: TextToSpeech) -> tuple[list[bytes], list[bytes]]:
        together = await asyncio.gather(voice.synthesize(SHORT), voice.synthesize(LONG))
        return list(together), [await voice.synthesize(SHORT), await voice.synthesize(LONG)]

    together, apart = speak(servers, row, story)
    assert together == apart
    assert len(together[0]) < len(together[1])


@every_voice
def test_a_voice_cut_off_midway_speaks_again(servers: Servers, row: Row) -> None:
    async def story(voice: TextToSpeech) -> bytes:
        speaking = asyncio.create_task(voice.synthesize(LONG))
        await asyncio.sleep(0.002)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        stream = voice.stream(LONG)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return await voice.synthesize(SHORT)

    assert len(speak(servers, row, story)) > 3000


@every_voice
@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
def test_text_without_a_word_makes_no_sound(servers: Servers, row: Row, text: str) -> None:
    async def story(voice: TextToSpeech) -> tuple[bytes, bytes]:
        return await voice.synthesize(text), b"".join([piece async for piece in voice.stream(text)])

    whole, streamed = speak(servers, row, story)
    assert whole == streamed
    assert len(whole) == 0 or row.spec == "simulated-tone"


@every_voice
def test_a_language_nobody_speaks_is_spoken_anyway_or_refused_in_words(servers: Servers, row: Row) -> None:
    async def story(voice: TextToSpeech) -> tuple[bytes, str]:
        try:
            return await voice.synthesize(SHORT, language="tlh-XX"), ""
        except ProviderError as error:
            return b"", f"{error.kind.value}: {error}"

    sound, refusal = speak(servers, row, story)
    assert len(sound) > 3000 or (refusal.startswith("bad_input") and "tlh-XX" in refusal)


@every_voice
def test_a_closed_voice_says_so(servers: Servers, row: Row) -> None:
    async def story(voice: TextToSpeech) -> None:
        await voice.synthesize(SHORT)
        await voice.close()
        await voice.close()
        if row.closes:
            with pytest.raises(ProviderError):
                await voice.synthesize(SHORT)  # although it is remembered
            with pytest.raises(ProviderError):
                await voice.synthesize(LONG)

    speak(servers, row, story)


@pytest.mark.parametrize(("kind", "name"), with_key)
def test_a_key_that_is_not_accepted_is_named_and_never_shown(servers: Servers, kind: str, name: str) -> None:
    wrong = "wrong-key-0987654321"
    row = (VOICES if kind == "voice" else EARS)[name]

    async def story() -> None:
        if kind == "voice":
            await open_text_to_speech(servers.spec(row.spec), keys(wrong)).synthesize(SHORT)
        else:
            ears = open_speech_to_text(servers.spec(row.spec), keys(wrong))
            await ears.transcribe(load_clip(CLIP).ulaw, Expectation())

    with pytest.raises(ProviderError) as caught:
        servers.runner.run(story())
    assert caught.value.kind is ProviderErrorKind.BAD_CONFIGURATION
    assert row.key_env is not None
    assert row.key_env in str(caught.value)
    assert wrong not in repr(caught.value)
    assert wrong not in repr(caught.value.__cause__)


@every_ear
def test_a_known_recording_is_heard(servers: Servers, row: Row) -> None:
    async def story(ears: SpeechToText) -> tuple[str, float]:
        await ears.prepare(EXPECT)
        heard = await ears.transcribe(silence(200) + load_clip(CLIP).ulaw + silence(300), EXPECT)
        return heard.text, heard.confidence

    text, confidence = listen(servers, row, story)
    if row.hears_clip:
        assert text == WORDS
        assert 0.5 < confidence <= 1.0


@every_ear
def test_silence_and_nothing_are_no_words_and_no_error(servers: Servers, row: Row) -> None:
    async def story(ears: SpeechToText) -> list[str]:
        sounds = (silence(1000), silence(50), b"", b"\xff")
        return [(await ears.transcribe(sound, EXPECT)).text for sound in sounds]

    assert listen(servers, row, story) == [""] * 4


@every_ear
def test_two_turns_at_once_do_not_mix(servers: Servers, row: Row) -> None:
    async def story(ears: SpeechToText) -> list[str]:
        both = (ears.transcribe(load_clip(CLIP).ulaw, EXPECT), ears.transcribe(silence(800), EXPECT))
        return [heard.text for heard in await asyncio.gather(*both)]

    assert listen(servers, row, story) == ([WORDS, ""] if row.hears_clip else ["", ""])


@every_ear
def test_a_turn_taken_back_leaves_the_ears_well(servers: Servers, row: Row) -> None:
    async def story(ears: SpeechToText) -> str:
        listening = asyncio.create_task(ears.transcribe(load_clip(CLIP).ulaw, EXPECT))
        await asyncio.sleep(0.002)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        return (await ears.transcribe(load_clip(CLIP).ulaw, EXPECT)).text

    assert listen(servers, row, story) == (WORDS if row.hears_clip else "")


@every_ear
def test_more_than_a_minute_is_refused(servers: Servers, row: Row) -> None:
    async def story(ears: SpeechToText) -> None:
        await ears.transcribe(silence(61_000), EXPECT)

    if row.limits_length:
        with pytest.raises(ProviderError) as caught:
            listen(servers, row, story)
        assert caught.value.kind is ProviderErrorKind.BAD_INPUT


@every_ear
def test_closed_ears_say_so(servers: Servers, row: Row) -> None:
    async def story() -> None:
        ears = open_speech_to_text(servers.spec(row.spec), keys())
        await ears.close()
        await ears.close()
        if row.closes:
            with pytest.raises(ProviderError):
                await ears.transcribe(load_clip(CLIP).ulaw, EXPECT)

    servers.runner.run(story())


@pytest.mark.parametrize("name", STREAMING)
def test_ears_that_listen_along_hear_turn_after_turn(servers: Servers, name: str) -> None:
    """And two lines at once, each its own."""

    async def story(ears: SpeechToText) -> list[list[str]]:
        assert isinstance(ears, StreamingSpeechToText)
        first, second = await asyncio.gather(ears.open_stream(), ears.open_stream())
        turns = []
        for sounds in (
            (load_clip(CLIP).ulaw, silence(600)),
            (silence(600), load_clip(CLIP).ulaw),
            (b"", b""),
        ):
            for stream, sound in zip((first, second), sounds, strict=True):
                for at in range(0, len(sound), 800):
                    stream.push(sound[at : at + 800])
            heard = await asyncio.gather(first.finish(Expectation()), second.finish(Expectation()))
            turns.append([each.text for each in heard])
        await asyncio.gather(first.close(), second.close())
        await first.close()
        first.push(b"\xff" * 800)
        with pytest.raises(ProviderError):
            await first.finish(Expectation())
        return turns

    assert listen(servers, EARS[name], story) == [[WORDS, ""], ["", WORDS], ["", ""]]


def test_every_engine_that_can_listen_along_is_asked_to(servers: Servers) -> None:
    async def story(ears: SpeechToText) -> bool:
        return isinstance(ears, StreamingSpeechToText)

    assert [name for name, row in EARS.items() if listen(servers, row, story)] == list(STREAMING)
