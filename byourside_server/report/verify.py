"""The second pass: a value that the transcript does not bear out is taken back.

Deterministic, and independent of how the value was found: it looks only at the value, its quote and the
turns. Each check has a name and gives a verdict; the first refusal nulls the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.answering import answer_to
from byourside_server.conversation.numbers import find_digits, find_numbers
from byourside_server.conversation.step import Plan
from byourside_server.conversation.words import plain, words_of
from byourside_server.report.findings import Finding

Check = Callable[[Finding, Plan, Sequence[Turn]], bool]
_WORD_OF_VALUE = re.compile(r"[^\W\d_]{3,}")


def verified(findings: dict[str, Finding], plan: Plan, turns: Sequence[Turn]) -> dict[str, Finding]:
    """The findings that hold."""
    return {
        name: finding
        for name, finding in findings.items()
        if all(check(finding, plan, turns) for check in CHECKS.values())
    }


def _quote_is_the_contacts(finding: Finding, plan: Plan, turns: Sequence[Turn]) -> bool:
    """The words stand in that turn, and the contact said them."""
    at = finding.turn.index
    found = next((turn for turn in turns if turn.index == at), None)
    return (
        found is not None and found.role == "contact" and bool(finding.quote) and finding.quote in found.text
    )


def _was_asked_before(finding: Finding, plan: Plan, turns: Sequence[Turn]) -> bool:
    """Some question of ours came before the answer: a value is never read out of a greeting."""
    return any(turn.role == "agent" and turn.asks for turn in turns if turn.index < finding.turn.index)


def _number_is_in_the_quote(finding: Finding, plan: Plan, turns: Sequence[Turn]) -> bool:
    if isinstance(finding.value, bool) or not isinstance(finding.value, int | float):
        return True
    words = words_of(finding.quote)
    digits = find_digits(words)
    said = {number.json for number in find_numbers(words)} | ({int(digits[0])} if digits else set())
    return finding.value in said


def _false_needs_a_no(finding: Finding, plan: Plan, turns: Sequence[Turn]) -> bool:
    """A boolean is what its own turn says when read alone, or what a change asked for implies."""
    if not isinstance(finding.value, bool):
        return True
    alone = answer_to(finding.step, finding.turn.text)
    if alone is not None:
        return alone.value is finding.value
    return finding.value is True and finding.step.kind == "change"


def _text_is_in_the_quote(finding: Finding, plan: Plan, turns: Sequence[Turn]) -> bool:
    """Words of a name or text are the contact's own, however written."""
    if finding.step.kind not in ("name", "text") or not isinstance(finding.value, str):
        return True
    spoken = plain(finding.quote)
    letters = spoken.replace(" ", "")
    return all(
        word.lower() in spoken or word.lower() in letters for word in _WORD_OF_VALUE.findall(finding.value)
    )


def _not_taken_back(finding: Finding, plan: Plan, turns: Sequence[Turn]) -> bool:
    """No later answer to the same question says the contrary."""
    if not isinstance(finding.value, bool):
        return True
    asked: str | None = None
    for turn in turns:
        if turn.role == "agent":
            asked = turn.asks
        elif turn.index > finding.turn.index and asked == finding.step.name:
            later = answer_to(finding.step, turn.text)
            if later is not None and later.value is not finding.value and _is_firm(turn.text):
                return False
    return True


def _is_firm(text: str) -> bool:
    return re.match(r"(?:oh |uh |um )?(?:no|yes|wait|actually|sorry|yeah|nope)\b", plain(text)) is not None


CHECKS: dict[str, Check] = {
    "the quote is the contact's": _quote_is_the_contacts,
    "a question came before": _was_asked_before,
    "the number is in the quote": _number_is_in_the_quote,
    "a boolean is what its turn says": _false_needs_a_no,
    "the text is in the quote": _text_is_in_the_quote,
    "nothing later takes it back": _not_taken_back,
}
