"""How much silence ends a turn. Complete 250, neutral 550, unfinished 1,200 ms."""

from __future__ import annotations

import pytest

from byourside_server.conversation.endpointing import Endpointing

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
        ("four one", DIGITS, 2.0),
        ("my number is four one five five five five", DIGITS, 2.0),
        ("four one five five five five zero one two eight", DIGITS, 1.2),
        ("five five five zero one two eight", DIGITS, 1.2),
        ("555 0128", DIGITS, 1.2),
        ("can we move it to", OPEN, 1.2),
        ("um", OPEN, 1.2),
        ("i will send an email", OPEN, 0.55),
        ("", OPEN, 0.55),
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
