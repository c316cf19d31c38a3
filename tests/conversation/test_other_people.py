"""Somebody else answers, the right person is fetched, or another time is better: the embedded mind."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.callback import callback_of
from byourside_server.conversation.embedded_mind import ASK_FOR_CALLBACK, ASK_FOR_PERSON, EMBEDDED_LANGUAGES
from byourside_server.conversation.intents import Intent, intent_of
from tests.conversation.scripted_line import README, SILENCE, Line, call

TODAY = date(2026, 11, 24)
DISCLOSURE = "Hello, this is an automated AI assistant calling on behalf of Acme Dental."


@pytest.mark.parametrize(
    "words",
    [
        "this is his wife",
        "I'm her son",
        "she's not here",
        "he's out right now",
        "he isn't home",
        "you want to talk to my brother",
        "she is at work",
        "he just left",
        "he's at lunch",
        "that's not me, I'm not him",
    ],
)
def test_somebody_else_is_no_wrong_number(words: str) -> None:
    assert intent_of(words) is Intent.WRONG_PERSON


@pytest.mark.parametrize(
    "words",
    ["you have the wrong number", "he doesn't live here", "never heard of him"],
)
def test_a_wrong_number_stays_one(words: str) -> None:
    assert intent_of(words) is Intent.WRONG_NUMBER


@pytest.mark.parametrize(
    "words",
    [
        "speaking",
        "this is she",
        "yes that works",
        "they are out of stock",
        "i'm away on friday",
        "the store is not busy",
    ],
)
def test_other_words_are_no_wrong_person(words: str) -> None:
    assert intent_of(words) is not Intent.WRONG_PERSON


def test_the_right_person_is_asked_for_and_told_anew_who_calls() -> None:
    line = call(
        README,
        "Hello?",
        "No, this is his wife.",
        "Yes, one moment.",
        Line("Hello?", after_s=12.0),
        "Yes, that works.",
        "No.",
    )
    assert line.said[1].endswith(ASK_FOR_PERSON)
    assert line.said[2] == "Of course."
    assert line.said[3].startswith(f"{DISCLOSURE} I'm calling to confirm")
    assert line.report.extracted == {"confirmed": True, "new_time": None}


def test_who_is_away_may_be_called_at_another_time() -> None:
    line = call(README, "Hello?", "She's not here.", "Try tomorrow morning.")
    assert line.said[1].endswith(ASK_FOR_CALLBACK)
    assert line.said[2] == "Of course, I'll pass on that you'd like a call tomorrow morning. Goodbye."
    assert line.conversation.end_reason == "callback_requested"
    assert line.report.extracted == {"confirmed": None, "new_time": None}


def test_a_refusal_to_fetch_the_person_asks_for_a_time_and_ends() -> None:
    line = call(README, "Hello?", "This is her son.", "No, she's asleep.", "I don't know.")
    assert line.said[2].endswith(ASK_FOR_CALLBACK)
    assert line.said[-1].endswith("Goodbye.")
    assert len(line.said) == 4


# another time


@pytest.mark.parametrize(
    ("words", "time"),
    [
        ("call me after five", "after 5"),
        ("could you call me back after five p m", "after 5 PM"),
        ("try again tomorrow morning", "tomorrow morning"),
        ("ring me back in an hour", "in an hour"),
        ("not now, maybe Tuesday at ten", "Tuesday at 10"),
        ("call me back in twenty minutes", "in 20 minutes"),
        ("please call back on Tuesday at ten a m", "Tuesday at 10 AM"),
        ("I'm driving, call me later today", "later today"),
        ("can you call later?", None),
        ("this is a bad time", None),
        ("I can't talk right now", None),
    ],
)
def test_the_time_of_a_callback_is_kept_in_their_words(words: str, time: str | None) -> None:
    turns = (Turn(0, "agent", "Is two fine?", 0, 1, asks="x"), Turn(1, "contact", words, 2, 3))
    assert intent_of(words) is Intent.CALL_LATER
    found = callback_of(turns, TODAY)
    assert found is not None
    assert (found.time, found.quote, found.turn) == (time, words, 1)


@pytest.mark.parametrize(
    "words",
    ["yes that works", "we'll call back tomorrow", "please don't call me before nine", "after five", "no"],
)
def test_other_words_are_no_wish_to_be_called(words: str) -> None:
    turns = (Turn(0, "agent", "Is two fine?", 0, 1, asks="x"), Turn(1, "contact", words, 2, 3))
    assert callback_of(turns, TODAY) is None


def test_a_time_named_when_asked_belongs_to_the_wish() -> None:
    turns = (
        Turn(0, "contact", "can you call later", 0, 1),
        Turn(1, "agent", f"Of course. {ASK_FOR_CALLBACK}", 2, 3, asks="callback:time"),
        Turn(2, "contact", "after five", 4, 5),
    )
    found = callback_of(turns, TODAY)
    assert found is not None
    assert (found.time, found.quote, found.turn) == ("after 5", "after five", 2)


def test_an_answer_to_a_question_about_calling_is_an_answer() -> None:
    brief = Brief("Ask for the best time to call them.")
    line = call(brief, "Hello?", "Call me after five.")
    assert callback_of(line.turns, TODAY) is None or line.conversation.end_reason == "completed"
    assert line.conversation.end_reason == "completed"


def test_a_callback_with_a_time_is_promised_at_once() -> None:
    line = call(README, "Hello?", "I'm driving, call me back after five p m.")
    assert line.said[1] == "Of course, I'll pass on that you'd like a call after 5 PM. Goodbye."
    assert line.conversation.end_reason == "callback_requested"


def test_a_callback_without_a_time_is_asked_for_one_once() -> None:
    line = call(README, "Hello?", "Can you call later?", "I don't know yet.")
    assert line.said[1] == f"Of course. {ASK_FOR_CALLBACK}"
    assert line.said[2] == "Of course, I'll pass that on. Goodbye."
    assert line.conversation.end_reason == "callback_requested"


# saying things again


@pytest.mark.parametrize("words", ["I said yes.", "Like I said, yes.", "I already told you yes."])
def test_who_says_it_again_is_understood(words: str) -> None:
    line = call(README, "Hello?", words, "No.")
    assert line.said[1].startswith("Great.")


def test_a_question_is_repeated_exactly() -> None:
    line = call(README, "Hello?", "Yes.", "Could you say that again?", "Sorry?", "No.")
    assert line.said[2] == line.said[3] == "Do you need to reschedule?"


def test_nothing_is_said_twice_in_a_row_unasked() -> None:
    line = call(README, "Hello?", "Blue.", "Green.", "Red.", "No.")
    agent = [turn.text for turn in line.turns if turn.role == "agent"]
    assert all(a != b for a, b in pairwise(agent))


def test_the_embedded_mind_names_its_languages() -> None:
    assert EMBEDDED_LANGUAGES == ("en",)


def test_where_somebody_is_is_no_time() -> None:
    line = call(README, "Hello?", "This is her husband.", "No, she's at work.", "Around seven.")
    assert ASK_FOR_CALLBACK in line.said[2]
    assert line.said[3] == "Of course, I'll pass on that you'd like a call at 7. Goodbye."


def test_who_is_away_until_monday_can_be_called_from_then_on() -> None:
    line = call(README, "Hello?", "He's on holiday until Monday.")
    assert "a call from Monday on." in line.said[1]


def test_a_lone_hour_after_when_is_the_time_of_the_callback() -> None:
    line = call(README, "Hello?", "I'm in a meeting.", "Six.")
    assert line.report.callback is not None
    assert line.report.callback.time == "6"


def test_a_question_of_our_own_is_put_again_to_who_asks_for_it() -> None:
    line = call(
        README, "Hello?", "This is her husband.", "Sorry, what?", "She's out.", "What was that?", "At six."
    )
    assert line.said[1:5] == [
        f"I see. {ASK_FOR_PERSON}",
        ASK_FOR_PERSON,
        f"I see. {ASK_FOR_CALLBACK}",
        ASK_FOR_CALLBACK,
    ]


def test_whoever_comes_to_the_phone_after_a_silence_is_told_who_calls() -> None:
    script = (
        "Hello?",
        "This is his wife.",
        "Yes, just a moment.",
        SILENCE,
        "Hello, this is Ann.",
        "Yes.",
        "No.",
    )
    line = call(README, *script)
    assert line.said[3] == "Are you still there?"
    assert line.said[4].startswith(DISCLOSURE)
    assert line.report.extracted["confirmed"] is True
