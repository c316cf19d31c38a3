"""On hold: somebody asked us to wait, a machine does, or music plays. Nobody is spoken to until a person is.

Pure state; times in seconds since the answer. While a hold lasts the mind is not asked, so it costs nothing.
"""

from __future__ import annotations

from typing import Literal

from byourside_server.conversation.waiting_words import is_hold_notice

By = Literal["person", "machine", "music"]

QUIET_S = 120.0  # of nothing at all, kept waiting by a machine: nobody will come
UNSURE_S = 6.0  # after words that were not understood: is it they?
AFTER_MUSIC_S = 20.0  # kept waiting by a person
MUSIC_NEAR_S = 8.0  # sound without words so soon after music is more of it
MAX_WORDLESS = 2  # of turns without words or music: a person who is not understood


class Hold:
    """Whether we are kept waiting, by whom, and whether what is heard ends it."""

    def __init__(self) -> None:
        self._by: By | None = None
        self._is_music = False
        self._music_at = -MUSIC_NEAR_S
        self._wordless = 0
        self.may_be_back = False  # a voice that was not understood, and no music since

    @property
    def is_on(self) -> bool:
        return self._by is not None

    def begin(self, by: By) -> None:
        """A machine's word weighs more than a person's: it needs no "are you still there?"."""
        if self._by is None:
            self._wordless, self.may_be_back = 0, False
        if self._by != "machine":
            self._by = by

    def end(self) -> None:
        self._by, self._is_music, self.may_be_back = None, False, False

    def hear_music(self, at: float) -> None:
        self._is_music, self._music_at, self.may_be_back = True, at, False
        self.begin(self._by or "music")

    def hear_music_end(self, at: float) -> None:
        self._is_music, self._music_at = False, at

    def is_music_near(self, at: float) -> bool:
        """Whether sound without words at this moment may be music."""
        return self.is_on and (self._is_music or at - self._music_at < MUSIC_NEAR_S)

    def outlasts(self, words: str, at: float) -> bool:
        """Whether what was heard leaves us waiting: an announcement, music, or a noise."""
        if not self.is_on:
            return False
        if words:
            return is_hold_notice(words, is_connecting=self._by != "person")
        self.may_be_back = not self._is_music
        if not self.is_music_near(at):
            self._wordless += 1
        return self._wordless <= MAX_WORDLESS

    def patience_s(self, otherwise: float) -> float | None:
        """How long silence may last now; None while music plays: as long as the call may."""
        if self._is_music:
            return None
        if not self.is_on:
            return otherwise
        if self.may_be_back:
            return UNSURE_S
        return QUIET_S if self._by == "machine" else max(otherwise, AFTER_MUSIC_S)
