"""Deepgram's protocol against a real local socket that speaks it; the vendor itself was not met.

Message names and fields: the vendor's published reference of the listen socket (Results, Metadata, Finalize,
CloseStream, KeepAlive) and of `POST /v1/speak`.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SettlingStream,
    StreamingSpeechToText,
)
from byourside_server.providers.deepgram import DeepgramSpeechToText, DeepgramTextToSpeech, ListenRequest
from byourside_server.providers.deepgram_stream import DeepgramStream, Heard, _Stretch, read_message
from byourside_server.providers.http_voice import Patience
from byourside_server.providers.simulated import ToneTextToSpeech
from byourside_server.providers.vendor_http import Endpoint
from byourside_server.sandbox.clips import silence
from tests.vendors.audio_server import SimulatedAudioServer
from tests.vendors.deepgram_server import FAULTS, SeenSocket, SimulatedDeepgramServer

Result = TypeVar("Result")
Kind = ProviderErrorKind
KEY = "dg-simulated-1234567890"
ONE, TWO, THREE = b"\x91", b"\x92", b"\x93"
# Only the bound of a wait, and how long a vendor is waited for that does not answer.
PATIENCE_S, SHORT_S = 30.0, 0.3
NAMES = {ONE: "One", TWO: "two", THREE: "three."}


def words_in(ulaw: bytes) -> str:
    """Simulated hearing: every run of 100 ms of a "word" of sound is that word."""
    return " ".join(NAMES[ulaw[at : at + 1]] for at in range(0, len(ulaw), 800) if ulaw[at : at + 1] in NAMES)


def until_closed(socket: SeenSocket) -> list[str]:
    """What the vendor was told, once it has read the goodbye: it runs in a thread of its own."""
    until = time.monotonic() + PATIENCE_S
    while "CloseStream" not in socket.messages and time.monotonic() < until:
        time.sleep(0.005)
    return socket.messages


def word(sound: bytes) -> bytes:
    return sound * 800


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatedDeepgramServer]:
    with SimulatedDeepgramServer(key=KEY, hear=words_in, drop_after=1600, late_s=0.1) as server:
        yield server


@pytest.fixture
def vendor(running: SimulatedDeepgramServer) -> SimulatedDeepgramServer:
    """The server as new."""
    running.fault, running.final_every_s, running.hear = None, None, words_in
    running.sockets.clear()
    return running


def endpoint(base_url: str, key: str = KEY) -> Endpoint:
    return Endpoint("deepgram", base_url, "DEEPGRAM_API_KEY", {"Authorization": f"Token {key}"})


def listen(
    vendor: SimulatedDeepgramServer,
    story: Callable[[DeepgramSpeechToText], Awaitable[Result]],
    *,
    key: str = KEY,
    request: ListenRequest | None = None,
) -> Result:
    async def run() -> Result:
        request_ = request or ListenRequest(connect_s=PATIENCE_S, answer_s=PATIENCE_S)
        ears = DeepgramSpeechToText(endpoint(vendor.base_url, key), request_)
        try:
            return await story(ears)
        finally:
            await ears.close()

    return asyncio.run(run())


async def said(stream: DeepgramStream, *sounds: bytes) -> Recognition:
    for sound in sounds:
        stream.push(word(sound))
    return await stream.finish(Expectation())


# the stream


def test_the_socket_is_asked_for_telephone_sound(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> None:
        await ears.open_stream(language="de-DE")

    listen(vendor, story)
    assert vendor.sockets[0].query == {
        "encoding": "mulaw",
        "sample_rate": "8000",
        "channels": "1",
        "model": "nova-3",
        "language": "de-DE",
        "interim_results": "true",
        "punctuate": "true",
    }
    headers = {name.lower(): value for name, value in vendor.sockets[0].headers.items()}
    assert headers["authorization"] == f"Token {KEY}"


def test_one_socket_serves_the_whole_call_turn_by_turn(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> list[Recognition]:
        assert isinstance(ears, StreamingSpeechToText)
        stream = await ears.open_stream()
        return [await said(stream, ONE, TWO), await said(stream, THREE), await said(stream)]

    assert listen(vendor, story) == [
        Recognition("one two", 0.9),
        Recognition("three", 0.9),
        Recognition("", 0.0),
    ]
    (socket,) = vendor.sockets
    assert bytes(socket.sound) == word(ONE) + word(TWO) + word(THREE)
    assert until_closed(socket) == ["Finalize", "Finalize", "CloseStream"]


def test_results_that_came_while_they_spoke_are_put_together(vendor: SimulatedDeepgramServer) -> None:
    vendor.final_every_s = 0.1
    story = lambda_of(ONE, TWO, THREE)
    assert listen(vendor, story) == Recognition("one two three", 0.9)


def lambda_of(*sounds: bytes) -> Callable[[DeepgramSpeechToText], Awaitable[Recognition]]:
    async def story(ears: DeepgramSpeechToText) -> Recognition:
        return await said(await ears.open_stream(), *sounds)

    return story


def test_where_all_is_final_already_nobody_waits_for_an_answer_to_finalize(
    vendor: SimulatedDeepgramServer,
) -> None:
    """The published page on Finalize: with little sound left there may be no answer."""
    vendor.fault = "final_before_finalize"

    async def story(ears: DeepgramSpeechToText) -> Recognition:
        stream = await ears.open_stream()
        async with asyncio.timeout(PATIENCE_S / 2):  # less than the patience of `finish`
            return await said(stream, ONE, TWO)

    assert listen(vendor, story).text == "one two"


async def settled(stream: DeepgramStream) -> list[str]:
    return [guess.text async for guess in stream.settle(Expectation())]


def test_in_a_pause_the_words_so_far_are_asked_for_and_the_stretch_goes_on(
    vendor: SimulatedDeepgramServer,
) -> None:
    async def story(ears: DeepgramSpeechToText) -> tuple[list[str], str, str]:
        stream = await ears.open_stream()
        assert isinstance(stream, SettlingStream)
        stream.push(word(ONE))
        early = await settled(stream)
        whole = await said(stream, TWO, TWO, TWO, TWO)
        return early, whole.text, (await said(stream, THREE)).text

    assert listen(vendor, story) == (["one"], "one two two two two", "three")
    assert until_closed(vendor.sockets[0]) == ["Finalize"] * 3 + ["CloseStream"]


def test_what_was_settled_in_a_pause_is_not_waited_for_again_at_its_end(
    vendor: SimulatedDeepgramServer,
) -> None:
    """The stretch ends 200 ms behind the pause, with nothing but quiet in between."""

    async def story(ears: DeepgramSpeechToText) -> tuple[list[str], str, str]:
        stream = await ears.open_stream()
        stream.push(word(ONE) + word(TWO))
        early = await settled(stream)
        vendor.fault = "no_finalize_answer"
        stream.push(silence(200))
        async with asyncio.timeout(PATIENCE_S / 2):  # less than the patience of `finish`
            whole = await stream.finish(Expectation())
        vendor.fault = None
        return early, whole.text, (await said(stream, THREE)).text

    assert listen(vendor, story) == (["one two"], "one two", "three")


def test_a_pause_that_is_answered_late_does_not_pass_for_the_end_of_the_stretch(
    vendor: SimulatedDeepgramServer,
) -> None:
    vendor.fault = "late_final"

    async def story(ears: DeepgramSpeechToText) -> str:
        stream = await ears.open_stream()
        stream.push(word(ONE))
        settling = asyncio.create_task(settled(stream))
        await asyncio.sleep(0.03)  # the answer takes 0.1 s, and the stretch is over by then
        whole = await said(stream, TWO, TWO, TWO, TWO)
        await settling
        return whole.text

    assert listen(vendor, story) == "one two two two two"
    assert until_closed(vendor.sockets[0]) == ["Finalize"] * 2 + ["CloseStream"]


def test_interim_words_that_reach_the_pause_are_guesses_until_the_final_ones_come(
    vendor: SimulatedDeepgramServer,
) -> None:
    vendor.fault = "only_interim"

    async def story(ears: DeepgramSpeechToText) -> list[str]:
        stream = await ears.open_stream()
        stream.push(word(ONE))
        guesses = stream.settle(Expectation())
        first = await anext(guesses)
        assert not stream._stretches[-1].is_known
        waiting = asyncio.create_task(anext(guesses, Recognition("no more", 0.0)))
        await asyncio.sleep(0.02)
        assert not waiting.done(), "the last word is still to come"
        stream._answer_s = SHORT_S
        finished = await stream.finish(Expectation())
        return [first.text, (await waiting).text, finished.text]

    assert listen(vendor, story) == ["one", "no more", "one"]


@pytest.mark.parametrize(("missing_ms", "is_guessed"), [(0, True), (64, True), (140, True), (150, False)])
def test_of_a_guess_the_quiet_of_the_pause_may_be_missing_and_what_is_shorter_than_a_word(
    missing_ms: int, is_guessed: bool
) -> None:
    """A pause is told behind 64 ms of quiet; an interim result that ends before those ends with the voice.

    Final words are those of the whole stretch, and stay wanted.
    """
    stretch = _Stretch(bytearray(word(ONE)), begins=16_000)
    stretch.paused_at = len(stretch.audio)
    end = 16_000 + stretch.paused_at - missing_ms * 8
    stretch.take(Heard(16_000, end, "one", 0.9, is_final=False, from_finalize=False))
    assert (stretch.is_guessed, stretch.is_known) == (is_guessed, False)


def test_a_stream_in_which_nothing_was_said_settles_nothing(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> list[str]:
        return await settled(await ears.open_stream())

    assert listen(vendor, story) == []


def test_a_socket_lost_in_a_pause_is_opened_anew_and_asked_again(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "socket_dropped"

    async def story(ears: DeepgramSpeechToText) -> list[str]:
        stream = await ears.open_stream()
        stream.push(word(ONE) + word(TWO))
        return await settled(stream)

    assert listen(vendor, story) == ["one two"]
    assert len(vendor.sockets) == 2


def test_a_click_is_no_words_and_is_not_waited_for(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "no_finalize_answer"

    async def story(ears: DeepgramSpeechToText) -> tuple[Recognition, str]:
        stream = await ears.open_stream()
        stream.push(ONE * 400)
        click = await stream.finish(Expectation())
        vendor.fault = None
        return click, (await said(stream, TWO)).text

    assert listen(vendor, story) == (Recognition("", 0.0), "two")


def test_silence_is_no_words_and_no_error(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> Recognition:
        stream = await ears.open_stream()
        stream.push(silence(500))
        return await stream.finish(Expectation())

    assert listen(vendor, story) == Recognition("", 0.0)


def test_a_result_that_comes_too_late_is_not_the_next_turns(vendor: SimulatedDeepgramServer) -> None:
    given_up = threading.Event()

    def slowly(ulaw: bytes) -> str:
        given_up.wait(PATIENCE_S)
        return words_in(ulaw)

    vendor.hear = slowly

    async def story(ears: DeepgramSpeechToText) -> tuple[Kind, str]:
        stream = await ears.open_stream()
        stream._answer_s = SHORT_S
        with pytest.raises(ProviderError) as caught:
            await said(stream, ONE)
        given_up.set()
        stream._answer_s = PATIENCE_S
        return caught.value.kind, (await said(stream, TWO)).text

    assert listen(vendor, story) == (Kind.TIMED_OUT, "two")


def test_a_turn_that_is_taken_back_leaves_nothing_behind(vendor: SimulatedDeepgramServer) -> None:
    """The contact goes on speaking: `finish` is cancelled, and the next one hears only what came since."""
    vendor.fault = "late_final"

    async def story(ears: DeepgramSpeechToText) -> str:
        stream = await ears.open_stream()
        stream.push(word(ONE))
        finishing = asyncio.create_task(stream.finish(Expectation()))
        await asyncio.sleep(0.01)
        finishing.cancel()
        await asyncio.gather(finishing, return_exceptions=True)
        return (await said(stream, TWO, THREE)).text

    assert listen(vendor, story) == "two three"


def test_sound_pushed_while_words_are_awaited_is_the_next_turns(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> list[str]:
        stream = await ears.open_stream()
        stream.push(word(ONE))
        first = asyncio.create_task(stream.finish(Expectation()))
        await asyncio.sleep(0)
        stream.push(word(TWO))
        return [(await first).text, (await said(stream, THREE)).text]

    assert listen(vendor, story) == ["one", "two three"]


def test_interim_words_are_better_than_none(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "only_interim"

    async def story(ears: DeepgramSpeechToText) -> Recognition:
        stream = await ears.open_stream()
        stretch = stream._stretches[-1]
        stream.push(word(ONE) + word(TWO))
        async with asyncio.timeout(PATIENCE_S):
            while not stretch.heard:
                await stretch.changed.wait()
        stream._answer_s = SHORT_S
        return await stream.finish(Expectation())

    assert listen(vendor, story) == Recognition("one two", 0.9)


def test_a_lost_socket_is_opened_again_and_the_turn_said_again(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "socket_dropped"

    async def story(ears: DeepgramSpeechToText) -> list[str]:
        stream = await ears.open_stream()
        return [(await said(stream, ONE, TWO, THREE)).text, (await said(stream, THREE)).text]

    assert listen(vendor, story) == ["one two three", "three"]
    assert len(vendor.sockets) == 2
    assert bytes(vendor.sockets[1].sound) == b"".join(map(word, (ONE, TWO, THREE, THREE)))


def test_a_turn_is_carried_over_one_loss_and_not_over_two(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "socket_dropped_always"

    async def story(ears: DeepgramSpeechToText) -> tuple[Kind, str]:
        stream = await ears.open_stream()
        with pytest.raises(ProviderError) as caught:
            await said(stream, ONE, TWO, THREE)
        lost = len(vendor.sockets)
        vendor.fault = None
        return caught.value.kind, (await said(stream, TWO)).text + f" after {lost}"

    assert listen(vendor, story) == (Kind.UNAVAILABLE, "two after 2")


def test_where_no_new_socket_can_be_had_the_reason_is_told(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "socket_dropped"

    async def story(ears: DeepgramSpeechToText) -> ProviderError:
        stream = await ears.open_stream()
        vendor.fault = "socket_dropped_always"
        stream.push(word(ONE))
        await asyncio.sleep(0.02)
        vendor.fault = "server_error"
        vendor.sockets[0].sound.clear()
        stream._socket.transport.abort()  # type: ignore[union-attr]
        with pytest.raises(ProviderError) as caught:
            await said(stream, TWO)
        return caught.value

    error = listen(vendor, story)
    assert error.kind is Kind.UNAVAILABLE
    assert "HTTP 500" in str(error)


def test_a_quiet_line_is_kept_alive(vendor: SimulatedDeepgramServer) -> None:
    """The vendor hangs up after 10 s without sound or KeepAlive."""

    async def story(ears: DeepgramSpeechToText) -> bool:
        stream = DeepgramStream(
            lambda: ears._connect("en-US", Expectation()), answer_s=0.2, keep_alive_s=0.02
        )
        await stream.open()
        alive = await asyncio.to_thread(vendor.keep_alive.wait, PATIENCE_S)
        await stream.close()
        return alive

    vendor.keep_alive.clear()
    assert listen(vendor, story)


STREAM_FAULTS: dict[str, tuple[Kind, str]] = {
    "no_finalize_answer": (Kind.TIMED_OUT, f"no words in {SHORT_S:g} s"),
    "garbage_message": (Kind.BAD_ANSWER, "no result"),
    "error_message": (Kind.UNAVAILABLE, "gave up"),
    "socket_dropped_always": (Kind.UNAVAILABLE, "cut off"),
}
HANDSHAKE_FAULTS: dict[str, tuple[Kind, str]] = {
    "unauthorized": (Kind.BAD_CONFIGURATION, "DEEPGRAM_API_KEY"),
    "rate_limited": (Kind.RATE_LIMITED, "HTTP 429"),
    "server_error": (Kind.UNAVAILABLE, "HTTP 500"),
    "bad_request": (Kind.BAD_INPUT, "HTTP 400"),
    "hang": (Kind.TIMED_OUT, "too slow"),
}


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_stream_that_fails_says_how_and_hears_the_next_turn(
    vendor: SimulatedDeepgramServer, fault: str
) -> None:
    vendor.fault = fault

    async def story(ears: DeepgramSpeechToText) -> tuple[ProviderError, str]:
        stream = await ears.open_stream()
        if kind is Kind.TIMED_OUT:
            stream._answer_s = SHORT_S
        with pytest.raises(ProviderError) as caught:
            await said(stream, ONE, TWO)
        vendor.fault, stream._answer_s = None, PATIENCE_S
        return caught.value, (await said(stream, THREE)).text

    kind, named = STREAM_FAULTS[fault]
    error, next_words = listen(vendor, story)
    assert error.kind is kind
    assert named in str(error)
    assert next_words.endswith("three")


@pytest.mark.parametrize("fault", HANDSHAKE_FAULTS)
@pytest.mark.parametrize("way", ["stream", "whole"])
def test_a_door_that_does_not_open_says_why(vendor: SimulatedDeepgramServer, fault: str, way: str) -> None:
    vendor.fault = fault

    async def story(ears: DeepgramSpeechToText) -> None:
        if way == "stream":
            await ears.open_stream()
        else:
            await ears.transcribe(word(ONE), Expectation())

    kind, named = HANDSHAKE_FAULTS[fault]
    brief = ListenRequest(connect_s=SHORT_S, answer_s=SHORT_S) if kind is Kind.TIMED_OUT else None
    with pytest.raises(ProviderError) as caught:
        listen(vendor, story, request=brief)
    assert caught.value.kind is kind
    assert named in str(caught.value)
    assert KEY not in repr(caught.value)
    assert caught.value.retry_after_s == (7.0 if fault == "rate_limited" else None)


def test_every_fault_of_the_server_is_tried() -> None:
    borne = {"late_final", "socket_dropped", "final_before_finalize", "only_interim"}
    assert {*STREAM_FAULTS, *HANDSHAKE_FAULTS, *borne} == set(FAULTS)


def test_a_closed_stream_takes_sound_in_silence_and_gives_no_words(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> Kind:
        stream = await ears.open_stream()
        await stream.close()
        await stream.close()
        stream.push(word(ONE))
        with pytest.raises(ProviderError) as caught:
            await stream.finish(Expectation())
        return caught.value.kind

    assert listen(vendor, story) is Kind.UNAVAILABLE


def test_closing_in_the_middle_of_a_turn_ends_the_wait(vendor: SimulatedDeepgramServer) -> None:
    vendor.fault = "no_finalize_answer"

    async def story(ears: DeepgramSpeechToText) -> Kind:
        stream = await ears.open_stream()
        stream.push(word(ONE))
        finishing = asyncio.create_task(stream.finish(Expectation()))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(PATIENCE_S):
            await stream.close()
            with pytest.raises(ProviderError) as caught:
                await finishing
        return caught.value.kind

    request = ListenRequest(connect_s=PATIENCE_S, answer_s=2 * PATIENCE_S)
    assert listen(vendor, story, request=request) is Kind.UNAVAILABLE


def test_the_key_is_in_no_log(vendor: SimulatedDeepgramServer, caplog: pytest.LogCaptureFixture) -> None:
    """The socket library logs its headers at the debug level."""
    with caplog.at_level(logging.DEBUG):
        listen(vendor, lambda_of(ONE))
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert ours
    assert KEY not in "".join(ours)


# a whole turn


def test_a_whole_turn_is_heard_with_its_hints(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> Recognition:
        expect = Expectation(phrases=("Voxplo",))
        return await ears.transcribe(word(ONE) + word(TWO), expect, language="en-GB")

    assert listen(vendor, story) == Recognition("one two", 0.9)
    (socket,) = vendor.sockets
    assert socket.query["keyterm"] == "Voxplo"
    assert socket.query["language"] == "en-GB"
    assert until_closed(socket) == ["CloseStream"]


def test_older_models_are_not_told_words_they_refuse(vendor: SimulatedDeepgramServer) -> None:
    async def story(ears: DeepgramSpeechToText) -> Recognition:
        return await ears.transcribe(word(ONE), Expectation(phrases=("Voxplo",)))

    listen(vendor, story, request=ListenRequest(model="nova-2", language="multi", numerals=True))
    assert "keyterm" not in vendor.sockets[0].query
    assert vendor.sockets[0].query["language"] == "multi"
    assert vendor.sockets[0].query["numerals"] == "true"


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_whole_turn_that_fails_says_how(vendor: SimulatedDeepgramServer, fault: str) -> None:
    vendor.fault = fault

    async def story(ears: DeepgramSpeechToText) -> Recognition:
        return await ears.transcribe(word(ONE) * 4, Expectation())

    with pytest.raises(ProviderError) as caught:
        listen(vendor, story, request=ListenRequest(answer_s=0.5))
    assert caught.value.kind is STREAM_FAULTS[fault][0]


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        "[]",
        "{}",
        '{"type": "Results"}',
        '{"type": "Results", "channel": {"alternatives": []}, "start": 0, "duration": 1}',
        '{"type": "Results", "channel": {"alternatives": [{"transcript": "a"}]}, "start": "x"}',
    ],
)
def test_a_malformed_message_is_a_bad_answer(message: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_message(message)
    assert caught.value.kind is Kind.BAD_ANSWER


@pytest.mark.parametrize("kind", ["Metadata", "SpeechStarted", "UtteranceEnd", "Warning"])
def test_other_messages_are_passed_over(kind: str) -> None:
    assert read_message(json.dumps({"type": kind})) is None


# the voice


@pytest.fixture(scope="module")
def speaker() -> Iterator[SimulatedAudioServer]:
    with SimulatedAudioServer(key=KEY) as server:
        yield server


def speak(
    speaker: SimulatedAudioServer, text: str, *, model: str = "aura-2-thalia-en", language: str
) -> bytes:
    async def run() -> bytes:
        voice = DeepgramTextToSpeech(endpoint(speaker.base_url), model, Patience(first_audio_s=1.0))
        try:
            return await voice.synthesize(text, language=language)
        finally:
            await voice.close()

    return asyncio.run(run())


def test_the_voice_comes_as_telephone_sound(speaker: SimulatedAudioServer) -> None:
    speaker.requests.clear()
    sound = speak(speaker, "Good morning.", language="en-GB")
    assert len(sound) == len(asyncio.run(ToneTextToSpeech().synthesize("Good morning.")))
    (seen,) = speaker.requests
    assert seen.path == "/v1/speak"
    assert seen.query == {
        "model": "aura-2-thalia-en",
        "encoding": "mulaw",
        "sample_rate": "8000",
        "container": "none",
    }
    assert seen.fields == {"text": "Good morning."}
    assert seen.headers["authorization"] == f"Token {KEY}"


def test_a_voice_refuses_a_language_that_is_not_its_own(speaker: SimulatedAudioServer) -> None:
    with pytest.raises(ProviderError, match=r"aura-2-thalia-en.*de-DE") as caught:
        speak(speaker, "Guten Tag.", language="de-DE")
    assert caught.value.kind is Kind.BAD_INPUT
    assert speak(speaker, "Guten Tag.", model="aura-2-viktoria-de", language="de-DE")


def test_more_than_the_vendor_takes_at_once_is_refused(speaker: SimulatedAudioServer) -> None:
    with pytest.raises(ProviderError, match="2000") as caught:
        speak(speaker, "a" * 2001, language="en-US")
    assert caught.value.kind is Kind.BAD_INPUT
