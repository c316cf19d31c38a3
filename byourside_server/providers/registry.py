"""Which engine or vendor of speech stands behind a name. The only place that knows them all.

`openai?voice=nova, embedded` is a chain: the next is asked where one fails or is late. An engine is added by
a row in a table: its name, and a function that makes it of its options and of the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from byourside_server.measures.book import Book
from byourside_server.measures.table import VENDOR_FAILURES
from byourside_server.providers.base import SpeechToText, TextToSpeech
from byourside_server.providers.embedded_stt import EmbeddedSpeechToText
from byourside_server.providers.embedded_tts import open_embedded, open_espeak, open_flite
from byourside_server.providers.faster_whisper import open_faster_whisper
from byourside_server.providers.kokoro import open_kokoro
from byourside_server.providers.livekit_stt import open_livekit_speech_to_text
from byourside_server.providers.livekit_tts import open_livekit_text_to_speech
from byourside_server.providers.measured import LATE, MeasuredVoice, measured_ears
from byourside_server.providers.piper import open_piper
from byourside_server.providers.simulated import ScriptedSpeechToText, ToneTextToSpeech
from byourside_server.providers.specification import Options, Specification, bad_configuration, parse_chain
from byourside_server.providers.speech_chain import SpeechToTextChain, TextToSpeechChain
from byourside_server.providers.speech_chain_stream import chain_of_ears
from byourside_server.providers.speech_vendors import (
    COMPATIBLE,
    GROQ,
    OPENAI,
    open_deepgram_ears,
    open_deepgram_voice,
    open_openai_ears,
    open_openai_voice,
)

Engine = TypeVar("Engine")
Chain = TypeVar("Chain", TextToSpeechChain, SpeechToTextChain)
Environ = Mapping[str, str]
# Of its options and the keys. What it does not ask its options for is refused afterwards.
Opener = Callable[[Options, Environ], Engine]
# Of the name's second half, its options and the keys.
FamilyOpener = Callable[[str, Options, Environ], Engine]
NO_KEYS: Environ = MappingProxyType({})


def _plain(make: Callable[[], Engine]) -> Opener[Engine]:
    """An engine without options and keys."""
    return lambda _options, _environ: make()


TEXT_TO_SPEECH: dict[str, Opener[TextToSpeech]] = {
    "embedded": _plain(open_embedded),
    "espeak": _plain(open_espeak),
    "flite": _plain(open_flite),
    "openai": partial(open_openai_voice, OPENAI),
    "deepgram": open_deepgram_voice,
    "compatible": partial(open_openai_voice, COMPATIBLE),
    "piper": open_piper,
    "kokoro": open_kokoro,
    "simulated-tone": _plain(ToneTextToSpeech),
}

SPEECH_TO_TEXT: dict[str, Opener[SpeechToText]] = {
    "embedded": _plain(EmbeddedSpeechToText),
    "pocketsphinx": _plain(EmbeddedSpeechToText),
    "openai": partial(open_openai_ears, OPENAI),
    "groq": partial(open_openai_ears, GROQ),
    "deepgram": open_deepgram_ears,
    "compatible": partial(open_openai_ears, COMPATIBLE),
    "faster-whisper": open_faster_whisper,
    "simulated-script": _plain(ScriptedSpeechToText),
}

# Names of two halves, `family:member`: by their first.
TEXT_TO_SPEECH_FAMILIES: dict[str, FamilyOpener[TextToSpeech]] = {"livekit": open_livekit_text_to_speech}
SPEECH_TO_TEXT_FAMILIES: dict[str, FamilyOpener[SpeechToText]] = {"livekit": open_livekit_speech_to_text}


def open_text_to_speech(
    spec: str, environ: Environ = NO_KEYS, book: Book | None = None
) -> TextToSpeech:
    """The voice, or chain of voices, that `spec` names, with keys out of `environ`, timed in `book`.

    Nothing is connected yet. Raises ProviderError (BAD_CONFIGURATION) naming the option or variable to set.
    """
    known, families = TEXT_TO_SPEECH, TEXT_TO_SPEECH_FAMILIES
    engines = [_open("text-to-speech", known, families, link, environ) for link in parse_chain(spec)]
    if book is not None:
        engines = [MeasuredVoice(engine, book) for engine in engines]
    return engines[0] if len(engines) == 1 else _watched(TextToSpeechChain(engines), book, "voice")


def open_speech_to_text(
    spec: str, environ: Environ = NO_KEYS, book: Book | None = None
) -> SpeechToText:
    """The ears, or chain of ears, that `spec` names, timed in `book`; a chain streams where its first does.

    Raises ProviderError (BAD_CONFIGURATION).
    """
    known, families = SPEECH_TO_TEXT, SPEECH_TO_TEXT_FAMILIES
    engines = [_open("speech-to-text", known, families, link, environ) for link in parse_chain(spec)]
    if book is not None:
        engines = [measured_ears(engine, book) for engine in engines]
    return engines[0] if len(engines) == 1 else _watched(chain_of_ears(engines), book, "ears")


def _watched(chain: Chain, book: Book | None, door: str) -> Chain:
    """The chain, whose engines that are late are counted in `book`."""
    if book is not None:
        chain.on_late = partial(_count_late, book, door)
    return chain


def _count_late(book: Book, door: str, engine: str) -> None:
    book.count(VENDOR_FAILURES, door, engine, LATE)


def _open(
    what: str,
    known: Mapping[str, Opener[Engine]],
    families: Mapping[str, FamilyOpener[Engine]],
    link: Specification,
    environ: Environ,
) -> Engine:
    options = Options(link)
    family, colon, member = link.name.partition(":")
    if colon and family in families:
        engine = families[family](member, options, environ)
    elif link.name in known:
        engine = known[link.name](options, environ)
    else:
        names = ", ".join(sorted([*known, *(f"{name}:…" for name in families)]))
        raise bad_configuration(f"no {what} is called {link.name!r}; known are: {names}")
    options.refuse_unknown()
    return engine
