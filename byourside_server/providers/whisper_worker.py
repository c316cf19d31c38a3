"""The process that holds a whisper model: telephone sound in, words and how sure they are out.

Run as `python -m byourside_server.providers.whisper_worker SETTINGS`; messages are `whisper_message`'s.
"""

import importlib
import json
import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from byourside_server.providers.local_engine import Answer, serve_engine
from byourside_server.providers.openai_speech import FAILED_LOGPROB, NO_SPEECH_PROBABILITY
from byourside_server.providers.telephone_band import LINE_RATE_HZ, WIDE_RATE_HZ, decode_ulaw, resample
from byourside_server.providers.whisper_message import Heard, read_asked, write_heard
from byourside_server.providers.worker_pipe import BadInput

# Below this no telephone carries speech: -66 dBFS. Whisper hears sentences in silence.
SILENCE_RMS = 0.0005
NEEDED_FILES = ("model.bin", "config.json", "tokenizer.json")


class Segment(Protocol):
    """What faster-whisper says of a piece of sound."""

    text: str
    avg_logprob: float
    no_speech_prob: float


def heard_in(segments: Iterable[Segment]) -> Heard:
    """The words of what was speech; its confidence is the tokens' mean probability, weighed by words."""
    spoken = [segment for segment in segments if not _is_silence(segment)]
    counts = [len(segment.text.split()) for segment in spoken]
    if not sum(counts):
        return Heard("", 0.0)
    sure = sum(
        min(1.0, math.exp(segment.avg_logprob)) * count for segment, count in zip(spoken, counts, strict=True)
    )
    return Heard(" ".join(segment.text.strip() for segment in spoken), sure / sum(counts))


def _is_silence(segment: Segment) -> bool:
    """Whisper's own rule for "nobody spoke": both hold."""
    return segment.no_speech_prob > NO_SPEECH_PROBABILITY and segment.avg_logprob < FAILED_LOGPROB


def load(settings: dict[str, Any]) -> Answer:
    """The model, with the weights read. Raises BadInput where they are not on this machine."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    model = _opened(settings)

    def answer(request: bytes) -> bytes:
        asked = read_asked(request)
        samples = resample(decode_ulaw(asked.ulaw), LINE_RATE_HZ, WIDE_RATE_HZ)
        if float((samples**2).mean()) < SILENCE_RMS**2:
            return write_heard(Heard("", 0.0))
        if asked.language not in model.supported_languages:
            raise BadInput(f"the model {settings['model']} does not know the language {asked.language!r}")
        segments, _ = model.transcribe(
            samples,
            language=asked.language,
            beam_size=int(settings["beam_size"]),
            temperature=0.0,  # the retries at higher ones take seconds each
            condition_on_previous_text=False,
            without_timestamps=True,
            hotwords=asked.hint or None,
        )
        return write_heard(heard_in(segments))

    return answer


def _opened(settings: dict[str, Any]) -> Any:
    package = importlib.import_module("faster_whisper")
    name, folder = settings["model"], Path(settings["model"])
    if not folder.is_dir():
        folder = _cached(package, name)
    missing = [file for file in NEEDED_FILES if not (folder / file).is_file()]
    if missing:
        raise BadInput(
            f"{folder} lacks {', '.join(missing)}: it is no converted whisper model (option 'model')"
        )
    return package.WhisperModel(
        str(folder),
        device=settings["device"],
        compute_type=settings["compute_type"],
        cpu_threads=int(settings["threads"]),
        local_files_only=True,
    )


def _cached(package: Any, name: str) -> Path:
    """Where a model that is called by its size was downloaded to."""
    if name not in package.available_models() and "/" not in name:
        sizes = ", ".join(package.available_models())
        raise BadInput(f"{name!r} is neither a folder nor a size (option 'model'); sizes are {sizes}")
    try:
        return Path(package.download_model(name, local_files_only=True))
    except OSError:  # of the hub's errors all that mean "not here" are
        raise BadInput(
            f"the model {name!r} is not on this machine: fetch it once with "
            f"`python -c \"import faster_whisper; faster_whisper.download_model('{name}')\"`, or name the "
            "folder of a converted one (option 'model')"
        ) from None


if __name__ == "__main__":
    serve_engine(lambda: load(json.loads(sys.argv[1])))
