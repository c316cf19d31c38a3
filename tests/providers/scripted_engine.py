"""A scripted engine as a worker process: says a byte for each letter, or fails as its settings say."""

import json
import os
import sys

from byourside_server.providers.local_engine import Answer, serve_engine
from byourside_server.providers.worker_pipe import BadInput


def load(settings: dict[str, str]) -> Answer:
    if settings.get("load") == "fails":
        raise ValueError("weights of another make\nand a second line")
    if settings.get("load") == "dies":
        os._exit(3)
    if settings.get("load") == "complains":
        raise BadInput("no voice is called 'x'")

    def answer(request: bytes) -> bytes:
        text = json.loads(request)["text"]
        if "secret" in text:
            raise RuntimeError(f"cannot say {text!r}")
        if "die" in text:
            os._exit(3)
        return b"\x55" * len(text)

    return answer


if __name__ == "__main__":
    serve_engine(lambda: load(json.loads(sys.argv[1])))
