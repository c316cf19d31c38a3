"""Whisper on this machine, by faster-whisper: a turn of telephone sound in, words out.

The package itself is loaded by `whisper_worker` alone. Nothing is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from byourside_server.providers.base import Expectation, Recognition
from byourside_server.providers.heard_words import (
    SHORTEST_SPEECH,
    house_spelling,
    prompt_of,
    refuse_too_long,
    two_letters,
)
from byourside_server.providers.local_engine import DEFAULT_THREADS, LocalEngine, Settings, need_package
from byourside_server.providers.specification import Options, bad_configuration
from byourside_server.providers.whisper_message import read_heard, write_asked

DEFAULT_MODEL = "small.en"
DEVICES = ("cpu", "cuda", "auto")

# option → what it sets; printed in the documentation
OPTIONS: Mapping[str, str] = {
    "model": f"path of a converted model's folder, or a size that is in the cache; {DEFAULT_MODEL}",
    "device": "cpu, cuda or auto",
    "compute_type": "CTranslate2's name of the arithmetic; int8",
    "language": "what is spoken, where it is not the call's",
    "beam_size": "how many hypotheses are followed; 5",
    "threads": "processor threads of each worker",
    "workers": "processes, each with the whole model; 1",
}


class WhisperSpeechToText:
    """A `SpeechToText` over a few workers: the least busy one answers."""

    name = "faster-whisper"

    def __init__(self, engines: list[LocalEngine], language: str | None = None) -> None:
        """`language` replaces that of the call."""
        assert engines, "somebody has to listen"
        self._engines = engines
        self._language = language

    @property
    def process_ids(self) -> list[int]:
        """The worker processes that run now."""
        return [engine.process_id for engine in self._engines if engine.process_id is not None]

    async def prepare(self, expect: Expectation) -> None:
        """Load the model in every worker. Raises ProviderError."""
        for engine in self._engines:
            await engine.load()

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech, "" for silence. Raises ProviderError."""
        refuse_too_long(ulaw)
        if len(ulaw) < SHORTEST_SPEECH:
            return Recognition("", 0.0)
        engine = min(self._engines, key=lambda candidate: candidate.waiting)
        spoken = two_letters(self._language or language)
        heard = read_heard(await engine.ask(write_asked(ulaw, spoken, prompt_of(expect))))
        words = house_spelling(heard.text)
        return Recognition(words, heard.confidence if words else 0.0)

    async def close(self) -> None:
        """A second close does nothing."""
        for engine in self._engines:
            await engine.close()


def open_faster_whisper(options: Options, environ: Mapping[str, str]) -> WhisperSpeechToText:
    """The ears that the options name; `prepare` loads their weights.

    Raises ProviderError (BAD_CONFIGURATION) naming what to install or to set.
    """
    need_package("faster-whisper", "faster_whisper", "faster-whisper", "whisper")
    device = options.text("device", "cpu")
    if device not in DEVICES:
        raise bad_configuration(f"'faster-whisper': option 'device' must be one of {', '.join(DEVICES)}")
    settings: Settings = {
        "model": options.text("model", DEFAULT_MODEL),
        "device": device,
        "compute_type": options.text("compute_type", "int8"),
        "beam_size": options.number("beam_size", 5),
        "threads": options.number("threads", DEFAULT_THREADS),
    }
    language, workers = options.optional("language"), int(options.number("workers", 1))
    module = "byourside_server.providers.whisper_worker"
    engines = [LocalEngine("faster-whisper", module, settings) for _ in range(max(1, workers))]
    return WhisperSpeechToText(engines, language)
