"""Watches over the silences in which the agent owes words: when to fill one, when to give up, and what each
was for.

Times in seconds since the answer. Is told what is waited for; sets the timers "filler" and "give_up".
"""

from __future__ import annotations

from typing import Literal

from byourside_server.conversation.timers import Timers

# What is waited for: the contact's words to be understood, the mind's reply, or its sound.
Cause = Literal["recognition", "mind", "voice"]

FILL_AFTER_S = 1.5  # the sound of a filler begins within 0.2 s of the wish for it
FILL_FOR_VOICE_AFTER_S = 1.65  # words are there, and their sound may be just about to be
GRACE_S = 0.25  # a silence told of late is not filled at once: the words may be just about to sound
FILL_AGAIN_S = 5.0  # where a filler made no sound at all
GIVE_UP_AFTER_S = 15.0
NOTED_S = 2.0


class DeadAir:
    """The silences of one conversation."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._owed_since: float | None = None
        self._silent_since: float | None = None
        self._causes: list[tuple[float, Cause]] = []
        self._sound_until = 0.0
        self.fillers = 0  # since words have been owed
        self.stretches: list[tuple[float, float, Cause]] = []

    @property
    def cause(self) -> Cause | None:
        """What was waited for last."""
        return self._causes[-1][1] if self._causes else None

    def observe(self, cause: Cause | None, at: float, now: float) -> None:
        """Since `at` words are owed and `cause` keeps them; None where none are owed or they sound."""
        if cause is None:
            self._sounds(at)
            self._owed_since = None
            self._timers.clear("filler", "give_up")
            return
        begins = self._silent_since is None
        if begins:
            self._begin(cause, max(at, self._sound_until))
        elif cause != self._causes[-1][1]:
            self._causes.append((now, cause))
        # After a filler the silence begins anew, and so does the patience with it.
        if (self.fillers == 0 or begins) and self._silent_since is not None:
            patience_s = FILL_FOR_VOICE_AFTER_S if cause == "voice" else FILL_AFTER_S
            earliest = now + GRACE_S if begins else now
            self._timers.set("filler", max(earliest, self._silent_since + patience_s))

    def observe_filler(self, at: float) -> None:
        """A filler sounds; words are owed still."""
        self._sounds(at)

    def observe_sound_end(self, at: float) -> None:
        self._sound_until = max(self._sound_until, at)

    def fill(self, now: float) -> None:
        """A filler was asked for."""
        self.fillers += 1
        self._timers.set("filler", now + FILL_AGAIN_S)

    def start_anew(self) -> None:
        """What was owed is not owed any more."""
        self._owed_since = None

    def _begin(self, cause: Cause, since: float) -> None:
        self._silent_since, self._causes = since, [(since, cause)]
        if self._owed_since is None:
            self._owed_since, self.fillers = since, 0
            self._timers.set("give_up", since + GIVE_UP_AFTER_S)

    def _sounds(self, at: float) -> None:
        since, self._silent_since = self._silent_since, None
        if since is not None and at - since > NOTED_S:
            self.stretches.append((since, at, self._main_cause(at)))

    def _main_cause(self, until: float) -> Cause:
        """What took the most of the silence."""
        ends = [*(moment for moment, _ in self._causes[1:]), until]
        shares: dict[Cause, float] = {}
        for (begin, cause), end in zip(self._causes, ends, strict=True):
            shares[cause] = shares.get(cause, 0.0) + max(0.0, end - begin)
        return max(shares, key=lambda cause: shares[cause])
