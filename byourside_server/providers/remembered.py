"""Sentences said lately and their sound, so that saying one again costs nothing.

Openings and fillers recur from call to call. In memory only: nothing of a call is written down by it.
"""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED_SENTENCES = 128  # a 4 s sentence is 32 kB: 4 MB in all
REMEMBERED_BYTES = 8_000_000  # so that long ones can't fill the memory


class RememberedSentences:
    """The sound of the sentences used last; what was not used longest is forgotten first."""

    def __init__(self, capacity: int = REMEMBERED_SENTENCES, capacity_bytes: int = REMEMBERED_BYTES) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._held_bytes = 0
        self._sounds: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def recall(self, language: str, text: str) -> bytes | None:
        """µ-law of this sentence, or None where it was not said lately."""
        sound = self._sounds.get((language, text))
        if sound is not None:
            self._sounds.move_to_end((language, text))
        return sound

    def keep(self, language: str, text: str, ulaw: bytes) -> None:
        """Remember the whole sound of a sentence, where it is not longer than all that may be held."""
        self._held_bytes -= len(self._sounds.pop((language, text), b""))
        self._sounds[language, text] = ulaw
        self._held_bytes += len(ulaw)
        while len(self._sounds) > self._capacity or self._held_bytes > self._capacity_bytes:
            _, forgotten = self._sounds.popitem(last=False)
            self._held_bytes -= len(forgotten)
