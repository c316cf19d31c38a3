"""Several speakers of espeak-ng at several speeds, in a process of its own: `python -m bench.turns.espeak`.

Standard input is a JSON list of [text, voice, words a minute]; standard output gets the µ-law of each, in
base64, as a JSON list. Voices are espeak's names with a variant, `en-us+f3`.
"""

from __future__ import annotations

import base64
import ctypes
import json
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from byourside_server.providers.espeak_worker import Espeak, in_a_child

SPOKEN = Path(__file__).resolve().parents[2] / "build" / "turns"
RATE_PARAMETER = 1
"""espeakRATE in espeak-ng's speak_lib.h."""

Line = tuple[str, str, int]


class Speakers(Espeak):
    """The library with a voice and a speed for each sentence."""

    def speak(self, line: Line) -> bytes:
        text, voice, words_a_minute = line

        def speak() -> bytes:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ValueError(f"espeak has no voice {voice!r}")
            self._library.espeak_SetParameter(RATE_PARAMETER, ctypes.c_int(words_a_minute), 0)
            return self._synthesize(text)

        return in_a_child(speak)


def spoken(lines: Sequence[Line]) -> list[bytes]:
    """µ-law of each line, made once, by a process that ends with it: the library stays out of this one."""
    SPOKEN.mkdir(parents=True, exist_ok=True)
    files = [SPOKEN / f"{sha256(json.dumps(line).encode()).hexdigest()[:24]}.ul" for line in lines]
    missing = [(line, file) for line, file in zip(lines, files, strict=True) if not file.exists()]
    if missing:
        command = [sys.executable, "-m", "bench.turns.espeak"]
        asked = json.dumps([line for line, _ in missing])
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
        for (_, file), sound in zip(missing, json.loads(done.stdout), strict=True):
            file.write_bytes(base64.b64decode(sound))
    return [file.read_bytes() for file in files]


def main() -> None:
    """Say everything that is asked for."""
    speakers = Speakers()
    lines: list[Line] = [(str(text), str(voice), int(rate)) for text, voice, rate in json.load(sys.stdin)]
    json.dump([base64.b64encode(speakers.speak(line)).decode() for line in lines], sys.stdout)


if __name__ == "__main__":
    main()
