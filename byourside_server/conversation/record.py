"""The transcript as it grows: turns in order of speaking, each announced as it is complete.

The sentences of one reply become one turn. Words that fill a silence are turns too, but no mind is shown
them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.events import ConversationEvent, TurnEnded


@dataclass(frozen=True)
class _Entry:
    turn: Turn
    is_filler: bool = False


class Record:
    """The turns of one conversation. Moments come in seconds since the answer, turns hold milliseconds."""

    def __init__(self, events: deque[ConversationEvent]) -> None:
        self._events = events
        self._entries: list[_Entry] = []
        self._open: _Entry | None = None  # a reply of ours that may go on
        self._later: list[_Entry] = []  # what was said before the contact's words were recognised
        self.contact_since: float | None = None  # where the contact's turn in progress began

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, the one in progress of ours included."""
        return self._numbered(fillers=True)

    @property
    def turns_for_mind(self) -> tuple[Turn, ...]:
        """The turns without those that only filled a silence."""
        return self._numbered(fillers=False)

    def _numbered(self, *, fillers: bool) -> tuple[Turn, ...]:
        entries = [*self._entries, *([self._open] if self._open else []), *self._later]
        turns = (entry.turn for entry in entries if fillers or not entry.is_filler)
        return tuple(replace(turn, index=index) for index, turn in enumerate(turns))

    def speak(
        self,
        text: str,
        start: float,
        end: float,
        *,
        interrupted: bool = False,
        asks: str | None = None,
        is_filler: bool = False,
    ) -> None:
        """Words of ours were played; `interrupted` where they were cut."""
        if self.contact_since is not None and start >= self.contact_since:
            turn = Turn(0, "agent", text, _ms(start), _ms(end), interrupted=interrupted, asks=asks)
            self._later.append(_Entry(turn, is_filler))  # they had begun to speak before us
            return
        if self._open is not None:
            before = self._open.turn
            turn = replace(before, text=f"{before.text} {text}", end_ms=_ms(end), asks=asks or before.asks)
        else:
            turn = Turn(0, "agent", text, _ms(start), _ms(end), asks=asks)
        is_filler = is_filler and self._open is None
        self._open = _Entry(turn, is_filler)
        if interrupted or is_filler:
            self.close(interrupted=interrupted)

    def asks(self, step: str | None) -> None:
        """The words said last put this question."""
        if self._open is not None and step is not None:
            self._open = replace(self._open, turn=replace(self._open.turn, asks=step))
        elif self._later and step is not None:
            self._later[-1] = replace(self._later[-1], turn=replace(self._later[-1].turn, asks=step))

    def close(self, *, interrupted: bool = False) -> None:
        """The reply in progress is over."""
        if self._open is not None:
            entry, self._open = self._open, None
            self._write(replace(entry, turn=replace(entry.turn, interrupted=interrupted)))

    def hear(self, text: str, start: float, end: float, confidence: float) -> None:
        """The contact's turn is complete."""
        self.close()
        self._write(_Entry(Turn(0, "contact", text, _ms(max(0.0, start)), _ms(end), confidence=confidence)))

    def contact_is_done(self) -> None:
        """What was said while their words were recognised comes after those."""
        self.contact_since = None
        later, self._later = self._later, []
        if later:
            self.close()  # a noise of theirs has not done so
        for entry in later:
            self._write(entry)

    def _write(self, entry: _Entry) -> None:
        entry = replace(entry, turn=replace(entry.turn, index=len(self._entries)))
        self._entries.append(entry)
        self._events.append(TurnEnded(entry.turn))

    @property
    def ends_with_question(self) -> bool:
        """Whether our last words were a question."""
        turn = next((each for each in reversed(self.turns) if each.role == "agent"), None)
        return turn is not None and not turn.interrupted and turn.text.rstrip().endswith("?")

    @property
    def last_words(self) -> str:
        """Ours, said last."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "agent"), "")

    @property
    def open_step(self) -> str | None:
        """The last question asked."""
        return next((turn.asks for turn in reversed(self.turns) if turn.asks), None)

    @property
    def contact_turns(self) -> int:
        return sum(1 for turn in self.turns if turn.role == "contact")

    @property
    def has_conversed(self) -> bool:
        """Whether a question of ours was followed by words of theirs."""
        asked = next((turn.index for turn in self.turns if turn.asks), None)
        return asked is not None and any(turn.role == "contact" and turn.index > asked for turn in self.turns)


def _ms(moment: float) -> int:
    return round(moment * 1000)
