"""Sentences said lately and their sound, so that saying one again costs nothing.

Openings and fillers recur from call to call. In memory only: nothing of a call is written down by it.
"""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED_SENTENCES = 128  # a 4 s sentence is 32 kB: 4 MB in all


class RememberedSentences:
    """The sound of the sentences used last; what was not used longest is forgotten first."""

    def __init__(self, capacity: int = REMEMBERED_SENTENCES) -> None:
        self._capacity = capacity
        self._sounds: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def recall(self, language: str, text: str) -> bytes | None:
        """µ-law of this sentence, or None where it was not said lately."""
        sound = self._sounds.get((language, text))
        if sound is not None:
            self._sounds.move_to_end((language, text))
        return sound

    def keep(self, language: str, text: str, ulaw: bytes) -> None:
        """Remember the whole sound of a sentence."""
        self._sounds[language, text] = ulaw
        self._sounds.move_to_end((language, text))
        if len(self._sounds) > self._capacity:
            self._sounds.popitem(last=False)
