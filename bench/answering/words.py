"""The embedded recogniser's words for a stretch of sound, and the CPU time they took; asked once, then kept.

What is kept lies in `build/` under the sound's own fingerprint: the same sound and the same expectation give
the same words.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from byourside_server.providers.base import Expectation
from byourside_server.providers.recognition_worker import Recogniser

KEPT = Path(__file__).resolve().parents[2] / "build" / "amd" / "words"


@dataclass(frozen=True)
class Words:
    text: str
    confidence: float
    cpu_s: float


class Recognition:
    least_s_a_second = 0.25

    def __init__(self) -> None:
        self._recogniser: Recogniser | None = None
        KEPT.mkdir(parents=True, exist_ok=True)

    def words_of(self, ulaw: bytes, expect: Expectation) -> Words:
        expected = repr((sorted(expect.kinds), expect.phrases)).encode()
        path = KEPT / f"{sha256(expected + ulaw).hexdigest()[:32]}.json"
        if not path.exists():
            if self._recogniser is None:
                self._recogniser = Recogniser()
            self._recogniser.prepare(expect)
            began = time.process_time()
            heard = self._recogniser.recognise(ulaw, expect)
            kept = Words(heard.text, heard.confidence, round(time.process_time() - began, 4))
            path.write_text(json.dumps(kept.__dict__))
        return Words(**json.loads(path.read_text()))
