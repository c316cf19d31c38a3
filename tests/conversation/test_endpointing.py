"""How much silence ends a turn. Complete 250, a whole sentence 450, neutral 550, unfinished 1,200 ms."""

from __future__ import annotations

import pytest

from byourside_server.conversation.endpointing import NEUTRAL_S, Endpointing
from byourside_server.conversation.open_question import asked_in_words

YES_NO, OPEN = frozenset({"yes_no"}), frozenset({"open"})
DIGITS, TIME, MONEY = frozenset({"digits"}), frozenset({"time", "day"}), frozenset({"money", "number"})


@pytest.mark.parametrize(
    ("text", "kinds", "quiet_s"),
    [
        ("yes that works for me", YES_NO, 0.25),
        ("no thank you", YES_NO, 0.25),
        ("yes i can", YES_NO, 0.25),
        ("yes and", YES_NO, 1.2),
        ("no but", YES_NO, 1.2),
        ("my wife", YES_NO, 0.55),
        ("friday at three thirty", TIME, 0.25),
        ("friday", TIME, 0.55),
        ("friday at", TIME, 1.2),
        ("two hundred", MONEY, 0.55),
        ("two hundred and", MONEY, 1.2),
        ("two hundred and forty nine dollars", MONEY, 0.25),
        ("four one", DIGITS, 1.8),
        ("my number is four one five five five five", DIGITS, 1.8),
        ("four one five five five five zero one two eight", DIGITS, 1.2),
        ("five five five zero one two eight", DIGITS, 1.2),
        ("555 0128", DIGITS, 1.2),
        ("can we move it to", OPEN, 1.2),
        ("um", OPEN, 1.2),
        ("i will send an email", OPEN, 0.55),
        ("", OPEN, 0.55),
        ("that would be perfect", OPEN, 0.45),
        ("i think so", OPEN, 0.45),
        ("as soon as i can", OPEN, 0.45),
        ("what is this about", OPEN, 0.45),
        ("yes i can", OPEN, 0.45),
        ("monday at ten am", OPEN, 0.45),
        ("yes i am", OPEN, 0.45),
        ("my number is", OPEN, 1.2),
        ("could you", OPEN, 1.2),
        ("i can't", YES_NO, 0.25),
        ("the thing is i can't", OPEN, 1.2),
        ("let me think", OPEN, 1.8),
        ("okay let me look", OPEN, 1.8),
        ("john at gmail", OPEN, 1.2),
        ("j o", OPEN, 1.2),
        ("at seven p m", OPEN, 0.45),
        ("four one five", OPEN, 1.8),
        ("four one five five five five zero one nine nine", OPEN, 1.2),
        ("at two thirty", OPEN, 0.55),
    ],
)
def test_the_words_and_the_question_say_how_long_to_wait(
    text: str, kinds: frozenset[str], quiet_s: float
) -> None:
    assert Endpointing().quiet_needed(text, kinds) == quiet_s


def test_a_slow_speaker_gets_more_time_but_not_for_ever() -> None:
    endpointing = Endpointing()
    endpointing.observe_pause(0.7)
    assert endpointing.quiet_needed("i will send an email", OPEN) == pytest.approx(0.91)
    endpointing.observe_pause(5.0)
    assert endpointing.quiet_needed("i will send an email", OPEN) == 1.2
    assert endpointing.quiet_needed("yes", YES_NO) == 0.25


@pytest.mark.parametrize(
    ("question", "part", "whole"),
    [
        ("What is your phone number?", "it's the one with four one five", None),
        ("How do you spell your last name?", "it's Garcia", None),
        ("What is your e-mail address?", "john", "john at example dot com"),
        ("And what is the delivery address?", "twelve Main Street", None),
        ("What is your date of birth?", "March the third", "March the third nineteen eighty"),
        ("When would you like to come?", "next week", "next week on Tuesday at four"),
        ("What would you like to order?", "two large pizzas", "two large pizzas please"),
        ("How can I help you?", "my order has not arrived", None),
    ],
)
def test_where_people_halt_between_parts_the_question_asks_for_more_patience(
    question: str, part: str, whole: str | None
) -> None:
    endpointing, asked = Endpointing(), asked_in_words(question)
    assert endpointing.quiet_needed(part, OPEN, asked) >= NEUTRAL_S + 0.2
    if whole is not None:
        assert endpointing.quiet_needed(whole, OPEN, asked) <= NEUTRAL_S


@pytest.mark.parametrize(
    "words", ["sorry what do you mean", "i don't have one", "what for", "no", "that's all thanks"]
)
def test_who_asks_back_or_refuses_is_not_taken_for_dictating(words: str) -> None:
    asked = asked_in_words("What is your e-mail address?")
    assert Endpointing().quiet_needed(words, OPEN, asked) <= NEUTRAL_S


@pytest.mark.parametrize(
    "agent",
    ["I see. What else?", "Does Friday work for you?", "Thank you.", "Can I help you with anything else?"],
)
def test_other_questions_ask_for_nothing_that_comes_in_parts(agent: str) -> None:
    assert asked_in_words(agent) is None


def test_a_pause_counts_less_with_every_turn() -> None:
    endpointing = Endpointing()
    endpointing.observe_pause(0.8)
    endpointing.observe_turn()
    assert endpointing.quiet_needed("i will send an email", OPEN) == pytest.approx(0.8 * 0.7 * 1.3)
    endpointing.observe_turn()
    assert endpointing.quiet_needed("i will send an email", OPEN) == NEUTRAL_S
