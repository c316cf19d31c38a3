"""The second pass: a value that the transcript does not bear out is taken back.

Deterministic, and independent of who found the value: it looks only at the value, its quote and the turns.
Each check has a name and gives a verdict; the first refusal nulls the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.answering import answer_to
from byourside_server.conversation.numbers import find_digits, find_numbers
from byourside_server.conversation.step import Plan
from byourside_server.conversation.words import plain, words_of
from byourside_server.report import agreement, booleans, topics
from byourside_server.report.findings import Finding
from byourside_server.report.talk import Talk, corrects, is_recorded

Check = Callable[[Finding, Talk], bool]


@dataclass(frozen=True)
class Verified:
    """The findings that hold, and for those that do not the check that refused them, by field name."""

    held: dict[str, Finding] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def verified(findings: Mapping[str, Finding], plan: Plan, turns: Sequence[Turn]) -> Verified:
    """Every finding put to every check."""
    talk = Talk(plan, tuple(turns), frozenset(finding.turn.index for finding in findings.values()))
    result = Verified()
    for name, finding in findings.items():
        refusal = next((why for why, check in CHECKS.items() if not check(finding, talk)), None)
        if refusal is None:
            result.held[name] = finding
        else:
            result.refused[name] = refusal
    return result


def _quote_is_the_contacts(finding: Finding, talk: Talk) -> bool:
    """The words stand in that turn, and the contact said them."""
    found = talk.turn(finding.turn.index)
    return (
        found is not None and found.role == "contact" and bool(finding.quote) and finding.quote in found.text
    )


def _was_asked_before(finding: Finding, talk: Talk) -> bool:
    """Some question of ours came before the answer: a value is never read out of a greeting."""
    return talk.asked_before(finding.turn)


def _is_no_recording(finding: Finding, talk: Talk) -> bool:
    """What a machine plays was said to nobody in particular."""
    return not is_recorded(finding.turn.text)


def _number_was_said(finding: Finding, talk: Talk) -> bool:
    if isinstance(finding.value, bool) or not isinstance(finding.value, int | float):
        return True
    if finding.is_claimed:
        return agreement.number_was_said(finding, talk)
    words = words_of(finding.quote)
    digits = find_digits(words)
    said = {number.json for number in find_numbers(words)} | ({int(digits[0])} if digits else set())
    return finding.value in said


def _is_one_number(finding: Finding, talk: Talk) -> bool:
    if isinstance(finding.value, bool) or not isinstance(finding.value, int | float):
        return True
    return not finding.is_claimed or agreement.stands_outside_ranges(finding)


def _boolean_is_what_its_turn_says(finding: Finding, talk: Talk) -> bool:
    return not isinstance(finding.value, bool) or booleans.bears_out(finding, talk)


def _yes_answers_its_question(finding: Finding, talk: Talk) -> bool:
    return not isinstance(finding.value, bool) or booleans.answers_its_question(finding, talk)


_WORD_OF_VALUE = re.compile(r"[^\W\d_]{3,}")


def _text_was_said(finding: Finding, talk: Talk) -> bool:
    """Words, times and spellings of a text are the contact's own, or were confirmed by him."""
    if not isinstance(finding.value, str):
        return True
    if finding.is_claimed:
        return agreement.text_was_said(finding, talk)
    if finding.step is None or finding.step.kind not in ("name", "text"):
        return True
    spoken = plain(finding.quote)
    letters = spoken.replace(" ", "")
    return all(
        word.lower() in spoken or word.lower() in letters for word in _WORD_OF_VALUE.findall(finding.value)
    )


def _not_taken_back(finding: Finding, talk: Talk) -> bool:
    """No later answer to the same question says the contrary, and no correction names something else."""
    if not isinstance(finding.value, bool):
        return not agreement.is_outdated(finding, talk)
    step = finding.step
    asked: str | None = None
    for turn in talk.turns:
        if turn.role == "agent":
            asked = turn.asks
        elif turn.index > finding.turn.index and turn.role == "contact":
            is_same = step is not None and asked == step.name and _is_firm(turn.text)
            is_turn = finding.is_claimed and corrects(turn.text) and turn.index not in talk.cited
            later = answer_to(step, turn.text) if step is not None and (is_same or is_turn) else None
            if later is not None and later.value is not finding.value:
                return False
    return True


def _is_firm(text: str) -> bool:
    return re.match(r"(?:oh |uh |um )?(?:no|yes|wait|actually|sorry|yeah|nope)\b", plain(text)) is not None


def _is_no_move(finding: Finding, talk: Talk) -> bool:
    """ "Call me tomorrow at ten" answers no question for a time."""
    return topics.is_no_move(finding)


def _is_about_the_matter(finding: Finding, talk: Talk) -> bool:
    return topics.is_about_the_matter(finding, talk)


def _is_last_word_of_its_turn(finding: Finding, talk: Talk) -> bool:
    return not isinstance(finding.value, bool) or booleans.is_last_word(finding)


def _is_no_hour(finding: Finding, talk: Talk) -> bool:
    """ "After three" is no price."""
    if isinstance(finding.value, bool) or not isinstance(finding.value, int | float):
        return True
    return agreement.is_more_than_an_hour(finding)


def _is_of_its_kind(finding: Finding, talk: Talk) -> bool:
    return topics.is_of_its_kind(finding)


def _belongs_to_its_question(finding: Finding, talk: Talk) -> bool:
    return not finding.is_claimed or topics.belongs_to_its_question(finding, talk)


CHECKS: dict[str, Check] = {
    "the quote is the contact's": _quote_is_the_contacts,
    "a question came before": _was_asked_before,
    "no machine speaks": _is_no_recording,
    "the number was said": _number_was_said,
    "the number is no range": _is_one_number,
    "the number is no hour": _is_no_hour,
    "a boolean is what its turn says": _boolean_is_what_its_turn_says,
    "no later sentence of the turn says the contrary": _is_last_word_of_its_turn,
    "a bare yes or no answers its own question": _yes_answers_its_question,
    "the text was said": _text_was_said,
    "the words are no move of the conversation": _is_no_move,
    "the value is of its kind": _is_of_its_kind,
    "the question was not who speaks": _is_about_the_matter,
    "no other field was asked for": _belongs_to_its_question,
    "nothing later takes it back": _not_taken_back,
}
