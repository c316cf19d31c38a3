"""An objective and the fields to learn, as the steps of one telephone conversation.

Pure and deterministic: the mind asks by it and the report reads by it, so both must come to the same plan
from the same brief. `context` is not looked at: nothing of it can be said.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from byourside_server.calls.call import Field
from byourside_server.conversation.asking import CHANGE_WORDS, is_question, step_of
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.clauses import Clause, clauses_of
from byourside_server.conversation.english import ended, spoken_clock, to_second_person
from byourside_server.conversation.fields import (
    NEW_TIME_QUESTION,
    affirms,
    asks_whether_any,
    kind_for,
    needs_a_no,
    own_step,
    score,
    spoken_name,
    stems,
    wants_new_time,
)
from byourside_server.conversation.moments import find_moments
from byourside_server.conversation.step import Condition, Plan, Step
from byourside_server.conversation.words import words_of

MATCH_AT_LEAST = 1.5
SHORT_QUESTION = "I'm calling with a short question."
SHORT_QUESTIONS = "I'm calling with a few short questions."
# After a "no" to these there is nothing left to ask.
_ALL_OR_NOTHING = frozenset({"book", "reserve", "schedule", "order", "arrange", "set up", "make", "invite"})
_MOVES = frozenset({"reschedule", "move", "change", "postpone"})
_ARRANGES = _ALL_OR_NOTHING - {"invite"} | _MOVES
_ASKS_IF = ("ask", "find out", "see", "check", "know", "whether")
_IF_YES = re.compile(
    r"^if (?:so|yes|they do|they agree|they (?:say|said) yes|they can(?!'t|not)|they accept"
    r"|it is(?! not)|available)\b",
    re.IGNORECASE,
)
_IF_NO = re.compile(
    r"^(?:if (?:not|no|they (?:don't|do not|can't|cannot|won't|decline|refuse|say no|said no)|it is not|"
    r"unavailable|that (?:is not|isn't|doesn't))|unless)\b",
    re.IGNORECASE,
)
_CONDITION_HEAD = re.compile(r"^(?:if|unless|in case)\s+", re.IGNORECASE)


def plan_of(brief: Brief) -> Plan:
    """The plan of a call."""
    return _plan(brief.objective, brief.fields, brief.on_behalf_of)


@lru_cache(maxsize=256)
def _plan(objective: str, fields: tuple[Field, ...], on_behalf_of: str | None) -> Plan:
    spoken = _for_somebody(objective, on_behalf_of)
    steps = _steps_of(clauses_of(spoken) or (Clause("other", "", spoken.strip() or "your call", None),))
    steps, unfilled = _fill(steps, fields)
    for field in unfilled:
        made = _own(field, steps)
        if made is not None:
            steps.append(made)
    steps = _conditional(_merged(steps))
    return Plan(tuple(_with_opening(steps)), _purpose(spoken))


def _for_somebody(objective: str, on_behalf_of: str | None) -> str:
    """ "my appointment" is the caller's, and the agent speaks for them."""
    whose = f"{on_behalf_of}'s" if on_behalf_of else "the"
    who = on_behalf_of or "my client"
    text = re.sub(r"\b(?:my|our)\b", whose, objective)
    text = re.sub(r"\b(for|with|to) (?:me|us)\b", rf"\1 {who}", text)
    return re.sub(r"\bI(?:'m| am)\b(?! calling)", f"{who} is", text)


def _steps_of(clauses: tuple[Clause, ...]) -> list[Step]:
    steps: list[Step] = []
    for clause in clauses:
        when = _condition(clause.condition, steps) if clause.condition is not None else None
        step = replace(step_of(clause, number=len(steps) + 1), when=when)
        if step.when is None:
            step = replace(step, when=_of_what_before(clause, steps))
        if step.question and all(step.spoken != other.spoken for other in steps):
            steps.append(step)
    return steps


def _of_what_before(clause: Clause, steps: list[Step]) -> Condition | None:
    """ "Ask if it is available and schedule a viewing", "… and what it costs": nothing to do after a no."""
    before = steps[-1] if steps else None
    if before is None or before.kind != "yes_no" or not before.verb.startswith(_ASKS_IF):
        return None
    is_about_it = clause.family == "ask_what" or (
        clause.family == "other" and re.match(r"what|how|when", clause.about)
    )
    if clause.family == "arrange" or (is_about_it and re.search(r"\bit\b", clause.about)):
        return before.when or Condition(before.name, True)
    return None


def _condition(text: str, steps: list[Step]) -> Condition | None:
    """Which earlier answer the "if …," speaks of; a question of its own where there is none."""
    yes_no = [step for step in steps if step.is_yes_no]
    if _IF_NO.match(text) and yes_no:
        return Condition(yes_no[-1].name, False)
    if _IF_YES.match(text) and yes_no:
        return Condition(yes_no[-1].name, True)
    about = stems(_CONDITION_HEAD.sub("", text))
    best = max(yes_no, key=lambda step: len(about & stems(f"{step.verb} {step.subject}")), default=None)
    if best is not None and about & stems(f"{best.verb} {best.subject}"):
        return Condition(best.name, not re.search(r"\b(?:not|n't|don't|can't|cannot|won't)\b", text))
    asked = step_of(Clause("ask_if", "ask if", _CONDITION_HEAD.sub("", text)), number=len(steps) + 1)
    steps.append(asked)
    return Condition(asked.name, True)


def _asks_for_new_time(step: Step) -> bool:
    """ "If not, ask for a better time" is the question for a field like "alternative_time"."""
    return step.kind == "time" and step.when is not None


def _fill(steps: list[Step], fields: tuple[Field, ...]) -> tuple[list[Step], list[Field]]:
    """Give each field the step that suits it best; what is left over is returned."""
    unfilled = list(fields)
    ranked = sorted(
        (
            (score(field, step), -number, field, step)
            for field in fields
            for number, step in enumerate(steps)
            if not wants_new_time(field) or _asks_for_new_time(step)
        ),
        key=lambda entry: entry[:2],
        reverse=True,
    )
    renamed: dict[str, Step] = {}
    for points, _, field, step in ranked:
        if points >= MATCH_AT_LEAST and field in unfilled and step.name not in renamed:
            kind = "text" if field.type == "string" and asks_whether_any(step) else kind_for(field, step.kind)
            kind = step.kind if _is_told_freely(step) else kind_for(field, step.kind)
            renamed[step.name] = step.filling(field, kind)
            unfilled.remove(field)
    for step in steps:
        taken = next((field for field in unfilled if _is_wish(step) and affirms(field, step)), None)
        if taken is None and step.kind == "yes_no" and step.question.startswith("Would you "):
            taken = next(
                (f for f in unfilled if f.type == "boolean" and spoken_name(f).startswith("would ")), None
            )
        if taken is not None and step.name not in renamed:
            renamed[step.name] = step.filling(taken, step.kind)
            unfilled.remove(taken)
    first_yes_no = next((step for step in steps if step.is_yes_no), None)
    if first_yes_no is not None and first_yes_no.name not in renamed and first_yes_no.kind == "yes_no":
        taken = next((field for field in unfilled if affirms(field, first_yes_no)), None)
        if taken is not None:
            renamed[first_yes_no.name] = first_yes_no.filling(taken, "yes_no")
            unfilled.remove(taken)
    return [_renamed(step, renamed) for step in steps], unfilled


def _is_wish(step: Step) -> bool:
    """Whether a yes means that they are interested or accept."""
    return step.kind == "yes_no" and (
        step.verb == "offer" or step.question.startswith(("Would you like", "Do you want"))
    )


def _is_told_freely(step: Step) -> bool:
    """Opening hours and durations are kept in the contact's own words."""
    return step.kind == "text" and re.match(r"how long|.*\bhours\b", step.subject, re.IGNORECASE) is not None


def _renamed(step: Step, renamed: dict[str, Step]) -> Step:
    when = step.when
    step = renamed.get(step.name, step)
    if when is not None and when.step in renamed:
        return replace(step, when=Condition(renamed[when.step].name, when.answer))
    return step


def _own(field: Field, steps: list[Step]) -> Step | None:
    if wants_new_time(field):
        moved = next(
            (step for step in steps if step.kind == "change" and CHANGE_WORDS.search(step.subject)), None
        )
        refused = next((step for step in steps if step.kind == "yes_no"), None)
        when = Condition(moved.name, True) if moved else Condition(refused.name, False) if refused else None
        if moved is None and refused is not None and refused.verb in _MOVES:
            return _time_of_arrangement(field, refused, "What is the new time, please?")
        return Step(
            f"field:{field.name}",
            "time",
            NEW_TIME_QUESTION,
            field=field,
            when=when,
            label=field.name.replace("_", " "),
            subject="new time date reschedule",
        )
    refused = next((step for step in steps if step.kind == "yes_no"), None)
    if needs_a_no(field):
        return own_step(field, Condition(refused.name, False) if refused else None)
    made = own_step(field, None)
    arranged = next(
        (step for step in steps if step.verb in _ARRANGES or "schedule" in step.question.split()), None
    )
    if made is not None and made.kind == "time" and arranged is not None and arranged.is_yes_no:
        has_clock = any(moment.has_clock for moment in find_moments(words_of(arranged.subject)))
        label = spoken_name(field)
        return _time_of_arrangement(
            field, arranged, f"Could you confirm the {label}, please?" if has_clock else made.question
        )
    return made


def _time_of_arrangement(field: Field, arranged: Step, question: str) -> Step:
    label = spoken_name(field)
    when = Condition(arranged.name, True)
    return Step(f"field:{field.name}", "time", question, field=field, when=when, label=label, subject=label)


def _merged(steps: list[Step]) -> list[Step]:
    """News and topics need no question of their own where other questions follow: they open the next one."""
    main = steps[0]
    follower = next((step for step in steps[1:] if step.when is None), None)
    is_lead = main.field is None and main.statement and main.verb in ("tell", "ask about", "follow up", "")
    if follower is None or not is_lead or any(step.when and step.when.step == main.name for step in steps):
        return steps
    if main.verb != "tell" and not follower.name.startswith("field:"):
        return steps
    if follower.statement and main.verb != "tell":
        return steps
    statement = f"{main.statement} {follower.statement}".strip()
    led = replace(follower, statement=statement, verb=follower.verb or "ask")
    return [led, *(step for step in steps[1:] if step is not follower)]


def _conditional(steps: list[Step]) -> list[Step]:
    """Hang what depends on a refused main question on that question, each child after its parent."""
    main = steps[0]
    if main.verb in _ALL_OR_NOTHING and main.is_yes_no:
        wanted = Condition(main.name, True)
        steps = [main, *(step if step.when else replace(step, when=wanted) for step in steps[1:])]
    if main.verb == "cancel":
        done = Condition(main.name, True)
        steps = [
            replace(step, when=done) if step.when is None and "confirmation" in step.subject.lower() else step
            for step in steps
        ]
    ordered: list[Step] = []
    for step in steps:
        if step.when is None or step.when.step not in {other.name for other in steps}:
            ordered.append(step)
    for step in steps:
        if step in ordered:
            continue
        parent = next(
            (n for n, other in enumerate(ordered) if step.when and other.name == step.when.step), -1
        )
        siblings = sum(1 for other in ordered if other.when is not None and other.when == step.when)
        ordered.insert(parent + 1 + siblings if parent >= 0 else len(ordered), step)
    return ordered


def _with_opening(steps: list[Step]) -> list[Step]:
    """The first step says why we call, even where it is a bare question."""
    main = steps[0]
    if main.statement:
        return steps
    return [replace(main, statement=SHORT_QUESTION if len(steps) == 1 else SHORT_QUESTIONS), *steps[1:]]


def _purpose(spoken: str) -> str:
    """The objective in one sentence, for voicemail and for who asks what the call is about."""
    clause = next(iter(clauses_of(spoken)), None)
    if clause is None:
        return "I'm calling with a message for you."
    step = step_of(clause, number=1)
    if step.statement:
        return step.statement
    if is_question(clause.about):
        return SHORT_QUESTION
    return ended(f"I'm calling to ask {spoken_clock(to_second_person(_asked(clause)))}")


def _asked(clause: Clause) -> str:
    if clause.family == "ask_if":
        return f"if {clause.about}"
    if clause.family == "ask_to":
        return f"if you could {clause.about}"
    return f"for {clause.about}" if clause.family in ("ask_for", "confirm") else clause.about
