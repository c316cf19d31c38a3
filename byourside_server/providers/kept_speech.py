"""Speech that was made or recognised before, by its content: in memory, and in a folder for the next start.

For calls at virtual time, where asking an engine is the only thing that takes real time. Sound is found by
voice, language and text; words by recogniser, language, what was expected, and the sound without the
digital silence around it. What people said is among it: files are their owner's alone, there are never more
than a number of bytes of them, and none that was made longer ago than a number of days is used or left.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from byourside_server.providers.base import Expectation, Recognition

_SILENCE = b"\xff"
# Of sound and words in memory; what was not used longest is read from the folder again.
_MEMORY_BYTES = 64_000_000
_DAY_S = 86_400.0
# A full folder is emptied to so much, so that not every new answer has to make room for itself.
_ROOM_LEFT = 0.9
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Limits:
    """Of the folder. No bytes: nothing is written down."""

    most_bytes: int = 200_000_000
    longest_s: float = 30 * _DAY_S


@dataclass(frozen=True)
class _Kept:
    """What is known of an answer without reading it."""

    made_at: float
    size: int
    is_written: bool


class KeptSpeech:
    """A folder of answers in `home`, each under the hash of its question. `now` tells epoch seconds.

    Each edition has a folder of its own, since engines change with it; those of others are deleted.
    """

    def __init__(
        self,
        home: Path,
        edition: str,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._home = home
        self._folder = home / edition
        self._limits = limits or Limits()
        self._now = now
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._known: dict[str, _Kept] = {}
        self._written = 0
        for each in (home, self._folder):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._look_around()

    def find(self, key: str) -> bytes | None:
        """The answer, None where it was never asked for, or too long ago."""
        kept = self._known.get(key)
        if kept is None:
            return None
        if kept.made_at <= self._now() - self._limits.longest_s:
            self._forget(key)
            return None
        found = self._memory.get(key)
        if found is not None:
            self._memory.move_to_end(key)
            return found
        try:
            found = (self._folder / key).read_bytes()
        except OSError:
            self._forget(key)
            return None
        self._remember(key, found)
        return found

    def keep(self, key: str, answer: bytes) -> None:
        """Remember it, for the next start too."""
        self._forget(key)
        is_written = self._write(key, answer)
        self._written += len(answer) if is_written else 0
        self._known[key] = _Kept(self._now(), len(answer), is_written)
        self._remember(key, answer)
        if self._written > self._limits.most_bytes:
            self.prune()

    def prune(self) -> None:
        """Forget what is too old, and of the rest the oldest until there is room."""
        too_old = self._now() - self._limits.longest_s
        room = self._limits.most_bytes
        if self._written > room:
            room = int(room * _ROOM_LEFT)
        for key, kept in sorted(self._known.items(), key=lambda item: item[1].made_at):
            if kept.made_at <= too_old or (kept.is_written and self._written > room):
                self._forget(key)

    def _look_around(self) -> None:
        """Learn what earlier starts have left; what no start will read again is deleted."""
        for other in self._home.iterdir():
            if other.is_dir() and other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
        for entry in os.scandir(self._folder):
            if not _NAME.fullmatch(entry.name):
                Path(entry.path).unlink(missing_ok=True)
                continue
            with contextlib.suppress(OSError):
                facts = entry.stat()
                self._known[entry.name] = _Kept(facts.st_mtime, facts.st_size, is_written=True)
                self._written += facts.st_size
        self.prune()

    def _write(self, key: str, answer: bytes) -> bool:
        """A folder that can't be written costs the next start time, and nothing else."""
        if not 0 < len(answer) <= self._limits.most_bytes:
            return False
        draft = self._folder / f"{key}.draft"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(answer)
            os.utime(draft, (self._now(), self._now()))
            draft.replace(self._folder / key)
        except OSError:
            return False
        return True

    def _forget(self, key: str) -> None:
        kept = self._known.pop(key, None)
        self._held -= len(self._memory.pop(key, b""))
        if kept is not None and kept.is_written:
            self._written -= kept.size
            with contextlib.suppress(OSError):
                (self._folder / key).unlink()

    def _remember(self, key: str, answer: bytes) -> None:
        self._held += len(answer) - len(self._memory.pop(key, b""))
        self._memory[key] = answer
        while self._held > _MEMORY_BYTES:
            oldest, sound = self._memory.popitem(last=False)
            self._held -= len(sound)
            if not self._known[oldest].is_written:
                del self._known[oldest]


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
