"""The sandbox's simulated machines: voicemail, a menu of keys, call screening, a fax.

Sans-IO, as `people`. A machine that has put a call through becomes the person behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from byourside_server.sandbox.acts import Act, HangUp, Hush, Play, Speak, Wait, beep
from byourside_server.sandbox.people import Agreeable, Persona


class Voicemail(Persona):
    """A machine: greeting, beep, then silence until its tape is full."""

    tape_s = 30.0

    def answered(self) -> list[Act]:
        return [Speak(0.4, "voicemail_greeting"), beep(), HangUp(self.tape_s)]


class Fax(Persona):
    """Answers with its tone (CED, ITU-T T.30), hears no fax, tries once more and gives up."""

    def answered(self) -> list[Act]:
        return [Play(0.3, "fax", 3000), Play(3.0, "fax", 3000), HangUp(20.0)]


@dataclass(frozen=True)
class Menu:
    """One level: what is read out, and where each key leads. None stands for the person."""

    clip_id: str
    keys: dict[str, Menu | None] = field(default_factory=dict)


CLOSED = Menu("menu_closed")
APPOINTMENTS = Menu("menu_appointments", {"1": CLOSED, "2": None, "0": None})
MAIN_MENU = Menu("menu_main", {"1": CLOSED, "2": APPOINTMENTS, "0": None})


class MenuOfKeys(Agreeable):
    """Two levels of keys before a person comes; a wrong branch says goodbye."""

    patience_s = 8.0
    most_rounds = 3

    def __init__(self) -> None:
        super().__init__()
        self._menu: Menu | None = MAIN_MENU
        self._rounds = 0

    def answered(self) -> list[Act]:
        return self._read(0.4)

    def agent_said(self, text: str) -> list[Act]:
        return super().agent_said(text) if self._menu is None else []

    def nothing_heard(self) -> list[Act]:
        return super().nothing_heard() if self._menu is None else []

    def pressed(self, key: str) -> list[Act]:
        if self._menu is None or not self._menu.keys:
            return []
        if key not in self._menu.keys:
            return [Hush(), Speak(0.3, "menu_invalid"), *self._read(0.3)]
        self._menu, self._rounds = self._menu.keys[key], 0
        if self._menu is None:
            put_through: list[Act] = [Speak(0.3, "menu_transfer"), Play(0.5, "ringback", 2000)]
            return [Hush(), *put_through, Speak(0.8, "speaking_how_can_i_help")]
        return [Hush(), *self._read(0.4)]

    def waited(self) -> list[Act]:
        return [Speak(0.0, "menu_no_choice"), *self._read(0.3)]

    def _read(self, after_s: float) -> list[Act]:
        """The menu once more, unless it was read often enough."""
        assert self._menu is not None
        self._rounds += 1
        if self._rounds > self.most_rounds:
            return [Speak(after_s, "menu_goodbye"), HangUp(0.5)]
        then: Act = Wait(self.patience_s) if self._menu.keys else HangUp(0.5)
        return [Speak(after_s, self._menu.clip_id), then]


_NAMES_ITSELF = re.compile(r"\b(?:this is|my name is|on behalf of|calling from)\b")
_NAMES_REASON = re.compile(r"\b(?:calling (?:to|about|because|with|regarding)|i'd like|reminder)\b")


class Screening(Agreeable):
    """Asks who is calling and why; puts through who says both, turns away who doesn't."""

    patience_s = 8.0
    listens_s = 3.0  # on, where what was said is not enough
    most_attempts = 2

    def __init__(self) -> None:
        super().__init__()
        self._is_through = False
        self._attempts = 0
        self._said = ""

    def answered(self) -> list[Act]:
        return [Speak(0.4, "screening_state_name"), Wait(self.patience_s)]

    def agent_said(self, text: str) -> list[Act]:
        if self._is_through:
            return super().agent_said(text)
        self._said += f" {text.lower()}"
        if _NAMES_ITSELF.search(self._said) and _NAMES_REASON.search(self._said):
            self._is_through = True
            thanks: list[Act] = [Speak(0.6, "screening_thank_you"), Play(0.5, "ringback", 2000)]
            return [Hush(), *thanks, Speak(0.8, "hello")]
        return [Hush(), Wait(self.listens_s)]

    def nothing_heard(self) -> list[Act]:
        return super().nothing_heard() if self._is_through else self.waited()

    def waited(self) -> list[Act]:
        return self._again()

    def _again(self) -> list[Act]:
        self._attempts += 1
        if self._attempts >= self.most_attempts:
            return [Speak(0.5, "screening_declined"), HangUp(0.5)]
        return [Speak(0.5, "screening_again"), Wait(self.patience_s)]
