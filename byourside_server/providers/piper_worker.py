"""The process that holds a Piper voice: a sentence in, telephone sound out.

piper-tts is GPL-3 and keeps espeak-ng's global state: it lives here alone, behind a pipe.
Run as `python -m byourside_server.providers.piper_worker SETTINGS`; requests are JSON {text}.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from byourside_server.providers.local_engine import Answer, serve_engine
from byourside_server.providers.telephone_band import to_telephone


def load(settings: dict[str, Any]) -> Answer:
    """The voice, with the weights read."""
    piper = importlib.import_module("piper")
    piper_config = importlib.import_module("piper.config")
    onnxruntime = importlib.import_module("onnxruntime")
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = int(settings["threads"])
    described = json.loads(Path(settings["config"]).read_text(encoding="utf-8"))
    voice = piper.PiperVoice(
        session=onnxruntime.InferenceSession(
            settings["voice"], sess_options=session_options, providers=["CPUExecutionProvider"]
        ),
        config=piper_config.PiperConfig.from_dict(described),
    )
    speaker = settings["speaker"]
    synthesis = piper_config.SynthesisConfig(
        speaker_id=int(speaker) if speaker is not None else None,
        length_scale=voice.config.length_scale * settings["length_scale"],
    )

    def answer(request: bytes) -> bytes:
        chunks = list(voice.synthesize(json.loads(request)["text"], syn_config=synthesis))
        if not chunks:
            return b""
        samples = np.concatenate([chunk.audio_float_array for chunk in chunks])
        return to_telephone(samples, chunks[0].sample_rate)

    return answer


if __name__ == "__main__":
    serve_engine(lambda: load(json.loads(sys.argv[1])))
