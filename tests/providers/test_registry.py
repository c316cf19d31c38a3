"""Names, options and keys to engines. Nothing here connects to anything."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from byourside_server.providers import (
    faster_whisper,
    kokoro,
    language_registry,
    livekit_stt,
    livekit_tts,
    piper,
)
from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    StreamingSpeechToText,
)
from byourside_server.providers.deepgram import DeepgramSpeechToText, DeepgramTextToSpeech
from byourside_server.providers.openai_speech import OpenAiSpeechToText, OpenAiTextToSpeech
from byourside_server.providers.registry import (
    SPEECH_TO_TEXT,
    SPEECH_TO_TEXT_FAMILIES,
    TEXT_TO_SPEECH,
    TEXT_TO_SPEECH_FAMILIES,
    open_speech_to_text,
    open_text_to_speech,
)
from byourside_server.providers.simulated import ScriptedSpeechToText, ToneTextToSpeech
from byourside_server.providers.specification import Options
from byourside_server.providers.speech_chain import SpeechToTextChain, TextToSpeechChain
from byourside_server.sandbox.clips import load_clip, silence


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ProviderError, match=r"'shouting'.*embedded, espeak") as caught:
        open_text_to_speech("shouting")
    assert caught.value.kind is ProviderErrorKind.BAD_CONFIGURATION
    with pytest.raises(ProviderError, match=r"'mind reading'.*embedded.*pocketsphinx"):
        open_speech_to_text("mind reading")


KEYS = {"OPENAI_API_KEY": "sk-1", "DEEPGRAM_API_KEY": "dg-1", "GROQ_API_KEY": "gr-1", "MY_KEY": "my-1"}
LOCAL = "base_url=http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("spec", "kind", "name"),
    [
        ("openai", OpenAiTextToSpeech, "openai"),
        (
            "openai?model=tts-1&voice=nova&format=wav&speed=1.2&first_audio_timeout_s=2",
            OpenAiTextToSpeech,
            "openai",
        ),
        (f"compatible?{LOCAL}&model=kokoro&rate_hz=22050", OpenAiTextToSpeech, "compatible"),
        (f"compatible?{LOCAL}&model=kokoro&key_env=MY_KEY", OpenAiTextToSpeech, "compatible"),
        ("deepgram?model=aura-2-viktoria-de", DeepgramTextToSpeech, "deepgram"),
        ("openai, deepgram, espeak", TextToSpeechChain, "openai, deepgram, espeak"),
    ],
)
def test_voices_are_made_of_what_is_written(spec: str, kind: type, name: str) -> None:
    voice = open_text_to_speech(spec, KEYS)
    assert isinstance(voice, kind)
    assert voice.name == name
    asyncio.run(voice.close())


@pytest.mark.parametrize(
    ("spec", "kind", "name", "streams"),
    [
        ("openai?model=whisper-1&response_format=json&rate_hz=8000", OpenAiSpeechToText, "openai", False),
        ("groq?answer_timeout_s=3", OpenAiSpeechToText, "groq", False),
        (f"compatible?{LOCAL}&model=whisper", OpenAiSpeechToText, "compatible", False),
        ("deepgram?language=multi&smart_format=on&numerals=off", DeepgramSpeechToText, "deepgram", True),
        ("openai, embedded", SpeechToTextChain, "openai, pocketsphinx", False),
        ("deepgram, openai", SpeechToTextChain, "deepgram, openai", True),
    ],
)
def test_ears_are_made_of_what_is_written(spec: str, kind: type, name: str, streams: bool) -> None:
    ears = open_speech_to_text(spec, KEYS)
    assert isinstance(ears, kind)
    assert ears.name == name
    assert isinstance(ears, StreamingSpeechToText) is streams
    asyncio.run(ears.close())


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("openai?key_env=OTHER_KEY", "OTHER_KEY"),
        ("deepgram", "DEEPGRAM_API_KEY"),
        ("espeak, deepgram", "DEEPGRAM_API_KEY"),
        ("compatible?model=x", "needs to know where.*base_url="),
        (f"compatible?{LOCAL}", "needs its model"),
        (f"compatible?{LOCAL}&model=x&key_env=EMPTY", "EMPTY"),
        ("espeak?voice=loud", "'espeak' has no option 'voice'; it has none"),
        ("compatible?model=x&base_url=http://[half", "base_url must be"),
        ("compatible?model=x&base_url=http://127.0.0.1:port/v1", "base_url must be"),
    ],
)
def test_what_is_missing_is_named(spec: str, told: str) -> None:
    with pytest.raises(ProviderError, match=told) as caught:
        open_text_to_speech(spec, {"EMPTY": "  "})
    assert caught.value.kind is ProviderErrorKind.BAD_CONFIGURATION


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("openai?voise=nova", "did you mean 'voice'"),
        ("openai?format=mp3", "'format' must be one of pcm, wav"),
        ("openai?gap_timeout_s=0", "'gap_timeout_s' must be more than 0"),
        ("openai?rate_hz=100", "'rate_hz' must be from 8000"),
        ("openai?speed=fast", "'speed' must be a number"),
        ("openai?base_url=ftp://host", "base_url must be http"),
        ("openai?base_url=http://me:secret@host/v1", "without a user name"),
        ("deepgram?voice=x", "'deepgram' has no option 'voice'"),
        ("livekit:cartesia.Nothing", "livekit"),
    ],
)
def test_a_mistake_in_a_voices_options_is_named(spec: str, told: str) -> None:
    with pytest.raises(ProviderError, match=told) as caught:
        open_text_to_speech(spec, KEYS)
    assert caught.value.kind is ProviderErrorKind.BAD_CONFIGURATION
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("openai?rate_hz=44100", "'rate_hz' must be one of 16000, 8000"),
        ("openai?response_format=srt", "json or verbose_json"),
        ("deepgram?numerals=yes", "'numerals' must be one of on, off"),
        ("groq?voice=x", "'groq' has no option 'voice'"),
    ],
)
def test_a_mistake_in_the_ears_options_is_named(spec: str, told: str) -> None:
    with pytest.raises(ProviderError, match=told):
        open_speech_to_text(spec, KEYS)


@pytest.mark.parametrize("key", ["sk-\n1", "sk-ключ", "sk-\x00"])
def test_a_key_that_no_header_could_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ProviderError, match="OPENAI_API_KEY") as caught:
        open_text_to_speech("openai", {"OPENAI_API_KEY": key})
    assert key not in repr(caught.value)


def test_a_member_of_a_family_is_opened_by_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def open_member(member: str, options: Options, environ: Mapping[str, str]) -> ToneTextToSpeech:
        asked.append((member, options.text("model", "usual"), environ["MY_KEY"]))
        return ToneTextToSpeech()

    monkeypatch.setitem(TEXT_TO_SPEECH_FAMILIES, "relatives", open_member)
    open_text_to_speech("relatives:aunt.Voice?model=x", KEYS)
    assert asked == [("aunt.Voice", "x", "my-1")]
    with pytest.raises(ProviderError, match="no option 'age'"):
        open_text_to_speech("relatives:aunt.Voice?age=70", KEYS)
    with pytest.raises(ProviderError, match="relatives:…"):
        open_text_to_speech("strangers:aunt.Voice", KEYS)


def test_keys_are_in_no_representation() -> None:
    for spec in ("openai", "deepgram"):
        for engine in (open_text_to_speech(spec, KEYS), open_speech_to_text(spec, KEYS)):
            assert "-1" not in repr(vars(engine))


def test_simulated_engines_say_in_their_name_that_they_are() -> None:
    assert open_text_to_speech("simulated-tone").name.startswith("simulated")
    assert open_speech_to_text("simulated-script").name.startswith("simulated")


def test_the_tone_voice_gives_equal_words_equal_tones() -> None:
    ulaw = asyncio.run(ToneTextToSpeech().synthesize("yes no Yes"))
    assert len(ulaw) == 3 * 320 * 8
    first, second, third = (ulaw[at * 2560 : (at + 1) * 2560] for at in range(3))
    assert first == third != second


def test_the_scripted_ear_finds_the_recording_inside_a_turn() -> None:
    """Voice activity detection cuts a turn at will: the recording's loud part is enough."""
    yes, no = load_clip("yes_works"), load_clip("no_thank_you")
    ear = ScriptedSpeechToText({yes.ulaw: yes.text, no.ulaw: no.text}, script=["something else"])
    turns = [silence(120) + yes.ulaw[400:-400] + silence(60), no.ulaw, silence(500), silence(500)]

    async def story() -> list[Recognition]:
        return [await ear.transcribe(turn, Expectation()) for turn in turns]

    heard = [(answer.text, answer.confidence) for answer in asyncio.run(story())]
    assert heard == [(yes.text, 1.0), (no.text, 1.0), ("something else", 1.0), ("", 0.0)]


def documented_options() -> Mapping[tuple[str, str], set[str]]:
    """("Voice", "openai") → the options that docs/providers.md lists for it."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "providers.md").read_text()
    found: dict[tuple[str, str], set[str]] = {}
    for heading, body in re.findall(r"^### ((?:Voice|Ears): .*)\n((?:(?!^#).*\n)*)", page, re.MULTILINE):
        kind, _, names = heading.partition(":")
        for name in re.findall(r"`([\w:-]+)`", names):
            found[kind, name] = set(re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE))
    return found


def known_options(kind: str, name: str) -> set[str]:
    """What an engine answers that it knows, when asked for nonsense."""
    spec = f"{name}?qqq=1" + (f"&{LOCAL}&model=m" if name == "compatible" else "")
    with pytest.raises(ProviderError) as caught:
        (open_text_to_speech if kind == "Voice" else open_speech_to_text)(spec, KEYS)
    return set(str(caught.value).partition("it knows ")[2].split(", "))


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Voice", "openai"), ("Voice", "compatible"), ("Voice", "deepgram")]
    + [("Ears", name) for name in ("openai", "groq", "compatible", "deepgram")],
)
def test_the_page_on_providers_lists_every_option_and_no_other(kind: str, name: str) -> None:
    assert documented_options()[kind, name] == known_options(kind, name)


OPTIONS_IN_TABLES: dict[str, set[str]] = {
    "piper": set(piper.OPTIONS),
    "kokoro": set(kokoro.OPTIONS),
    "faster-whisper": set(faster_whisper.OPTIONS),
    "livekit": {*livekit_tts.OPTIONS, *livekit_stt.OPTIONS},
    "language model": set(language_registry.OPTIONS),
}


@pytest.mark.parametrize("name", OPTIONS_IN_TABLES)
def test_the_page_on_providers_lists_the_options_that_the_code_does(name: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "providers.md").read_text()
    head = "| option | default" if name == "language model" else f"| option of `{name}` |"
    table = page[page.rindex(head) :].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == OPTIONS_IN_TABLES[name]


def test_the_page_on_providers_lists_every_language_model() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "providers.md").read_text()
    section = page[page.index("## Language models") :].partition("| option |")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(language_registry.VENDORS)


def test_the_page_on_providers_lists_every_name() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "providers.md").read_text()
    names = {*TEXT_TO_SPEECH, *SPEECH_TO_TEXT, *TEXT_TO_SPEECH_FAMILIES, *SPEECH_TO_TEXT_FAMILIES}
    assert {name for name in names if f"`{name}" not in page} == set()
