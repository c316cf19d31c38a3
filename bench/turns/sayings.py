"""Everything that callers may say in one run, as one stretch of sound and a table; written and read as files.

Needs numpy alone: the stub ears in the contenders' environments find in it what they heard.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.turns.voicing import plain

SOUND, TABLE, AGENT = "sayings.ul", "sayings.json", "agent.ul"


@dataclass(frozen=True)
class Word:
    """One word and the sample of its saying behind its last sound."""

    text: str
    end: int


@dataclass(frozen=True)
class Saying:
    """What is said in one go, pauses included. Samples count from its beginning, except `begin`."""

    id: str
    text: str
    begin: int
    """In the stretch of all sayings."""
    length: int
    first_voiced: int
    last_voiced: int
    words: tuple[Word, ...] = ()
    pauses_s: tuple[float, ...] = ()
    """Between the parts, from voice to voice."""


class Sayings:
    """All of them."""

    def __init__(self, all_sayings: Sequence[Saying], ulaw: bytes) -> None:
        self.by_id = {saying.id: saying for saying in all_sayings}
        self.ulaw = plain(ulaw)
        self._in_order = sorted(all_sayings, key=lambda saying: saying.begin)

    def sound_of(self, saying_id: str) -> bytes:
        saying = self.by_id[saying_id]
        return self.ulaw[saying.begin : saying.begin + saying.length]

    def at(self, position: int) -> Saying | None:
        """The saying to which a sample of the stretch belongs."""
        for saying in self._in_order:
            if saying.begin <= position < saying.begin + saying.length:
                return saying
        return None

    def write(self, folder: Path) -> None:
        (folder / SOUND).write_bytes(self.ulaw)
        (folder / TABLE).write_text(json.dumps([asdict(saying) for saying in self._in_order]))


def read(folder: Path) -> Sayings:
    """What `write` wrote."""
    rows = json.loads((folder / TABLE).read_text())
    made = [
        Saying(
            **{
                **row,
                "words": tuple(Word(**word) for word in row["words"]),
                "pauses_s": tuple(row["pauses_s"]),
            }
        )
        for row in rows
    ]
    return Sayings(made, (folder / SOUND).read_bytes())
