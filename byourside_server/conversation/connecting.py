"""The way to a person: menus, call screening and queues that stand before whoever was called.

Pure state and judgement; says and presses nothing itself. Where the way leads nowhere it says why.
"""

from __future__ import annotations

from typing import Literal

from byourside_server.conversation.hold import Hold
from byourside_server.conversation.machine_words import is_menu
from byourside_server.conversation.menu import Pressed, is_same_menu, options_of
from byourside_server.conversation.mind import Decision
from byourside_server.conversation.patience import CONNECTING_S
from byourside_server.conversation.waiting_words import (
    has_missed,
    is_hold_notice,
    only_welcomes,
    takes_leave,
    turns_away,
)

# What was heard while nobody is known to listen. person: begin · menu: choose a key · screening: say who
# calls and why · hold, prompt: wait · welcome: wait a moment for what follows · voicemail · nowhere: the end
Heard = Literal["person", "menu", "screening", "hold", "prompt", "welcome", "voicemail", "nowhere"]

SURELY_OPTIONS = 2
MAX_PRESSES = 8
MAX_PROMPTS = 16  # of menus, in one call
MAX_SAME = 4  # times that one menu was read out
MAX_SCREENED = 3
MENU_QUIET_S = 2.5  # a menu that says no more has offered all it has
_DEAD_ENDS = {"ivr": "menu_dead_end", "screening": "screened_out"}


class Connecting:
    """What stands before the person, and what was tried to get past it."""

    def __init__(self) -> None:
        self.hold = Hold()
        self.machine: str | None = None
        self.menu = ""  # words of the menu since the last key
        self.pressed: tuple[Pressed, ...] = ()
        self._menus: list[str] = []
        self._screened = 0
        self._was_welcomed = False
        self._has_chosen = False  # after the menu's last word

    @property
    def may_choose(self) -> bool:
        """Whether a menu fell silent, and nobody was asked yet what to make of it."""
        return bool(self.menu) and not self._has_chosen and not self.hold.is_on

    def choose(self) -> str:
        """The menu that fell silent."""
        self._has_chosen = True
        return self.menu

    @property
    def is_asked_again(self) -> bool:
        """Whether call screening has not understood who is calling."""
        return self._screened > 1

    def is_waiting(self, phase: str) -> bool:
        """Whether nobody is there to whom words would be owed."""
        return self.hold.is_on or (phase == "opening" and self.machine is not None)

    def patience_s(self, decision: Decision | None) -> float | None:
        """How long silence may last; None: as long as the call."""
        if decision is not None:
            return self.hold.patience_s(decision.patience_s)
        return self.hold.patience_s(MENU_QUIET_S if self.may_choose else CONNECTING_S)

    def reason_of_hang_up(self, answered_by: str | None) -> str:
        """Why the far side hung up: a machine because it led nowhere."""
        is_stuck = answered_by is None and self.machine is not None and not self.hold.is_on
        return self.dead_end if is_stuck else "hung_up"

    @property
    def dead_end(self) -> str:
        """Why the call ends where the way led no further."""
        if self.machine is None or self.hold.is_on:
            return "no_response"
        return _DEAD_ENDS[self.machine]

    def judge(self, words: str, verdict: str) -> Heard:
        """Who spoke; `verdict` is what the greeting alone looks like."""
        if self.machine == "screening" and turns_away(words):
            return "nowhere"
        if is_hold_notice(words, is_connecting=self.machine is not None):
            self.machine = self.machine or "ivr"
            self.hold.begin("machine")
            return "hold"
        if verdict == "voicemail":
            return "voicemail"
        if self._is_menu(words, verdict):
            if not self._hear_menu(words):
                return "nowhere"
            return "menu" if options_of(self.menu) else "prompt"
        if verdict == "screening":
            self.machine, self._screened = "screening", self._screened + 1
            return "screening" if self._screened <= MAX_SCREENED else "nowhere"
        if self.machine is not None and takes_leave(words):
            return "nowhere"
        if only_welcomes(words) and not self._was_welcomed:
            self._was_welcomed = True
            return "welcome"
        return "person"

    def is_queue(self, words: str) -> bool:
        """Whether a person's place was taken by an announcement to wait."""
        return is_hold_notice(words)

    def is_menu_after_all(self, words: str, *, is_beginning: bool) -> bool:
        """Whether what began like a person is a menu of keys: at the beginning, or beyond doubt."""
        return is_menu(words) if is_beginning else len(options_of(words)) >= SURELY_OPTIONS

    def press(self, keys: str) -> None:
        self.pressed = (*self.pressed, Pressed(self.menu, keys))
        self.menu, self._has_chosen = "", False

    def _is_menu(self, words: str, verdict: str) -> bool:
        if verdict == "ivr" or is_menu(words) or options_of(words):
            return True
        return self.machine == "ivr" and (has_missed(words) or only_welcomes(words))

    def _hear_menu(self, words: str) -> bool:
        """False where this goes round in circles."""
        self.machine = "ivr"
        self.menu, self._has_chosen = f"{self.menu} {words}".strip(), False
        self._menus.append(words)
        times = sum(1 for menu in self._menus if options_of(words) and is_same_menu(menu, words))
        return (
            times <= MAX_SAME and len(self._menus) <= MAX_PROMPTS and len(self.pressed) <= MAX_PRESSES
        )
