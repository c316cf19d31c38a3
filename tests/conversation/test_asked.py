"""Which step free words ask, and what may come as an answer."""

from __future__ import annotations

import pytest

from byourside_server.calls.call import Field
from byourside_server.conversation import expectations
from byourside_server.conversation.asked import asked_in, step_asked
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.questions import is_goodbye, is_question, kind_asked, last_question

APPOINTMENT = Brief(
    "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    fields=(Field("confirmed", "boolean"), Field("new_time")),
    must_ask=("May we send you a text message?",),
)
GARAGE = Brief(
    "Find out how much an oil change costs and whether they have an opening tomorrow.",
    fields=(Field("price", "number"), Field("opening", "boolean"), Field("name"), Field("phone")),
)


@pytest.mark.parametrize(
    ("brief", "words", "step"),
    [
        (APPOINTMENT, "It's about tomorrow at two. Does that still work for you?", "field:confirmed"),
        (APPOINTMENT, "I'm calling about your appointment tomorrow. Is that okay?", "field:confirmed"),
        (APPOINTMENT, "Can you make it tomorrow?", "field:confirmed"),
        (APPOINTMENT, "Great. Do you need to reschedule?", "ask:2"),
        (APPOINTMENT, "No problem. Would you like to move it to another day?", "ask:2"),
        (APPOINTMENT, "When would be better for you?", "field:new_time"),
        (APPOINTMENT, "Thank you. May we send you a text message?", "must_ask:1"),
        (GARAGE, "How much would you charge for an oil change?", "field:price"),
        (GARAGE, "And could you fit us in tomorrow?", "field:opening"),
        (GARAGE, "What number can we reach you at?", "field:phone"),
        (GARAGE, "And who am I speaking with?", "field:name"),
        (APPOINTMENT, "Your appointment tomorrow is noted. Is there anything else?", None),
        (APPOINTMENT, "Is there anything else about the appointment?", None),
        (APPOINTMENT, "I have noted the appointment. Is that correct?", None),
        (APPOINTMENT, "Are you still there?", None),
        (APPOINTMENT, "Do you have any questions?", None),
        (APPOINTMENT, "Does that still work for you? Take your time.", "field:confirmed"),
        (APPOINTMENT, "Does that still work for you? No? Then goodbye.", None),
    ],
)
def test_a_question_in_free_words_is_known_by_its_step(brief: Brief, words: str, step: str | None) -> None:
    assert asked_in(brief, words).step == step


def test_an_answer_is_expected_as_the_step_wants_it() -> None:
    plan = plan_of(APPOINTMENT)
    asked = asked_in(APPOINTMENT, "Does that still work for you?")
    assert asked.expectation == expectations.for_step(plan, plan.main)
    assert step_asked(plan, "Does that still work for you?") is plan.main


def test_the_open_question_wins_where_two_fit_alike() -> None:
    brief = Brief("Ask.", fields=(Field("red_ready", "boolean"), Field("blue_ready", "boolean")))
    names = [step.name for step in plan_of(brief).steps if step.field]
    assert len(names) == 2
    for name in names:
        assert asked_in(brief, "Is it ready?", open_step=name).step == name


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Is that right?", "yes_no"),
        ("Okay, so do you agree?", "yes_no"),
        ("You'll be there, correct?", "yes_no"),
        ("How many people will come?", "number"),
        ("How much is it?", "money"),
        ("What time suits you?", "time"),
        ("Could you tell me when you open?", "time"),
        ("What's your account number?", "digits"),
        ("What is the best number to call?", "digits"),
        ("May I have your name, please?", "name"),
        ("What is your email address?", "email"),
        ("Could you tell me what happened?", "text"),
        ("Wie ist Ihre Telefonnummer?", "digits"),
        ("Wann passt es Ihnen?", "time"),
        ("¿Cuándo le viene bien?", "time"),
    ],
)
def test_the_kind_of_an_unknown_question_is_guessed_from_its_words(question: str, kind: str) -> None:
    assert kind_asked(question) == kind


def test_what_is_unknown_still_says_what_may_come() -> None:
    asked = asked_in(APPOINTMENT, "How many people live there?")
    assert asked.step is None
    assert "number" in asked.expectation.kinds


def test_in_another_language_kinds_are_expected_but_no_english_phrases() -> None:
    brief = Brief("Ask for the number.", language="de")
    asked = asked_in(brief, "Wie ist Ihre Telefonnummer?")
    assert "digits" in asked.expectation.kinds
    assert asked.expectation.phrases == ()


@pytest.mark.parametrize(
    "words",
    ["Thank you. Goodbye.", "Have a great day!", "Au revoir.", "Auf Wiederhören.", "¡Adiós!", "Tot ziens."],
)
def test_a_goodbye_expects_one(words: str) -> None:
    assert is_goodbye(words)
    assert asked_in(APPOINTMENT, words).expectation == expectations.CLOSING


def test_the_last_question_waits_for_an_answer_until_leave_is_taken() -> None:
    assert last_question("I see. Is it ready?") == "Is it ready?"
    assert last_question("Is it red? Is it ready? Take your time.") == "Is it ready?"
    assert last_question("Is it ready? Goodbye.") == ""
    assert last_question("I see.") == ""
    assert is_question("Please tell me your name.")
    assert is_question("準備はいいですか？")
    assert not is_question("I see.")
