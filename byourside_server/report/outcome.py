"""How the conversation came out, where it was more or other than question and answer."""

from __future__ import annotations

from collections.abc import Sequence

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.intents import Intent
from byourside_server.conversation.reading import Reading
from byourside_server.conversation.voicemail import message_of
from byourside_server.conversation.words import plain
from byourside_server.report.extraction import Extraction

# Each token of the record's `outcome` with what it means; docs are printed from here.
OUTCOMES: dict[str, str] = {
    "do_not_call": "asked not to be called again",
    "wrong_number": "said it was the wrong number",
    "wrong_person": "was somebody else and could not answer",
    "not_interested": "said they were not interested",
    "callback_requested": "asked to be called at another time",
    "transferred": "was handed over to a person",
    "voicemail_left": "a machine answered and the message was left",
    "voicemail_not_left": "a machine answered and no message was left",
    "no_response": "nobody spoke",
    "menu_dead_end": "did not come to the phone: a menu of keys led to nobody",
    "screened_out": "did not come to the phone: call screening put nobody through",
    "mind_failed": "no language model could be reached, and the agent said so",
}
_OF_MOVE: dict[Intent, str] = {
    Intent.DO_NOT_CALL: "do_not_call",
    Intent.WRONG_NUMBER: "wrong_number",
    Intent.WRONG_PERSON: "wrong_person",
    Intent.NOT_INTERESTED: "not_interested",
    Intent.CALL_LATER: "callback_requested",
}


def outcome_of(
    brief: Brief,
    reading: Reading,
    turns: Sequence[Turn],
    answered_by: str | None,
    end_reason: str | None,
    extraction: Extraction | None = None,
) -> str | None:
    """One of OUTCOMES, None for an ordinary conversation.

    What the line shows stands first; a demand not to be called is never overruled. Of the rest a language
    model that read the call is asked before the rules.
    """
    if answered_by == "voicemail" or end_reason == "voicemail":
        return "voicemail_left" if _message_was_left(brief, turns) else "voicemail_not_left"
    if end_reason in OUTCOMES:
        return end_reason
    if any(move is Intent.DO_NOT_CALL for _, move in reading.moves):
        return "do_not_call"
    if extraction is not None:
        return extraction.outcome
    for _, move in reversed(reading.moves):
        if move in _OF_MOVE:
            return _OF_MOVE[move]
    return None


def _message_was_left(brief: Brief, turns: Sequence[Turn]) -> bool:
    """The whole message was played out."""
    message = plain(message_of(brief))
    return any(
        turn.role == "agent" and not turn.interrupted and message in plain(turn.text) for turn in turns
    )
