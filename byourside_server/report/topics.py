"""Does an answer belong to the field it is claimed for?

A yes to one question is none to another, "call me at six" names no price, and a weekday is no phone number.
For values whose finder is not trusted.
"""

from __future__ import annotations

import re

from byourside_server.conversation.asked import step_asked
from byourside_server.conversation.fields import stems
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.questions import kind_asked
from byourside_server.conversation.sentences import sentences_of
from byourside_server.report.doubts import doubt
from byourside_server.report.findings import Finding
from byourside_server.report.said import is_time, marks_of
from byourside_server.report.talk import Talk, corrects

# Sentences with these moves say nothing about any field.
_SAY_NOTHING = frozenset(
    {Intent.CALL_LATER, Intent.DO_NOT_CALL, Intent.WRONG_NUMBER, Intent.HOLD, Intent.REPEAT, Intent.ROBOT}
)
# What people add to the answer of another question, without being asked.
_VOLUNTEERED = frozenset({"time", "money", "email", "digits", "name"})
MIN_DIGITS = 3


def is_no_move(finding: Finding) -> bool:
    """The words that prove it are more than "call me later" or "wrong number"."""
    return not says_nothing(quoted_sentences(finding))


def says_nothing(text: str) -> bool:
    """Whether every sentence is a move of the conversation or spoken to the record, and none an answer."""
    sentences = sentences_of(text)
    return bool(sentences) and all(
        intent_of(each) in _SAY_NOTHING or doubt(each) == "command" for each in sentences
    )


def quoted_sentences(finding: Finding) -> str:
    """The sentences of the turn that the quote takes from."""
    text, quote = finding.turn.text, finding.quote
    touched = [each for each in sentences_of(text) if quote in each or each.strip().rstrip(".!?") in quote]
    return " ".join(touched) or text


def is_of_its_kind(finding: Finding) -> bool:
    """A phone number holds digits, an address an @; a name and a method are no time."""
    value, step = finding.value, finding.step
    if not isinstance(value, str) or step is None:
        return True
    if step.kind == "digits":
        return sum(map(str.isdigit, value)) >= MIN_DIGITS
    if step.kind == "email":
        return "@" in value
    marks = marks_of(value)
    return step.kind != "name" or not marks or not all(is_time(mark) for mark in marks)


def belongs_to_its_question(finding: Finding, talk: Talk) -> bool:
    """Right after a question for another field the answer is that one's, unless it names this one."""
    asked = _asked_field(finding, talk)
    if asked is None or asked == finding.field.name:
        return True
    if corrects(finding.turn.text):
        return True
    own = _stems_of(finding)
    if own & stems(talk.said_before(finding.turn)) or own & stems(finding.turn.text):
        return True
    if kind_asked(talk.said_before(finding.turn)) == "time" and any(map(is_time, marks_of(finding.quote))):
        return isinstance(finding.value, str) and any(map(is_time, marks_of(finding.value)))
    kind = finding.step.kind if finding.step is not None else None
    other = talk.plan.step(f"field:{asked}")
    return kind in _VOLUNTEERED and other is not None and other.kind != kind


def is_about_the_matter(finding: Finding, talk: Talk) -> bool:
    """A yes or no to "Am I speaking with Ms. Moran?" is none to the matter of the call."""
    asked = talk.said_before(finding.turn)
    if not isinstance(finding.value, bool) or not _WHO.search(asked):
        return True
    matter = _stems_of(finding) | stems(" ".join(each.spoken for each in talk.plan.steps))
    return bool((matter - _IN_EVERY_QUESTION) & stems(_WHO.sub(" ", asked))) or not _PLAIN.match(
        finding.turn.text
    )


_WHO = re.compile(
    r"\b(?i:is this|is that|am i (?:speaking|talking) (?:to|with)"
    r"|(?:may|can|could) i (?:speak|talk) (?:to|with)|are you) (?:the |(?:Mr|Mrs|Ms|Miss|Dr)\b|[A-Z])[^?]*\?"
)
_PLAIN = re.compile(r"(?:oh |uh |um |well )*(?:yes|yeah|no|nope)\b", re.IGNORECASE)


def _asked_field(finding: Finding, talk: Talk) -> str | None:
    """The field the agent's last words asked for, None where that is none or not known."""
    before = [turn for turn in talk.turns if turn.index < finding.turn.index and turn.role == "agent"]
    if not before:
        return None
    name = before[-1].asks
    if name is None:
        step = step_asked(talk.plan, before[-1].text)
        name = step.name if step is not None else None
    return name.removeprefix("field:") if name is not None and name.startswith("field:") else None


def _stems_of(finding: Finding) -> frozenset[str]:
    """The telling words of a field, not those that stand in every question of the call."""
    step = finding.step
    named = f"{finding.field.name} {finding.field.description or ''}"
    asked = f"{step.question} {step.label}" if step is not None else ""
    found = stems(re.sub(r"[^\w\s]", " ", f"{named} {asked}"))
    return frozenset(stem for stem in found if len(stem) > 2) - _IN_EVERY_QUESTION


_IN_EVERY_QUESTION = stems(
    "could would can will may tell please what when which how much many who where there need you your contact"
    " still day time name number call after before about anybody somebody"
)
