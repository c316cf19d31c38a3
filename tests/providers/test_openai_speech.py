"""OpenAI's speech protocol against a real local server that speaks it; the vendor itself was not met."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import pytest

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.http_voice import Patience
from byourside_server.providers.openai_speech import (
    UNPROVEN_CONFIDENCE,
    OpenAiSpeechToText,
    OpenAiTextToSpeech,
    SpeechRequest,
    TranscriptionRequest,
)
from byourside_server.providers.simulated import ToneTextToSpeech
from byourside_server.providers.telephone_band import decode_ulaw
from byourside_server.providers.vendor_http import Endpoint
from byourside_server.sandbox.clips import load_clip, silence
from tests.vendors.audio_server import FAULTS, SimulatedAudioServer

Result = TypeVar("Result")
Kind = ProviderErrorKind
KEY = "sk-simulated-1234567890"
# A machine that is busy with something else is no vendor that is too slow.
PATIENCE_S = 30.0
PATIENCE = Patience(connect_s=PATIENCE_S, first_audio_s=PATIENCE_S, gap_s=PATIENCE_S)
# Where a vendor is too slow, or the listener is.
SHORT_S = 1.0
TEXT = "Hello, this is an automated assistant."


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatedAudioServer]:
    with SimulatedAudioServer(key=KEY) as server:
        yield server


@pytest.fixture
def vendor(running: SimulatedAudioServer) -> SimulatedAudioServer:
    """The server as new."""
    running.fault, running.faults, running.slow_s = None, [], 0.05
    running.hear, running.confidence, running.no_speech_probability = (lambda _: "Yes, it is."), 0.9, 0.0
    running.transcription = None
    running.requests.clear()
    return running


def endpoint(vendor: SimulatedAudioServer, key: str = KEY) -> Endpoint:
    return Endpoint("openai", vendor.base_url, "OPENAI_API_KEY", {"Authorization": f"Bearer {key}"})


def speak(
    vendor: SimulatedAudioServer,
    story: Callable[[OpenAiTextToSpeech], Awaitable[Result]],
    *,
    request: SpeechRequest | None = None,
    patience: Patience = PATIENCE,
    key: str = KEY,
) -> Result:
    async def run() -> Result:
        voice = OpenAiTextToSpeech(
            endpoint(vendor, key), request or SpeechRequest("tts-1", "alloy"), patience
        )
        try:
            return await story(voice)
        finally:
            await voice.close()

    return asyncio.run(run())


def hear(
    vendor: SimulatedAudioServer,
    ulaw: bytes,
    expect: Expectation | None = None,
    *,
    model: str = "whisper-1",
    language: str = "en-US",
    rate_hz: int = 16000,
    answer_s: float = PATIENCE_S,
) -> Recognition:
    async def run() -> Recognition:
        request = TranscriptionRequest(model, rate_hz, answer_s=answer_s)
        ears = OpenAiSpeechToText(endpoint(vendor), request)
        try:
            return await ears.transcribe(ulaw, expect or Expectation(), language=language)
        finally:
            await ears.close()

    return asyncio.run(run())


async def pieces_of(voice: OpenAiTextToSpeech) -> list[bytes]:
    return [piece async for piece in voice.stream(TEXT)]


# the voice


def test_the_request_is_the_published_one(vendor: SimulatedAudioServer) -> None:
    request = SpeechRequest("gpt-4o-mini-tts", "nova", speed=1.1, instructions="Calm.")
    speak(vendor, pieces_of, request=request)
    (seen,) = vendor.requests
    assert seen.path == "/v1/audio/speech"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.fields == {
        "model": "gpt-4o-mini-tts",
        "voice": "nova",
        "input": TEXT,
        "response_format": "pcm",
        "speed": 1.1,
        "instructions": "Calm.",
    }


def test_what_is_not_set_is_not_sent(vendor: SimulatedAudioServer) -> None:
    speak(vendor, pieces_of)
    assert set(vendor.requests[0].fields) == {"model", "voice", "input", "response_format"}


@pytest.mark.parametrize("format", ["pcm", "wav"])
def test_the_sound_is_the_vendors_at_telephone_rate(vendor: SimulatedAudioServer, format: str) -> None:
    """The simulated voice says tones that were 8 kHz to begin with: what arrives must be close to them."""
    pieces = speak(vendor, pieces_of, request=SpeechRequest("tts-1", "alloy", format))
    original = asyncio.run(ToneTextToSpeech().synthesize(TEXT))
    heard, said = decode_ulaw(b"".join(pieces)), decode_ulaw(original)
    assert abs(len(heard) - len(said)) <= 1
    length = min(len(heard), len(said))
    assert abs(heard[:length] - said[:length]).std() < 0.02 * said.std() + 0.005
    assert len(pieces) > 3


def test_the_first_piece_is_there_before_the_last_was_made(vendor: SimulatedAudioServer) -> None:
    async def story(voice: OpenAiTextToSpeech) -> bytes:
        async for piece in voice.stream(TEXT):
            return piece
        return b""

    vendor.fault = "stall_midway"
    assert len(speak(vendor, story)) >= 320


def test_a_sentence_said_lately_is_not_bought_again(vendor: SimulatedAudioServer) -> None:
    async def story(voice: OpenAiTextToSpeech) -> tuple[bytes, list[bytes]]:
        return await voice.synthesize(TEXT), await pieces_of(voice)

    prepared, streamed = speak(vendor, story)
    assert streamed == [prepared]
    assert len(vendor.requests) == 1


def test_what_broke_off_is_not_remembered(vendor: SimulatedAudioServer) -> None:
    async def story(voice: OpenAiTextToSpeech) -> tuple[int, int]:
        with pytest.raises(ProviderError):
            await voice.synthesize(TEXT)
        return len(await voice.synthesize(TEXT)), len(await voice.synthesize(TEXT))

    vendor.faults = ["cut_off_midway"]
    first, second = speak(vendor, story)
    assert first == second == 6 * 320 * 8
    assert len(vendor.requests) == 2


def test_what_nobody_listened_to_the_end_is_not_remembered(vendor: SimulatedAudioServer) -> None:
    async def story(voice: OpenAiTextToSpeech) -> int:
        stream = voice.stream(TEXT)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return len(await voice.synthesize(TEXT))

    assert speak(vendor, story) == 6 * 320 * 8


def test_a_connection_serves_the_next_sentence(vendor: SimulatedAudioServer) -> None:
    async def story(voice: OpenAiTextToSpeech) -> None:
        for text in ("One.", "Two.", "Three."):
            await voice.synthesize(text)

    before = vendor.connections
    speak(vendor, story)
    assert vendor.connections - before == 1


@pytest.mark.parametrize("way", ["cancelled", "left"])
def test_a_voice_that_is_interrupted_hangs_up_on_the_vendor(vendor: SimulatedAudioServer, way: str) -> None:
    """What is not said need not be made: the connection is closed in the middle of the answer."""

    async def story(voice: OpenAiTextToSpeech) -> bool:
        stream = voice.stream(TEXT)
        await anext(stream)
        if way == "left":
            await stream.aclose()  # type: ignore[attr-defined]
        else:
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return await asyncio.to_thread(vendor.hung_up.wait, PATIENCE_S)

    vendor.hung_up.clear()
    vendor.chunk_pause_s = 0.5
    try:
        assert speak(vendor, story)
    finally:
        vendor.chunk_pause_s = 0.0


VOICE_FAULTS: dict[str, tuple[Kind, str]] = {
    "hang": (Kind.TIMED_OUT, "too slow"),
    "stall_midway": (Kind.TIMED_OUT, "too slow"),
    "cut_off_midway": (Kind.UNAVAILABLE, "the connection to 127.0.0.1:"),
    "server_error": (Kind.UNAVAILABLE, "HTTP 500"),
    "rate_limited": (Kind.RATE_LIMITED, "HTTP 429"),
    "quota_used_up": (Kind.BAD_CONFIGURATION, "insufficient_quota"),
    "unauthorized": (Kind.BAD_CONFIGURATION, "OPENAI_API_KEY"),
    "bad_request": (Kind.BAD_INPUT, "HTTP 400"),
    "no_such_model": (Kind.BAD_CONFIGURATION, "check model and base_url"),
    "moved": (Kind.BAD_CONFIGURATION, "check model and base_url"),
    "garbage_audio": (Kind.BAD_ANSWER, "noise"),
    "mp3_audio": (Kind.BAD_ANSWER, "MP3"),
    "wrong_content_type": (Kind.BAD_ANSWER, "application/json"),
    "empty_answer": (Kind.BAD_ANSWER, "made no sound"),
    "broken_body": (Kind.BAD_ANSWER, "ends in its head"),
}


@pytest.mark.parametrize("fault", VOICE_FAULTS)
def test_a_voice_that_fails_says_how_and_is_well_again_afterwards(
    vendor: SimulatedAudioServer, fault: str
) -> None:
    async def story(voice: OpenAiTextToSpeech) -> ProviderError:
        vendor.faults = [fault]
        if VOICE_FAULTS[fault][0] is Kind.TIMED_OUT:
            voice._patience = replace(PATIENCE, first_audio_s=SHORT_S, gap_s=SHORT_S)
        with pytest.raises(ProviderError) as caught:
            await voice.synthesize(TEXT)
        voice._patience = PATIENCE
        assert len(await voice.synthesize(TEXT)) == 6 * 320 * 8
        return caught.value

    error = speak(vendor, story)
    kind, named = VOICE_FAULTS[fault]
    assert error.kind is kind
    assert named in str(error)
    assert KEY not in repr(error)
    assert "Hello" not in str(error)
    assert error.retry_after_s == (7.0 if "429" in str(error) else None)


@pytest.mark.parametrize("fault", ["wav_for_pcm", "odd_chunking", "slow_first_audio"])
def test_oddities_of_servers_are_borne(vendor: SimulatedAudioServer, fault: str) -> None:
    expected = speak(vendor, pieces_of)
    vendor.fault = fault
    assert b"".join(speak(vendor, pieces_of)) == b"".join(expected)


def test_every_fault_of_the_server_is_tried_on_one_side_or_the_other() -> None:
    borne = {"wav_for_pcm", "odd_chunking", "slow_first_audio"}
    assert {*VOICE_FAULTS, *EARS_FAULTS, *borne} == set(FAULTS)


def test_the_gap_is_not_measured_while_the_listener_takes_his_time(vendor: SimulatedAudioServer) -> None:
    """A line takes pieces as it plays them: the vendor's patience is not the line's."""

    async def story(voice: OpenAiTextToSpeech) -> int:
        length = 0
        async for piece in voice.stream(TEXT):
            if not length:
                await asyncio.sleep(1.5 * SHORT_S)
            length += len(piece)
        return length

    assert speak(vendor, story, patience=replace(PATIENCE, gap_s=SHORT_S)) == 6 * 320 * 8


def test_a_server_that_is_not_there_is_unavailable() -> None:
    async def story() -> None:
        nowhere = Endpoint("compatible", "http://127.0.0.1:9/v1", "key_env")
        voice = OpenAiTextToSpeech(nowhere, SpeechRequest("m", "v"), PATIENCE)
        try:
            await voice.synthesize(TEXT)
        finally:
            await voice.close()

    with pytest.raises(ProviderError, match="ConnectError") as caught:
        asyncio.run(story())
    assert caught.value.kind is Kind.UNAVAILABLE


# the ears


def test_the_transcription_request_is_the_published_one(vendor: SimulatedAudioServer) -> None:
    ulaw = load_clip("yes_works").ulaw
    hear(vendor, ulaw, Expectation(phrases=("Voxplo", "By Your Side")), language="de-DE")
    (seen,) = vendor.requests
    assert seen.path == "/v1/audio/transcriptions"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.fields == {
        "model": "whisper-1",
        "language": "de",
        "response_format": "verbose_json",
        "prompt": "Voxplo, By Your Side",
    }
    assert seen.file_rate_hz == 16000


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_the_vendor_gets_the_very_sound(vendor: SimulatedAudioServer, rate_hz: int) -> None:
    ulaw = load_clip("yes_works").ulaw
    hear(vendor, ulaw, rate_hz=rate_hz)
    sent, given = decode_ulaw(vendor.requests[0].ulaw), decode_ulaw(ulaw)
    assert vendor.requests[0].file_rate_hz == rate_hz
    assert len(sent) == len(given)
    assert abs(sent - given).std() < 0.05 * given.std()


@pytest.mark.parametrize(
    ("model", "answer_format", "include"),
    [
        ("gpt-4o-mini-transcribe", "json", "logprobs"),
        ("whisper-large-v3-turbo", "verbose_json", None),
        ("gpt-4o-transcribe-diarize", "json", None),
        ("Systran/faster-distil", "json", None),
    ],
)
def test_each_model_is_asked_for_what_it_can_give(
    vendor: SimulatedAudioServer, model: str, answer_format: str, include: str | None
) -> None:
    hear(vendor, silence(500), model=model)
    assert vendor.requests[0].fields["response_format"] == answer_format
    assert vendor.requests[0].fields.get("include[]") == include


@pytest.mark.parametrize(
    ("model", "confidence"),
    [("gpt-4o-transcribe", 0.7), ("whisper-1", 0.7), ("other", UNPROVEN_CONFIDENCE)],
)
def test_confidence_is_the_vendors_own_where_it_tells_one(
    vendor: SimulatedAudioServer, model: str, confidence: float
) -> None:
    vendor.confidence = 0.7
    heard = hear(vendor, silence(500), model=model)
    assert heard.text == "yes it is"
    assert heard.confidence == pytest.approx(confidence)


def test_words_made_up_over_silence_are_not_believed(vendor: SimulatedAudioServer) -> None:
    """whisper's own account of a segment: probably no speech, and a mean log-probability below -1."""
    vendor.hear = lambda _: "Thank you for watching."
    vendor.confidence, vendor.no_speech_probability = math.exp(-1.2), 0.9
    assert hear(vendor, silence(1000)) == Recognition("", 0.0)
    vendor.no_speech_probability = 0.1
    assert hear(vendor, silence(1000)).text == "thank you for watching"


def test_less_sound_than_any_word_is_not_sent(vendor: SimulatedAudioServer) -> None:
    assert hear(vendor, silence(90)) == Recognition("", 0.0)
    assert vendor.requests == []


EARS_FAULTS: dict[str, tuple[Kind, str]] = {
    "hang": (Kind.TIMED_OUT, "too slow"),
    "server_error": (Kind.UNAVAILABLE, "HTTP 500"),
    "rate_limited": (Kind.RATE_LIMITED, "HTTP 429"),
    "unauthorized": (Kind.BAD_CONFIGURATION, "OPENAI_API_KEY"),
    "bad_request": (Kind.BAD_INPUT, "HTTP 400"),
    "no_such_model": (Kind.BAD_CONFIGURATION, "check model"),
    "wrong_content_type": (Kind.BAD_ANSWER, "no JSON"),
    "empty_answer": (Kind.BAD_ANSWER, "no JSON"),
    "broken_body": (Kind.BAD_ANSWER, "no JSON"),
    "no_text": (Kind.BAD_ANSWER, "without a text"),
}


@pytest.mark.parametrize("fault", EARS_FAULTS)
def test_ears_that_fail_say_how(vendor: SimulatedAudioServer, fault: str) -> None:
    vendor.fault = fault
    kind, named = EARS_FAULTS[fault]
    with pytest.raises(ProviderError) as caught:
        hear(vendor, silence(500), answer_s=SHORT_S if kind is Kind.TIMED_OUT else PATIENCE_S)
    assert caught.value.kind is kind
    assert named in str(caught.value)
    assert KEY not in repr(caught.value)


@pytest.mark.parametrize(
    ("body", "text", "confidence"),
    [
        (b'{"text": "Yes.", "segments": "none"}', "yes", UNPROVEN_CONFIDENCE),
        (b'{"text": "Yes.", "segments": [null, {"text": 5}]}', "yes", UNPROVEN_CONFIDENCE),
        (b'{"text": "Yes.", "logprobs": [{"logprob": NaN}, {"logprob": "x"}]}', "yes", UNPROVEN_CONFIDENCE),
        (b'{"text": "Yes.", "logprobs": [{"logprob": 3}]}', "yes", 1.0),
        (b'{"text": ""}', "", 0.0),
    ],
)
def test_extras_that_are_malformed_do_not_cost_the_words(
    vendor: SimulatedAudioServer, body: bytes, text: str, confidence: float
) -> None:
    vendor.transcription = body
    assert hear(vendor, silence(500)) == Recognition(text, confidence)
