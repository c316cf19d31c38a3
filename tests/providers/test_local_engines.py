"""Engines on this machine. Their packages and weights are no part of the server.

What an operator is told where one is missing is tested everywhere. Where the real packages are installed
(piper-tts, kokoro-onnx, faster-whisper) they run with simulated weights that hum and babble; real weights
were never used. The scripted engine is a real process running tests/providers/scripted_engine.py.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.faster_whisper import WhisperSpeechToText, open_faster_whisper
from byourside_server.providers.kokoro import open_kokoro
from byourside_server.providers.local_engine import LocalEngine
from byourside_server.providers.local_voice import PAUSE, LocalTextToSpeech, sentences
from byourside_server.providers.piper import open_piper
from byourside_server.providers.specification import Options, Specification
from byourside_server.providers.telephone_band import decode_ulaw, encode_ulaw, speech_level_dbfs
from byourside_server.providers.whisper_message import Heard, read_asked, read_heard, write_asked, write_heard
from byourside_server.providers.whisper_worker import heard_in
from tests.providers import tiny_weights

Result = TypeVar("Result")
Opener = Callable[[Options, dict[str, str]], object]
HERE = Path(__file__).parent
BAD_CONFIGURATION, BAD_INPUT = ProviderErrorKind.BAD_CONFIGURATION, ProviderErrorKind.BAD_INPUT
TONE = encode_ulaw(0.2 * np.sin(np.arange(8000) * 0.4))
OPENERS: dict[str, Opener] = {
    "piper": open_piper,
    "kokoro": open_kokoro,
    "faster-whisper": open_faster_whisper,
}


def options(name: str, **given: object) -> Options:
    return Options(Specification(name, {key: str(value) for key, value in given.items()}))


def refusal(name: str, **given: object) -> str:
    with pytest.raises(ProviderError) as raised:
        OPENERS[name](options(name, **given), {})
    assert raised.value.kind is BAD_CONFIGURATION
    return str(raised.value)


async def _pieces(voice: LocalTextToSpeech, text: str, language: str) -> list[bytes]:
    try:
        return [piece async for piece in voice.stream(text, language=language)]
    finally:
        await voice.close()


def pieces_of(voice: LocalTextToSpeech, text: str, language: str = "en-US") -> list[bytes]:
    return asyncio.run(_pieces(voice, text, language))


def heard_by(ears: WhisperSpeechToText, ulaw: bytes, language: str = "en-US") -> Recognition:
    async def listen() -> Recognition:
        try:
            return await ears.transcribe(ulaw, Expectation(phrases=("ba de",)), language=language)
        finally:
            await ears.close()

    return asyncio.run(listen())


def failure(work: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        work()
    return raised.value


# --- what an operator is told ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("piper", "piper-tts", "piper"),
        ("kokoro", "kokoro-onnx", "kokoro"),
        ("faster-whisper", "faster-whisper", "whisper"),
    ],
)
def test_an_engine_without_its_package_says_what_to_install(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    told = refusal(name)
    assert package in told
    assert f"pip install 'byourside-server[{extra}]'" in told


@pytest.fixture
def _packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every package were installed: nothing here loads one."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())


@pytest.mark.usefixtures("_packages")
@pytest.mark.parametrize(
    ("name", "option", "what"),
    [("piper", "voice", "piper-voices"), ("kokoro", "model", "kokoro-v1.0.onnx")],
)
def test_an_engine_without_weights_says_what_to_fetch_and_which_option_names_it(
    name: str, option: str, what: str, tmp_path: Path
) -> None:
    told = refusal(name)
    assert f"option {option!r}" in told
    assert what in told
    told = refusal(name, **{option: tmp_path / "absent"})
    assert "no file" in told
    assert str(tmp_path / "absent") in told
    assert what in told


@pytest.mark.usefixtures("_packages")
def test_a_piper_voice_without_its_description_is_refused_by_name(tmp_path: Path) -> None:
    voice = tmp_path / "voice.onnx"
    voice.touch()
    assert f"{voice}.json" in refusal("piper", voice=voice)
    Path(f"{voice}.json").write_text("[]")
    assert "describes no voice" in refusal("piper", voice=voice)


@pytest.mark.usefixtures("_packages")
def test_a_kokoro_voice_of_an_unknown_language_needs_that_option(tmp_path: Path) -> None:
    """Japanese voices begin with j: the package pronounces no Japanese."""
    weights = tmp_path / "weights"
    weights.touch()
    assert "'language'" in refusal("kokoro", model=weights, voices=weights, voice="jf_alpha")


@pytest.mark.usefixtures("_packages")
@pytest.mark.parametrize(("name", "given"), [("faster-whisper", {"device": "tpu"})])
def test_a_choice_that_is_none_is_refused(name: str, given: dict[str, str]) -> None:
    assert "must be one of cpu, cuda, auto" in refusal(name, **given)


# --- sentences ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you?  Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("It costs 3.50 at J. Smith's.", ["It costs 3.50 at J. Smith's."]),
        ("Well…   ... no", ["Well…", "... no"]),
        ("What?! No.", ["What?!", "No."]),
        (" - ", []),
    ],
)
def test_a_text_is_said_sentence_by_sentence(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


# --- the worker process ------------------------------------------------------------------------------------


@pytest.fixture
def _scripted_engine_can_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))


def scripted_voice(language: str = "en-us", **settings: str) -> LocalTextToSpeech:
    return LocalTextToSpeech("scripted", LocalEngine("scripted", "scripted_engine", settings), language)


@pytest.mark.usefixtures("_scripted_engine_can_be_found")
def test_each_sentence_is_a_piece_and_between_two_there_is_a_pause() -> None:
    assert pieces_of(scripted_voice(), "Hi there. Bye now.") == [b"\x55" * 9, PAUSE + b"\x55" * 8]


@pytest.mark.usefixtures("_scripted_engine_can_be_found")
def test_what_was_said_lately_is_not_made_again() -> None:
    async def twice() -> tuple[list[bytes], list[bytes]]:
        voice = scripted_voice()
        try:
            first = [piece async for piece in voice.stream("Hi there. Bye now.")]
            return first, [piece async for piece in voice.stream("Hi there. Bye now.")]
        finally:
            await voice.close()

    first, second = asyncio.run(twice())
    assert len(first) == 2
    assert second == [b"".join(first)]


@pytest.mark.usefixtures("_scripted_engine_can_be_found")
@pytest.mark.parametrize(
    ("load", "told"),
    [("fails", "ValueError: weights of another make"), ("complains", "no voice is called 'x'")],
)
def test_weights_that_cannot_be_loaded_are_the_operators_matter(load: str, told: str) -> None:
    error = failure(lambda: pieces_of(scripted_voice(load=load), "Hello."))
    assert error.kind is BAD_CONFIGURATION
    assert str(error) == f"'scripted' cannot be loaded: {told}"


@pytest.mark.usefixtures("_scripted_engine_can_be_found")
def test_an_engine_that_fails_does_not_quote_what_was_to_be_said(capfd: pytest.CaptureFixture[str]) -> None:
    error = failure(lambda: pieces_of(scripted_voice(), "My secret."))
    assert error.kind is BAD_INPUT
    assert str(error) == "the engine failed (RuntimeError)"
    assert "secret" not in capfd.readouterr().err


@pytest.mark.usefixtures("_scripted_engine_can_be_found")
@pytest.mark.parametrize(("load", "text"), [("dies", "Hello."), ("works", "Please die.")])
def test_an_engine_that_dies_is_unavailable(load: str, text: str) -> None:
    error = failure(lambda: pieces_of(scripted_voice(load=load), text))
    assert error.kind is ProviderErrorKind.UNAVAILABLE


def test_a_voice_refuses_a_language_that_it_does_not_speak() -> None:
    error = failure(lambda: pieces_of(scripted_voice("de"), "Hello."))
    assert error.kind is BAD_INPUT
    assert "speaks 'de' and not 'en-US'" in str(error)


def test_text_without_words_is_no_sound_and_needs_no_engine() -> None:
    assert pieces_of(scripted_voice(), " … ") == []


def test_a_closed_voice_says_nothing_more() -> None:
    async def speak() -> bytes:
        voice = scripted_voice()
        await voice.close()
        await voice.close()
        return await voice.synthesize("Hello.")

    assert failure(lambda: asyncio.run(speak())).kind is ProviderErrorKind.UNAVAILABLE


# --- what whisper says of itself ---------------------------------------------------------------------------


@dataclass
class ScriptedSegment:
    text: str
    avg_logprob: float = -0.105  # a probability of 0.9
    no_speech_prob: float = 0.0


def test_confidence_is_the_tokens_probability_weighed_by_words() -> None:
    heard = heard_in([ScriptedSegment(" Yes, at three"), ScriptedSegment(" please.", avg_logprob=-0.693)])
    assert heard.text == "Yes, at three please."
    assert heard.confidence == pytest.approx((3 * 0.9 + 0.5) / 4, abs=0.01)


def test_words_over_silence_are_dropped_by_whispers_own_rule() -> None:
    """Both: "no speech" is likelier than 0.6, and the words' mean log probability is below -1."""
    made_up = ScriptedSegment(" Thank you for watching.", avg_logprob=-1.2, no_speech_prob=0.8)
    assert heard_in([made_up]) == Heard("", 0.0)
    assert heard_in([ScriptedSegment("yes", avg_logprob=-1.2)]).text == "yes"
    assert heard_in([ScriptedSegment("yes", no_speech_prob=0.8)]).text == "yes"


def test_messages_to_and_from_the_worker_pass_whole() -> None:
    asked = read_asked(write_asked(b"\n\xff\x00", "en", "a\nb"))
    assert (asked.ulaw, asked.language, asked.hint) == (b"\n\xff\x00", "en", "a\nb")
    assert read_heard(write_heard(Heard("ja, grün", 0.5))) == Heard("ja, grün", 0.5)


# --- the real packages with simulated weights --------------------------------------------------------------


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def assert_is_speech(sound: bytes) -> None:
    assert len(sound) > 2000
    assert speech_level_dbfs(decode_ulaw(sound)) == pytest.approx(-20, abs=1.5)


@needs("piper", "onnx")
def test_piper_says_sentence_by_sentence(tmp_path: Path) -> None:
    voice = open_piper(options("piper", voice=tiny_weights.write_piper_voice(tmp_path)), {})
    pieces = pieces_of(voice, "Hello there. How are you today?")
    assert len(pieces) == 2
    assert pieces[1].startswith(PAUSE)
    for piece in pieces:
        assert_is_speech(piece.removeprefix(PAUSE))


@needs("piper", "onnx")
def test_a_file_that_is_no_piper_voice_is_the_operators_matter(tmp_path: Path) -> None:
    path = tiny_weights.write_piper_voice(tmp_path)
    path.write_bytes(b"no model")
    error = failure(lambda: pieces_of(open_piper(options("piper", voice=path), {}), "Hello."))
    assert error.kind is BAD_CONFIGURATION


@needs("piper", "onnx")
def test_speed_reaches_the_voice(tmp_path: Path) -> None:
    path = tiny_weights.write_piper_voice(tmp_path)
    usual, faster, usual_again = (
        pieces_of(open_piper(options("piper", voice=path, speed=speed), {}), "Hello there.")
        for speed in (1, 1.5, 1)
    )
    assert usual == usual_again
    assert faster != usual


@needs("kokoro_onnx", "onnx")
def test_kokoro_says_sentence_by_sentence(tmp_path: Path) -> None:
    model, voices = tiny_weights.write_kokoro(tmp_path)
    voice = open_kokoro(options("kokoro", model=model, voices=voices, voice="bf_emma"), {})
    pieces = pieces_of(voice, "Hello there. How are you today?", "en-GB")
    assert len(pieces) == 2
    assert_is_speech(pieces[0])


@needs("kokoro_onnx", "onnx")
def test_a_kokoro_voice_that_is_not_in_the_file_is_refused_with_those_that_are(tmp_path: Path) -> None:
    model, voices = tiny_weights.write_kokoro(tmp_path)
    voice = open_kokoro(options("kokoro", model=model, voices=voices, voice="af_nobody"), {})
    error = failure(lambda: pieces_of(voice, "Hello."))
    assert error.kind is BAD_CONFIGURATION
    assert "there are af_heart, bf_emma" in str(error)


def whisper(folder: Path, **given: object) -> WhisperSpeechToText:
    return open_faster_whisper(options("faster-whisper", model=folder, threads=1, **given), {})


@needs("faster_whisper")
def test_whisper_hears_words_with_a_confidence(tmp_path: Path) -> None:
    heard = heard_by(whisper(tiny_weights.write_whisper(tmp_path / "babbling")), TONE)
    assert set(heard.text.split()) <= set(tiny_weights.WORDS)
    assert heard.text
    assert 0 < heard.confidence <= 1


@needs("faster_whisper")
def test_whisper_hears_nothing_in_silence(tmp_path: Path) -> None:
    """Random weights babble over anything: silence never reaches them."""
    ears = whisper(tiny_weights.write_whisper(tmp_path / "babbling"))
    assert heard_by(ears, b"\xff" * 8000) == Recognition("", 0.0)


@needs("faster_whisper")
def test_a_language_that_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    ears = whisper(tiny_weights.write_whisper(tmp_path / "babbling"))
    error = failure(lambda: heard_by(ears, TONE, "de-DE"))
    assert error.kind is BAD_INPUT
    assert "'de'" in str(error)


@needs("faster_whisper")
def test_a_folder_without_the_tokenizer_is_refused_before_it_is_looked_for_elsewhere(tmp_path: Path) -> None:
    folder = tiny_weights.write_whisper(tmp_path / "babbling")
    (folder / "tokenizer.json").unlink()
    error = failure(lambda: asyncio.run(_prepared(whisper(folder))))
    assert error.kind is BAD_CONFIGURATION
    assert "lacks tokenizer.json" in str(error)


@needs("faster_whisper")
@pytest.mark.parametrize(
    ("model", "told"), [("base.en", "fetch it once with"), ("huge", "neither a folder nor a size")]
)
def test_a_size_that_was_never_fetched_says_how_and_fetches_nothing(
    model: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    error = failure(lambda: asyncio.run(_prepared(whisper(Path(model)))))
    assert error.kind is BAD_CONFIGURATION
    assert told in str(error)


async def _prepared(ears: WhisperSpeechToText) -> None:
    try:
        await ears.prepare(Expectation())
    finally:
        await ears.close()


@needs("faster_whisper")
def test_two_turns_at_once_are_heard_by_two_workers(tmp_path: Path) -> None:
    async def both() -> tuple[int, list[Recognition]]:
        ears = whisper(tiny_weights.write_whisper(tmp_path / "babbling"), workers=2)
        try:
            await ears.prepare(Expectation())
            asked: list[Awaitable[Recognition]] = [ears.transcribe(TONE, Expectation()) for _ in range(2)]
            return len(ears.process_ids), list(await asyncio.gather(*asked))
        finally:
            await ears.close()

    workers, heard = asyncio.run(both())
    assert workers == 2
    assert heard[0] == heard[1]
