"""What an agent's words ask: a step of the plan, a question the caller demands, or something new.

For agents that choose their own words: by shared word stems and by the kind of answer. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from byourside_server.conversation import expectations
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.embedded_mind import EMBEDDED_LANGUAGES
from byourside_server.conversation.fields import stems
from byourside_server.conversation.languages import primary_language
from byourside_server.conversation.obligations import step_name
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.questions import is_goodbye, kind_asked, last_question
from byourside_server.conversation.step import Plan, Step
from byourside_server.conversation.words import plain
from byourside_server.providers.base import Expectation

MATCH_AT_LEAST = 1.0
SAME_KIND = 1.0
OTHER_KIND = -1.0
OPEN_ALREADY = 0.25  # a question once asked is more likely put again than another taken for it
# "Is that all right?" means what was said before it; so much of that must be the step's.
MEANT_AT_LEAST = 2
_MEANS_WHAT_WAS_SAID = re.compile(r"\b(?:that|this|it|okay|ok|all right|alright|correct)\b", re.IGNORECASE)
_MEANS_NOTHING_KNOWN = re.compile(
    r"\b(?:anything|something|else|any (?:other )?questions?|hear me|still there|help you)\b", re.IGNORECASE
)
_IN_EVERY_QUESTION = stems(
    "I'm I'd calling call still need please could can may tell me we us what how much many like who when"
)
_MOVES = re.compile(
    r"\b(?:reschedul\w*|postpon\w*|(?:move|change|switch|push) (?:it|that|the|your)"
    r"|(?:another|different|new|other) (?:day|time|date|slot))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asked:
    """The name of the step that words put as a question, None for none that is known, and what may come."""

    step: str | None = None
    expectation: Expectation = field(default_factory=Expectation)


def asked_in(brief: Brief, text: str, *, open_step: str | None = None) -> Asked:
    """What the agent's words ask; words that take leave expect a goodbye."""
    question = last_question(text)
    if not question:
        return Asked(expectation=expectations.CLOSING) if is_goodbye(text) else Asked()
    plan = plan_of(brief)
    step = _demanded(brief, text) or step_asked(plan, text, open_step=open_step)
    if step is not None:
        return Asked(step.name, _expectation(brief, plan, step))
    return Asked(None, _expectation(brief, plan, Step("", kind_asked(question), question)))


def step_asked(plan: Plan, text: str, *, open_step: str | None = None) -> Step | None:
    """The step whose question the agent's words put; None where they ask nothing that is planned."""
    question = last_question(text)
    if not question:
        return None
    kind, before = kind_asked(question), text[: text.rfind(question)]
    scored = [
        (_score(step, question, before, kind) + OPEN_ALREADY * (step.name == open_step), -at, step)
        for at, step in enumerate(plan.steps)
    ]
    points, _, best = max(scored, key=lambda entry: entry[:2])
    if points >= MATCH_AT_LEAST:
        return best
    return _only_one_of(plan, kind)


def _score(step: Step, question: str, before: str, kind: str) -> float:
    wanted = _stems_of(step)
    shared = float(len(stems(question) & wanted))
    if _MEANS_NOTHING_KNOWN.search(question) and not _MEANS_NOTHING_KNOWN.search(step.question):
        return 0.0
    if step.kind == "change" and _MOVES.search(question):
        shared += 2.0
    if not shared and _MEANS_WHAT_WAS_SAID.search(question):
        meant = len(stems(before) & wanted)
        shared = 0.5 * meant if meant >= MEANT_AT_LEAST else 0.0
    if not shared:
        return 0.0
    return shared + (SAME_KIND if _agree(step.kind, kind) else OTHER_KIND)


def _stems_of(step: Step) -> frozenset[str]:
    named = f"{step.field.name} {step.field.description or ''}" if step.field else ""
    return stems(f"{step.question} {step.statement} {step.subject} {step.label} {named}") - _IN_EVERY_QUESTION


def _agree(planned: str, asked: str) -> bool:
    alike = ({"yes_no", "change"}, {"money", "number"}, {"digits", "number"})
    return planned == asked or any({planned, asked} <= kinds for kinds in alike)


def _only_one_of(plan: Plan, kind: str) -> Step | None:
    """ "When would you prefer?" can only mean the one step that wants a time."""
    if kind in ("yes_no", "text"):
        return None
    fitting = [step for step in plan.steps if _agree(step.kind, kind)]
    return fitting[0] if len(fitting) == 1 else None


def _demanded(brief: Brief, text: str) -> Step | None:
    """The question of the caller's that the words end with, as it is written."""
    said = plain(text)
    for question in brief.must_ask:
        if plain(question) and said.endswith(plain(question)):
            return Step(step_name(brief, question), kind_asked(question), question)
    return None


def _expectation(brief: Brief, plan: Plan, step: Step) -> Expectation:
    expected = expectations.for_step(plan, step)
    if primary_language(brief.language) in EMBEDDED_LANGUAGES:
        return expected
    return Expectation(kinds=expected.kinds)  # the phrases are English
