"""Where one conversation stands: its parts, and what can be read off them at any moment.

Changes nothing; `conversation` does. Times in seconds since the answer.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from byourside_server.calls.transcript import Turn
from byourside_server.conversation import expectations
from byourside_server.conversation.agent import Agent
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.dead_air import Cause
from byourside_server.conversation.events import ConversationEvent
from byourside_server.conversation.listening import Ears
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.record import Record
from byourside_server.conversation.timers import Timers
from byourside_server.conversation.verdicts import Verdicts
from byourside_server.conversation.voicemail import MessageTiming
from byourside_server.conversation.watch import Watch
from byourside_server.providers.base import Expectation

# opening: who picked up? · machine: wait for its beep · transfer: handing over · closing: the last words
Phase = Literal["opening", "talk", "machine", "transfer", "closing", "over"]


class Standing:
    """The state of one conversation."""

    def __init__(self, brief: Brief, *, mind_name: str = "embedded", asks_ahead: bool = False) -> None:
        """`asks_ahead`: the mind may be asked before it is sure that the contact has finished."""
        self.brief = brief
        self.mind_name = mind_name
        self.asks_ahead = asks_ahead
        self.answered_by: str | None = None
        self.verdicts = Verdicts()
        self.end_reason: str | None = None
        self.ended_by: str | None = None
        self._phase: Phase = "opening"
        self._events: deque[ConversationEvent] = deque()
        self._timers = Timers()
        self._record = Record(self._events)
        self._agent = Agent(brief, self._events, self._record)
        self._mouth = self._agent.mouth
        self._way = self._agent.way
        self._message = MessageTiming(self._timers)
        self._ears = Ears(self._record)
        self._phrases = phrases_for(brief.language)
        self._watch = Watch(self._ears, self._agent, self._timers, self._phrases)
        self.hold = self._watch.hold
        self._has_opened = False
        self._reason_to_end: str | None = None  # where not the mind decides it

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns so far, in order."""
        return self._record.turns

    @property
    def latencies_ms(self) -> list[int]:
        """From the contact's last voiced moment to the first sound of each reply."""
        return self._mouth.latencies_ms

    @property
    def dead_air(self) -> tuple[tuple[float, float, Cause], ...]:
        """Every silence of more than 2 s in which words were owed: from, to, and what was waited for."""
        return tuple(self._watch.air.stretches)

    @property
    def heard_since(self) -> float | None:
        """Where the contact's turn in progress began: its sound from here on goes to speech-to-text."""
        return None if self._ears.turn is None else self._ears.turn.start

    @property
    def expectation(self) -> Expectation:
        """What speech-to-text should expect now."""
        decision = self._agent.decision
        if self.answered_by not in (None, "unknown") and decision is not None:
            expected = decision.expectation
            return expectations.on_hold(expected) if self._way.hold.is_on else expected
        return expectations.before_verdict(plan_of(self.brief), has_asked=decision is not None)

    def next_event(self) -> ConversationEvent | None:
        return self._events.popleft() if self._events else None

    def next_deadline(self) -> float | None:
        return self._timers.next_at
