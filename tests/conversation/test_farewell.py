"""The end of a talk in which something is owed, and a contact who does not simply answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.events import Say, Think
from byourside_server.conversation.farewell import MAX_TIMES
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.obligations import proofs
from byourside_server.conversation.words import plain
from tests.conversation.scripted_line import README, Interruption, ScriptedLine, call, settled

Event = TypeVar("Event")
NOTICE = "This call may be recorded for training."
CARD = "Please bring your card."
QUESTION = "How did you hear about us?"
MENU = "Thank you for calling. For sales press one. For support press two."
BUSINESS = Decision("Is two o'clock fine?", asks="x")
BYE = Decision("Thank you. Goodbye.", then="hang_up", end_reason="completed")


def careless(situation: Situation) -> Decision:
    """A scripted mind that asks once and hangs up."""
    return BUSINESS if situation.occasion == "opening" else BYE


def test_sentences_that_an_interruption_kept_from_being_said_are_said_later() -> None:
    brief = replace(README, must_say=(NOTICE, CARD))
    cuts = [Interruption(2, 0.5, "Wait, I have one more thing to ask you.")]
    line = call(brief, "Hello?", "Yes.", interruptions=cuts, mind=careless)
    assert all(proof.turn is not None for proof in proofs(brief, line.turns))
    assert line.conversation.end_reason == "completed"


def test_who_interrupts_again_and_again_is_let_go_in_the_end() -> None:
    brief = replace(README, must_ask=(QUESTION,))
    cuts = [Interruption(number, 0.0, "Wait, I have one more thing.") for number in range(2, 20)]
    line = call(brief, "Hello?", "Yes.", interruptions=cuts, mind=careless)
    assert line.said.count(QUESTION) == MAX_TIMES
    assert line.conversation.end_reason == "completed"


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_demanded_sentence_in_which_the_voice_broke_off_is_begun_anew(share: float) -> None:
    talk = settled(Conversation(replace(README, must_say=(NOTICE,))))
    talk.handle_deadline(0.9)
    request = next_of(talk, Think).request_id
    talk.receive_reply(request, Decision(f"{NOTICE} Is two o'clock fine?", "x"), 1.0)
    first = next_of(talk, Say)
    talk.receive_clip_started(first.utterance_id, 1.1, 1.1)
    before = len(first.text) - len(f"{NOTICE} Is two o'clock fine?")
    talk.receive_voice_failed(first.utterance_id, 5.0, (before + share * len(NOTICE)) / len(first.text), 5.0)
    assert next_of(talk, Say).text == f"{NOTICE} Is two o'clock fine?"


def next_of(talk: Conversation, kind: type[Event]) -> Event:
    while (event := talk.next_event()) is not None:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Don't call me again.", "do_not_call"),
        ("You have the wrong number.", "wrong_number"),
        ("I'm not interested.", "completed"),
    ],
)
def test_what_is_said_to_the_last_question_may_be_why_the_call_ends(words: str, reason: str) -> None:
    brief = replace(README, must_ask=(QUESTION, "Is parking needed?"))
    line = call(brief, "Hello?", "Yes.", words, mind=careless)
    assert "Is parking needed?" not in line.words_of("agent")
    assert line.conversation.end_reason == reason


@pytest.mark.parametrize("words", ["Are you a robot?", "Hold on a moment.", "Call me later, please."])
def test_what_wants_a_reply_goes_to_the_mind_and_the_rest_is_asked_after_it(words: str) -> None:
    def attentive(situation: Situation) -> Decision:
        return Decision("Yes, of course.") if situation.text == plain(words) else careless(situation)

    brief = replace(README, must_ask=(QUESTION, "Is parking needed?"))
    line = call(brief, "Hello?", "Yes.", words, "All right.", "No.", mind=attentive)
    said = [turn.text for turn in line.turns if turn.role == "agent"][2:]
    assert said == ["Yes, of course.", "Is parking needed?", "Thank you. Goodbye."]


def test_what_was_said_to_a_menu_is_still_owed_to_the_person_behind_it() -> None:
    brief = replace(README, must_say=(NOTICE,))

    def eager(situation: Situation) -> Decision:
        if situation.occasion == "menu":
            return Decision("", keys="1")
        return (
            Decision(f"{NOTICE} Is two fine?", asks="x") if len(situation.turns) < 2 else careless(situation)
        )

    line = ScriptedLine(brief, [], mind=eager)
    line.speak_at(0.3, "Hello?")
    line.speak_at(12.5, MENU)
    line.speak_at(25.0, "Hello, this is Ann.")
    line.speak_at(40.0, "Yes.")
    line.run()
    assert line.keys == "1"
    assert line.words_of("agent").count(NOTICE) == 2
    assert line.conversation.end_reason == "completed"
