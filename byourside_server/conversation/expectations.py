"""What the contact may say to each kind of question, as hints for speech-to-text.

Tables of plain words; the recogniser turns kinds and phrases into whatever it works with.
"""

from __future__ import annotations

from byourside_server.conversation.step import Plan, Step
from byourside_server.providers.base import Expectation

# Moves that may come at any moment of a call.
ANYTIME_PHRASES = (
    "who is this",
    "what is this about",
    "are you a robot",
    "wait a moment",
    "wait a moment please",
    "hold on",
    "i am not interested",
    "no i am not interested",
    "don't call me again",
    "please don't call me again",
    "take me off your list",
    "you have the wrong number",
    "i have to go",
    "what did they tell you about me",
    "thank you",
    "uh huh",
)
_KINDS: dict[str, frozenset[str]] = {
    "yes_no": frozenset({"yes_no"}),
    "change": frozenset({"yes_no"}),
    "number": frozenset({"number"}),
    "money": frozenset({"money", "number"}),
    "digits": frozenset({"digits"}),
    "time": frozenset({"time", "day"}),
    "name": frozenset({"name"}),
    "email": frozenset({"open"}),
    "text": frozenset({"open"}),
}
_CHANGE_PHRASES = (
    "i don't need to reschedule",
    "no i don't need to reschedule",
    "i need to reschedule",
    "yes i need to reschedule",
    "no that is all",
)
GREETING = Expectation(kinds=frozenset({"greeting", "voicemail"}))


def for_step(plan: Plan, step: Step) -> Expectation:
    """What may answer this step, with what people add to it."""
    kinds = _KINDS[step.kind] | {"repeat", "goodbye"}
    phrases: tuple[str, ...] = ANYTIME_PHRASES
    if step.is_yes_no:
        for child in plan.children(step.name):
            kinds |= _KINDS[child.kind] if child.kind == "time" else frozenset()
    if step.kind == "change":
        phrases = (*_CHANGE_PHRASES, *phrases)
    return Expectation(kinds=kinds, phrases=phrases)


CLOSING = Expectation(kinds=frozenset({"goodbye", "yes_no"}), phrases=ANYTIME_PHRASES)

# Anything may be the answer.
OPEN = Expectation(kinds=frozenset({"open", "yes_no", "repeat", "goodbye"}), phrases=ANYTIME_PHRASES)


def before_verdict(plan: Plan, *, has_asked: bool) -> Expectation:
    """While nobody knows who picked up: a greeting, a machine's words, and an answer if we have asked."""
    first = for_step(plan, plan.main)
    return Expectation(
        kinds=GREETING.kinds | (first.kinds if has_asked else frozenset()), phrases=first.phrases
    )


def on_hold(expected: Expectation) -> Expectation:
    """Whoever comes back says hello or answers at once; until then announcements are heard."""
    return Expectation(kinds=expected.kinds | GREETING.kinds, phrases=expected.phrases or ANYTIME_PHRASES)
