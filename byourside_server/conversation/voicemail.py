"""Leaving a message on a machine: wait for its beep, or for its silence, then speak once.

Times in seconds since the answer. The message never comes from the context.
"""

from __future__ import annotations

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.discretion import Discretion
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.timers import Timers
from byourside_server.conversation.words import plain

BEEP_PATIENCE_S = 8.0
BEEP_PAUSE_S = 0.3
QUIET_S = 1.5  # after a greeting without a beep


def message_of(brief: Brief) -> str:
    """The caller's message, or one made from the objective, with all that must be said in it."""
    if brief.voicemail.message:
        own = brief.voicemail.message.strip()
        missing = [text for text in brief.must_say if plain(text) not in plain(own)]
        return " ".join([own, *missing])
    purpose = Discretion(brief).cleared(plan_of(brief).purpose).text
    return " ".join([purpose, *brief.must_say, phrases_for(brief.language).please_call_back])


class MessageTiming:
    """When the message may be spoken: sets the timer "message", and "no_beep" for giving up on a beep."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._has_waited = False
        self._quiet_since: float | None = None
        self._is_spoken = False

    def begin(self, now: float, quiet_since: float | None) -> None:
        """A machine was recognised; `quiet_since` is None while its greeting runs."""
        self._quiet_since = quiet_since
        self._timers.set("no_beep", now + BEEP_PATIENCE_S)

    def hear_beep(self, now: float) -> None:
        if not self._is_spoken:
            self._timers.clear("no_beep")
            self._timers.set("message", now + BEEP_PAUSE_S)

    def hear_voice(self) -> None:
        """The greeting goes on."""
        self._quiet_since = None
        self._timers.clear("message")

    def hear_quiet(self, since: float, now: float) -> None:
        self._quiet_since = since
        if self._has_waited and not self._is_spoken:
            self._timers.set("message", max(now, since + QUIET_S))

    def give_up_on_beep(self, now: float) -> None:
        """No beep came in its time: the next silence will do."""
        self._has_waited = True
        if self._quiet_since is not None:
            self.hear_quiet(self._quiet_since, now)

    def spoken(self) -> None:
        self._is_spoken = True
        self._timers.clear("no_beep", "message")
