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

from byourside_server.providers.espeak_worker import Espeak, in_a_child

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
    """µ-law of each line, made by a process that ends with it: the library never comes into this one."""
    command = [sys.executable, "-m", "bench.turns.espeak"]
    done = subprocess.run(command, input=json.dumps(lines), capture_output=True, text=True, check=True)
    return [base64.b64decode(sound) for sound in json.loads(done.stdout)]


def main() -> None:
    """Say everything that is asked for."""
    speakers = Speakers()
    lines: list[Line] = [(str(text), str(voice), int(rate)) for text, voice, rate in json.load(sys.stdin)]
    json.dump([base64.b64encode(speakers.speak(line)).decode() for line in lines], sys.stdout)


if __name__ == "__main__":
    main()
