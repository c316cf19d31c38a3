"""What a transcript says so far, read against the plan: answers, misses, and moves of the conversation.

The one reading that both the embedded mind (to know what to ask next) and the report (to know what was
learned) go by. Pure: a plan and turns in, a `Reading` out. Nothing the agent said can become an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.answering import answer_to
from byourside_server.conversation.callback import time_in
from byourside_server.conversation.intents import Intent, intent_of, is_backchannel, without_insistence
from byourside_server.conversation.people import is_right_person
from byourside_server.conversation.step import Condition, Plan, Step
from byourside_server.conversation.understanding import Answer, declines, read_volunteered
from byourside_server.conversation.waiting_words import is_hold_notice
from byourside_server.conversation.words import plain

MAX_MISSES = 2
# These say nothing about the open question.
_NO_ANSWER_IN = frozenset(
    {
        Intent.DO_NOT_CALL,
        Intent.WRONG_NUMBER,
        Intent.REPEAT,
        Intent.HOLD,
        Intent.ROBOT,
        Intent.PROBE,
        Intent.WRONG_PERSON,
        Intent.CALL_LATER,
    }
)
_CORRECTS = re.compile(
    r"^(?:(?:oh|uh|um|and|but|yes|no) )*(?:wait|actually|sorry|i mean|i meant|on second thought"
    r"|correction|scratch that|no|yes)\b"
)
_TURNS_BACK = re.compile(
    r"^(?:(?:oh|uh|um|but|no|okay) )*(?:wait|actually|sorry|i mean|i meant|on second thought"
    r"|correction|scratch that)\b"
)
_ALTERNATIVE = re.compile(
    r"\b(?:how about|what about|instead|better|prefer|rather|(?:can|could) (?:we|you|i)|move it"
    r"|change it|make it|push it|"
    r"switch|reschedule|let's)\b"
)


@dataclass(frozen=True)
class Given:
    """An answer and the contact's turn that gave it."""

    answer: Answer
    turn: Turn


@dataclass
class Reading:
    """Where the conversation stands. `open_step` is the question waiting for its answer."""

    given: dict[str, Given] = field(default_factory=dict)
    misses: dict[str, int] = field(default_factory=dict)
    declined: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    moves: list[tuple[Turn, Intent]] = field(default_factory=list)
    open_step: str | None = None
    last_given: str | None = None

    def value(self, name: str) -> object:
        """The value given for a step, None where there is none."""
        found = self.given.get(name)
        return None if found is None else found.answer.value

    def holds(self, when: Condition | None) -> bool:
        """Whether the condition of a step is met."""
        return when is None or self.value(when.step) is when.answer

    def is_done(self, step: Step) -> bool:
        """Whether there is no sense in asking (again)."""
        given_up = step.name in self.declined or self.misses.get(step.name, 0) >= MAX_MISSES
        return step.name in self.given or given_up or not self.holds(step.when)

    def next_step(self, plan: Plan) -> Step | None:
        """The first step still to be asked."""
        return next((step for step in plan.steps if not self.is_done(step)), None)


def read(plan: Plan, turns: Iterable[Turn]) -> Reading:
    """The reading of the turns so far."""
    reading = Reading()
    for turn in turns:
        if turn.role == "agent":
            _agent_spoke(reading, turn)
        else:
            _contact_spoke(reading, plan, turn)
    _drop_unmet(reading, plan)
    return reading


def _agent_spoke(reading: Reading, turn: Turn) -> None:
    if turn.asks is not None:
        reading.open_step = turn.asks
        reading.asked.add(turn.asks)
    elif reading.open_step in reading.given:
        reading.open_step = None  # answered and replied to: what follows is small talk


def move_of(plan: Plan, reading: Reading, text: str) -> Intent | None:
    """The contact's move; "call me after five" is none where the best time to call was asked for."""
    move = intent_of(text)
    step = plan.step(reading.open_step)
    if move is Intent.CALL_LATER and step is not None and step.kind == "time":
        asks_when_to_call = _TO_CALL.search(plain(f"{step.question} {step.subject}")) is not None
        return None if asks_when_to_call and time_in(text) is not None else move
    return move


_TO_CALL = re.compile(r"\b(?:call|callback|reach|phone|ring|best time)\b")


def _contact_spoke(reading: Reading, plan: Plan, turn: Turn) -> None:
    if is_hold_notice(turn.text):
        return  # said to nobody in particular
    move = move_of(plan, reading, turn.text)
    if move is not None:
        reading.moves.append((turn, move))
    step = plan.step(reading.open_step)
    if step is None or move in _NO_ANSWER_IN:
        return
    answer = _answer(step, turn.text)
    if answer is None and _turned_back(reading, plan, step, turn):
        return
    if answer is None:
        answer = _implied_change(plan, step, turn)
    if answer is not None:
        if step.name in reading.given and not _CORRECTS.match(plain(turn.text)):
            return  # "okay, thank you" after the answer takes nothing back
        _give(reading, plan, step, answer, turn)
    elif step.name not in reading.given and move is None:
        if declines(turn.text):
            reading.declined.add(step.name)
        elif step.is_yes_no or not is_backchannel(turn.text):
            reading.misses[step.name] = reading.misses.get(step.name, 0) + 1


_WHO_IT_IS = re.compile(r"\b(?:[Ii]s this|[Aa]m I (?:speaking|talking) (?:to|with)|[Aa]re you) [A-Z]")


def _answer(step: Step, text: str) -> Answer | None:
    """What the words answer: "speaking" says that it is they, "I said yes" is a yes."""
    if step.is_yes_no and is_right_person(text) and _WHO_IT_IS.search(step.question):
        return Answer(True, text)
    answer = answer_to(step, text)
    if answer is None and (again := without_insistence(plain(text))) != plain(text):
        said = answer_to(step, again)
        return None if said is None else Answer(said.value, _quoted(text, said.quote))
    return answer


def _quoted(text: str, said: str) -> str:
    """The stretch of the text with these words, as it was written."""
    at = text.lower().rfind(said.lower())
    return text[at : at + len(said)] if at >= 0 else text


def _give(reading: Reading, plan: Plan, step: Step, answer: Answer, turn: Turn) -> None:
    reading.given[step.name] = Given(answer, turn)
    reading.last_given = step.name
    for child in plan.children(step.name):
        if child.when is not None and child.when.answer is answer.value and child.name not in reading.given:
            _volunteer(reading, child, turn)
    if answer.value is False and _ALTERNATIVE.search(plain(turn.text)):
        _take_new_time(reading, plan, step, turn)


def _volunteer(reading: Reading, child: Step, turn: Turn) -> bool:
    """ "Yes, Friday at three" answers the next question too."""
    told = read_volunteered(child.kind, turn.text)
    if told is not None:
        reading.given[child.name] = Given(told, turn)
    return told is not None


def _take_new_time(reading: Reading, plan: Plan, refused: Step, turn: Turn) -> None:
    """ "No, can we make it Friday at three?" refuses, asks for a change, and names the new time."""
    for change in plan.steps:
        if change.kind != "change" or change.name == refused.name or change.name in reading.given:
            continue
        for child in plan.children(change.name):
            if child.when is not None and child.when.answer is True and _volunteer(reading, child, turn):
                reading.given[change.name] = Given(Answer(True, reading.given[child.name].answer.quote), turn)


def _implied_change(plan: Plan, step: Step, turn: Turn) -> Answer | None:
    """ "Friday at three" to "Do you need to reschedule?" is a yes."""
    if step.kind != "change":
        return None
    for child in plan.children(step.name):
        told = read_volunteered(child.kind, turn.text)
        if told is not None:
            return Answer(True, told.quote)
    return None


def _turned_back(reading: Reading, plan: Plan, step: Step, turn: Turn) -> bool:
    """ "Wait, actually tomorrow doesn't work" said to the next question corrects the one before."""
    before = plan.step(reading.last_given)
    if before is None or before is step or not before.is_yes_no or not _TURNS_BACK.match(plain(turn.text)):
        return False
    answer = answer_to(before, turn.text)
    if answer is None or answer.value is reading.value(before.name):
        return False
    _give(reading, plan, before, answer, turn)
    return True


def _drop_unmet(reading: Reading, plan: Plan) -> None:
    """A new time is worth nothing once the contact has taken the wish to reschedule back."""
    for step in plan.steps:
        if step.name in reading.given and not reading.holds(step.when):
            parent = reading.given.get(step.when.step) if step.when else None
            if parent is not None:
                del reading.given[step.name]
