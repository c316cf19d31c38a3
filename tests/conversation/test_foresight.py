"""Replies thought of ahead: confirmed where the turn ends with the same words, dropped where it does not.

The contact's last word ends at 6.0 s. That they are still is told 100 ms later, the recogniser's early words
come at 6.25, and voice activity is sure of the end at 6.35.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.events import (
    Confirm,
    ConversationEvent,
    Discard,
    Finish,
    Prepare,
    PressKeys,
    Say,
    StopSpeaking,
    StopThinking,
    Think,
    Transfer,
    TurnEnded,
)
from byourside_server.conversation.foreseeing import LEAD_S, LISTENING_S
from byourside_server.conversation.foresight import MOST_OF_A_TURN
from byourside_server.conversation.mind import Decision
from tests.conversation.scripted_line import README, settled

EventT = TypeVar("EventT")
QUESTION = Decision("What else?", asks="confirmed")
START, STILL, TOLD, WORDS, SURE = 5.0, 6.0, 6.1, 6.25, 6.35
SAID = "that would be fine"  # a whole sentence: over after 0.45 s
OVER = STILL + 0.45


class Call:
    """A conversation in its middle: a question was asked, and the contact is about to answer."""

    def __init__(self, brief: Brief = README, *, asks_ahead: bool = True, first: Decision = QUESTION) -> None:
        self.talk = settled(Conversation(brief, asks_ahead=asks_ahead))
        talk = self.talk
        talk.receive_speech_started(0.3, 0.4)
        talk.receive_speech_stopped(0.3, 0.8, 1.0)
        talk.receive_text("hello", 0.9, 0.3, 0.8, 1.1)
        talk.handle_deadline(1.5)
        (think,) = self.of(Think)
        talk.receive_reply(think.request_id, first, 1.6)
        (say,) = self.of(Say)
        talk.receive_clip_started(say.utterance_id, 1.7, 1.7)
        talk.receive_clip_ended(say.utterance_id, 4.0, 1.0, 4.0)
        self.events()

    def events(self) -> list[ConversationEvent]:
        found = []
        while (event := self.talk.next_event()) is not None:
            found.append(event)
        return found

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events() if isinstance(event, kind)]

    def of_any(self, *kinds: type[ConversationEvent]) -> list[ConversationEvent]:
        return [event for event in self.events() if isinstance(event, kinds)]

    def pauses(self, text: str = SAID, *, since: float = START) -> Think:
        """They speak and fall still; the early words are there. The request made ahead."""
        self.talk.receive_speech_started(since, since + 0.1)
        self.talk.receive_pause(STILL, TOLD)
        self.talk.receive_text(text, 0.9, START, STILL, WORDS)
        (think,) = self.of(Think)
        return think

    def ends(self, now: float = OVER) -> list[ConversationEvent]:
        """Voice activity is sure, and nothing more is said until then."""
        self.talk.receive_speech_stopped(START, STILL + 0.09, SURE)
        self.talk.handle_deadline(now)
        return self.events()


def text_of(events: list[ConversationEvent], kind: type[Say] | type[Prepare]) -> list[str]:
    return [event.text for event in events if isinstance(event, kind)]


def test_the_mind_is_asked_on_the_first_short_silence_as_if_it_were_the_end() -> None:
    call = Call()
    ahead = call.pauses().situation
    assert ahead.is_ahead
    assert (ahead.occasion, ahead.text) == ("heard", SAID)
    assert (ahead.turns[-1].role, ahead.turns[-1].text) == ("contact", SAID)
    assert call.talk.turns[-1].role == "agent", "the record knows nothing of it"
    plain = Call(asks_ahead=False)
    plain.talk.receive_speech_started(START, START + 0.1)
    plain.talk.receive_text(SAID, 0.9, START, STILL + 0.09, SURE)
    (asked,) = (event for event in plain.ends(OVER + 0.09) if isinstance(event, Think))
    same = replace(asked.situation, is_ahead=True, turns=())
    assert same == replace(ahead, turns=()), "it is asked what it would be asked at the end"
    assert [turn.text for turn in asked.situation.turns] == [turn.text for turn in ahead.turns]


def test_a_reply_thought_of_ahead_is_said_the_moment_the_turn_is_over() -> None:
    call = Call()
    think = call.pauses()
    call.talk.receive_words(think.request_id, "Great.", 6.38)
    call.talk.receive_reply(think.request_id, Decision("And your name?", asks="name"), 6.4)
    assert call.events() == [Prepare("Great.")], "made into sound, and nothing else"
    events = call.ends()
    assert [type(event) for event in events] == [TurnEnded, Confirm, Say, Prepare]
    assert text_of(events, Say) == ["Great."]
    assert text_of(events, Prepare) == ["And your name?"]
    say = next(event for event in events if isinstance(event, Say))
    assert say.replies_to == STILL, "the last voiced moment, not when it was noticed"


def test_a_reply_still_being_made_when_the_turn_is_over_goes_on() -> None:
    call = Call()
    think = call.pauses()
    events = call.ends()
    assert [type(event) for event in events] == [TurnEnded, Confirm]
    call.talk.receive_words(think.request_id, "Great.", 6.6)
    call.talk.receive_reply(think.request_id, Decision("And your name?"), 6.7)
    assert text_of(call.events(), Say) == ["Great."]


def test_a_voice_that_goes_on_drops_it_and_its_sound() -> None:
    call = Call()
    think = call.pauses()
    call.talk.receive_words(think.request_id, "Great.", 6.3)
    call.talk.receive_resumed(6.34)
    assert call.events() == [Prepare("Great."), StopThinking(), Discard("Great.")]
    call.talk.receive_reply(think.request_id, Decision("And your name?"), 6.4)
    assert call.events() == [], "what comes too late comes to nothing"
    assert [turn.role for turn in call.talk.turns].count("agent") == 1


def test_speech_after_the_end_of_a_burst_drops_it_too() -> None:
    call = Call()
    call.pauses()
    call.talk.receive_speech_stopped(START, STILL, SURE)
    call.talk.receive_speech_started(6.4, 6.5)
    assert call.of(StopThinking) == [StopThinking()]
    call.talk.handle_deadline(8.0)
    assert call.of_any(Say, TurnEnded) == []


def test_a_pause_that_was_gone_on_from_in_a_low_voice_is_no_end_and_its_words_are_not_all() -> None:
    """Nobody tells of the going on: it is too low for that, or the ears were given up in the pause."""
    call = Call()
    first = call.pauses("that would be fine")
    call.talk.receive_reply(first.request_id, QUESTION, 6.4)
    call.talk.receive_speech_stopped(START, STILL + 2.0, STILL + 2.2)
    call.talk.handle_deadline(STILL + 2.5)
    assert call.of_any(Say, TurnEnded) == []
    call.talk.receive_text("that would be fine on friday", 0.9, START, STILL + 2.0, STILL + 2.6)
    call.talk.handle_deadline(STILL + 3.0)
    (ended,) = call.of(TurnEnded)
    assert (ended.turn.text, ended.turn.end_ms) == ("that would be fine on friday", 8000)


def test_other_words_drop_it_and_are_asked_about_instead() -> None:
    call = Call()
    first = call.pauses("that would be")
    call.talk.receive_speech_stopped(START, STILL + 0.09, SURE)
    call.talk.receive_text("that would be nice thanks", 0.9, START, STILL + 0.09, 6.4)
    stopped, second = call.events()
    assert stopped == StopThinking()
    assert isinstance(second, Think)
    assert second.request_id > first.request_id
    call.talk.receive_reply(first.request_id, Decision("The wrong answer."), 6.41)
    call.talk.receive_reply(second.request_id, Decision("The right answer."), 6.42)
    assert call.of(Say) == []
    call.talk.handle_deadline(OVER)
    assert text_of(call.events(), Say) == ["The right answer."]


def test_the_same_words_in_another_spelling_are_the_same() -> None:
    call = Call()
    call.pauses()
    call.talk.receive_speech_stopped(START, STILL + 0.09, SURE)
    call.talk.receive_text("That would be fine.", 0.95, START, STILL + 0.09, 6.4)
    assert call.of_any(Think, StopThinking) == []
    call.talk.handle_deadline(OVER)
    assert call.of_any(Confirm, Think) == [Confirm(2)]


def test_a_guess_asks_ahead_and_ends_no_turn() -> None:
    """What the recogniser is not sure of yet: its last word is waited for."""
    call = Call()
    call.talk.receive_speech_started(START, START + 0.1)
    call.talk.receive_pause(STILL, TOLD)
    call.talk.receive_guess(SAID, 0.8, STILL, 6.15)
    (think,) = call.of(Think)
    call.talk.receive_reply(think.request_id, Decision("Good."), 6.3)
    assert call.of(Say) == []
    events = call.ends(7.4)
    assert not any(isinstance(event, Say | TurnEnded) for event in events)
    call.talk.receive_text(SAID, 0.9, START, STILL + 0.09, 7.45)
    call.talk.handle_deadline(7.45)
    assert text_of(call.events(), Say) == ["Good."]


def test_a_guess_of_less_than_all_the_sound_is_not_asked_about() -> None:
    call = Call()
    call.talk.receive_speech_started(START, START + 0.1)
    call.talk.receive_pause(STILL, TOLD)
    call.talk.receive_guess("that would", 0.8, STILL - 0.3, 6.15)
    call.talk.receive_resumed(6.2)
    call.talk.receive_guess(SAID, 0.8, STILL, 6.25)
    assert call.of(Think) == []


# --- nothing comes of it before -----------------------------------------------------------------------

SALES = TransferTarget("sales", "+14155550111")


@pytest.mark.parametrize(
    "decision",
    [
        Decision("Goodbye.", then="hang_up", end_reason="not_interested"),
        Decision("One moment.", then="transfer", transfer_to="sales"),
        Decision("", then="leave_message"),
        Decision("", keys="1"),
    ],
    ids=["end_call", "transfer", "leave_message", "press_keys"],
)
def test_no_tool_is_used_before_the_turn_is_over_and_none_of_a_dropped_reply(decision: Decision) -> None:
    call = Call(replace(README, transfers=(SALES,)))
    think = call.pauses()
    call.talk.receive_reply(think.request_id, decision, 6.3)
    call.talk.handle_deadline(6.34)
    effects = (Say, Finish, Transfer, PressKeys, StopSpeaking, TurnEnded)
    assert call.of_any(*effects) == []
    call.talk.receive_resumed(6.34)
    call.talk.handle_deadline(9.0)
    assert call.of_any(*effects) == []
    assert call.talk.end_reason is None
    assert call.talk.answered_by == "human"


def test_a_goodbye_thought_of_ahead_ends_the_call_once_it_is_said() -> None:
    call = Call()
    think = call.pauses("no that is all thanks")
    call.talk.receive_reply(think.request_id, Decision("Goodbye.", then="hang_up"), 6.3)
    (say,) = (event for event in call.ends() if isinstance(event, Say))
    call.talk.receive_clip_started(say.utterance_id, 6.5, 6.5)
    call.talk.receive_clip_ended(say.utterance_id, 7.0, 1.0, 7.0)
    assert call.of(Finish) == [Finish("agent", "completed")]


def test_a_mind_that_fails_ahead_is_asked_again_in_its_time() -> None:
    call = Call()
    think = call.pauses()
    failed = Decision("Sorry.", then="hang_up", end_reason="mind_failed")
    call.talk.receive_reply(think.request_id, failed, 6.3)
    assert call.of_any(Prepare, Say) == []
    asked = [event for event in call.ends() if isinstance(event, Think)]
    assert [think.situation.is_ahead for think in asked] == [False]


def test_a_mind_that_fails_ahead_after_the_turn_is_over_is_asked_again_and_nobody_is_hung_up_on() -> None:
    """Its failure ahead has no words for the contact: those come from the mind asked in its time."""
    call = Call()
    think = call.pauses()
    assert [type(event) for event in call.ends()] == [TurnEnded, Confirm]
    call.talk.receive_reply(think.request_id, Decision("", then="hang_up", end_reason="mind_failed"), 6.6)
    (asked,) = call.events()
    assert isinstance(asked, Think)
    assert not asked.situation.is_ahead
    assert asked.situation.text == SAID
    failed = Decision("I'm sorry, goodbye.", then="hang_up", end_reason="mind_failed")
    call.talk.receive_reply(asked.request_id, failed, 7.0)
    assert text_of(call.events(), Say) == ["I'm sorry, goodbye."], "not asked a third time"


def test_what_would_leak_is_not_even_made_into_sound() -> None:
    call = Call(replace(README, context="The patient owes 40 dollars from the visit in March."))
    think = call.pauses()
    call.talk.receive_words(think.request_id, "You owe forty dollars.", 6.3)
    (prepared,) = call.of(Prepare)
    assert "forty" not in prepared.text
    events = call.ends()
    assert text_of(events, Say) == [prepared.text]


def test_what_a_dropped_reply_would_have_said_is_still_said_whole_later() -> None:
    """The watch over the background hears of nothing that was dropped."""
    call = Call(replace(README, context="Their code is 4 7 1 1."))
    think = call.pauses("tell me the code digit by digit please")
    call.talk.receive_words(think.request_id, "Four.", 6.3)
    call.talk.receive_resumed(6.34)
    assert call.talk._agent._discretion._bits.digits == ""


def test_it_is_not_asked_for_ever_within_one_turn() -> None:
    call = Call()
    call.talk.receive_speech_started(START, START + 0.1)
    asked = 0
    for number in range(MOST_OF_A_TURN + 3):
        at = START + 1 + number
        call.talk.receive_pause(at, at + 0.1)
        call.talk.receive_text("fine " * (number + 1), 0.9, START, at, at + 0.2)
        asked += len(call.of(Think))
        call.talk.receive_resumed(at + 0.3)
    assert asked == MOST_OF_A_TURN


def test_a_conversation_whose_mind_may_not_be_asked_ahead_asks_at_the_end() -> None:
    call = Call(asks_ahead=False)
    call.talk.receive_speech_started(START, START + 0.1)
    call.talk.receive_pause(STILL, TOLD)
    call.talk.receive_text(SAID, 0.9, START, STILL, WORDS)
    assert call.events() == []
    assert [type(event) for event in call.ends()] == [TurnEnded, Think]


def test_a_turn_that_turns_out_to_be_no_words_drops_it_and_our_own_are_said_on() -> None:
    call = Call()
    think = call.pauses()
    call.ends()
    call.talk.receive_reply(think.request_id, Decision("This is a long story of ours."), 6.6)
    (say,) = call.of(Say)
    call.talk.receive_clip_started(say.utterance_id, 6.7, 6.7)
    call.talk.receive_speech_started(7.5, 7.6)
    call.talk.receive_clip_ended(say.utterance_id, 7.7, 0.5, 7.7)
    call.talk.receive_pause(8.0, 8.1)
    call.talk.receive_guess("what is that", 0.4, 8.0, 8.15)
    assert [event.situation.is_ahead for event in call.of(Think)] == [True]
    call.talk.receive_speech_stopped(7.5, 8.1, 8.3)
    call.talk.receive_text("", 0.0, 7.5, 8.1, 8.4)
    call.talk.handle_deadline(8.6)
    assert call.of_any(Say, StopThinking)[1:] == [StopThinking()]


def test_a_hang_up_drops_it() -> None:
    call = Call()
    call.pauses()
    call.talk.receive_hang_up("contact", 6.3)
    assert StopThinking() in call.events()


# --- people who pause ---------------------------------------------------------------------------------


def dictate(call: Call, *groups: tuple[str, float]) -> list[ConversationEvent]:
    """Groups of words, each a second long, with the pause that follows; everything that was wanted."""
    talk, said, at, wanted = call.talk, "", START, list[ConversationEvent]()

    def pass_time(until: float) -> None:
        while (due := talk.next_deadline()) is not None and due <= until:
            talk.handle_deadline(due)
        wanted.extend(call.events())

    for words, pause_s in groups:
        said, end = f"{said} {words}".strip(), at + 1.0
        pass_time(at + 0.1)
        talk.receive_speech_started(at, at + 0.1)
        talk.receive_pause(end, end + 0.1)
        talk.receive_text(said, 0.9, START, end, end + 0.25)
        talk.receive_speech_stopped(at, end + 0.09, end + 0.33)
        at = end + pause_s
    pass_time(at)
    return wanted


def test_a_number_dictated_with_pauses_is_not_cut() -> None:
    call = Call(first=Decision("What is your phone number?", asks="phone"))
    events = dictate(call, ("four one five", 0.9), ("five five five", 1.2), ("oh one nine nine", 1.1))
    assert not any(isinstance(event, Say | TurnEnded) for event in events)
    events += dictate_end(call)
    (ended,) = (event for event in events if isinstance(event, TurnEnded))
    assert ended.turn.text == "four one five five five five oh one nine nine"


def dictate_end(call: Call) -> list[ConversationEvent]:
    call.talk.handle_deadline(20.0)
    return call.events()


@pytest.mark.parametrize(
    ("question", "groups"),
    [
        ("What else?", (("my number is", 1.0), ("four one five", 1.2))),
        ("How do you spell that?", (("s m", 0.9), ("i t h", 0.9))),
        ("What is your e-mail address?", (("john", 0.9), ("at example", 1.0))),
        ("What else?", (("i would like to come on", 1.0), ("um", 1.0))),
    ],
    ids=["number", "spelling", "e-mail", "hesitation"],
)
def test_who_trails_off_is_heard_out(question: str, groups: tuple[tuple[str, float], ...]) -> None:
    call = Call(first=Decision(question, asks="x"))
    events = dictate(call, *groups)
    assert not any(isinstance(event, Say | TurnEnded) for event in events)


def test_words_that_lead_on_are_asked_about_only_shortly_before_the_turn_may_be_over() -> None:
    call = Call()
    call.talk.receive_speech_started(START, START + 0.1)
    call.talk.receive_pause(STILL, TOLD)
    call.talk.receive_text("my number is", 0.9, START, STILL, WORDS)
    assert call.of(Think) == []
    assert call.talk.next_deadline() == pytest.approx(STILL + 1.2 - LEAD_S)
    call.talk.handle_deadline(STILL + 1.2 - LEAD_S)
    assert len(call.of(Think)) == 1


def test_nobody_is_told_to_wait_while_they_dictate() -> None:
    """The filler of 1.5 s is for those who wait for us."""
    call = Call(first=Decision("What is your phone number?", asks="phone"))
    events = dictate(
        call,
        ("four one five", 1.75),
    )
    assert not any(isinstance(event, Say) for event in events)


# --- "uh huh" -----------------------------------------------------------------------------------------


def test_a_backchannel_into_our_words_stops_them_for_a_moment_and_asks_nobody() -> None:
    call = Call()
    think = call.pauses()
    call.talk.receive_reply(think.request_id, Decision("Let me tell you how it works. First you go in."), 6.3)
    (say,) = (event for event in call.ends() if isinstance(event, Say))
    call.talk.receive_clip_started(say.utterance_id, 6.5, 6.5)
    call.talk.receive_speech_started(7.0, 7.1)
    call.talk.receive_clip_ended(say.utterance_id, 7.06, 0.4, 7.16)
    call.talk.receive_pause(7.4, 7.5)
    call.talk.receive_text("uh huh", 0.9, 7.0, 7.4, 7.65)
    call.talk.receive_speech_stopped(7.0, 7.49, 7.7)
    call.events()
    call.talk.handle_deadline(7.4 + LISTENING_S)
    (rest,) = call.of_any(Say, Think)
    assert isinstance(rest, Say)
    assert rest.text == "how it works. First you go in.", "from the word that was cut"


def test_an_answer_into_our_question_is_no_backchannel() -> None:
    call = Call()
    think = call.pauses()
    call.talk.receive_reply(think.request_id, Decision("Does two o'clock work?", asks="confirmed"), 6.3)
    (say,) = (event for event in call.ends() if isinstance(event, Say))
    call.talk.receive_clip_started(say.utterance_id, 6.5, 6.5)
    call.talk.receive_speech_started(7.5, 7.6)
    call.talk.receive_clip_ended(say.utterance_id, 7.56, 0.9, 7.66)
    call.talk.receive_pause(7.8, 7.9)
    call.talk.receive_text("yes", 0.9, 7.5, 7.8, 8.05)
    (asked,) = call.of_any(Think, Say)
    assert isinstance(asked, Think)
    assert asked.situation.text == "yes"
