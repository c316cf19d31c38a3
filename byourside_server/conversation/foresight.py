"""A reply thought of ahead: while it is not sure yet that the contact has finished.

The mind is asked on a short silence what it would answer if these were all the words. Nothing comes of it
but sound made and kept back, until the turn is over with the same words: then the reply is taken over as it
stands. Where the voice goes on, or the words turn out others, it is dropped: its tools are not carried out,
nothing of it is said, and no turn knows of it. Keeps no time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from byourside_server.conversation.discretion import Discretion
from byourside_server.conversation.events import (
    Confirm,
    ConversationEvent,
    Discard,
    Prepare,
    StopThinking,
    Think,
)
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.mouth import Mouth
from byourside_server.conversation.thought import Thought
from byourside_server.conversation.words import plain

MOST_OF_A_TURN = 4
"""Replies thought of ahead in one turn: somebody who halts at every word is heard out first."""


@dataclass
class Foreseen:
    """What was asked, and what has come of it so far."""

    number: int
    situation: Situation
    discretion: Discretion
    sentences: list[str] = field(default_factory=list)
    decision: Decision | None = None
    prepared: str = ""


class Foresight:
    """At most one reply ahead of its time."""

    def __init__(self, thought: Thought, events: deque[ConversationEvent], mouth: Mouth) -> None:
        self._thought = thought
        self._events = events
        self._mouth = mouth
        self._foreseen: Foreseen | None = None
        self._turn: tuple[float, int] = (-1.0, 0)
        """Where the turn in progress began, and how often it was asked about."""

    def ask(self, situation: Situation, discretion: Discretion, turn_start: float) -> None:
        """What would be the answer to this? Nothing is asked twice, and nothing for ever.

        `discretion` is a copy: what is tried on it does not count.
        """
        if self._foreseen is not None and _is_same(self._foreseen.situation, situation):
            return
        self.drop()
        asked = self._turn[1] if self._turn[0] == turn_start else 0
        if asked >= MOST_OF_A_TURN:
            return
        self._turn = turn_start, asked + 1
        discretion.heard(situation.text)
        self._foreseen = Foreseen(self._thought.next_number(), situation, discretion)
        self._events.append(Think(self._foreseen.number, replace(situation, is_ahead=True)))

    def take_words(self, request_id: int, text: str) -> None:
        """A sentence of the reply ahead: kept back, and the first one made into sound."""
        foreseen = self._foreseen
        if foreseen is not None and foreseen.number == request_id:
            foreseen.sentences.append(text)
            self._prepare(foreseen, text)

    def take_reply(self, request_id: int, decision: Decision) -> None:
        """The reply's end. A mind that failed ahead of time is asked again when it is time."""
        foreseen = self._foreseen
        if foreseen is None or foreseen.number != request_id:
            return
        if decision.end_reason == "mind_failed":
            self._turn = self._turn[0], MOST_OF_A_TURN
            self.drop()
            return
        foreseen.decision = decision
        self._prepare(foreseen, decision.say)

    def redeem(self, situation: Situation) -> Foreseen | None:
        """The reply to this, where it was foreseen; what was foreseen instead is dropped."""
        foreseen = self._foreseen
        if foreseen is None or not _is_same(foreseen.situation, situation):
            self.drop()
            return None
        self._foreseen = None
        self._events.append(Confirm(foreseen.number))
        return foreseen

    def drop(self) -> None:
        """It comes otherwise."""
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None:
            self._events.append(StopThinking())
            if foreseen.prepared:
                self._events.append(Discard(foreseen.prepared))

    def _prepare(self, foreseen: Foreseen, text: str) -> None:
        """The first words as they will be said; those behind them are made while these are spoken."""
        if foreseen.prepared or not text.strip() or not self._mouth.has_disclosed:
            return
        foreseen.prepared = foreseen.discretion.cleared(text.strip()).text
        if foreseen.prepared:
            self._events.append(Prepare(foreseen.prepared))


def _is_same(one: Situation, other: Situation) -> bool:
    return _essence(one) == _essence(other)


def _essence(situation: Situation) -> tuple[object, ...]:
    """What an answer depends on: not the moments, nor how the recogniser spells or how sure it is."""
    turns = tuple((turn.role, plain(turn.text), turn.asks, turn.interrupted) for turn in situation.turns)
    rest = replace(situation, turns=(), text=plain(situation.text), confidence=0.0, is_ahead=False)
    return turns, rest
