"""They have put us on hold: nothing we say would be heard, and what comes over the line is not meant for us.

The time between is nobody's silence, but it is part of the call. Is told by signalling; hears no music.
"""

from __future__ import annotations

from byourside_server.conversation.agent import Agent, Next
from byourside_server.conversation.dead_air import DeadAir
from byourside_server.conversation.listening import Ears
from byourside_server.conversation.timers import Timers

# What time goes on for meanwhile: the call's own length, and what somebody else is doing.
_NOT_HELD_UP = frozenset({"goodbye", "maximum", "transfer", "finish"})


class OnHold:
    """The holds of one conversation; sets the timer "back" when one is over."""

    def __init__(self, timers: Timers, agent: Agent, ears: Ears, air: DeadAir) -> None:
        self._timers = timers
        self._air = air
        self._agent = agent
        self._mouth = agent.mouth
        self._ears = ears

    @property
    def is_on(self) -> bool:
        return self._mouth.is_muted

    def receive(self, held: bool, now: float) -> None:
        """How it is from now on; words that were cut are said on afterwards."""
        if held and not self.is_on:
            self._timers.stop_time(now, going_on=_NOT_HELD_UP)
            self._timers.clear("filler", "give_up")
            self._mouth.mute()
        elif self.is_on and not held:
            self._timers.clear("resume")
            self._timers.go_on(now)
            # A silence that words are owed in begins no earlier than this.
            self._air.observe_sound_end(now)
            self._mouth.is_muted = False
            if self._ears.turn is None:
                self._timers.set("back", now)

    def back(self, phase: str) -> Next | None:
        """A hold is over: say on, think on, or listen."""
        if phase in ("machine", "transfer", "over"):
            self._mouth.say_rest()
            return None
        return "speaking" if self._mouth.saying is not None else self._agent.go_on()
