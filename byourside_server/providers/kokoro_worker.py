"""The process that holds Kokoro: a sentence in, telephone sound out.

kokoro-onnx is MIT, but its phonemizer is GPL-3 and keeps espeak-ng's global state: it lives here alone.
Run as `python -m byourside_server.providers.kokoro_worker SETTINGS`; requests are JSON {text}.
"""

import importlib
import json
import sys
from typing import Any

from byourside_server.providers.local_engine import Answer, serve_engine
from byourside_server.providers.telephone_band import to_telephone
from byourside_server.providers.worker_pipe import BadInput


def load(settings: dict[str, Any]) -> Answer:
    """The model and its voices, read. Raises BadInput for a voice that is not among them."""
    kokoro_onnx = importlib.import_module("kokoro_onnx")
    onnxruntime = importlib.import_module("onnxruntime")
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = int(settings["threads"])
    session = onnxruntime.InferenceSession(
        settings["model"], sess_options=session_options, providers=["CPUExecutionProvider"]
    )
    kokoro = kokoro_onnx.Kokoro.from_session(session, settings["voices"])
    known = kokoro.get_voices()
    if settings["voice"] not in known:
        raise BadInput(f"no voice is called {settings['voice']!r}; there are {', '.join(known)}")

    def answer(request: bytes) -> bytes:
        samples, rate_hz = kokoro.create(
            json.loads(request)["text"],
            voice=settings["voice"],
            speed=settings["speed"],
            lang=settings["language"],
        )
        return to_telephone(samples, rate_hz)

    return answer


if __name__ == "__main__":
    serve_engine(lambda: load(json.loads(sys.argv[1])))
