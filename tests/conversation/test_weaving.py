"""What the caller demands, in the words of the embedded mind: where it stands, and what answers to it do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.weaving import unlike_before
from tests.conversation.scripted_line import README, SILENCE, Line, call

NOTICE = "This call may be recorded."
QUESTION = "May we send you a text message?"
BRIEF = replace(README, must_say=(NOTICE,), must_ask=(QUESTION,))
TALK = ("Hello?", "Yes, that works.", "No, thanks.")


def said_after(*script: str | Line, brief: Brief = BRIEF) -> list[str]:
    """The agent's words from the demanded question on."""
    said = call(brief, *TALK, *script).said
    return said[said.index(QUESTION) :]


def test_a_statement_does_not_part_a_question_from_what_it_points_at() -> None:
    said = call(BRIEF, *TALK).said[0]
    assert f"Acme Dental. {NOTICE} I'm calling to confirm" in said
    assert said.endswith("tomorrow at 2 p.m. Does that still work for you?")


def test_an_answer_is_taken_up_before_a_demanded_question() -> None:
    brief = Brief("Ask for their email address.", must_ask=(QUESTION,))
    line = call(brief, "Hello?", "ann at example dot com", "Yes.")
    assert line.said[1:] == [f"Got it, ann@example.com. {QUESTION}", "Thank you. Goodbye."]


@pytest.mark.parametrize("words", ["What was that?", "Sorry?"])
def test_a_demanded_question_is_put_again_and_no_other_is_opened(words: str) -> None:
    line = call(BRIEF, *TALK, words, "No.")
    assert line.said[-3:] == [QUESTION, QUESTION, "Thank you. Goodbye."]
    assert line.report.extracted["confirmed"] is True


def test_who_asks_back_is_answered_and_asked_again() -> None:
    assert said_after("Are you a robot?", "No.")[1] == f"Yes, I'm an automated AI assistant. {QUESTION}"
    assert said_after("Who is this?", "No.")[1].endswith(f"tomorrow at 2 p.m. {QUESTION}")


def test_a_silence_and_a_noise_are_no_answer_to_it() -> None:
    assert said_after(SILENCE, "No.")[1] == f"Are you still there? {QUESTION}"
    assert (
        said_after(Line("mumble mumble", heard_as=""), "No.")[1] == f"Sorry, I didn't catch that. {QUESTION}"
    )


def test_who_comes_back_from_looking_something_up_is_asked_again() -> None:
    assert said_after("Hold on.", "Okay, I'm back.", "No.") == [
        QUESTION,
        "Of course.",
        QUESTION,
        "Thank you. Goodbye.",
    ]
    assert said_after("Hold on.", "Yes, please.") == [QUESTION, "Of course.", "Thank you. Goodbye."]


def test_who_has_said_goodbye_is_asked_what_is_demanded_and_nothing_else() -> None:
    line = call(BRIEF, "Hello?", "Yes, that works. Bye.", "No.")
    assert line.said[1:] == [QUESTION, "Thank you. Goodbye."]
    assert line.conversation.end_reason == "completed"


def test_nothing_to_say_stays_nothing() -> None:
    assert unlike_before("", ()) == ""
