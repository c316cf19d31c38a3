"""What the caller demands, put into the words of a decision; and nothing said twice in a row.

For the embedded mind. Pure: a decision and turns in, a decision or text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from byourside_server.calls.transcript import Turn
from byourside_server.conversation import expectations
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.obligations import step_name
from byourside_server.conversation.sentences import sentences_of
from byourside_server.conversation.step import Step

_TAKES_LEAVE = ("Thank you", "Goodbye")


def with_statements(text: str, step: Step, statements: Iterable[str]) -> str:
    """The statements before the step's words at the end of the text, and not between those: the question
    may point back at the statement before it."""
    asked = next((words for words in (step.spoken, step.question) if text.endswith(words)), "")
    lead = text.removesuffix(asked).strip()
    return " ".join(part for part in (lead, *statements, asked) if part)


def with_owed(decision: Decision, situation: Situation, step: Step | None) -> Decision:
    """What is owed, where it fits: statements before a question of the plan, questions before the goodbye."""
    brief = situation.brief
    statements = [text for text in situation.owed if text in brief.must_say]
    questions = [text for text in situation.owed if text in brief.must_ask]
    if decision.then == "hang_up" and decision.end_reason == "completed" and questions:
        asked = " ".join([*_before_leaving(decision.say), *statements, questions[0]])
        return Decision(
            asked,
            asks=step_name(brief, questions[0]),
            expectation=expectations.OPEN,
            note="asks what it must",
        )
    if step is None or situation.occasion == "silence" or not statements:
        return decision
    return replace(decision, say=with_statements(decision.say, step, statements))


def _before_leaving(say: str) -> Iterable[str]:
    """What the last words take up of the contact's answer: "Got it, 5 PM." of a goodbye."""
    return takewhile(lambda sentence: not sentence.startswith(_TAKES_LEAVE), sentences_of(say))


def unlike_before(say: str, turns: Sequence[Turn]) -> str:
    """The words without sentences that were just said, except for the last, which may be the question."""
    last = next((turn for turn in reversed(turns) if turn.role == "agent" and not turn.interrupted), None)
    before = set(sentences_of(last.text)) if last is not None else set()
    sentences = sentences_of(say)
    kept = [each for each in sentences[:-1] if each not in before]
    return " ".join([*kept, *sentences[-1:]])
