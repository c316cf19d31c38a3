"""The transcript as it grows: turns in order of speaking, each announced as it is complete."""

from __future__ import annotations

from collections import deque

from byourside_server.calls.transcript import Role, Turn
from byourside_server.conversation.events import ConversationEvent, TurnEnded


class Record:
    """The turns of one conversation. Moments come in seconds since the answer, turns hold milliseconds."""

    def __init__(self, events: deque[ConversationEvent]) -> None:
        self._events = events
        self._turns: list[Turn] = []

    @property
    def turns(self) -> tuple[Turn, ...]:
        return tuple(self._turns)

    def add(
        self,
        role: Role,
        text: str,
        start: float,
        end: float,
        *,
        interrupted: bool = False,
        asks: str | None = None,
        confidence: float | None = None,
    ) -> None:
        """One more turn."""
        turn = Turn(
            index=len(self._turns),
            role=role,
            text=text,
            start_ms=round(start * 1000),
            end_ms=round(end * 1000),
            interrupted=interrupted,
            asks=asks,
            confidence=confidence,
        )
        self._turns.append(turn)
        self._events.append(TurnEnded(turn))

    @property
    def open_step(self) -> str | None:
        """The last question asked."""
        return next((turn.asks for turn in reversed(self._turns) if turn.asks), None)

    @property
    def contact_turns(self) -> int:
        return sum(1 for turn in self._turns if turn.role == "contact")

    @property
    def last_contact_text(self) -> str:
        return next((turn.text for turn in reversed(self._turns) if turn.role == "contact"), "")

    @property
    def has_conversed(self) -> bool:
        """Whether a question of ours was followed by words of theirs."""
        asked = next((turn.index for turn in self._turns if turn.asks), None)
        return asked is not None and any(
            turn.role == "contact" and turn.index > asked for turn in self._turns
        )
