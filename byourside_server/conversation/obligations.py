"""What the caller demands to be said and asked, whatever the mind thinks: what is still owed, and the proof.

Pure: a brief and turns in. Counts as done what stands word for word in one turn of the agent's, which holds
only what was played out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from byourside_server.calls.call import StepKind, StepProof
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.disclosure import disclosure, introduction
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.words import UNINTELLIGIBLE

ASKS_PREFIX = "must_ask:"  # and the question's place in the brief: what an agent's turn that puts it `asks`
# What is still said and asked before the goodbye, by why the call ends; nothing where it is not listed:
# a contact who wants no calls, or is not there, is left alone.
SAY_BEFORE = frozenset({"completed", "not_interested", "callback_requested", "transferred"})
ASK_BEFORE = frozenset({"completed"})
_NO_ANSWER = frozenset({Intent.REPEAT, Intent.HOLD, Intent.WHO})


def owed(brief: Brief, turns: Iterable[Turn], about_to_say: str = "") -> tuple[str, ...]:
    """The sentences and questions demanded and not yet heard whole, in the order of the brief."""
    said = [_normal(turn.text) for turn in turns if turn.role == "agent"] + [_normal(about_to_say)]
    return tuple(
        text for text in (*brief.must_say, *brief.must_ask) if not any(_holds(words, text) for words in said)
    )


def owed_before(brief: Brief, reason: str, still_owed: Sequence[str]) -> tuple[list[str], list[str]]:
    """The statements and the questions that come before a goodbye for this reason."""
    statements = [text for text in still_owed if text in brief.must_say and reason in SAY_BEFORE]
    questions = [text for text in still_owed if text in brief.must_ask and reason in ASK_BEFORE]
    return statements, questions


def step_name(brief: Brief, question: str) -> str:
    """What a turn that puts this question carries in `asks`."""
    return f"{ASKS_PREFIX}{brief.must_ask.index(question) + 1}"


def question_of(brief: Brief, step: str | None) -> str | None:
    """The demanded question behind a turn's `asks`, None where it is another's."""
    return next((text for text in brief.must_ask if step_name(brief, text) == step), None)


def proofs(brief: Brief, turns: Sequence[Turn]) -> tuple[StepProof, ...]:
    """Where each demanded step was done: the disclosure first, then sentences, then questions."""
    return (
        _disclosed(brief, turns),
        *(_said("must_say", text, _turns_with(text, turns)) for text in brief.must_say),
        *(_asked(text, turns) for text in brief.must_ask),
    )


def _disclosed(brief: Brief, turns: Sequence[Turn]) -> StepProof:
    first = disclosure(brief)
    return _said("disclosure", first, _turns_with(first, turns) or _turns_with(introduction(brief), turns))


def _said(kind: StepKind, text: str, found: Sequence[Turn]) -> StepProof:
    if not found:
        return StepProof(kind, text)
    return StepProof(kind, text, found[0].index, found[0].start_ms, found[0].end_ms)


def _asked(text: str, turns: Sequence[Turn]) -> StepProof:
    found = _turns_with(text, turns)
    for asking in found:
        answer = _answer_after(asking, text, turns)
        if answer is not None:
            return StepProof(
                "must_ask", text, asking.index, asking.start_ms, asking.end_ms, answer.text, answer.index
            )
    return _said("must_ask", text, found)


def _answer_after(asking: Turn, question: str, turns: Sequence[Turn]) -> Turn | None:
    """The contact's first words after the question that are no "sorry?", before another question is put."""
    for turn in turns[turns.index(asking) + 1 :]:
        if turn.role == "agent":
            if turn.text.rstrip().endswith("?") and not _holds(_normal(turn.text), question):
                return None
        elif turn.text != UNINTELLIGIBLE and intent_of(turn.text) not in _NO_ANSWER:
            return turn
    return None


def _turns_with(text: str, turns: Iterable[Turn]) -> list[Turn]:
    return [turn for turn in turns if turn.role == "agent" and _holds(_normal(turn.text), text)]


def _holds(said: str, text: str) -> bool:
    wanted = _normal(text)
    return bool(wanted) and f" {wanted} " in f" {said} "


def _normal(text: str) -> str:
    """Words in lower case without marks, in any language."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("'", "")
    return " ".join(re.findall(r"\w+", folded))
