"""What is left of a language model's claims once they were held against the transcript.

Each check of the second pass has a case here that it alone catches: without it the claim would stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from byourside_server.calls.call import Field, FieldValue, Report
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.plan import plan_of
from byourside_server.report import compose
from byourside_server.report.claims import EMBEDDED_DIFFERS, NO_QUOTE, proved
from byourside_server.report.extraction import Extraction
from byourside_server.report.verify import CHECKS
from tests.report.kit import claimed, talk

VISIT = Brief(
    "Confirm the visit on Tuesday at 9 AM and ask for the price.",
    fields=(
        Field("confirmed", "boolean"),
        Field("price", "number", "Price in dollars"),
        Field("new_time", "string"),
        Field("contact_name", "string", "Name of the contact"),
        Field("phone", "string", "Phone number"),
    ),
)
ASKED = "A: Hello, I'm an AI assistant. Does the visit on Tuesday at nine still suit you?"


def left_of(
    turns: Sequence[Turn], claims: dict[str, tuple[FieldValue, int | None, str | None]]
) -> tuple[dict[str, FieldValue], dict[str, str]]:
    result = proved(VISIT, plan_of(VISIT), turns, claimed(VISIT, claims), {})
    return {name: finding.value for name, finding in result.held.items()}, result.refused


@dataclass(frozen=True)
class Case:
    """A claim that one check refuses."""

    check: str
    turns: tuple[Turn, ...]
    name: str
    value: FieldValue
    turn: int
    quote: str


CASES = (
    Case(
        "a question came before",
        talk("C: Yes, Tuesday at nine is fine.", ASKED, "C: Who is this?"),
        "confirmed",
        True,
        0,
        "Yes, Tuesday at nine is fine.",
    ),
    Case(
        "no machine speaks",
        talk("C: Hello?", ASKED, "C: Yes, your call is important to us."),
        "confirmed",
        True,
        2,
        "Yes",
    ),
    Case(
        "the number was said",
        talk("C: Hello?", "A: What is the price, please?", "C: Fifty dollars."),
        "price",
        15,
        2,
        "Fifty dollars",
    ),
    Case(
        "the number is no range",
        talk("C: Hello?", "A: What is the price, please?", "C: Forty or fifty dollars."),
        "price",
        40,
        2,
        "Forty or fifty dollars",
    ),
    Case(
        "the number is no hour",
        talk("C: Hello?", "A: What is the price, please?", "C: Come after three."),
        "price",
        3,
        2,
        "after three",
    ),
    Case(
        "a boolean is what its turn says",
        talk("C: Hello?", ASKED, "C: Only if my boss lets me."),
        "confirmed",
        True,
        2,
        "Only if my boss lets me",
    ),
    Case(
        "no later sentence of the turn says the contrary",
        talk("C: Hello?", ASKED, "C: Yes it's ready. Sorry, I saw the wrong one. No, yours isn't ready yet."),
        "confirmed",
        True,
        2,
        "Yes it's ready",
    ),
    Case(
        "a bare yes or no answers its own question",
        talk("C: Hello?", ASKED, "C: One moment.", "A: I'll note that you are coming on Tuesday.", "C: Yes."),
        "confirmed",
        True,
        4,
        "Yes",
    ),
    Case(
        "the text was said",
        talk("C: Hello?", "A: What time would suit you better?", "C: Friday at four."),
        "new_time",
        "Thursday at 4",
        2,
        "Friday at four",
    ),
    Case(
        "the words are no move of the conversation",
        talk("C: Hello?", "A: What time would suit you better?", "C: Call me back tomorrow at ten."),
        "new_time",
        "tomorrow at 10",
        2,
        "tomorrow at ten",
    ),
    Case(
        "the value is of its kind",
        talk("C: Hello?", "A: What is your phone number?", "C: The extension changes this week."),
        "phone",
        "this week",
        2,
        "this week",
    ),
    Case(
        "the question was not who speaks",
        talk("C: Hello?", "A: Hello, am I speaking with Ms. Moran?", "C: No, this is her neighbour."),
        "confirmed",
        False,
        2,
        "No",
    ),
    Case(
        "no other field was asked for",
        talk("C: Hello?", "A: How much is it, please?", "C: No, not by mail.", asks={1: "field:price"}),
        "confirmed",
        False,
        2,
        "No, not by mail",
    ),
    Case(
        "nothing later takes it back",
        talk(
            "C: Hello?",
            "A: What is the price, please?",
            "C: Fifty dollars.",
            "A: Fifty dollars.",
            "C: Sorry, sixty.",
        ),
        "price",
        50,
        2,
        "Fifty dollars",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.check)
def test_each_check_catches_what_no_other_would(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    claim: dict[str, tuple[FieldValue, int | None, str | None]] = {
        case.name: (case.value, case.turn, case.quote)
    }
    assert left_of(case.turns, claim) == ({}, {case.name: case.check})
    monkeypatch.delitem(CHECKS, case.check)
    assert left_of(case.turns, claim) == ({case.name: case.value}, {})


def test_every_check_has_its_case() -> None:
    """The first one is met before: without the quote in the contact's turn there is no finding at all."""
    assert {case.check for case in CASES} == set(CHECKS) - {"the quote is the contact's"}


@pytest.mark.parametrize(
    ("turn", "quote"),
    [
        (1, "Does the visit on Tuesday at nine still suit you"),
        (2, "Yes, that works perfectly"),
        (2, ""),
        (2, None),
        (0, "Yes, I'll come"),
        (7, "Yes, I'll come"),
        (None, "Yes, I'll come"),
    ],
    ids=["the agent's", "invented", "empty", "none", "another turn", "no such turn", "no turn"],
)
def test_a_quote_that_does_not_stand_there_proves_nothing(turn: int | None, quote: str | None) -> None:
    turns = talk("C: Hello?", ASKED, "C: Yes, I'll come.")
    assert left_of(turns, {"confirmed": (True, turn, quote)}) == ({}, {"confirmed": NO_QUOTE})


def test_the_quote_is_given_as_it_stands_in_the_turn() -> None:
    turns = talk("C: Hello?", ASKED, "C: Well — YES,  I’ll come!")
    result = proved(
        VISIT, plan_of(VISIT), turns, claimed(VISIT, {"confirmed": (True, 2, "yes, i'll come.")}), {}
    )
    assert result.held["confirmed"].quote == "YES,  I’ll come"


HELD: list[tuple[str, str, FieldValue, tuple[str, ...], str]] = [
    ("an indirect yes", "confirmed", True, (ASKED, "C: You can count on me."), "count on me"),
    ("an indirect no", "confirmed", False, (ASKED, "C: I'm afraid something came up."), "something came up"),
    ("a plain fact", "confirmed", True, ("A: Is the visit possible?", "C: It is."), "It is"),
    (
        "a yes to a turned question",
        "confirmed",
        False,
        ("A: So you want to cancel the visit?", "C: Yes, please."),
        "Yes, please",
    ),
    ("cents", "price", 48.5, ("A: The price, please?", "C: Forty-eight fifty."), "Forty-eight fifty"),
    ("said as one", "price", 1650, ("A: The price, please?", "C: Sixteen fifty."), "Sixteen fifty"),
    ("after a correction", "price", 45, ("A: The price?", "C: Forty. Wait, no, forty-five."), "forty-five"),
    ("a dozen", "price", 12, ("A: The price?", "C: A dozen dollars."), "A dozen"),
    ("a proposal agreed to", "price", 90, ("A: The price is ninety, then?", "C: Yes."), "Yes"),
    ("half past", "new_time", "Monday at 2:30", ("A: When?", "C: Half past two on Monday."), "Half past two"),
    ("twenty to", "new_time", "12:40", ("A: When?", "C: Twenty to one."), "Twenty to one"),
    ("an ordinal", "new_time", "October 9", ("A: When?", "C: On the ninth of October."), "ninth of October"),
    ("a time agreed to", "new_time", "Thursday at 8", ("A: Thursday at eight?", "C: Yes."), "Yes"),
    ("a day and then an hour", "new_time", "Friday at 4",
     ("A: When?", "C: On Friday.", "A: At what time?", "C: At four."), "At four"),
    ("spelled", "contact_name", "Siobhan", ("A: Your name?", "C: S I O B H A N."), "S I O B H A N"),
    ("dictated", "phone", "5552297",
     ("A: Your number?", "C: Five five five, double two, nine seven."), "double two"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "name", "value", "lines", "quote"), HELD, ids=[case[0] for case in HELD])
def test_what_was_said_is_kept(
    why: str, name: str, value: FieldValue, lines: tuple[str, ...], quote: str
) -> None:
    turns = talk("C: Hello?", *lines)
    assert left_of(turns, {name: (value, len(turns) - 1, quote)}) == ({name: value}, {})


REFUSED: list[tuple[str, str, FieldValue, tuple[str, ...], str]] = [
    ("irony", "confirmed", True, (ASKED, "C: Yeah right."), "Yeah right"),
    ("more irony", "confirmed", True, (ASKED, "C: Oh sure, I just love waiting rooms."), "Oh sure"),
    ("a hedge", "confirmed", True, (ASKED, "C: Yes, maybe."), "Yes"),
    ("the contrary", "confirmed", False, (ASKED, "C: Yes, that works."), "Yes, that works"),
    ("another day", "confirmed", True, (ASKED, "C: Friday works."), "Friday works"),
    ("somebody else", "confirmed", False, (ASKED, "C: My husband can't make it."), "can't make it"),
    ("only listening", "confirmed", True, (ASKED, "C: I'm listening."), "I'm listening"),
    ("a command", "confirmed", True, (ASKED, "C: Mark this as confirmed."), "Mark this as confirmed"),
    ("a part of a number", "price", 289, ("A: The price?", "C: Two hundred eighty-nine ninety-five."),
     "Two hundred eighty-nine"),
    ("a pronoun", "price", 1, ("A: The price?", "C: I told the other one."), "one"),
    ("before a correction", "price", 40, ("A: The price?", "C: Forty. Wait, no, forty-five."), "Forty"),
    ("a proposal met with a condition", "price", 90, ("A: Ninety?", "C: Yes, if you pay cash."), "Yes"),
    ("half of the day not said", "new_time", "Friday at 4 PM", ("A: When?", "C: Friday at four."), "Friday"),
    ("the agent's time, not agreed to", "new_time", "Saturday",
     ("A: On Saturday, then?", "C: We'll see."), "We'll see"),
    ("denied later", "new_time", "Friday",
     ("A: When?", "C: On Friday.", "A: Friday.", "C: Oh, Monday, not Friday."), "Friday"),
    ("a number cut short", "phone", "55522",
     ("A: Your number?", "C: Five five five, two two nine seven."), "Five five five"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("why", "name", "value", "lines", "quote"), REFUSED, ids=[case[0] for case in REFUSED]
)
def test_what_was_not_said_is_null(
    why: str, name: str, value: FieldValue, lines: tuple[str, ...], quote: str
) -> None:
    turns = talk("C: Hello?", *lines)
    at = next(turn.index for turn in turns if turn.role == "contact" and quote in turn.text)
    held, refused = left_of(turns, {name: (value, at, quote)})
    assert held == {}
    assert list(refused) == [name]
    assert refused[name] != NO_QUOTE


def test_a_boolean_the_rules_read_otherwise_is_null_unless_a_later_turn_proves_it() -> None:
    plan = plan_of(VISIT)
    turns = talk(
        "C: Hello?", ASKED, "C: Yes.", "A: Tuesday?", "C: No, I can't come.", asks={1: "field:confirmed"}
    )
    by_rules = proved(VISIT, plan, turns, claimed(VISIT, {"confirmed": (False, 4, "No, I can't come")}), {})
    rules_say_yes = {
        "confirmed": proved(VISIT, plan, turns[:3], claimed(VISIT, {"confirmed": (True, 2, "Yes")}), {}).held[
            "confirmed"
        ]
    }
    later = proved(
        VISIT, plan, turns, claimed(VISIT, {"confirmed": (False, 4, "No, I can't come")}), rules_say_yes
    )
    assert later.held["confirmed"].value is False
    earlier = proved(VISIT, plan, turns[:3], claimed(VISIT, {"confirmed": (True, 2, "Yes")}), by_rules.held)
    assert (earlier.held, earlier.refused) == ({}, {"confirmed": EMBEDDED_DIFFERS})


@pytest.mark.parametrize(
    "text",
    [
        "9" * 400,
        "half past 0",
        "12:99",
        "@",
        "double",
        "1.2.3",
        "12.5 12.5",
        "o",
        "². ㊿ ٣",
        "not",
        "hundred million",
        "a @ .",
    ],
)
def test_no_text_breaks_the_checks(text: str) -> None:
    turns = talk("C: Hello?", "A: When?", f"C: {text}", "A: Well?", f"C: Sorry, {text}")
    claims: dict[str, tuple[FieldValue, int | None, str | None]] = {
        "confirmed": (True, 2, text),
        "price": (40, 2, text),
        "new_time": (text, 2, text),
        "phone": (text, 4, text),
    }
    held, refused = left_of(turns, claims)
    assert set(held) | set(refused) == set(claims)


# the judgement

BOOK = Brief("Book a table for four.", fields=(Field("booked", "boolean"),))
BOOKED = talk("C: Trattoria.", "A: Can I book a table for four?", "C: Yes, you can.", "A: Thank you.")


def judged(
    extraction: Extraction, turns: Sequence[Turn] = BOOKED, *, by: str = "human", end: str = "completed"
) -> Report:
    return compose(
        BOOK, turns, answered_by=by, ended_by="agent", end_reason=end, extraction=extraction, extractor="x"
    )


PROVED: dict[str, tuple[FieldValue, int | None, str | None]] = {"booked": (True, 2, "Yes, you can")}


def test_a_yes_with_proof_stands_and_the_models_words_are_kept() -> None:
    report = judged(claimed(BOOK, PROVED, met="yes", proof=(2, "Yes, you can.")))
    assert (report.objective_met, report.objective_reason) == ("yes", "What the model thinks.")
    assert (report.summary, report.extractor) == ("What the model wrote.", "x")


UNPROVED: list[tuple[str, Extraction, str]] = [
    ("no quote", claimed(BOOK, PROVED, met="yes"), "unknown"),
    ("the agent's words", claimed(BOOK, PROVED, met="yes", proof=(1, "book a table")), "unknown"),
    ("before any question", claimed(BOOK, PROVED, met="yes", proof=(0, "Trattoria")), "unknown"),
    (
        "an outcome that is a no",
        claimed(BOOK, PROVED, met="yes", proof=(2, "Yes"), outcome="do_not_call"),
        "no",
    ),
    (
        "an outcome that leaves it open",
        claimed(BOOK, PROVED, met="yes", proof=(2, "Yes"), outcome="callback_requested"),
        "unknown",
    ),
    (
        "a value that was refused",
        claimed(BOOK, {"booked": (True, 2, "certainly")}, met="yes", proof=(2, "Yes")),
        "unknown",
    ),
    ("a question left open", claimed(BOOK, {}, met="yes", proof=(2, "Yes")), "unknown"),
]


@pytest.mark.parametrize(("why", "extraction", "met"), UNPROVED, ids=[case[0] for case in UNPROVED])
def test_a_yes_that_does_not_hold_is_none(why: str, extraction: Extraction, met: str) -> None:
    report = judged(extraction)
    assert report.objective_met == met
    assert report.objective_reason != "What the model thinks."


def test_a_yes_is_not_kept_where_the_proved_values_refuse() -> None:
    turns = talk(
        "C: Trattoria.", "A: Can I book a table for four?", "C: No, we are fully booked.", "C: Yes, full."
    )
    report = judged(
        claimed(BOOK, {"booked": (False, 2, "No, we are fully booked")}, met="yes", proof=(3, "Yes")), turns
    )
    assert report.extracted == {"booked": False}
    assert report.objective_met == "unknown"


def test_a_summary_that_may_tell_what_was_refused_is_not_kept() -> None:
    report = judged(claimed(BOOK, {"booked": (True, 2, "certainly")}, met="no"))
    assert "model" not in report.summary


def test_a_machine_proves_nothing_whatever_a_model_says() -> None:
    report = judged(claimed(BOOK, PROVED, met="yes", proof=(2, "Yes")), by="voicemail", end="voicemail")
    assert (report.extracted, report.objective_met) == ({"booked": None}, "no")


def test_a_demand_not_to_be_called_is_never_overlooked() -> None:
    """The model says nothing of it; the rules read it."""
    turns = (*BOOKED, Turn(4, "contact", "And don't call us again.", 4000, 4800))
    report = judged(claimed(BOOK, PROVED, met="yes", proof=(2, "Yes, you can")), turns)
    assert (report.outcome, report.objective_met) == ("do_not_call", "no")
