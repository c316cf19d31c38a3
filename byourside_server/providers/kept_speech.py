"""Speech that was made or recognised before, by its content: in memory, and in a folder for the next start.

For calls at virtual time, where asking an engine is the only thing that takes real time. Sound is found by
voice, language and text; words by recogniser, language, what was expected, and the sound without the
digital silence around it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import OrderedDict
from pathlib import Path

from byourside_server.providers.base import Expectation, Recognition

_SILENCE = b"\xff"
# Of sound and words in memory; what was not used longest is read from the folder again.
_MEMORY_BYTES = 64_000_000


class KeptSpeech:
    """A folder of answers, each under the hash of its question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def find(self, key: str) -> bytes | None:
        """The answer, None where it was never asked for."""
        found = self._memory.get(key)
        if found is not None:
            self._memory.move_to_end(key)
            return found
        try:
            found = (self._folder / key).read_bytes()
        except OSError:
            return None
        self._remember(key, found)
        return found

    def keep(self, key: str, answer: bytes) -> None:
        """Remember it, for the next start too."""
        self._remember(key, answer)
        # A folder that can't be written costs the next start time, and nothing else.
        with contextlib.suppress(OSError):
            draft = self._folder / f"{key}.{os.getpid()}"
            draft.write_bytes(answer)
            draft.replace(self._folder / key)

    def _remember(self, key: str, answer: bytes) -> None:
        self._held += len(answer) - len(self._memory.pop(key, b""))
        self._memory[key] = answer
        while self._held > _MEMORY_BYTES:
            self._held -= len(self._memory.popitem(last=False)[1])


def said_key(voice: str, language: str, text: str) -> str:
    """Of a text's sound."""
    return _key("say", voice, language, text)


def heard_key(ears: str, language: str, expect: Expectation, ulaw: bytes) -> str:
    """Of a sound's words."""
    asked = json.dumps([sorted(expect.kinds), expect.phrases])
    return _key("hear", ears, language, asked, ulaw.strip(_SILENCE))


def pack(heard: Recognition) -> bytes:
    """Words as they are kept."""
    return json.dumps([heard.text, heard.confidence]).encode()


def unpack(answer: bytes) -> Recognition:
    """Raises ValueError for what is no kept answer."""
    text, confidence = json.loads(answer)
    return Recognition(str(text), float(confidence))


def _key(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
