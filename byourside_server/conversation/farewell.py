"""The end of a talk in which something demanded is still unsaid: that comes first, then the goodbye.

Holds the mind's decision to end the call back, and asks the demanded questions one at a time. Keeps no
time; speaks through whoever holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from byourside_server.calls.transcript import Turn
from byourside_server.conversation import expectations, obligations
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.mind import Decision
from byourside_server.conversation.phrases import phrases_for

MAX_TIMES_ASKED = 2
# Moves after which nothing more is asked of the contact.
_WANTS_TO_GO = frozenset({Intent.DO_NOT_CALL, Intent.WRONG_NUMBER, Intent.NOT_INTERESTED, Intent.GOODBYE})


class Farewell:
    """What is still to be done before the last words."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._decision: Decision | None = None
        self._stated: set[str] = set()
        self._asked: dict[str, int] = {}

    @property
    def is_under_way(self) -> bool:
        return self._decision is not None

    def is_due(self, decision: Decision, turns: Iterable[Turn], about_to_say: str) -> bool:
        """Whether the decision ends a talk in which something is owed."""
        if decision.then not in ("hang_up", "transfer"):
            return False
        return any(self._owed(_reason_of(decision), turns, about_to_say))

    def begin(self, decision: Decision, *, has_said_goodbye: bool) -> None:
        """Hold the decision back; a goodbye said already is said once more at the end."""
        again = has_said_goodbye and decision.then == "hang_up"
        goodbye = phrases_for(self._brief.language).goodbye
        self._decision = replace(decision, say=goodbye) if again else decision

    def next(self, turns: Iterable[Turn], about_to_say: str, heard: str) -> tuple[list[str], str | None]:
        """The statements to make now and the question to put behind them; both empty when all is done."""
        if self._decision is None or intent_of(heard) in _WANTS_TO_GO:
            return [], None
        statements, questions = self._owed(_reason_of(self._decision), turns, about_to_say)
        self._stated.update(statements)
        if self._last_asked is not None and intent_of(heard) is Intent.REPEAT:
            questions = [self._last_asked]
        question = next((text for text in questions if self._may_ask(text)), None)
        if question is not None:
            self._asked[question] = self._asked.pop(question, 0) + 1
        return statements, question

    def asking(self, question: str) -> Decision:
        """A demanded question as a decision, for what may be expected then."""
        return Decision(
            question, asks=obligations.step_name(self._brief, question), expectation=expectations.OPEN
        )

    def end(self) -> Decision:
        """The decision that was held back."""
        decision, self._decision = self._decision, None
        assert decision is not None, "no farewell is under way"
        return decision

    @property
    def _last_asked(self) -> str | None:
        return next(reversed(self._asked), None)

    def _may_ask(self, question: str) -> bool:
        return self._asked.get(question, 0) < MAX_TIMES_ASKED

    def _owed(self, reason: str, turns: Iterable[Turn], about_to_say: str) -> tuple[list[str], list[str]]:
        still = obligations.owed(self._brief, turns, about_to_say)
        statements, questions = obligations.owed_before(self._brief, reason, still)
        return [each for each in statements if each not in self._stated], questions


def _reason_of(decision: Decision) -> str:
    return "transferred" if decision.then == "transfer" else decision.end_reason or "completed"
