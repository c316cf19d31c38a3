"""Leaving a message on a machine: wait for its beep, or for its silence, then speak once.

Times in seconds since the answer. The message never comes from the context.
"""

from __future__ import annotations

from collections.abc import Callable

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.discretion import Discretion
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.timers import Timers
from byourside_server.conversation.words import plain

BEEP_PATIENCE_S = 8.0
BEEP_PAUSE_S = 0.3
SECOND_BEEP_PATIENCE_S = 4.0  # after a voice that followed a beep
QUIET_S = 1.5  # after a greeting without a beep
GOES_ON_S = 0.8  # of a voice over our message: the greeting was not over
GREETING_RESUMES_S = 4.0  # of our message, in which that is believed
MOST_BEGINNINGS = 3


def message_of(brief: Brief) -> str:
    """The caller's message, or one made from the objective, with all that must be said in it."""
    if brief.voicemail.message:
        own = brief.voicemail.message.strip()
        missing = [text for text in brief.must_say if plain(text) not in plain(own)]
        return " ".join([own, *missing])
    purpose = Discretion(brief).cleared(plan_of(brief).purpose).text
    return " ".join([purpose, *brief.must_say, phrases_for(brief.language).please_call_back])


class MessageTiming:
    """When the message may be spoken, and when it must be begun again.

    Sets the timers "message", "no_beep" for giving up on a beep, and "again": the machine goes on speaking
    over our message, so what we took for its beep was none.
    """

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._has_waited = False
        self._quiet_since: float | None = None
        self._spoken_at: float | None = None
        self._beginnings = 0

    def begin(self, now: float, quiet_since: float | None) -> None:
        """A machine was recognised; `quiet_since` is None while its greeting runs."""
        self._quiet_since = quiet_since
        self._timers.set("no_beep", now + BEEP_PATIENCE_S)

    def hear_beep(self, now: float) -> bool:
        """True where the message under way must be stopped: it had been begun before its beep."""
        if self._spoken_at is not None and not self._may_begin_again(now):
            return False
        is_late = self._spoken_at is not None
        self._spoken_at = None
        self._timers.clear("no_beep", "again")
        self._timers.set("message", now + BEEP_PAUSE_S)
        return is_late

    def hear_voice(self, now: float) -> None:
        """The greeting goes on."""
        self._quiet_since = None
        self._timers.clear("message")
        if self._spoken_at is not None and self._may_begin_again(now):
            self._timers.set("again", now + GOES_ON_S)

    def hear_quiet(self, since: float, now: float) -> None:
        self._quiet_since = since
        self._timers.clear("again")
        if self._spoken_at is not None:
            return
        if self._has_waited:
            self._timers.set("message", max(now, since + QUIET_S))
        elif not self._timers.is_set("no_beep"):
            # What had seemed the beep was none, or the voice came after it: another may follow.
            self._timers.set("no_beep", since + SECOND_BEEP_PATIENCE_S)

    def give_up_on_beep(self, now: float) -> None:
        """No beep came in its time: the next silence will do."""
        self._has_waited = True
        if self._quiet_since is not None:
            self.hear_quiet(self._quiet_since, now)

    def wait_again(self, now: float, stop_speaking: Callable[[], object]) -> None:
        """The message is stopped, and said whole after the next beep or in the next silence."""
        stop_speaking()
        self._spoken_at, self._has_waited = None, False
        self._timers.set("no_beep", now + BEEP_PATIENCE_S)

    def spoken(self, now: float) -> None:
        """The message begins now."""
        self._spoken_at = now
        self._beginnings += 1
        self._timers.clear("no_beep", "message")

    def _may_begin_again(self, now: float) -> bool:
        """Late in the message a voice is somebody who picks up, or our own echo; nobody tries for ever."""
        assert self._spoken_at is not None
        return now - self._spoken_at <= GREETING_RESUMES_S and self._beginnings < MOST_BEGINNINGS
