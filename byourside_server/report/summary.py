"""What happened, in a few plain sentences: only what turns bear out, in the words of caller and contact."""

from __future__ import annotations

from collections.abc import Sequence

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.fields import value_label
from byourside_server.conversation.reading import Reading
from byourside_server.conversation.step import Plan, Step

_OF_OUTCOME: dict[str, str] = {
    "do_not_call": "The contact asked not to be called again.",
    "wrong_number": "The contact said it was the wrong number.",
    "not_interested": "The contact said they were not interested.",
    "wrong_person": "Somebody else answered and could not speak for the person who was wanted.",
    "callback_requested": "The contact asked to be called at another time.",
    "transferred": "The call was handed over to a person.",
    "mind_failed": "The call was ended because no language model could be reached.",
    "no_response": "Nobody responded, so the call was ended.",
    "menu_dead_end": "A menu of keys answered and led to nobody.",
    "screened_out": "Call screening answered and put nobody through.",
}
_OF_END: dict[str, str] = {
    "hung_up": "The contact hung up before the conversation was finished.",
    "max_duration": "The call was ended because it reached its maximum duration.",
    "canceled": "The call was canceled while it was in progress.",
    "line_lost": "The connection was lost before the conversation was finished.",
    "voice_failed": "The call was ended because the agent's speech could not be made.",
}
_OF_VOICEMAIL: dict[str, str] = {
    "voicemail_left": "The call reached voicemail; a message was left.",
    "voicemail_not_left": "The call reached voicemail; no message was left.",
}


def summarize(
    plan: Plan,
    reading: Reading,
    turns: Sequence[Turn],
    outcome: str | None,
    ended_by: str | None,
    end_reason: str | None,
) -> str:
    """One to three sentences."""
    if outcome in _OF_VOICEMAIL:
        return _OF_VOICEMAIL[outcome]
    sentences = []
    told = [value_phrase(step, reading) for step in plan.steps if step.name in reading.given]
    if told:
        sentences.append(f"The contact {_joined(told)}.")
    if outcome in _OF_OUTCOME:
        sentences.append(_OF_OUTCOME[outcome])
    if end_reason in _OF_END:
        sentences.append(_OF_END[end_reason])
    if not sentences:
        sentences.append(_nothing_learned(turns))
    elif not told and outcome is None:
        sentences.insert(0, _nothing_learned(turns))
    return " ".join(sentences)


def _nothing_learned(turns: Sequence[Turn]) -> str:
    if any(turn.role == "contact" for turn in turns):
        return "The contact answered but did not give a clear answer to the questions."
    return "The call was answered, but nobody spoke."


def value_phrase(step: Step, reading: Reading) -> str:
    """What the contact did about one step: finishes the sentence "The contact …"."""
    value = reading.value(step.name)
    if value is True:
        return step.said_yes or f"said yes to “{step.question}”"
    if value is False:
        return step.said_no or f"said no to “{step.question}”"
    label = value_label(step)
    if step.kind == "text" and label.startswith(
        ("what ", "when ", "how ", "which ", "who ", "where ", "why", "whether ")
    ):
        return f"said, when asked {label}: “{value}”"
    if step.kind == "text":
        return f"said about {label}: “{value}”"
    if label.startswith(("what ", "when ", "how ", "which ", "who ", "where ")):
        return f"told {label}: {value}"
    return f"gave {value} as the {label}"


def _joined(parts: Sequence[str]) -> str:
    if len(parts) < 3:
        return " and ".join(parts)
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"
