"""LiveKit Agents plugins behind our doors.

The real plugins for OpenAI, Deepgram and Cartesia (1.8.9) speak to simulated vendors on 127.0.0.1; no vendor
was ever asked. What real ones may also do is done by scripted plugins, in tests/providers/scripted_plugin.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

pytest.importorskip("livekit.agents", reason="livekit-agents is not installed")

from aiohttp import ClientSession
from livekit.rtc import AudioFrame

from byourside_server.lines.virtual_loop import VirtualLoop
from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SpeechStream,
    SpeechToText,
    StreamingSpeechToText,
)
from byourside_server.providers.livekit_stream import LiveKitSpeechStream
from byourside_server.providers.livekit_stt import open_livekit_speech_to_text
from byourside_server.providers.livekit_tts import (
    FrameDecoder,
    LiveKitTextToSpeech,
    open_livekit_text_to_speech,
)
from byourside_server.providers.specification import Options, Specification
from byourside_server.providers.telephone_band import decode_ulaw, encode_ulaw
from tests.providers import scripted_plugin
from tests.vendors.audio_server import SimulatedAudioServer
from tests.vendors.local_server import scripted
from tests.vendors.plugin_vendors import SimulatedCartesia, SimulatedDeepgram, tone

Result = TypeVar("Result")
ROOT = Path(__file__).resolve().parents[2]
# A machine that is busy with something else is no vendor that is too slow.
PATIENCE_S = 30.0
KEYS = {"THE_KEY": "k-e-y"}
EXPECT = Expectation()
SPEECH = encode_ulaw(0.2 * np.sin(np.arange(8000) * 0.4))
BAD_CONFIGURATION = ProviderErrorKind.BAD_CONFIGURATION


def asked(target: str, given: dict[str, object]) -> Options:
    return Options(Specification(f"livekit:{target}", {name: str(value) for name, value in given.items()}))


def voice(target: str, **given: object) -> LiveKitTextToSpeech:
    patient = {"first_audio_timeout_s": PATIENCE_S, "gap_timeout_s": PATIENCE_S, **given}
    return open_livekit_text_to_speech(target, asked(target, patient), KEYS)


def ears(target: str, **given: object) -> SpeechToText:
    return open_livekit_speech_to_text(target, asked(target, {"answer_timeout_s": PATIENCE_S, **given}), KEYS)


def refusal(open_engine: Callable[..., object], target: str, **given: object) -> str:
    with pytest.raises(ProviderError) as raised:
        open_engine(target, **given)
    assert raised.value.kind is BAD_CONFIGURATION
    return str(raised.value)


async def said(engine: LiveKitTextToSpeech, text: str = "Hello there.") -> list[bytes]:
    try:
        return [piece async for piece in engine.stream(text)]
    finally:
        await engine.close()


async def heard(engine: SpeechToText, ulaw: bytes = SPEECH, language: str = "en-US") -> Recognition:
    try:
        return await engine.transcribe(ulaw, EXPECT, language=language)
    finally:
        await engine.close()


def in_virtual_time(work: Coroutine[object, object, Result]) -> Result:
    """For plugins without sockets: what is due is due now, and nothing comes late."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def failure(work: Coroutine[object, object, object]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        asyncio.run(work)
    return raised.value


def pitch_hz(ulaw: bytes) -> float:
    """Of the loudest tone."""
    samples = decode_ulaw(ulaw)[400:-400]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 8000 / len(samples))


@pytest.fixture
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted_plugin.install(monkeypatch)


# --- names and options -------------------------------------------------------------------------------------


def test_nothing_of_livekit_is_needed_until_a_plugin_is_named() -> None:
    blocked = "import sys; sys.modules['livekit'] = None; "
    imports = "import byourside_server.providers.livekit_tts, byourside_server.providers.livekit_stt"
    subprocess.run([sys.executable, "-c", blocked + imports], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("missing", "absent"),
    [("livekit", "livekit-agents"), ("livekit.plugins.cartesia", "livekit-plugins-cartesia")],
)
def test_a_plugin_that_is_not_installed_says_what_to_install(
    missing: str, absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> None:
        if name == missing or name.startswith(f"{missing}."):
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(importlib, "import_module", _importing(without))
    told = refusal(voice, "cartesia.TTS")
    assert told == (
        f"{absent} is not installed: pip install 'byourside-server[livekit]' livekit-plugins-cartesia"
    )


def _importing(without: Callable[[str], None]) -> Callable[[str], object]:
    real = importlib.import_module

    def import_module(name: str) -> object:
        without(name)
        return real(name)

    return import_module


def test_a_package_that_a_plugin_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> None:
        if name.startswith("livekit.plugins"):
            raise ModuleNotFoundError("No module named 'blingfire'", name="blingfire")

    monkeypatch.setattr(importlib, "import_module", _importing(without))
    assert (
        refusal(voice, "cartesia.TTS") == "livekit-plugins-cartesia needs 'blingfire', which is not installed"
    )


@pytest.mark.parametrize("target", ["", "cartesia", "cartesia.", "os.system()", "../x.TTS", "Cartesia.TTS"])
def test_a_name_that_names_no_class_says_how_to_write_one(target: str) -> None:
    assert "write livekit:<plugin>.<Class>" in refusal(voice, target)


@pytest.mark.parametrize(
    ("open_engine", "target", "told"),
    [
        (voice, "deepgram.STT", "'livekit:deepgram.STT' is no TTS of livekit-agents; deepgram has TTS"),
        (ears, "cartesia.TTS", "is no STT of livekit-agents; cartesia has STT"),
        (ears, "deepgram.Nothing", "is no STT of livekit-agents; deepgram has STT, STTv2"),
        (voice, "openai.LLM", "is no TTS of livekit-agents"),
    ],
)
def test_a_class_of_another_kind_is_refused_with_those_that_fit(
    open_engine: Callable[..., object], target: str, told: str
) -> None:
    assert told in refusal(open_engine, target)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sample_rte": "8000"}, "has no option 'sample_rte': did you mean 'sample_rate'?"),
        ({"sample_rate": "fast"}, "option 'sample_rate' must be a whole number, not 'fast'"),
        ({"encoding": "mp3"}, "option 'encoding' must be one of pcm_s16le, not 'mp3'"),
        ({"tokenizer": "x"}, "has no option 'tokenizer'"),
        ({"gap_timeout_s": "0"}, "option 'gap_timeout_s' must be longer than 0 seconds"),
        ({"key_env": "NO_SUCH"}, "set the environment variable NO_SUCH"),
        ({"api_key": "sk-1"}, "write key_env=ITS_NAME"),
    ],
)
def test_an_option_that_is_wrong_is_told_by_name(given: dict[str, object], told: str) -> None:
    message = refusal(voice, "cartesia.TTS", **{"key_env": "THE_KEY", **given})
    assert told in message
    assert "sk-1" not in message


def test_a_plugin_without_its_key_says_which_variable_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    assert "DEEPGRAM_API_KEY" in refusal(ears, "deepgram.STT")


@pytest.mark.usefixtures("_scripted")
def test_a_key_that_is_not_liked_is_not_repeated() -> None:
    open_engine = lambda target, **given: open_livekit_text_to_speech(  # noqa: E731
        target, asked(target, given), {"THE_KEY": "wrong"}
    )
    told = refusal(open_engine, "scripted.StreamOnlyVoice", key_env="THE_KEY")
    assert told == "'livekit:scripted.StreamOnlyVoice' cannot be set up: … is no key"
    assert "takes no api_key" in refusal(voice, "scripted.Voice", key_env="THE_KEY")


# --- voices: the real plugins ------------------------------------------------------------------------------


def test_cartesias_plugin_says_a_sentence() -> None:
    async def speak() -> tuple[list[bytes], SimulatedCartesia]:
        async with SimulatedCartesia() as vendor:
            engine = voice(
                "cartesia.TTS",
                base_url=vendor.base_url,
                key_env="THE_KEY",
                model="sonic-3",
                voice="a-voice",
                speed="1.5",
                sample_rate=22050,
            )
            return await said(engine), vendor

    pieces, vendor = asyncio.run(speak())
    assert len(pieces) > 4
    assert len(b"".join(pieces)) == pytest.approx(8000, abs=100)
    assert pitch_hz(b"".join(pieces)) == pytest.approx(440, abs=3)
    assert vendor.keys == ["k-e-y"]
    (request,) = vendor.requests
    assert request["transcript"] == "Hello there."
    assert request["voice"]["id"] == "a-voice"
    assert request["generation_config"] == {"speed": 1.5}
    assert request["output_format"]["sample_rate"] == 22050


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, BAD_CONFIGURATION),
        (422, ProviderErrorKind.BAD_INPUT),
        (429, ProviderErrorKind.RATE_LIMITED),
        (500, ProviderErrorKind.UNAVAILABLE),
    ],
)
def test_a_vendors_refusal_is_understood_and_its_words_are_kept_to_itself(
    status: int, kind: ProviderErrorKind, caplog: pytest.LogCaptureFixture
) -> None:
    async def speak() -> list[bytes]:
        async with SimulatedCartesia(status=status) as vendor:
            return await said(
                voice("cartesia.TTS", base_url=vendor.base_url, key_env="THE_KEY"), "My secret."
            )

    caplog.set_level(logging.DEBUG)
    error = failure(speak())
    assert error.kind is kind
    assert f"livekit:cartesia.TTS answered with HTTP {status}" in str(error)
    for private in ("secret", "k-e-y"):
        assert private not in str(error)
        assert private not in caplog.text


def test_openais_plugin_says_a_sentence() -> None:
    with SimulatedAudioServer(key="k-e-y") as vendor:
        engine = voice(
            "openai.TTS", base_url=vendor.base_url, key_env="THE_KEY", response_format="pcm", voice="nova"
        )
        pieces = asyncio.run(said(engine))
    assert len(b"".join(pieces)) == pytest.approx(2 * 320 * 8, abs=100)  # two words of 320 ms
    assert vendor.requests[0].fields["voice"] == "nova"
    assert vendor.requests[0].fields["input"] == "Hello there."


def test_a_vendor_is_asked_once_whatever_it_answers() -> None:
    """The plugin would ask four times of itself; whether to ask again is the chain's matter."""
    with SimulatedAudioServer(fault="server_error") as vendor:
        engine = voice("openai.TTS", base_url=vendor.base_url, key_env="THE_KEY", response_format="pcm")
        assert failure(said(engine)).kind is ProviderErrorKind.UNAVAILABLE
    assert len(vendor.requests) == 1


def test_nobody_there_is_unavailable() -> None:
    engine = voice("cartesia.TTS", base_url="http://127.0.0.1:9", key_env="THE_KEY")
    assert failure(said(engine)).kind is ProviderErrorKind.UNAVAILABLE


def test_what_was_said_lately_is_not_asked_for_again() -> None:
    async def speak() -> tuple[bytes, bytes, int]:
        async with SimulatedCartesia() as vendor:
            engine = voice("cartesia.TTS", base_url=vendor.base_url, key_env="THE_KEY")
            first = await engine.synthesize("Hello there.")
            second = await engine.synthesize("Hello there.")
            await engine.close()
            return first, second, len(vendor.requests)

    first, second, requests = asyncio.run(speak())
    assert first == second
    assert requests == 1


# --- voices: what else may happen --------------------------------------------------------------------------


@pytest.mark.usefixtures("_scripted")
def test_stereo_at_48_khz_in_odd_pieces_is_telephone_sound() -> None:
    pieces = asyncio.run(said(voice("scripted.Voice")))
    assert len(b"".join(pieces)) == pytest.approx(8000, abs=100)
    assert pitch_hz(b"".join(pieces)) == pytest.approx(440, abs=3)


@pytest.mark.usefixtures("_scripted")
def test_a_voice_that_only_streams_is_pushed_the_text() -> None:
    pieces = asyncio.run(said(voice("scripted.StreamOnlyVoice", key_env="THE_KEY")))
    assert pitch_hz(b"".join(pieces)) == pytest.approx(440, abs=3)


def test_pieces_join_as_if_the_sound_had_come_whole() -> None:
    """No click at a border: the pieces of any size give the bytes of the whole."""

    def frame(samples: bytes) -> AudioFrame:
        return AudioFrame(samples, 44100, 2, len(samples) // 4)

    sound = tone(44100, channels=2)
    whole, pieces = FrameDecoder(), FrameDecoder()
    expected = whole.push(frame(sound)) + whole.finish()
    in_pieces = b"".join(pieces.push(frame(sound[at : at + 1764])) for at in range(0, len(sound), 1764))
    assert in_pieces + pieces.finish() == expected


def test_a_rate_that_changes_midway_is_followed() -> None:
    decoder = FrameDecoder()
    sound = [AudioFrame(tone(rate_hz), rate_hz, 1, rate_hz) for rate_hz in (24000, 16000)]
    ulaw = b"".join(decoder.push(frame) for frame in sound) + decoder.finish()
    assert len(ulaw) == 16000
    assert pitch_hz(ulaw[:8000]) == pitch_hz(ulaw[8000:]) == pytest.approx(440, abs=3)


@pytest.mark.usefixtures("_scripted")
@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        ("timeout", ProviderErrorKind.TIMED_OUT),
        ("connection", ProviderErrorKind.UNAVAILABLE),
        ("slow connection", ProviderErrorKind.TIMED_OUT),
        ("rate", ProviderErrorKind.RATE_LIMITED),
        ("quota", BAD_CONFIGURATION),
        ("key", BAD_CONFIGURATION),
        ("text", ProviderErrorKind.BAD_INPUT),
        ("server", ProviderErrorKind.UNAVAILABLE),
        ("socket", ProviderErrorKind.UNAVAILABLE),
        ("vendor", ProviderErrorKind.BAD_ANSWER),
        ("bug", ProviderErrorKind.UNAVAILABLE),
    ],
)
def test_a_failure_midway_comes_after_the_sound_so_far(
    fails: str, kind: ProviderErrorKind, caplog: pytest.LogCaptureFixture
) -> None:
    pieces: list[bytes] = []

    async def speak() -> None:
        engine = voice("scripted.Voice", fails=fails)
        try:
            async for piece in engine.stream("My secret."):
                pieces.append(piece)
        finally:
            await engine.close()

    caplog.set_level(logging.DEBUG)
    error = failure(speak())
    assert error.kind is kind
    assert len(b"".join(pieces)) > 4000
    assert "secret" not in str(error)
    assert "secret" not in caplog.text


@pytest.mark.usefixtures("_scripted")
@pytest.mark.parametrize(
    ("given", "sounds"),
    [
        ({"silent": "true", "first_audio_timeout_s": "0.05"}, False),
        ({"stalls": "true", "gap_timeout_s": "0.05", "first_audio_timeout_s": "20"}, True),
    ],
)
def test_a_voice_that_hangs_is_given_up(given: dict[str, object], sounds: bool) -> None:
    pieces: list[bytes] = []

    async def speak() -> None:
        engine = voice("scripted.Voice", **given)
        try:
            async for piece in engine.stream("Hello."):
                pieces.append(piece)
        finally:
            await engine.close()

    assert failure(asyncio.wait_for(speak(), PATIENCE_S)).kind is ProviderErrorKind.TIMED_OUT
    assert bool(pieces) is sounds


@pytest.mark.usefixtures("_scripted")
def test_all_requests_share_a_session_that_closing_closes() -> None:
    async def speak() -> tuple[list[ClientSession], bool]:
        engine = voice("scripted.Voice")
        sessions: list[ClientSession] = engine._plugin.instance.sessions
        for text in ("Hello.", "Good bye."):
            await engine.synthesize(text)
        was_open = not sessions[0].closed
        await engine.close()
        return sessions, was_open

    (first, second), was_open = asyncio.run(speak())
    assert first is second
    assert was_open
    assert first.closed


@pytest.mark.usefixtures("_scripted")
def test_who_stops_listening_leaves_nothing_running() -> None:
    async def speak() -> set[str]:
        engine = voice("scripted.Voice", stalls="true")
        before = asyncio.all_tasks()
        pieces = engine.stream("Hello.")
        assert isinstance(pieces, AsyncGenerator)
        async with contextlib.aclosing(pieces):
            assert await anext(pieces)
        left = {task.get_name() for task in asyncio.all_tasks() - before}
        await engine.close()
        return left

    assert asyncio.run(speak()) == set()


@pytest.mark.usefixtures("_scripted")
def test_a_voice_whose_language_is_set_speaks_no_other() -> None:
    error = failure(said(voice("scripted.Voice", language="de")))
    assert error.kind is ProviderErrorKind.BAD_INPUT
    assert "speaks 'de' and not 'en-US'" in str(error)


@pytest.mark.usefixtures("_scripted")
def test_a_closed_engine_does_nothing_more() -> None:
    async def speak() -> None:
        engine = voice("scripted.Voice")
        await engine.close()
        await said(engine)

    async def listen() -> None:
        engine = ears("scripted.Ears")
        await engine.close()
        await heard(engine)

    assert failure(speak()).kind is ProviderErrorKind.UNAVAILABLE
    assert failure(listen()).kind is ProviderErrorKind.UNAVAILABLE


# --- ears, a turn at a time --------------------------------------------------------------------------------


def test_openais_plugin_hears_a_turn() -> None:
    with SimulatedAudioServer(hear=scripted(["Yes, please."]), key="k-e-y") as vendor:
        engine = ears("openai.STT", base_url=vendor.base_url, key_env="THE_KEY")
        assert not isinstance(engine, StreamingSpeechToText)
        assert asyncio.run(heard(engine, language="de-DE")) == Recognition("yes please", 0.8)
    (request,) = vendor.requests
    assert request.fields["language"] == "de"
    assert len(request.ulaw) == len(SPEECH)


def test_how_long_to_wait_is_passed_on_where_the_plugin_leaves_it_in_reach() -> None:
    with SimulatedAudioServer(fault="rate_limited") as vendor:
        error = failure(heard(ears("openai.STT", base_url=vendor.base_url, key_env="THE_KEY")))
    assert error.kind is ProviderErrorKind.RATE_LIMITED
    assert error.retry_after_s == 7.0
    assert len(vendor.requests) == 1


def test_a_turn_that_is_never_answered_is_given_up() -> None:
    with SimulatedAudioServer(fault="hang") as vendor:
        engine = ears("openai.STT", base_url=vendor.base_url, key_env="THE_KEY", answer_timeout_s="0.05")
        assert failure(heard(engine, SPEECH[:1600])).kind is ProviderErrorKind.TIMED_OUT


def test_deepgrams_plugin_hears_a_turn() -> None:
    async def listen() -> tuple[Recognition, SimulatedDeepgram]:
        async with SimulatedDeepgram(["Half past three."]) as vendor:
            return await heard(ears("deepgram.STT", base_url=vendor.listen_url, key_env="THE_KEY")), vendor

    words, vendor = asyncio.run(listen())
    assert words == Recognition("half past three", 0.9)
    assert len(vendor.recordings[0]) == 44 + 2 * len(SPEECH)


@pytest.mark.usefixtures("_scripted")
def test_ears_that_only_stream_hear_a_turn_in_a_stream_of_its_own() -> None:
    scripted_plugin.SCRIPT.append(
        [("interim", "hello", 0.0), ("final", "Good,", 0.0), ("final", "Bye.", 0.0)]
    )
    assert asyncio.run(heard(ears("scripted.Ears"))) == Recognition("good bye", 0.8)


@pytest.mark.usefixtures("_scripted")
def test_a_language_that_the_operator_named_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with SimulatedAudioServer(hear=scripted(["ja"])) as vendor:
        engine = ears("openai.STT", base_url=vendor.base_url, key_env="THE_KEY", language="de")
        asyncio.run(heard(engine))
    assert vendor.requests[0].fields["language"] == "de"


@pytest.mark.usefixtures("_scripted")
def test_what_is_too_short_for_a_word_is_not_asked_about() -> None:
    assert asyncio.run(
        heard(ears("scripted.Ears", offline="true", fails="bug"), b"\xff" * 400)
    ) == Recognition("", 0.0)


# --- ears that listen along --------------------------------------------------------------------------------


async def along(engine: SpeechToText, work: Callable[[SpeechStream], Awaitable[Result]]) -> Result:
    assert isinstance(engine, StreamingSpeechToText)
    try:
        stream = await engine.open_stream(language="en-GB")
        return await work(stream)
    finally:
        await engine.close()


async def words(stream: SpeechStream, ulaw: bytes = SPEECH) -> Recognition:
    """Pushed in pieces of 100 ms."""
    for at in range(0, len(ulaw), 800):
        stream.push(ulaw[at : at + 800])
    return await stream.finish(Expectation())


def test_deepgrams_plugin_listens_along_and_answers_each_stretch_at_once() -> None:
    """The words reach to the stretch's end: `settle_s`, here longer than the test, is not waited for."""

    async def listen() -> tuple[list[Recognition], SimulatedDeepgram]:
        async with SimulatedDeepgram(["Yes, please.", "Half past three."]) as vendor:
            engine = ears(
                "deepgram.STT",
                base_url=vendor.listen_url,
                key_env="THE_KEY",
                settle_s=60,
                answer_timeout_s=PATIENCE_S,
            )
            return await along(engine, lambda stream: _twice(stream)), vendor

    async def _twice(stream: SpeechStream) -> list[Recognition]:
        return [await words(stream), await words(stream, SPEECH[:4000])]

    answers, vendor = asyncio.run(listen())
    assert answers == [Recognition("yes please", 0.9), Recognition("half past three", 0.9)]
    (socket,) = vendor.sockets
    assert socket.authorization == "Token k-e-y"
    assert socket.query["language"] == "en-GB"
    assert len(socket.sound) == 1.5 * 2 * 16000


def test_a_socket_that_is_cut_is_opened_anew_and_the_stretch_sent_again() -> None:
    async def listen() -> tuple[Recognition, SimulatedDeepgram]:
        async with SimulatedDeepgram(["Yes, please."], drop=1) as vendor:
            engine = ears("deepgram.STT", base_url=vendor.listen_url, key_env="THE_KEY")
            return await along(engine, words), vendor

    answer, vendor = asyncio.run(listen())
    assert answer.text == "yes please"
    assert [len(socket.sound) for socket in vendor.sockets] == [32000, 32000]


def test_a_socket_that_is_cut_each_time_is_given_up() -> None:
    async def listen() -> int:
        async with SimulatedDeepgram(["Yes, please."], drop=9) as vendor:
            engine = ears("deepgram.STT", base_url=vendor.listen_url, key_env="THE_KEY")
            with pytest.raises(ProviderError) as raised:
                await along(engine, words)
            assert raised.value.kind is ProviderErrorKind.UNAVAILABLE
            return len(vendor.sockets)

    assert asyncio.run(listen()) == 2


def test_a_key_that_is_refused_is_told_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def listen() -> tuple[ProviderError, int]:
        async with SimulatedDeepgram([], status=401) as vendor:
            engine = ears("deepgram.STT", base_url=vendor.listen_url, key_env="THE_KEY")
            with pytest.raises(ProviderError) as raised:
                await along(engine, words)
            return raised.value, vendor.refused

    caplog.set_level(logging.DEBUG)
    error, refused = asyncio.run(listen())
    assert refused == 1
    assert error.kind is BAD_CONFIGURATION
    assert "HTTP 401: the key in THE_KEY is not accepted" in str(error)
    assert "k-e-y" not in caplog.text


def test_words_that_come_too_late_are_not_the_next_stretchs() -> None:
    async def listen() -> tuple[Recognition, int]:
        def by_socket() -> Iterator[str]:
            while True:
                yield "too late" if len(vendor.sockets) == 1 else "in time"

        async with SimulatedDeepgram(by_socket(), late_s=3600) as vendor:
            engine = ears(
                "deepgram.STT", base_url=vendor.listen_url, key_env="THE_KEY", answer_timeout_s="0.15"
            )

            async def late_then_not(stream: SpeechStream) -> Recognition:
                async with asyncio.timeout(PATIENCE_S):
                    while not vendor.sockets:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                with pytest.raises(ProviderError) as raised:
                    await words(stream)
                assert raised.value.kind is ProviderErrorKind.TIMED_OUT
                vendor.late_s = 0.0
                assert isinstance(stream, LiveKitSpeechStream)
                stream._answer_s = PATIENCE_S
                return await words(stream)

            return await along(engine, late_then_not), len(vendor.sockets)

    answer, sockets = asyncio.run(listen())
    assert answer.text == "in time"
    assert sockets == 2


@pytest.mark.usefixtures("_scripted")
@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([("final", "yes", 0.0), 0.02, ("final", "please", 0.0)], "yes please"),
        ([("final", "yes", 0.0), ("interim", "ple", 0.0), 0.2, ("final", "please", 0.0)], "yes please"),
        ([("final", "yes", 0.4), 0.02, ("final", "please", 0.9)], "yes please"),
        ([("interim", "ye", 0.3), 0.02, ("final", "Yes!", 0.9), 0.2, ("final", "no", 1.0)], "yes"),
    ],
)
def test_a_stretch_is_over_when_its_words_are(steps: list[scripted_plugin.Step], text: str) -> None:
    """By their times, or after `settle_s` without anything new; an interim says that more is to come."""
    scripted_plugin.SCRIPT.append(steps)
    assert in_virtual_time(along(ears("scripted.Ears", settle_s="0.1"), words)).text == text


@pytest.mark.usefixtures("_scripted")
def test_words_without_times_do_not_end_a_stretch_however_short() -> None:
    scripted_plugin.SCRIPT.append([("final", "yes", 0.0), 0.02, ("final", "please", 0.0)])
    short = along(ears("scripted.Ears", settle_s="0.1"), lambda stream: words(stream, SPEECH[:1600]))
    assert in_virtual_time(short).text == "yes please"


@pytest.mark.usefixtures("_scripted")
def test_what_was_heard_by_the_time_limit_counts_also_where_it_is_not_final() -> None:
    scripted_plugin.SCRIPT.append([("final", "yes", 0.0), ("interim", "please", 0.0)])
    answer = in_virtual_time(along(ears("scripted.Ears", answer_timeout_s="0.1"), words))
    assert answer == Recognition("yes please", 0.8)


@pytest.mark.usefixtures("_scripted")
def test_a_straggler_of_the_last_stretch_is_known_by_its_time() -> None:
    scripted_plugin.SCRIPT.extend(
        [[("final", "yes", 0.95), 0.02, ("final", "straggler", 0.99)], [("final", "no", 1.95)]]
    )

    async def twice(stream: SpeechStream) -> list[str]:
        return [(await words(stream)).text, (await words(stream)).text]

    assert in_virtual_time(along(ears("scripted.Ears"), twice)) == ["yes", "no"]


@pytest.mark.usefixtures("_scripted")
def test_a_stretch_may_begin_before_the_last_ones_words_are_there() -> None:
    scripted_plugin.SCRIPT.extend(
        [[("final", "one", 0.5), ("interim", "two", 1.5), 0.2, ("final", "two", 1.95)], []]
    )

    async def overlapping(stream: SpeechStream) -> list[str]:
        first = asyncio.create_task(words(stream))
        await asyncio.sleep(0)
        second = asyncio.create_task(words(stream))
        return [(await first).text, (await second).text]

    assert in_virtual_time(along(ears("scripted.Ears", settle_s="0.1"), overlapping)) == ["one", "two"]


@pytest.mark.usefixtures("_scripted")
def test_a_stretch_without_sound_is_no_words_and_costs_no_wait() -> None:
    async def empty(stream: SpeechStream) -> Recognition:
        return await stream.finish(Expectation())

    assert in_virtual_time(along(ears("scripted.Ears", answer_timeout_s=60), empty)) == Recognition("", 0.0)


@pytest.mark.usefixtures("_scripted")
def test_closing_ends_a_finish_under_way_and_pushing_on_does_no_harm() -> None:
    async def cut_short(stream: SpeechStream) -> None:
        finishing = asyncio.create_task(words(stream))
        await asyncio.sleep(0.01)
        await stream.close()
        stream.push(SPEECH)
        await finishing

    with pytest.raises(ProviderError) as raised:
        in_virtual_time(along(ears("scripted.Ears", answer_timeout_s=60), cut_short))
    error = raised.value
    assert error.kind is ProviderErrorKind.UNAVAILABLE


@pytest.mark.usefixtures("_scripted")
def test_a_plugin_that_breaks_at_each_flush_fails_the_stretch_and_not_the_call() -> None:
    scripted_plugin.SCRIPT.extend([[KeyError("x")], [KeyError("x")], [("final", "no", 0.95)]])

    async def broken_then_whole(stream: SpeechStream) -> Recognition:
        with pytest.raises(ProviderError) as raised:
            await words(stream)
        assert "broke (KeyError)" in str(raised.value)
        return await words(stream)

    assert in_virtual_time(along(ears("scripted.Ears"), broken_then_whole)).text == "no"


@pytest.mark.usefixtures("_scripted")
def test_nothing_runs_on_after_closing(caplog: pytest.LogCaptureFixture) -> None:
    scripted_plugin.SCRIPT.extend([[KeyError("x")], [("final", "no", 0.95)]])

    async def listen() -> set[str]:
        before = asyncio.all_tasks()
        await along(ears("scripted.Ears"), words)
        return {str(task) for task in asyncio.all_tasks() - before}

    assert in_virtual_time(listen()) == set()
    assert "never retrieved" not in caplog.text
