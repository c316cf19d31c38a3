"""The second pass by itself: findings that a wrong first pass could have made are taken back."""

from __future__ import annotations

import pytest

from byourside_server.calls.call import Field, FieldValue
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.plan import plan_of
from byourside_server.report.findings import Finding, typed
from byourside_server.report.verify import verified

BRIEF = Brief(
    "Confirm the appointment for tomorrow at 2pm.",
    fields=(Field("confirmed", "boolean"), Field("amount", "number"), Field("contact_name", "string")),
)
PLAN = plan_of(BRIEF)
TURNS = (
    Turn(0, "contact", "yes", 0, 500),
    Turn(1, "agent", "Does that still work for you? Yes?", 1000, 2000, asks="field:confirmed"),
    Turn(2, "contact", "no it does not work", 2500, 3000),
    Turn(3, "agent", "How much is it, please?", 3500, 4000, asks="field:amount"),
    Turn(4, "contact", "fifty dollars", 4500, 5000),
    Turn(5, "agent", "May I have your name, please?", 5500, 6000, asks="field:contact_name"),
    Turn(6, "contact", "john smith", 6500, 7000),
)


def holds(name: str, value: FieldValue, quote: str, turn: int, turns: tuple[Turn, ...] = TURNS) -> bool:
    step = PLAN.step(f"field:{name}")
    assert step is not None
    assert step.field is not None
    finding = Finding(step.field, step, value, quote, TURNS[turn])
    return name in verified({name: finding}, PLAN, turns).held


@pytest.mark.parametrize(
    ("name", "value", "quote", "turn"),
    [
        ("confirmed", False, "no it does not work", 2),
        ("amount", 50, "fifty dollars", 4),
        ("contact_name", "John Smith", "john smith", 6),
    ],
)
def test_what_the_transcript_bears_out_is_kept(name: str, value: FieldValue, quote: str, turn: int) -> None:
    assert holds(name, value, quote, turn)


@pytest.mark.parametrize(
    ("why", "name", "value", "quote", "turn"),
    [
        ("the agent's own words", "confirmed", True, "Yes", 1),
        ("words nobody said", "confirmed", False, "certainly not", 2),
        ("no words at all", "confirmed", False, "", 2),
        ("a greeting before any question", "confirmed", True, "yes", 0),
        ("the contrary of the turn", "confirmed", True, "no it does not work", 2),
        ("no yes and no no", "confirmed", False, "fifty dollars", 4),
        ("another number", "amount", 15, "fifty dollars", 4),
        ("a number in no quote", "amount", 50, "dollars", 4),
        ("another name", "contact_name", "Jane Smith", "john smith", 6),
    ],
)
def test_what_contradicts_it_is_taken_back(
    why: str, name: str, value: FieldValue, quote: str, turn: int
) -> None:
    assert not holds(name, value, quote, turn), why


def test_a_later_contrary_answer_takes_a_boolean_back() -> None:
    later = (
        *TURNS,
        Turn(7, "agent", "So that does not work for you?", 7500, 8000, asks="field:confirmed"),
        Turn(8, "contact", "no wait yes it works", 8500, 9000),
    )
    assert not holds("confirmed", False, "no it does not work", 2, later)


@pytest.mark.parametrize(
    ("kind", "value", "json"),
    [
        ("boolean", True, True),
        ("boolean", 1, None),
        ("boolean", "yes", None),
        ("number", 249, 249),
        ("number", 2.5, 2.5),
        ("number", True, None),
        ("number", "5550128", 5550128),
        ("number", "soon", None),
        ("string", "Friday", "Friday"),
        ("string", 4, "4"),
        ("string", False, None),
        ("string", None, None),
    ],
)
def test_every_value_has_the_type_that_was_asked_for(kind: str, value: FieldValue, json: FieldValue) -> None:
    field = Field("x", kind)  # type: ignore[arg-type]
    made = typed(field.type, value)
    assert made == json
    assert type(made) is type(json)
