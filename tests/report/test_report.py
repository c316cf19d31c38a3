"""Transcripts and what must (and must not) be made of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byourside_server.calls.call import Field, Report, VoicemailPolicy
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.events import END_REASONS
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.words import UNINTELLIGIBLE
from byourside_server.report import compose
from byourside_server.report.outcome import OUTCOMES

README = Brief(
    "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    context="The patient Miriam owes 40 dollars.",
    fields=(Field("confirmed", "boolean"), Field("new_time", "string")),
)
TABLE = Brief(
    "Book a table for 4 at 7 PM Friday. Confirm the time and ask for their name.",
    fields=(
        Field("booked", "boolean", "Did they confirm the booking?"),
        Field("confirmed_time", "string", "The time they confirmed"),
        Field("contact_name", "string", "Name given for the reservation"),
    ),
)
QUOTE = Brief(
    "Ask for a quote for the repair.",
    fields=(Field("amount", "number", "Price quoted in USD"), Field("next_steps", "string")),
)
GUESTS = Brief(
    "Ask how many people will attend.", fields=(Field("guests", "number"), Field("phone", "string"))
)

MAIN, CHANGE, NEW_TIME = "field:confirmed", "ask:2", "field:new_time"
Said = tuple[str, str] | tuple[str, str, str]


def turns(*said: Said) -> tuple[Turn, ...]:
    """("A", words, question) for the agent, ("C", words) for the contact; a second each."""
    made = []
    for index, each in enumerate(said):
        made.append(
            Turn(
                index,
                "agent" if each[0] == "A" else "contact",
                each[1],
                index * 1000,
                index * 1000 + 800,
                asks=each[2] if len(each) == 3 else None,
            )
        )
    return tuple(made)


def asked(brief: Brief, *answers: tuple[str, str]) -> tuple[Turn, ...]:
    """A call in which the agent put each question and the contact answered it."""
    plan = plan_of(brief)
    said: list[Said] = [("C", "hello")]
    for name, answer in answers:
        step = plan.step(name)
        assert step is not None, f"no step {name}"
        said.append(("A", step.question, name))
        if answer:
            said.append(("C", answer))
    return turns(*said, ("A", "Thank you. Goodbye."))


def report_of(
    brief: Brief, spoken: Sequence[Turn], end_reason: str = "completed", by: str = "agent"
) -> Report:
    return compose(brief, spoken, answered_by="human", ended_by=by, end_reason=end_reason)


README_TABLE: list[tuple[str, str, str, bool | None, str | None, str]] = [
    # to the main question, to "do you need to reschedule", to "what time": confirmed, new_time, objective met
    ("yes that works for me", "no thank you", "", True, None, "yes"),
    ("yes", "no", "", True, None, "yes"),
    ("yeah sure", "no that's fine", "", True, None, "yes"),
    ("no that's fine", "no", "", True, None, "yes"),
    ("that is correct", "i don't need to reschedule", "", True, None, "yes"),
    ("sounds good", "keep it as it is", "", True, None, "yes"),
    ("okay", "no", "", True, None, "yes"),
    ("yes i will be there", "nope", "", True, None, "yes"),
    ("no wait yes", "no", "", True, None, "yes"),
    ("no", "no", "", False, None, "no"),
    ("no that does not work for me", "no", "", False, None, "no"),
    ("no i can't make it", "yes", "friday at three thirty", False, "Friday at 3:30", "no"),
    ("yes i can't come", "yes please", "monday at ten a m", False, "Monday at 10 AM", "no"),
    ("yes", "yes", "tuesday morning", True, "Tuesday morning", "yes"),
    ("yes", "yes friday at three thirty", "", True, "Friday at 3:30", "yes"),
    ("yes", "friday at three thirty would be better", "", True, "Friday at 3:30", "yes"),
    ("no can we make it friday at three thirty", "", "", False, "Friday at 3:30", "no"),
    ("no", "yes", "i don't know", False, None, "no"),
    ("no", "yes", "what did you say", False, None, "no"),
    ("yes if you can do it earlier", "no", "", None, None, "unknown"),
    ("maybe", "no", "", None, None, "unknown"),
    ("yeah right", "no", "", None, None, "unknown"),
    ("oh sure because i have nothing better to do", "no", "", None, None, "unknown"),
    ("i'm not sure", "no", "", None, None, "unknown"),
    ("she said yes", "no", "", None, None, "unknown"),
    ("let me check", "no", "", None, None, "unknown"),
    ("who is this", "no", "", None, None, "unknown"),
    ("are you a robot", "no", "", None, None, "unknown"),
    ("", "no", "", None, None, "unknown"),
    (UNINTELLIGIBLE, "no", "", None, None, "unknown"),
    ("yes", "", "", True, None, "unknown"),
    ("yes", "maybe", "", True, None, "unknown"),
    ("yes", "wait actually i can't make it", "", False, None, "no"),
]


@pytest.mark.parametrize(("main", "change", "time", "confirmed", "new_time", "met"), README_TABLE)
def test_the_readme_call_in_many_answers(
    main: str, change: str, time: str, confirmed: bool | None, new_time: str | None, met: str
) -> None:
    answers = [(MAIN, main), (CHANGE, change)] + ([(NEW_TIME, time)] if time else [])
    report = report_of(README, asked(README, *answers))
    assert report.extracted == {"confirmed": confirmed, "new_time": new_time}
    assert report.objective_met == met
    for name, value in report.extracted.items():
        assert (report.evidence[name] is None) is (value is None)


OTHER_TABLE: list[tuple[Brief, list[tuple[str, str]], dict[str, object]]] = [
    (
        TABLE,
        [
            ("field:booked", "sure"),
            ("field:confirmed_time", "seven p m on friday"),
            ("field:contact_name", "smith"),
        ],
        {"booked": True, "confirmed_time": "7 PM on Friday", "contact_name": "Smith"},
    ),
    (
        TABLE,
        [("field:booked", "no we are fully booked")],
        {"booked": False, "confirmed_time": None, "contact_name": None},
    ),
    (
        TABLE,
        [("field:booked", "yes seven p m on friday works"), ("field:contact_name", "my name is john smith")],
        {"booked": True, "confirmed_time": "7 PM on Friday", "contact_name": "John Smith"},
    ),
    (
        TABLE,
        [("field:booked", "yes"), ("field:confirmed_time", "yes"), ("field:contact_name", "yes")],
        {"booked": True, "confirmed_time": None, "contact_name": None},
    ),
    (
        QUOTE,
        [
            ("field:amount", "two hundred and forty nine dollars"),
            ("field:next_steps", "i will send an email by thursday"),
        ],
        {"amount": 249, "next_steps": "I will send an email by thursday"},
    ),
    (
        QUOTE,
        [("field:amount", "between forty dollars and fifty dollars")],
        {"amount": None, "next_steps": None},
    ),
    (
        QUOTE,
        [("field:amount", "it depends"), ("field:next_steps", "nothing")],
        {"amount": None, "next_steps": None},
    ),
    (QUOTE, [("field:amount", "$49.50 plus tax")], {"amount": 49.5, "next_steps": None}),
    (
        GUESTS,
        [("field:guests", "four people"), ("field:phone", "five five five zero one two eight")],
        {"guests": 4, "phone": "5550128"},
    ),
    (GUESTS, [("field:guests", "four no wait five")], {"guests": 5, "phone": None}),
    (GUESTS, [("field:guests", "four or five")], {"guests": None, "phone": None}),
    (GUESTS, [("field:guests", "one moment please")], {"guests": None, "phone": None}),
]


@pytest.mark.parametrize(("brief", "answers", "extracted"), OTHER_TABLE)
def test_fields_of_every_type(
    brief: Brief, answers: list[tuple[str, str]], extracted: dict[str, object]
) -> None:
    report = report_of(brief, asked(brief, *answers))
    assert report.extracted == extracted
    assert {name: type(value) for name, value in report.extracted.items()} == {
        name: type(value) for name, value in extracted.items()
    }


def test_evidence_names_the_turn_the_words_and_the_place_in_the_recording() -> None:
    report = report_of(README, asked(README, (MAIN, "yes that works for me"), (CHANGE, "no")))
    proof = report.evidence["confirmed"]
    assert proof is not None
    assert (proof.turn, proof.quote, proof.start_ms, proof.end_ms) == (2, "yes that works for me", 2000, 2800)


# traps


def test_what_the_agent_said_is_no_answer() -> None:
    spoken = turns(
        ("C", "hello"),
        ("A", "Yes, that works. I confirm tomorrow at 2 p.m. Does that still work for you?", MAIN),
        ("A", "Yes. Friday at three thirty.", NEW_TIME),
    )
    assert report_of(README, spoken).extracted == {"confirmed": None, "new_time": None}


def test_a_yes_before_any_question_is_a_greeting() -> None:
    spoken = turns(("C", "yes"), ("A", "Does that still work for you?", MAIN))
    assert report_of(README, spoken).extracted["confirmed"] is None


def test_thanks_after_the_goodbye_change_nothing() -> None:
    spoken = (
        *asked(README, (MAIN, "yes"), (CHANGE, "no")),
        Turn(6, "contact", "okay yes thank you", 6000, 6500),
    )
    report = report_of(README, spoken)
    assert report.summary.endswith("did not need to reschedule.")


def test_the_later_answer_to_the_same_question_wins() -> None:
    spoken = turns(
        ("A", "Does that still work for you?", MAIN),
        ("C", "yes"),
        ("C", "no wait i can't make it"),
        ("A", "I see."),
    )
    assert report_of(README, spoken).extracted["confirmed"] is False


def test_a_time_is_dropped_once_the_wish_to_move_is_taken_back() -> None:
    spoken = turns(
        ("A", "Does that still work for you?", MAIN),
        ("C", "yes"),
        ("A", "Do you need to reschedule?", CHANGE),
        ("C", "yes friday at three thirty"),
        ("C", "no wait no keep it as it is"),
    )
    assert report_of(README, spoken).extracted == {"confirmed": True, "new_time": None}


def test_a_machines_words_are_nobodys_answer() -> None:
    spoken = turns(("A", "Does that still work for you?", MAIN), ("C", "yes leave a message after the tone"))
    report = compose(README, spoken, answered_by="voicemail", ended_by="agent", end_reason="voicemail")
    assert report.extracted == {"confirmed": None, "new_time": None}
    assert report.outcome == "voicemail_not_left"
    assert report.objective_met == "no"
    assert report.summary == "The call reached voicemail; no message was left."


def test_a_message_counts_as_left_only_when_it_was_said_whole() -> None:
    brief = Brief("Ask if the car is ready.", voicemail=VoicemailPolicy("leave_message", "Please call Anna."))
    whole = Turn(0, "agent", "Hello, this is an automated AI assistant. Please call Anna.", 0, 3000)
    cut = Turn(0, "agent", "Hello, this is an automated AI assistant. Please", 0, 2000, interrupted=True)
    for turn, outcome, met in ((whole, "voicemail_left", "unknown"), (cut, "voicemail_not_left", "no")):
        report = compose(brief, [turn], answered_by="voicemail", ended_by="agent", end_reason="voicemail")
        assert (report.outcome, report.objective_met) == (outcome, met)


def test_a_value_taken_back_is_told_nowhere() -> None:
    """Asked again they begin with a no: too little to say no, too much to stand by the yes."""
    spoken = turns(
        ("A", "Does that still work for you?", MAIN),
        ("C", "yes"),
        ("A", "Does that still work for you?", MAIN),
        ("C", "no could you repeat that"),
    )
    report = report_of(README, spoken)
    assert report.extracted["confirmed"] is None
    assert "confirmed" not in report.summary
    assert report.objective_met == "unknown"


# summary, outcome, judgement


def test_the_summary_tells_the_call_in_plain_words() -> None:
    report = report_of(TABLE, asked(TABLE, *OTHER_TABLE[0][1]))
    assert report.summary == (
        "The contact agreed to the request to book a table for 4 at 7 PM Friday, "
        "gave 7 PM on Friday as the time, and gave Smith as the name."
    )


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("please don't call me again", "do_not_call"),
        ("i am not interested", "not_interested"),
        ("you have the wrong number", "wrong_number"),
    ],
)
def test_a_refusal_to_talk_is_an_outcome_whoever_hung_up(words: str, outcome: str) -> None:
    for by, reason in (("agent", outcome), ("contact", "hung_up")):
        report = report_of(README, asked(README, (MAIN, words)), reason, by)
        assert (report.outcome, report.objective_met) == (outcome, "no")
        assert outcome in OUTCOMES


def test_not_interested_alone_confirms_and_denies_nothing_with_a_new_time() -> None:
    assert report_of(README, asked(README, (MAIN, "please don't call me again"))).extracted == {
        "confirmed": None,
        "new_time": None,
    }


@pytest.mark.parametrize(
    ("end_reason", "by", "sentence"),
    [
        ("hung_up", "contact", "The contact hung up before the conversation was finished."),
        ("max_duration", "agent", "The call was ended because it reached its maximum duration."),
        ("canceled", "api", "The call was canceled while it was in progress."),
        ("line_lost", "network", "The connection was lost before the conversation was finished."),
    ],
)
def test_a_call_cut_short_says_who_cut_it(end_reason: str, by: str, sentence: str) -> None:
    early = report_of(README, turns(("C", "hello"), ("A", "Hello, this is")), end_reason, by)
    assert early.summary.endswith(sentence)
    assert early.objective_met == "no"
    late = report_of(README, asked(README, (MAIN, "yes")), end_reason, by)
    assert late.objective_met == "unknown"
    assert late.extracted["confirmed"] is True


def test_a_silent_line_has_nothing_to_tell() -> None:
    report = report_of(README, (), "no_response")
    assert report.outcome == "no_response"
    assert report.objective_met == "no"
    assert report.extracted == {"confirmed": None, "new_time": None}


def test_finding_out_is_done_by_a_no_as_well() -> None:
    brief = Brief("Ask if the car is ready.", fields=(Field("ready", "boolean"),))
    report = report_of(brief, asked(brief, (plan_of(brief).main.name, "no it isn't")))
    assert report.extracted == {"ready": False}
    assert report.objective_met == "yes"
    assert report.summary == "The contact said the car was not ready."


JSON_TYPES: dict[str, tuple[type, ...]] = {"boolean": (bool,), "number": (int, float), "string": (str,)}
_LINES = st.sampled_from(
    [
        "yes",
        "no",
        "hello",
        "friday at three thirty",
        "four people",
        "no wait yes",
        "maybe",
        "don't call me again",
        "",
        UNINTELLIGIBLE,
        "my name is john smith",
        "fifty dollars",
        "bye",
        "…",
        "yes friday",
        "actually no",
        "é ñ",
    ]
)


@st.composite
def transcripts(draw: st.DrawFn, brief: Brief) -> tuple[Turn, ...]:
    names = [step.name for step in plan_of(brief).steps]
    made = []
    for index in range(draw(st.integers(0, 12))):
        role = draw(st.sampled_from(["agent", "contact"]))
        asks = draw(st.sampled_from([None, "field:unknown", *names])) if role == "agent" else None
        text = draw(_LINES | st.text(max_size=30))
        made.append(
            Turn(
                index,
                "agent" if role == "agent" else "contact",
                text,
                index * 500,
                index * 500 + 400,
                asks=asks,
            )
        )
    return tuple(made)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([README, TABLE, QUOTE, GUESTS]))
def test_whatever_was_said_every_quote_is_the_contacts(data: st.DataObject, brief: Brief) -> None:
    spoken = data.draw(transcripts(brief))
    report = compose(
        brief,
        spoken,
        answered_by=data.draw(st.sampled_from([None, "human", "voicemail", "ivr", "unknown"])),
        ended_by=data.draw(st.sampled_from([None, "agent", "contact", "api"])),
        end_reason=data.draw(st.sampled_from([None, *END_REASONS])),
    )
    assert set(report.extracted) == set(report.evidence) == {field.name for field in brief.fields}
    for field in brief.fields:
        value, proof = report.extracted[field.name], report.evidence[field.name]
        assert (value is None) is (proof is None)
        if proof is not None:
            turn = spoken[proof.turn]
            assert turn.role == "contact"
            assert proof.quote in turn.text
            assert (proof.start_ms, proof.end_ms) == (turn.start_ms, turn.end_ms)
            assert type(value) in JSON_TYPES[field.type]
    assert report.summary
    assert "Miriam" not in report.summary + report.objective_reason
