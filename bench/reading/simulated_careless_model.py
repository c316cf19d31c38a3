"""A simulated language model of the worst habits, to show what the verification catches.

Deterministic, and no measurement of any real model: it takes every proposal of the agent's for agreed, reads
values out of the agent's words and of the first answer, never heeds a correction, a condition or irony,
takes a machine for a person, and in three of ten claims makes its quote up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bench.reading.corpus import Labelled
from byourside_server.calls.call import Field, FieldValue
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.moments import find_moments
from byourside_server.conversation.numbers import find_numbers
from byourside_server.conversation.personal import find_email, find_name
from byourside_server.conversation.words import plain, quote, words_of
from byourside_server.report.extraction import Claim, ClaimedObjective, Extraction

INVENTED_OF_TEN = 3
_INVENTIONS = (
    "Yes, that works perfectly.",
    "Sure, please go ahead.",
    "That is correct.",
    "Absolutely, confirmed.",
)


def simulated_careless_extraction(call: Labelled) -> Extraction:
    """What it makes of a call."""
    claims = {field.name: _claim(call, field) for field in call.brief.fields}
    return Extraction(
        "The contact agreed to everything.",
        claims,
        outcome=None,
        objective=_objective(call),
    )


def _claim(call: Labelled, field: Field) -> Claim:
    found = _value(call.turns, field)
    if found is None:
        return Claim(None)
    value, turn, words = found
    if _draw(f"{call.id} {field.name}") < INVENTED_OF_TEN:
        return Claim(value, turn.index, _INVENTIONS[_draw(f"{field.name} {call.id}") % len(_INVENTIONS)])
    return Claim(value, turn.index, words)


def _value(turns: Sequence[Turn], field: Field) -> tuple[FieldValue, Turn, str] | None:
    """The first thing of the right type that anybody said; a boolean is true as soon as anybody speaks."""
    if field.type == "boolean":
        turn = _first_after_agent(turns)
        return None if turn is None else (_careless_yes(turn), turn, turn.text)
    for turn in turns:
        found = _number(turn) if field.type == "number" else _text(turn, field)
        if found is not None:
            return found[0], turn, found[1]
    return None


def _careless_yes(turn: Turn) -> bool:
    return not plain(turn.text).startswith(("no ", "no, ")) and plain(turn.text) != "no"


def _first_after_agent(turns: Sequence[Turn]) -> Turn | None:
    has_spoken = False
    for turn in turns:
        if turn.role == "agent":
            has_spoken = True
        elif has_spoken:
            return turn
    return next((turn for turn in turns if turn.role == "contact"), None)


def _number(turn: Turn) -> tuple[FieldValue, str] | None:
    words = words_of(turn.text)
    numbers = find_numbers(words)
    return (numbers[0].json, quote(turn.text, words[numbers[0].first : numbers[0].last])) if numbers else None


def _text(turn: Turn, field: Field) -> tuple[FieldValue, str] | None:
    words = words_of(turn.text)
    wanted = f"{field.name} {field.description or ''}".lower()
    if "mail" in wanted:
        address = find_email(words)
        return None if address is None else (address[0], quote(turn.text, words[address[1] : address[2]]))
    if "name" in wanted:
        name = find_name(words, bare=False)
        return None if name is None else (name[0], quote(turn.text, words[name[1] : name[2]]))
    moments = find_moments(words)
    return (moments[0].text, quote(turn.text, words[moments[0].first : moments[0].last])) if moments else None


def _objective(call: Labelled) -> ClaimedObjective:
    turn = _first_after_agent(call.turns)
    words = None if turn is None else turn.text
    return ClaimedObjective("yes", "The contact agreed.", None if turn is None else turn.index, words)


def _draw(name: str) -> int:
    """A figure from 0 to 9 that is always the same for a name."""
    return hashlib.sha256(name.encode()).digest()[0] % 10
