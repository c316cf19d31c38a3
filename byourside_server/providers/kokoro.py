"""Kokoro on this machine: which files, whether they are there, which voice speaks which language.

The package itself is loaded by `kokoro_worker` alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from byourside_server.providers.local_engine import (
    DEFAULT_THREADS,
    LocalEngine,
    Settings,
    need_package,
    needed_file,
)
from byourside_server.providers.local_voice import LocalTextToSpeech
from byourside_server.providers.specification import Options, bad_configuration

WHENCE = (
    'two files, kokoro-v1.0.onnx and voices-v1.0.bin, are attached to the release "model-files-v1.0" of '
    "thewh1teagle/kokoro-onnx on GitHub"
)
DEFAULT_VOICE = "af_heart"
# First letter of a voice's name → what it speaks, as espeak calls it. Japanese and Mandarin voices need
# another pronouncer than the package has.
LANGUAGE_OF_VOICE: Mapping[str, str] = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "p": "pt-br",
}

# option → what it sets; printed in the documentation
OPTIONS: Mapping[str, str] = {
    "model": "path of the weights, kokoro-v1.0.onnx; required",
    "voices": "path of the voices, voices-v1.0.bin; required",
    "voice": f"which of them, {DEFAULT_VOICE} where not given",
    "language": "what it speaks, as espeak calls it, where its first letter does not tell",
    "speed": "1 is the voice's own, 1.2 is faster",
    "threads": "processor threads",
}


def open_kokoro(options: Options, environ: Mapping[str, str]) -> LocalTextToSpeech:
    """The voice that the options name; its weights are loaded when it first speaks.

    Raises ProviderError (BAD_CONFIGURATION) naming what to install, to fetch or to set.
    """
    need_package("kokoro", "kokoro_onnx", "kokoro-onnx", "kokoro")
    model = needed_file("kokoro", options, "model", WHENCE)
    voices = needed_file("kokoro", options, "voices", WHENCE)
    voice = options.text("voice", DEFAULT_VOICE)
    language = options.optional("language") or LANGUAGE_OF_VOICE.get(voice[0])
    if language is None:
        raise bad_configuration(f"'kokoro' does not know what {voice!r} speaks: set the option 'language'")
    speed = options.number("speed", 1.0)
    if not 0.5 <= speed <= 2:
        raise bad_configuration("'kokoro': option 'speed' must be from 0.5 to 2")
    settings: Settings = {
        "model": str(model),
        "voices": str(voices),
        "voice": voice,
        "language": language,
        "speed": speed,
        "threads": options.number("threads", DEFAULT_THREADS),
    }
    engine = LocalEngine("kokoro", "byourside_server.providers.kokoro_worker", settings)
    return LocalTextToSpeech("kokoro", engine, language)
