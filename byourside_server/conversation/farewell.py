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

MAX_TIMES = 3  # a statement is made or a question put, where the contact speaks into it each time
# Moves after which nothing more is asked of the contact, and why the call ends then; None: as it would have.
_WANTS_TO_GO: dict[Intent | None, str | None] = {
    Intent.DO_NOT_CALL: "do_not_call",
    Intent.WRONG_NUMBER: "wrong_number",
    Intent.NOT_INTERESTED: None,
    Intent.GOODBYE: None,
}
# Moves that are owed a reply of the mind's before there can be a goodbye.
_WANTS_REPLY = frozenset({Intent.ROBOT, Intent.PROBE, Intent.WHO, Intent.HOLD, Intent.CALL_LATER})


class Farewell:
    """What is still to be done before the last words."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._decision: Decision | None = None
        self._times: dict[str, int] = {}  # how often each was put, the latest last

    @property
    def is_under_way(self) -> bool:
        return self._decision is not None

    def is_put_off_by(self, heard: str) -> bool:
        """Whether these words of the contact's are for the mind to answer."""
        return intent_of(heard) in _WANTS_REPLY

    def put_off(self) -> None:
        """The talk goes on; what is owed comes before its next end."""
        self._decision = None

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
        move = intent_of(heard)
        if self._decision is None:
            return [], None
        if move in _WANTS_TO_GO:
            reason = _WANTS_TO_GO[move] or self._decision.end_reason
            self._decision = replace(self._decision, end_reason=reason)
            return [], None
        statements, questions = self._owed(_reason_of(self._decision), turns, about_to_say)
        last = self._last_asked
        if last is not None and move is Intent.REPEAT and self._may_put(last):
            questions = [last]
        question = next(iter(questions), None)
        for text in (*statements, *([question] if question is not None else [])):
            self._times[text] = self._times.pop(text, 0) + 1
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
        return next((text for text in reversed(self._times) if text in self._brief.must_ask), None)

    def _may_put(self, text: str) -> bool:
        return self._times.get(text, 0) < MAX_TIMES

    def _owed(self, reason: str, turns: Iterable[Turn], about_to_say: str) -> tuple[list[str], list[str]]:
        still = [text for text in obligations.owed(self._brief, turns, about_to_say) if self._may_put(text)]
        return obligations.owed_before(self._brief, reason, still)


def _reason_of(decision: Decision) -> str:
    return "transferred" if decision.then == "transfer" else decision.end_reason or "completed"
