"""Piper on this machine: which voice file, whether it is there, which language it speaks.

The package itself is loaded by `piper_worker` alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

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
    "a voice is two files, NAME.onnx and NAME.onnx.json, of the piper-voices collection of rhasspy on "
    "Hugging Face; `python -m piper.download_voices en_US-lessac-medium` fetches one"
)

# option → what it sets; printed in the documentation
OPTIONS: Mapping[str, str] = {
    "voice": "path of the voice, NAME.onnx; required",
    "config": "path of its description, NAME.onnx.json where not given",
    "speaker": "number of the speaker, in voices of several",
    "speed": "1 is the voice's own, 1.2 is faster",
    "threads": "processor threads",
}


def open_piper(options: Options, environ: Mapping[str, str]) -> LocalTextToSpeech:
    """The voice that the options name; its weights are loaded when it first speaks.

    Raises ProviderError (BAD_CONFIGURATION) naming what to install, to fetch or to set.
    """
    need_package("piper", "piper", "piper-tts", "piper")
    voice = needed_file("piper", options, "voice", WHENCE)
    config = Path(options.text("config", f"{voice}.json"))
    speed = options.number("speed", 1.0)
    if not 0.25 <= speed <= 4:
        raise bad_configuration("'piper': option 'speed' must be from 0.25 to 4")
    settings: Settings = {
        "voice": str(voice),
        "config": str(config),
        "speaker": options.optional_number("speaker"),
        "length_scale": 1 / speed,
        "threads": options.number("threads", DEFAULT_THREADS),
    }
    language = _language_of(config)
    engine = LocalEngine("piper", "byourside_server.providers.piper_worker", settings)
    return LocalTextToSpeech("piper", engine, language)


def _language_of(config: Path) -> str:
    """What the voice speaks, as "en-us". Raises ProviderError (BAD_CONFIGURATION)."""
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
        named = described.get("language", {}).get("code") or described["espeak"]["voice"]
    except FileNotFoundError:
        raise bad_configuration(f"'piper': there is no file {config} (option 'config'): {WHENCE}") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as broken:
        what = type(broken).__name__
        raise bad_configuration(f"'piper': {config} describes no voice ({what}): {WHENCE}") from broken
    return str(named).replace("_", "-").lower()
