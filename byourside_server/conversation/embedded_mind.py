"""The mind that needs no key and no network: asks by the plan, understands by rules, is honest about it.

Pure and deterministic: its whole memory is the transcript in the `Situation`. `context` is never looked at.
"""

from __future__ import annotations

import re
from dataclasses import replace

from byourside_server.conversation import expectations
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.callback import spoken_time, time_in
from byourside_server.conversation.disclosure import disclosure, introduction
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.menu import is_same_menu, key_for, options_of
from byourside_server.conversation.mind import DEFAULT_PATIENCE_S, Decision, Situation, Speak
from byourside_server.conversation.obligations import question_of
from byourside_server.conversation.people import call_for_person, is_away, is_right_person
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.reading import Reading, move_of, read
from byourside_server.conversation.step import Plan, Step
from byourside_server.conversation.waiting_words import has_missed, is_new_voice
from byourside_server.conversation.weaving import unlike_before, with_owed, with_statements
from byourside_server.conversation.words import UNINTELLIGIBLE, plain
from byourside_server.conversation.yes_no import yes_no
from byourside_server.providers.base import Usage

EMBEDDED_LANGUAGES = ("en",)  # those its rules understand, as primary subtags
HOLD_PATIENCE_S = 20.0
FETCH_PATIENCE_S = 45.0  # while somebody is fetched to the phone
MAX_SILENCES = 2  # asked about; the next one ends the call
_WORDS = phrases_for("en")
HOLD_WORDS = _WORDS.hold
FETCH_WORDS = "Thank you, I'll hold."
NOT_CAUGHT = _WORDS.not_caught
YES_OR_NO = "Sorry, is that a yes or a no?"
GOODBYE = _WORDS.goodbye
STILL_THERE = _WORDS.are_you_there
# Questions of its own, by what an agent's turn that puts one `asks`.
PERSON, CALLBACK_TIME = "person", "callback:time"
ASK_FOR_PERSON = "Could I speak to them, please?"
ASK_FOR_CALLBACK = "When would be a good time to call back?"
# Moves after which there is nothing to ask: what is said, and the reason the call ends.
ENDINGS: dict[Intent, tuple[str, str]] = {
    Intent.DO_NOT_CALL: (
        "I understand, and I'll pass that on. Sorry to have bothered you. Goodbye.",
        "do_not_call",
    ),
    Intent.WRONG_NUMBER: ("I'm sorry, I must have the wrong number. Goodbye.", "wrong_number"),
    Intent.NOT_INTERESTED: ("I understand. Thank you for your time. Goodbye.", "not_interested"),
    Intent.GOODBYE: (GOODBYE, "completed"),
}
# Moves that are answered in a sentence before the open question is put again.
REMARKS: dict[Intent, str] = {
    Intent.ROBOT: "Yes, I'm an automated AI assistant.",
    Intent.PROBE: "I'm sorry, I can't share that.",
}
# They want to hear something again, so that it may be the same.
_ASKS_BACK = frozenset({Intent.REPEAT, Intent.WHO, Intent.ROBOT, Intent.PROBE})
_ECHOED_KINDS = frozenset({"time", "number", "digits", "email", "name"})


class EmbeddedMind:
    """Rules behind the `Mind` door."""

    name = "embedded"

    @property
    def usage(self) -> Usage:
        return Usage()

    async def reply(self, situation: Situation, speak: Speak) -> Decision:
        return decide(situation)

    async def prepare(self, brief: Brief) -> str:
        first = plan_of(brief).main
        return with_statements(first.spoken, first, brief.must_say)


def decide(situation: Situation) -> Decision:
    """What to say next, with what the caller demands to be said and asked."""
    if situation.occasion == "menu":
        return _in_menu(situation)
    plan = plan_of(situation.brief)
    decision = _decide(plan, read(plan, situation.turns), situation)
    if situation.occasion == "heard" and intent_of(situation.text) not in _ASKS_BACK:
        decision = replace(decision, say=unlike_before(decision.say, situation.turns))
    return with_owed(decision, situation, plan.step(decision.asks))


def _in_menu(situation: Situation) -> Decision:
    """The option that fits the objective, else an operator; a key that led nowhere twice is left alone."""
    options = options_of(situation.text)
    before = [each.keys for each in situation.pressed if is_same_menu(each.menu, situation.text)]
    most = 0 if has_missed(situation.text) else 1  # the first time it may not have been heard
    tried = {key for key in before if before.count(key) > most}
    key = key_for(options, situation.brief.objective, tried, is_over=situation.silences > 0)
    return Decision("", keys=key, note="in a menu")


def _decide(plan: Plan, reading: Reading, situation: Situation) -> Decision:
    if situation.occasion == "silence":
        return _on_silence(plan, reading, situation)
    if situation.occasion == "unclear" and situation.open_step not in (PERSON, CALLBACK_TIME):
        return _on_unclear(plan, reading, situation)
    move = move_of(plan, reading, situation.text)
    if situation.occasion == "opening":
        return _on_opening(plan, situation, move)
    return (
        _on_somebody_else(plan, situation, move)
        or _on_new_voice(plan, reading, situation, move)
        or _on_call_later(plan, situation, move)
        or _on_move(plan, reading, situation, move)
        or _onward(plan, reading, situation)
    )


def _on_opening(plan: Plan, situation: Situation, move: Intent | None) -> Decision:
    if move in ENDINGS and move is not Intent.GOODBYE:
        return _ending(move)
    if move is Intent.HOLD:
        return _hold(plan)
    somebody_else = _on_somebody_else(plan, situation, move)
    return somebody_else or _on_call_later(plan, situation, move) or _ask(plan, plan.main, "", whole=True)


def _on_new_voice(
    plan: Plan, reading: Reading, situation: Situation, move: Intent | None
) -> Decision | None:
    """After a hold somebody speaks who may not know who is on the line."""
    if not situation.is_back or not is_new_voice(situation.text) or move not in (None, Intent.WHO):
        return None
    step, who = _open(plan, reading), introduction(situation.brief)
    lead = who if step is None or step is plan.main else f"{who} {plan.purpose}"
    return _ask(plan, step, lead, whole=True)


def _on_somebody_else(plan: Plan, situation: Situation, move: Intent | None) -> Decision | None:
    """Somebody else has the phone, fetches the right person, or has just handed it over."""
    state = call_for_person(situation.turns)
    if state == "fetched" and move is not Intent.HOLD:
        return _ask(plan, plan.main, disclosure(situation.brief), whole=True)
    if state == "asked" and (move is Intent.HOLD or (move is None and yes_no(situation.text))):
        words = HOLD_WORDS if move is Intent.HOLD else FETCH_WORDS
        return Decision(words, expectation=expectations.OPEN, patience_s=FETCH_PATIENCE_S, note="holds")
    if state == "asked" and is_right_person(situation.text):
        return _ask(plan, plan.main, "", whole=True)
    if move is Intent.WRONG_PERSON and state is None and not is_away(situation.text):
        return _own_question(f"I see. {ASK_FOR_PERSON}", PERSON)
    if move is Intent.WRONG_PERSON or (state == "asked" and move in (None, Intent.CALL_LATER)):
        if time_in(situation.text) is not None or situation.open_step == CALLBACK_TIME:
            return _called_back(situation)
        return _own_question(f"I see. {ASK_FOR_CALLBACK}", CALLBACK_TIME)
    return None


def _on_call_later(plan: Plan, situation: Situation, move: Intent | None) -> Decision | None:
    """Another time is better: which, is asked once."""
    if situation.open_step == CALLBACK_TIME and move in (None, Intent.CALL_LATER, Intent.GOODBYE):
        return _called_back(situation)
    if move is not Intent.CALL_LATER:
        return None
    if time_in(situation.text) is not None:
        return _called_back(situation)
    return _own_question(f"Of course. {ASK_FOR_CALLBACK}", CALLBACK_TIME)


def _called_back(situation: Situation) -> Decision:
    time = time_in(situation.text, is_answer=situation.open_step == CALLBACK_TIME)
    when = spoken_time(time, is_away=is_away(situation.text)) if time else ""
    wish = f"on that you'd like a call {when}" if when else "that on"
    return _hang_up(f"Of course, I'll pass {wish}. Goodbye.", "callback_requested")


def _own_question(say: str, name: str | None) -> Decision:
    return Decision(say, asks=name, expectation=expectations.OPEN, note=f"asks {name}")


def _unplanned(situation: Situation) -> str | None:
    """The open question that is none of the plan's: one of its own, or one that the caller demands."""
    own = {PERSON: ASK_FOR_PERSON, CALLBACK_TIME: ASK_FOR_CALLBACK}.get(situation.open_step or "")
    return own or question_of(situation.brief, situation.open_step)


def _on_silence(plan: Plan, reading: Reading, situation: Situation) -> Decision:
    if situation.silences > MAX_SILENCES:
        return _hang_up(_WORDS.cannot_hear, "no_response")
    asked = _unplanned(situation)
    if call_for_person(situation.turns) == "fetched":
        return Decision(STILL_THERE, expectation=expectations.OPEN, note="waits for the person")
    if asked is not None:
        return _own_question(f"{STILL_THERE} {asked}", situation.open_step)
    step = _open(plan, reading)
    if step is None:
        return Decision(STILL_THERE, expectation=expectations.CLOSING, note="silence")
    return _ask(plan, step, STILL_THERE)


def _on_unclear(plan: Plan, reading: Reading, situation: Situation) -> Decision:
    """Sound without words; the turns hold nothing of it."""
    step, asked = plan.step(reading.open_step), _unplanned(situation)
    if asked is not None and situation.unclear <= 1:
        return _own_question(f"{NOT_CAUGHT} {asked}", situation.open_step)
    if step is None or step.name in reading.given:
        return _next(plan, reading, "")
    if reading.is_done(step):  # the transcript marks such turns, and so counts them
        return _next(plan, reading, "All right.")
    return _ask(plan, step, NOT_CAUGHT)


def _on_move(plan: Plan, reading: Reading, situation: Situation, move: Intent | None) -> Decision | None:
    """The reply to a move of the conversation, None where the words are (also) an answer."""
    step = _open(plan, reading)
    if move in ENDINGS and move is not None:
        return _ending(move)
    if move is Intent.HOLD:
        return _hold(plan, step)
    asked = _unplanned(situation)
    if asked is not None and (lead := _lead(plan, situation, move)) is not None:
        return _own_question(f"{lead} {asked}".strip(), situation.open_step)
    if move is Intent.REPEAT:
        return _ask(plan, step or plan.main, "", whole=step is None or step is plan.main)
    lead = _lead(plan, situation, move)
    if lead is None:
        return None
    if move is Intent.WHO:
        return _ask(plan, step or plan.main, lead)
    return _ask(plan, step, lead) if step else _next(plan, reading, lead)


def _lead(plan: Plan, situation: Situation, move: Intent | None) -> str | None:
    """What a move is answered with before the open question is put again; None where that is not done."""
    if move is Intent.WHO:
        return f"{introduction(situation.brief)} {plan.purpose}"
    if move is Intent.REPEAT:
        return ""
    return _remark(move, situation.text) if move in REMARKS and move is not None else None


def _remark(move: Intent, text: str) -> str:
    """ "Are you a robot?" is a yes, "Are you a real person?" a no."""
    asks_for_person = (
        move is Intent.ROBOT and _PERSON.search(plain(text)) and not _MACHINE.search(plain(text))
    )
    return "No, I'm an automated AI assistant." if asks_for_person else REMARKS[move]


_PERSON = re.compile(r"\b(?:human|person|real)\b")
_MACHINE = re.compile(r"\b(?:robot|machine|computer|ai|a i|bot|recording|automated|chatbot|artificial)\b")


def _onward(plan: Plan, reading: Reading, situation: Situation) -> Decision:
    """After an answer the next question; after a miss the same once more."""
    step = plan.step(reading.open_step)
    if step is None:
        return _after_unplanned(plan, reading, situation)
    if step.name in reading.given:
        return _next(plan, reading, _acknowledgement(step, reading))
    if reading.is_done(step):
        return _next(plan, reading, "All right.")
    if _is_back_from_hold(situation):
        return _ask(plan, step, "")
    understood_words = bool(situation.text) and situation.text != UNINTELLIGIBLE
    return _ask(plan, step, YES_OR_NO if understood_words and step.is_yes_no else NOT_CAUGHT)


def _after_unplanned(plan: Plan, reading: Reading, situation: Situation) -> Decision:
    """Whatever was said to a question of the caller's is its answer; who had said goodbye may go then."""
    asked = question_of(situation.brief, situation.open_step)
    if asked is not None and _is_back_from_hold(situation) and _IS_BACK.search(plain(situation.text)):
        return _own_question(asked, situation.open_step)
    if asked is not None and any(move is Intent.GOODBYE for _, move in reading.moves):
        return _ending(Intent.GOODBYE)
    return _next(plan, reading, "")


_IS_BACK = re.compile(r"\b(?:back|here|ready|go ahead|hello|where were we)\b|^(?:okay|ok|all ?right)$")


def _acknowledgement(step: Step, reading: Reading) -> str:
    value = reading.value(step.name)
    if value is True:
        return "Great." if step.kind == "yes_no" else "All right."
    if value is False:
        return "I see." if step.kind == "yes_no" else "All right."
    return f"Got it, {value}." if step.kind in _ECHOED_KINDS else "Thank you."


def _next(plan: Plan, reading: Reading, acknowledgement: str) -> Decision:
    step = reading.next_step(plan)
    if step is not None:
        return _ask(plan, step, acknowledgement, whole=step.name not in reading.asked)
    values = [name for name, given in reading.given.items() if not isinstance(given.answer.value, bool)]
    if values and acknowledgement.startswith("Got it"):
        return _hang_up(f"{acknowledgement} {GOODBYE}", "completed")
    if reading.value(plan.main.name) is False:
        return _hang_up("I see. Thank you for your time. Goodbye.", "completed")
    return _hang_up(GOODBYE, "completed")


def _open(plan: Plan, reading: Reading) -> Step | None:
    """The question to put again: the open one, or the next where that is answered."""
    step = plan.step(reading.open_step)
    return step if step is not None and not reading.is_done(step) else reading.next_step(plan)


def _is_back_from_hold(situation: Situation) -> bool:
    agent = [turn for turn in situation.turns if turn.role == "agent"]
    return bool(agent) and agent[-1].text in (HOLD_WORDS, FETCH_WORDS)


def _ask(plan: Plan, step: Step | None, lead: str, *, whole: bool = False) -> Decision:
    if step is None:
        return _hang_up(f"{lead} {GOODBYE}".strip(), "completed")
    words = step.spoken if whole else step.question
    return Decision(
        f"{lead} {words}".strip(),
        asks=step.name,
        expectation=expectations.for_step(plan, step),
        patience_s=DEFAULT_PATIENCE_S,
        note=f"asks {step.name}",
    )


def _hold(plan: Plan, step: Step | None = None) -> Decision:
    expectation = expectations.for_step(plan, step or plan.main)
    return Decision(HOLD_WORDS, expectation=expectation, patience_s=HOLD_PATIENCE_S, note="holds")


def _ending(move: Intent) -> Decision:
    say, reason = ENDINGS[move]
    return _hang_up(say, reason)


def _hang_up(say: str, reason: str) -> Decision:
    return Decision(say, expectation=expectations.CLOSING, then="hang_up", end_reason=reason, note=reason)
