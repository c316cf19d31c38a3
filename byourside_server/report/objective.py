"""Was the objective met? Yes, no, or not to be told; always with the reason."""

from __future__ import annotations

from typing import Literal

from byourside_server.conversation.answering import names_another_moment
from byourside_server.conversation.fields import affirms
from byourside_server.conversation.reading import Reading
from byourside_server.conversation.step import Plan, Step
from byourside_server.report.outcome import OUTCOMES
from byourside_server.report.summary import value_phrase

Met = Literal["yes", "no", "unknown"]
# Here any answer will do: the task was to find out.
_FINDING_OUT = (
    "ask if",
    "ask whether",
    "whether",
    "know if",
    "know whether",
    "double check",
    "ask",
    "find out",
    "check",
    "see ",
    "ask them if",
    "ask them whether",
    "ask him",
    "ask her",
)
_ARRANGED_FOR_A_TIME = frozenset({"book", "reserve", "schedule", "arrange", "set up", "make"})
# Outcomes that are a no by themselves.
REFUSALS = frozenset({"do_not_call", "wrong_number", "not_interested"})
# Nobody was spoken to, and why.
NOBODY: dict[str, str] = {
    "no_response": "Nobody responded.",
    "menu_dead_end": "A menu of keys led to nobody.",
    "screened_out": "Call screening put nobody through.",
}
_ENDED_EARLY: dict[str, str] = {
    "hung_up": "the contact hung up",
    "no_response": "the contact stopped responding",
    "max_duration": "the maximum duration was reached",
    "canceled": "the call was canceled",
    "line_lost": "the connection was lost",
    "voice_failed": "the agent's speech could not be made",
    "mind_failed": "no language model could be reached",
}


def judge(plan: Plan, reading: Reading, outcome: str | None, end_reason: str | None) -> tuple[Met, str]:
    """The judgement and its reason, one sentence."""
    if outcome == "voicemail_left":
        return "unknown", "A message was left on voicemail; nobody has answered it."
    if outcome == "voicemail_not_left":
        return "no", "The call reached voicemail and no message was left."
    if outcome in NOBODY:
        return "no", NOBODY[outcome]
    if outcome in REFUSALS:
        return "no", f"The contact {OUTCOMES[outcome]}."
    if outcome == "wrong_person":
        return "unknown", "Somebody else answered, who could not speak for the person who was wanted."
    refusal = refused(plan, reading)
    if refusal is not None:
        return "no", refusal
    doubt = doubted(plan, reading)
    if doubt is not None:
        return "unknown", doubt
    missing = [step for step in required(plan, reading) if step.name not in reading.given]
    if not missing:
        return "yes", "Every question of the objective was answered."
    if outcome == "transferred":
        return "unknown", "The call was handed over to a person; how it came out there is not known."
    early = _ENDED_EARLY.get(end_reason or "")
    if plan.main.name not in reading.given:
        why = early or "the main question was not answered clearly"
        return (
            "no" if early else "unknown"
        ), f"{why[0].upper()}{why[1:]}{' before the main question was answered' if early else ''}."
    why = (
        f"{early[0].upper()}{early[1:]} before everything was answered"
        if early
        else "Not every question was answered"
    )
    return "unknown", f"{why}: {named(missing)}."


def doubted(plan: Plan, reading: Reading) -> str | None:
    """What speaks against a yes although nothing was refused: another time, or a no to a check."""
    main = plan.main
    if main.verb in _ARRANGED_FOR_A_TIME and reading.value(main.name) is True:
        for step in plan.steps:
            value = reading.value(step.name)
            if step.kind == "time" and isinstance(value, str) and names_another_moment(main, value):
                return f"The contact named another time than was asked for: {value}."
    for step in plan.steps:
        is_check = step.kind == "yes_no" and not step.verb and step is not main
        failed = is_check and reading.value(step.name) is False
        if failed and step.field is not None and affirms(step.field, step):
            return f"The contact {value_phrase(step, reading)}."
    return None


def required(plan: Plan, reading: Reading) -> list[Step]:
    """The steps the objective itself asks for; fields beyond it are a bonus."""
    return [step for step in plan.steps if (step.verb or step is plan.main) and reading.holds(step.when)]


def refused(plan: Plan, reading: Reading) -> str | None:
    """What the contact refused of the objective, as a sentence."""
    for step in plan.steps:
        wanted = step.kind == "yes_no" and step.verb and not step.verb.startswith(_FINDING_OUT)
        if (wanted or (step is plan.main and step.kind == "yes_no" and not step.verb)) and reading.value(
            step.name
        ) is False:
            return f"The contact {value_phrase(step, reading)}."
    return None


def named(missing: list[Step]) -> str:
    return ", ".join(f"“{step.question}”" for step in missing)
