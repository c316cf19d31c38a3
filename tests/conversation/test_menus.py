"""Menus of keys, machines a mind recognises, and calls handed over to a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byourside_server.calls.answering import Verdict
from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.phrases import phrases_for
from tests.conversation.scripted_line import README, Line, ScriptedLine, brief_with_message, call

MENU = "Thank you for calling. For sales press one. For support press two."
DESK = replace(README, transfers=(TransferTarget("front desk", "+15550100"),))


def test_a_mind_chooses_the_key() -> None:
    def chooses(situation: Situation) -> Decision:
        return Decision("", keys="2") if situation.occasion == "menu" else Decision("Bye.", then="hang_up")

    line = ScriptedLine(README, [Line(MENU)], mind=chooses)
    line.speak_at(12.0, "Hello, support.")
    line.run()
    assert line.keys == "2"
    assert [situation.occasion for situation in line.situations] == ["menu", "opening"]
    assert "press two" in line.situations[0].text
    assert line.said[0].startswith("Hello, this is an automated AI assistant")


def test_keys_are_pressed_in_a_menu_only() -> None:
    line = call(README, "Hello?", mind=lambda s: Decision("Bye.", then="hang_up", keys="2"))
    assert line.keys == ""


def test_the_operators_key_is_tried_again_where_it_may_not_have_been_heard_and_then_given_up() -> None:
    line = ScriptedLine(README, [Line(MENU)])
    for at in (12.0, 24.0):
        line.speak_at(at, MENU)
    line.run()
    assert line.keys == "00"
    assert line.conversation.end_reason == "menu_dead_end"
    assert line.conversation.answered_by == "ivr"


def test_a_menu_behind_a_greeting_is_one_too() -> None:
    line = ScriptedLine(README, [Line("Welcome to Acme.")])
    line.speak_at(3.0, MENU)
    line.run()
    assert line.keys == "0"


def test_words_for_a_menu_come_before_its_keys() -> None:
    def speaks(situation: Situation) -> Decision:
        return (
            Decision("Operator.", keys="9") if situation.occasion == "menu" else Decision("", then="hang_up")
        )

    line = call(README, MENU, mind=speaks)
    assert line.said[0].endswith("Operator.")
    assert line.keys == "9"


def test_a_mind_that_knows_a_machine_leaves_the_message() -> None:
    line = call(
        brief_with_message("Call Anna."),
        Line("Please speak now."),
        mind=lambda s: Decision("", then="leave_message"),
    )
    assert line.said[-1] == "Hello, this is an automated AI assistant. Call Anna."
    assert line.conversation.answered_by == "voicemail"


def handing_over(situation: Situation) -> Decision:
    if situation.occasion == "opening":
        return Decision("I'll put you through.", then="transfer", transfer_to="front desk")
    return Decision("Goodbye.", then="hang_up", end_reason="completed")


def test_a_call_is_handed_over_after_the_words() -> None:
    line = ScriptedLine(DESK, [Line("Hello?")], mind=handing_over)
    line.hand_over = True
    line.run()
    assert line.transfers == ["+15550100"]
    assert (line.conversation.ended_by, line.conversation.end_reason) == ("agent", "transferred")
    assert line.sounds[-1][2].endswith("I'll put you through.")


def test_a_hand_over_that_fails_is_told_and_the_talk_goes_on() -> None:
    line = ScriptedLine(DESK, [Line("Hello?"), Line("Oh, all right.")], mind=handing_over)
    line.hand_over = False
    line.run()
    assert phrases_for("en").not_reached in line.said
    assert line.situations[-1].text == "oh all right"
    assert line.conversation.end_reason == "completed"


def test_nobody_is_handed_over_to_a_number_that_is_not_allowed() -> None:
    line = call(README, "Hello?", "Fine.", mind=handing_over)
    assert line.transfers == []
    assert line.conversation.end_reason == "completed"


def test_a_hand_over_nobody_answers_for_is_given_up() -> None:
    line = ScriptedLine(DESK, [Line("Hello?")], mind=handing_over)
    line.run()
    assert phrases_for("en").not_reached in line.said


def test_a_mind_that_asks_into_the_silence_for_ever_is_ended() -> None:
    line = call(README, "Hello?", mind=lambda s: Decision("Are you there?", asks="x"))
    assert line.conversation.end_reason == "no_response"
    assert len(line.said) <= 6


def test_every_silence_counts_up_for_the_mind() -> None:
    line = call(README, "Hello?", mind=lambda s: Decision("Are you there?", asks="x"))
    assert [each.silences for each in line.situations] == [0, 1, 2, 3, 4]
    assert isinstance(line.conversation, Conversation)


@pytest.mark.parametrize(
    ("words", "verdict"),
    [(MENU, "ivr"), ("Please state your name and why you are calling.", "screening")],
)
def test_who_is_not_to_be_talked_to_is_hung_up_on(words: str, verdict: Verdict) -> None:
    line = call(replace(README, hang_up_on=(verdict,)), words)
    assert line.said == []
    assert (line.conversation.answered_by, line.conversation.end_reason) == (verdict, "not_a_person")
    assert line.keys == ""


def test_a_menu_behind_a_greeting_is_hung_up_on_too() -> None:
    line = ScriptedLine(replace(README, hang_up_on=("ivr",)), [Line("Welcome to Acme.")])
    line.speak_at(3.0, MENU)
    line.run()
    assert (line.conversation.answered_by, line.conversation.end_reason) == ("ivr", "not_a_person")


def test_a_person_is_talked_to_whatever_else_is_hung_up_on() -> None:
    brief = replace(README, hang_up_on=("ivr", "screening", "unknown"))
    line = call(brief, "Hello?", "Yes.", "No, thank you.")
    assert (line.conversation.answered_by, line.conversation.end_reason) == ("human", "completed")


def test_the_verdict_says_what_stood_before_the_person() -> None:
    line = ScriptedLine(README, [Line(MENU)])
    line.speak_at(12.0, "Hello, this is Bob speaking.")
    line.run()
    answering = line.conversation.verdicts.answering
    assert answering is not None
    assert (answering.verdict, answering.by, answering.revised) == ("human", "words", "ivr")
    assert answering.time_ms > 12_000
