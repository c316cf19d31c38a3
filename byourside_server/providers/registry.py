"""Which engine or vendor stands behind a name. The only place that knows them all."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from byourside_server.providers.base import (
    ProviderError,
    ProviderErrorKind,
    SpeechToText,
    TextToSpeech,
)
from byourside_server.providers.embedded_stt import EmbeddedSpeechToText
from byourside_server.providers.embedded_tts import open_embedded, open_espeak, open_flite
from byourside_server.providers.simulated import ScriptedSpeechToText, ToneTextToSpeech

Provider = TypeVar("Provider")

TEXT_TO_SPEECH: Mapping[str, Callable[[], TextToSpeech]] = {
    "embedded": open_embedded,
    "espeak": open_espeak,
    "flite": open_flite,
    "simulated-tone": ToneTextToSpeech,
}

SPEECH_TO_TEXT: Mapping[str, Callable[[], SpeechToText]] = {
    "embedded": EmbeddedSpeechToText,
    "pocketsphinx": EmbeddedSpeechToText,
    "simulated-script": ScriptedSpeechToText,
}


def open_text_to_speech(name: str) -> TextToSpeech:
    """The text-to-speech called `name`. Raises ProviderError for an unknown or missing one."""
    return _open("text-to-speech", TEXT_TO_SPEECH, name)


def open_speech_to_text(name: str) -> SpeechToText:
    """The speech-to-text called `name`. Raises ProviderError for an unknown or missing one."""
    return _open("speech-to-text", SPEECH_TO_TEXT, name)


def _open(what: str, known: Mapping[str, Callable[[], Provider]], name: str) -> Provider:
    if name not in known:
        names = ", ".join(sorted(known))
        raise ProviderError(
            ProviderErrorKind.BAD_CONFIGURATION, f"no {what} is called {name!r}; known are: {names}"
        )
    return known[name]()
