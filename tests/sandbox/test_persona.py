"""The simulated people: who lives under which number, and what they answer. Source: docs/sandbox.md."""

import pytest

from byourside_server.calls.outcomes import of_refusal
from byourside_server.sandbox.clips import load_clip
from byourside_server.sandbox.persona import (
    AGREEABLE_PHONE,
    PERSONAS,
    Agreeable,
    Beep,
    HangUp,
    Interrupting,
    LeavingEarly,
    Refusing,
    Speak,
    Voicemail,
    last_question,
    phone_of,
)


def spoken(acts: list[Speak | Beep | HangUp]) -> list[str]:
    return [load_clip(act.clip_id).text for act in acts if isinstance(act, Speak)]


@pytest.mark.parametrize("number", ["+14155550123", "+12134932550", "+442079460123", "+14155550155"])
def test_a_number_that_is_not_listed_rings_an_agreeable_person(number: str) -> None:
    assert phone_of(number) is AGREEABLE_PHONE


@pytest.mark.parametrize(
    ("last_digits", "title"),
    [
        ("40", "no answer"),
        ("41", "busy"),
        ("42", "voicemail with beep"),
        ("43", "declined"),
        ("44", "trunk failure"),
        ("47", "interrupts"),
        ("50", "hangs up mid-call"),
        ("53", "says no"),
    ],
)
def test_listed_numbers_ring_their_persona_in_every_area_code(last_digits: str, title: str) -> None:
    assert phone_of(f"+141555501{last_digits}").title == title
    assert phone_of(f"+121255501{last_digits}") is phone_of(f"+141555501{last_digits}")


@pytest.mark.parametrize(
    ("last_digits", "state"), [("40", "no_answer"), ("41", "declined"), ("43", "declined"), ("44", "failed")]
)
def test_a_refusing_phone_ends_the_call_in_its_published_status(last_digits: str, state: str) -> None:
    status, _, _ = PERSONAS[last_digits].refusal
    assert PERSONAS[last_digits].persona is None
    assert of_refusal(status, local=False).state == state


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("I'm calling to confirm the appointment. Does that still work for you?", "Yes, that works for me."),
        ("Great. Do you need to reschedule?", "No thank you."),
        ("May I have your name, please?", "My name is John Smith."),
        ("How many people will there be?", "Four."),
        ("How much is it?", "Two hundred and forty nine dollars."),
        ("What time would suit you better?", "Friday at three thirty."),
        ("What is a good phone number for you?", "five five five zero one two eight"),
        ("Are you still there?", "Yes."),
    ],
)
def test_the_agreeable_person_answers_the_last_question_asked(question: str, answer: str) -> None:
    assert spoken(Agreeable().agent_said(question)) == [answer]


def test_a_statement_is_not_answered_and_goodbye_is_returned_once() -> None:
    person = Agreeable()
    assert person.agent_said("One moment.") == []
    assert spoken(person.agent_said("Thank you. Goodbye.")) == ["Goodbye."]
    assert person.agent_said("Goodbye.") == []


def test_the_refusing_person_says_no_to_confirming_and_to_rescheduling() -> None:
    person = Refusing()
    assert spoken(person.agent_said("Does that still work for you?")) == ["No, that does not work for me."]
    assert spoken(person.agent_said("Do you need to reschedule?")) == ["No thank you."]


def test_the_interrupting_person_talks_over_the_agent_once() -> None:
    person = Interrupting()
    assert spoken(person.agent_started()) == ["What is this about?"]
    assert person.agent_started() == []


def test_the_leaving_person_hangs_up_after_the_first_question() -> None:
    assert isinstance(LeavingEarly().agent_said("Does that work?")[0], HangUp)


def test_the_machine_greets_beeps_and_never_answers() -> None:
    machine = Voicemail()
    greeting, beep, end = machine.answered()
    assert isinstance(greeting, Speak)
    assert isinstance(beep, Beep)
    assert isinstance(end, HangUp)
    assert machine.agent_said("Hello?") == []


def test_captions_without_sound_are_not_believed() -> None:
    assert spoken(Agreeable().nothing_heard()) == ["I can't hear you."]


def test_every_clip_a_persona_may_play_exists() -> None:
    for person in (Agreeable, Refusing):
        for _, clip_id in person.answers:
            assert load_clip(clip_id).ulaw


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Hello. Does it work? Thanks.", "does it work?"),
        ("One? Two?", "two?"),
        ("No question here.", None),
        ("", None),
    ],
)
def test_the_last_question_of_a_text(text: str, question: str | None) -> None:
    assert last_question(text) == question
