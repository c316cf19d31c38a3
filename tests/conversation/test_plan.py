"""Objectives as people write them, and the conversation they become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.calls.call import Field
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.english import reported, to_second_person, yes_no_question
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.step import Condition, Plan
from byourside_server.conversation.understanding import KINDS


def plan(objective: str, *fields: Field, on_behalf_of: str | None = None) -> Plan:
    return plan_of(Brief(objective, fields=fields, on_behalf_of=on_behalf_of))


SHORT = "I'm calling with a short question."


@pytest.mark.parametrize(
    ("objective", "spoken"),
    [
        (
            "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
            [
                "I'm calling to confirm the appointment for tomorrow at 2 p.m. Does that still work for you?",
                "Do you need to reschedule?",
            ],
        ),
        (
            "Book a table for 4 at 7 PM Friday. Confirm the time and ask for their name.",
            [
                "I'd like to book a table for 4 at 7 p.m. Friday. Is that possible?",
                "Could you confirm the time, please?",
                "May I have your name, please?",
            ],
        ),
        (
            "Ask what time they open on Saturday.",
            [f"{SHORT} Could you tell me what time you open on Saturday?"],
        ),
        (
            "Find out how much an oil change costs and whether they have an opening tomorrow.",
            [
                "I'm calling with a few short questions. Could you tell me how much an oil change costs?",
                "Do you have an opening tomorrow?",
            ],
        ),
        (
            "Remind them about the dentist appointment on Monday at 10am.",
            ["This is a reminder about the dentist appointment on Monday at 10 a.m. Is that all right?"],
        ),
        (
            "Remind the patient to take their medication.",
            ["This is a reminder to take your medication. Is that all right?"],
        ),
        (
            "Tell them the package will arrive on Thursday and ask if someone will be home.",
            [
                "I'd like to let you know that the package will arrive on Thursday. Will someone be home?",
            ],
        ),
        (
            "Let them know that the office is closed on Monday",
            ["I'd like to let you know that the office is closed on Monday. Is that all right?"],
        ),
        (
            "Cancel my reservation for Friday.",
            ["I'd like to cancel the reservation for Friday. Can you do that for me?"],
        ),
        (
            "Call Dr. Smith's office to reschedule my appointment to next week.",
            ["I'd like to reschedule the appointment to next week. Is that possible?"],
        ),
        ("Ask if the car is ready.", [f"{SHORT} Is the car ready?"]),
        (
            "Ask whether the store opens on Sunday",
            [f"{SHORT} Could you tell me if the store opens on Sunday?"],
        ),
        ("Please ask if he has received the invoice.", [f"{SHORT} Have you received the invoice?"]),
        (
            "Confirm they received the invoice.",
            ["I'm calling to confirm you received the invoice. Is that correct?"],
        ),
        ("Confirm that she is coming on Friday", [f"{SHORT} Are you coming on Friday?"]),
        (
            "Verify their email address and ask for their date of birth.",
            [
                "I'm calling with a few short questions. Could you confirm your email address, please?",
                "May I have your date of birth, please?",
            ],
        ),
        (
            "Confirm their appointment for Tuesday at 3pm",
            ["I'm calling to confirm your appointment for Tuesday at 3 p.m. Does that still work for you?"],
        ),
        (
            "Invite them to the party on Saturday",
            ["I'd like to invite you to the party on Saturday. Would you like to come?"],
        ),
        (
            "Order two pizzas for pickup at 6pm, and ask how long it will take",
            [
                "I'd like to order two pizzas for pickup at 6 p.m. Is that possible?",
                "Could you tell me how long it will take?",
            ],
        ),
        ("Ask them to call back John at 5pm", [f"{SHORT} Could you call back John at 5 p.m., please?"]),
        (
            "Get a quote for moving a two bedroom apartment.",
            [f"{SHORT} Could I get a quote for moving a two bedroom apartment, please?"],
        ),
        ("What is the price of a haircut?", [f"{SHORT} What is the price of a haircut?"]),
        ("Are they open on Sunday?", [f"{SHORT} Are you open on Sunday?"]),
        (
            "Follow up on the quote we sent last week",
            ["I'm calling about the quote we sent last week. What can you tell me about that?"],
        ),
        ("Thank them for their order", ["I'm calling to thank you for your order. Is that all right?"]),
        ("Check if they still want the delivery", [f"{SHORT} Do you still want the delivery?"]),
        ("Ask if they wanted the blue one", [f"{SHORT} Did you want the blue one?"]),
        ("Sell something", ["I'm calling about the following: sell something. Can you help me with that?"]),
        ("???", ["I'm calling with a request. Can you help me with that?"]),
        (
            "Negotiate a lower rent",
            ["I'm calling about the following: negotiate a lower rent. Can you help me with that?"],
        ),
    ],
)
def test_an_objective_becomes_what_is_said(objective: str, spoken: list[str]) -> None:
    assert [step.spoken for step in plan(objective).steps] == spoken


def test_the_readme_fields_find_their_steps() -> None:
    made = plan(
        "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
        Field("confirmed", "boolean"),
        Field("new_time", "string"),
    )
    assert [step.name for step in made.steps] == ["field:confirmed", "ask:2", "field:new_time"]
    assert made.steps[2].when == Condition("ask:2", True)
    assert made.steps[2].question == "What time would suit you better?"


def test_the_reference_fields_find_their_steps() -> None:
    """The request of the API reference."""
    made = plan(
        "Book a table for 4 at 7 PM Friday. Confirm the time and ask for their name.",
        Field("booked", "boolean", "Did they confirm the booking?"),
        Field("confirmed_time", "string", "The time they confirmed"),
        Field("contact_name", "string", "Name given for the reservation"),
    )
    assert [(step.name, step.kind) for step in made.steps] == [
        ("field:booked", "yes_no"),
        ("field:confirmed_time", "time"),
        ("field:contact_name", "name"),
    ]
    assert all(step.when == Condition("field:booked", True) for step in made.steps[1:])


@pytest.mark.parametrize(
    ("field", "kind", "question"),
    [
        (Field("amount", "number", "Price quoted in USD"), "money", "How much is it, please?"),
        (
            Field("next_steps", "string", "What the contact said they will do next"),
            "text",
            "What will you do next?",
        ),
        (Field("party_size", "number"), "number", "How many people will there be?"),
        (Field("email"), "email", "What is your email address, please?"),
        (Field("callback_number"), "digits", "What is the best phone number to reach you?"),
        (Field("reason"), "text", "May I ask the reason?"),
        (Field("delivery_day"), "time", "What day would that be?"),
        (Field("has_parking", "boolean", "Do they have parking?"), "yes_no", "Do you have parking?"),
        (
            Field("is_available", "boolean", "Whether they are available in May"),
            "yes_no",
            "Are you available in May?",
        ),
        (Field("favouriteColor"), "text", "Could you tell me the favourite color, please?"),
        (Field("rating", "number"), "number", "How would you rate it, from one to ten?"),
    ],
)
def test_a_field_without_a_step_gets_its_own_question(field: Field, kind: str, question: str) -> None:
    made = plan("Tell them the office is closed on Monday.", field)
    step = made.step(f"field:{field.name}")
    assert step is not None
    assert (step.kind, step.question) == (kind, question)


def test_nobody_is_asked_for_what_is_read_off_the_conversation() -> None:
    assert plan("Ask if the car is ready.", Field("sentiment")).step("field:sentiment") is None


def test_conditions_hang_on_the_answer_they_speak_of() -> None:
    so = plan("Ask if they are interested in a demo. If so, ask for their email.")
    assert so.steps[1].when == Condition("ask:1", True)
    no = plan("Book a room for tonight. If not, ask for another date.")
    assert no.steps[1].when == Condition("ask:1", False)
    own = plan("If they need to reschedule, ask for a new time.")
    assert [step.question for step in own.steps] == [
        "Do you need to reschedule?",
        "Could I get a new time, please?",
    ]
    assert own.steps[1].when == Condition("ask:1", True)


def test_the_caller_is_spoken_for() -> None:
    assert plan("Cancel my reservation.", on_behalf_of="Jane Doe").main.statement == (
        "I'd like to cancel Jane Doe's reservation."
    )


@pytest.mark.parametrize(
    ("clause", "question"),
    [
        ("they need to reschedule", "Do you need to reschedule?"),
        ("he needs help", "Do you need help?"),
        ("they are available", "Are you available?"),
        ("she can come", "Can you come?"),
        ("they have a table", "Do you have a table?"),
        ("they have received it", "Have you received it?"),
        ("they received their order", "Did you receive your order?"),
        ("there is parking", "Is there parking?"),
        ("their car is ready", "Is your car ready?"),
        ("the contact is happy", "Are you happy?"),
    ],
)
def test_a_statement_about_them_becomes_a_question_to_them(clause: str, question: str) -> None:
    assert yes_no_question(clause) == question


@pytest.mark.parametrize(
    ("clause", "said", "told"),
    [
        ("they need to reschedule", False, "they did not need to reschedule"),
        ("they need to reschedule", True, "they needed to reschedule"),
        ("they are available", False, "they were not available"),
        ("the car is ready", True, "the car was ready"),
        ("they can come", True, "they could come"),
    ],
)
def test_an_answer_is_reported_to_the_caller(clause: str, said: bool, told: str) -> None:
    assert reported(clause, said) == told


def test_their_becomes_your() -> None:
    assert to_second_person("if they have their keys with them") == "if you have your keys with you"


@given(
    st.text(max_size=120),
    st.lists(
        st.builds(
            Field,
            st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
            st.sampled_from(["string", "boolean", "number"]),
            st.none() | st.text(max_size=40),
        ),
        max_size=4,
        unique_by=lambda field: field.name,
    ),
)
def test_any_objective_gives_a_conversation(objective: str, fields: list[Field]) -> None:
    made = plan(objective, *fields)
    assert made.main.question
    assert made.main.when is None
    names = [step.name for step in made.steps]
    assert len(names) == len(set(names))
    assert all(step.kind in KINDS for step in made.steps)


@pytest.mark.parametrize(
    ("objective", "fields", "spoken"),
    [
        (
            "Check if they have the iPhone 15 in stock and how much it costs.",
            [Field("in_stock", "boolean"), Field("price", "number")],
            ["Do you have the iPhone 15 in stock?", "Could you tell me how much it costs?"],
        ),
        (
            "Ask them to rate our service from 1 to 10 and ask why.",
            [Field("rating", "number"), Field("reason")],
            ["Could you rate the service from 1 to 10, please?", "Could you tell me why?"],
        ),
        (
            "Collect a callback number and the best time to call back.",
            [Field("callback_number"), Field("best_time")],
            [
                "Could I get a callback number, please?",
                "Could you tell me the best time to call back, please?",
            ],
        ),
        (
            "Ask the pharmacy whether the prescription is ready and what time they close.",
            [Field("ready", "boolean"), Field("closing_time")],
            ["Is the prescription ready?", "Could you tell me what time you close?"],
        ),
        (
            "Remind Sarah that her payment is due on Friday and ask if she can pay by then.",
            [Field("will_pay", "boolean")],
            ["Can you pay by then?"],
        ),
        (
            "Let the patient know their results are ready and ask if they want to pick them up or have"
            " them mailed.",
            [Field("preference")],
            ["Do you want to pick them up or have them mailed?"],
        ),
        (
            "Find out whether the restaurant has vegan options, and if they have outdoor seating.",
            [Field("vegan_options", "boolean"), Field("outdoor_seating", "boolean")],
            ["Does the restaurant have vegan options?", "Do you have outdoor seating?"],
        ),
        (
            "Cancel my subscription and get a confirmation number.",
            [Field("cancelled", "boolean"), Field("confirmation_number")],
            ["Can you do that for me?", "Could I get a confirmation number, please?"],
        ),
        (
            "Get a quote for the repair and ask what the next steps are.",
            [Field("confirmed", "boolean"), Field("amount", "number"), Field("next_steps")],
            [
                "Could I get a quote for the repair, please?",
                "Could you tell me what the next steps are?",
                "Is all of that correct?",
            ],
        ),
    ],
)
def test_each_question_is_asked_once(objective: str, fields: list[Field], spoken: list[str]) -> None:
    made = plan(objective, *fields)
    assert [step.question for step in made.steps] == spoken
    assert {step.field for step in made.steps if step.field} == set(fields)


def test_an_alternative_is_offered_after_a_no() -> None:
    made = plan("Confirm the visit on Monday; if they can't make it, offer Tuesday at 10am.")
    assert made.steps[1].spoken == "I'd like to offer you Tuesday at 10 a.m. Would that suit you?"
    assert made.steps[1].when == Condition("ask:1", False)


def test_what_is_only_wanted_if_different_is_not_asked_after_a_yes() -> None:
    window = Field("preferred_window", "string", "Preferred delivery window if not confirmed")
    made = plan("Confirm the delivery window of 2-4pm tomorrow.", Field("confirmed", "boolean"), window)
    assert made.steps[1].question == "Could you tell me the preferred delivery window?"
    assert made.steps[1].when == Condition("field:confirmed", False)


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("confirmation_code", "What is the confirmation code, please?"),
        ("manager_name", "What is the manager's name, please?"),
        ("closing_time", "What time do you close?"),
        ("feedback", "Is there anything you would like me to pass on?"),
        ("cancellation_reason", "May I ask the reason?"),
    ],
)
def test_a_part_of_a_word_makes_no_other_question(name: str, question: str) -> None:
    """ "fee" in "feedback", "cell" in "cancellation", "name" of somebody else."""
    step = plan("Tell them the office is closed on Monday.", Field(name)).step(f"field:{name}")
    assert step is not None
    assert step.question == question


def test_they_are_told_apart_from_their_things() -> None:
    assert to_second_person("if they want to pick them up") == "if you want to pick them up"
    assert reported("the restaurant has vegan options", True) == "the restaurant had vegan options"
    assert reported("the restaurant has vegan options", False) == "the restaurant did not have vegan options"
