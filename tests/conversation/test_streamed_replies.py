"""Replies that come sentence by sentence, interruptions in their middle, and voices that break off."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Literal

import pytest

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.embedded_mind import decide
from byourside_server.conversation.events import (
    END_REASONS,
    ConversationEvent,
    Finish,
    Prepare,
    Say,
    StopSpeaking,
    StopThinking,
    Think,
)
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.utterance import Utterance, Words
from tests.conversation.scripted_line import (
    README,
    Interruption,
    Line,
    Pace,
    ScriptedLine,
    ScriptedMind,
    Streamed,
    call,
    settled,
)

DISCLOSURE = "Hello, this is an automated AI assistant calling on behalf of Acme Dental."
BYE = Decision("", then="hang_up", end_reason="completed")


def events_of(talk: Conversation) -> list[ConversationEvent]:
    found = []
    while (event := talk.next_event()) is not None:
        found.append(event)
    return found


def asked(brief: Brief = README) -> tuple[Conversation, int]:
    """A conversation that greets into silence, and the number of its first request."""
    talk = settled(Conversation(brief))
    talk.handle_deadline(0.9)
    think = events_of(talk)[-1]
    assert isinstance(think, Think)
    return talk, think.request_id


def say_of(talk: Conversation) -> Say:
    return next(event for event in events_of(talk) if isinstance(event, Say))


def test_the_first_sentence_is_spoken_at_once_and_the_next_is_prepared() -> None:
    talk, request = asked()
    talk.receive_words(request, "It is about your visit.", 1.0)
    talk.receive_words(request, "Does two o'clock work?", 1.1)
    assert events_of(talk) == [
        Say(1, f"{DISCLOSURE} It is about your visit.", True),
        Prepare("Does two o'clock work?"),
    ]
    talk.receive_clip_started(1, 1.2, 1.2)
    talk.receive_clip_ended(1, 3.0, 1.0, 3.0)
    assert events_of(talk) == [Say(2, "Does two o'clock work?", True)]


def test_the_sentences_of_one_reply_are_one_turn_with_one_latency() -> None:
    reply = Streamed(((0.3, "Thank you."), (0.3, "And your name?")), Decision("", asks="name"), 0.5)
    line = call(README, "Hello?", "Yes.", mind=lambda s: reply if s.occasion == "heard" else Decision("Hi."))
    turn = next(turn for turn in line.turns if turn.text == "Thank you. And your name?")
    assert turn.asks == "name"
    assert turn.end_ms - turn.start_ms >= 60 * len("Thank you. And your name?") - 60
    assert len(line.conversation.latencies_ms) == 2


def test_the_rest_of_a_reply_is_said_behind_what_was_streamed() -> None:
    reply = Streamed(((0.1, "One."),), Decision("Two.", then="hang_up"), 0.1)
    line = call(README, "Hello?", mind=lambda s: reply)
    assert line.said == [f"{DISCLOSURE} One.", "Two."]
    assert line.turns[-1].text == f"{DISCLOSURE} One. Two."


def test_hanging_up_waits_until_all_that_was_streamed_is_said() -> None:
    reply = Streamed(((0.1, "Thank you for your time."), (0.1, "Goodbye.")), BYE, 0.1)
    line = call(README, "Hello?", mind=lambda s: reply)
    assert line.sounds[-1][2] == "Goodbye."
    assert line.ended_at == pytest.approx(line.sounds[-1][1])
    assert not line.turns[-1].interrupted


def test_a_decision_that_comes_after_the_last_sound_ends_the_call_then() -> None:
    reply = Streamed(((0.1, "Goodbye."),), BYE, 6.0)
    line = call(README, "Hello?", mind=lambda s: reply)
    assert line.ended_at == pytest.approx(0.3 + 0.36 + 0.6 + 6.1, abs=0.7)
    assert line.conversation.end_reason == "completed"


def test_no_silence_is_asked_about_while_a_reply_is_still_being_made() -> None:
    reply = Streamed(((0.1, "One."), (9.0, "Two.")), Decision("", "x"))
    line = call(README, "Hello?", mind=lambda s: reply if s.occasion == "opening" else BYE)
    assert [s.occasion for s in line.situations] == ["opening", "silence"]
    assert line.sounds[-1][1] < (line.ended_at or 0.0) - 5.0


def test_what_was_waiting_follows_the_words_cut_by_a_mere_sound() -> None:
    cuts = [Interruption(1, 5.5, "Uh huh.")]
    reply = Streamed(
        ((0.1, "This is about your visit."), (0.1, "It is soon."), (0.1, "Shall we?")), Decision("")
    )
    line = call(
        README, "Hello?", interruptions=cuts, mind=lambda s: reply if s.occasion == "opening" else BYE
    )
    agent = [turn.text for turn in line.turns if turn.role == "agent"]
    assert " ".join(agent) == f"{DISCLOSURE} This is about your visit. It is soon. Shall we?"
    assert [turn.interrupted for turn in line.turns if turn.role == "agent"] == [True, False]
    assert line.situations[1].occasion == "silence"


def test_a_real_interruption_drops_what_waited_and_what_is_still_thought() -> None:
    cuts = [Interruption(1, 5.5, "Wait, who are you?")]
    reply = Streamed(((0.1, "This is about your visit."), (0.1, "It is soon."), (20.0, "Shall we?")), BYE)
    line = call(
        README, "Hello?", interruptions=cuts, mind=lambda s: reply if s.occasion == "opening" else BYE
    )
    assert not any("soon" in text for _, _, text in line.sounds)
    assert line.stopped_thinking == 1
    assert line.situations[1].text == "wait who are you"


def test_a_yes_to_a_streamed_question_is_no_mere_sound() -> None:
    reply = Streamed(((0.1, "Is that right?"), (6.0, "Hm.")), BYE)
    line = ScriptedLine(README, [Line("Hello?")], mind=lambda s: reply if s.occasion == "opening" else BYE)
    line.speak_at(6.9, "Yes.")
    line.run()
    assert [s.text for s in line.situations] == ["hello", "yes"]


def test_a_goodbye_decided_while_they_speak_waits_for_what_they_say() -> None:
    talk, request = asked()
    talk.receive_words(request, "Well then.", 1.0)
    talk.receive_clip_started(1, 1.1, 1.1)
    talk.receive_speech_started(2.0, 2.1)
    talk.receive_clip_ended(1, 2.2, 0.9, 2.2)
    talk.receive_reply(request, BYE, 2.3)
    assert not any(isinstance(event, Finish) for event in events_of(talk))
    talk.receive_speech_stopped(2.0, 4.0, 4.2)
    talk.receive_text("one more question please", 0.9, 2.0, 4.0, 4.3)
    talk.handle_deadline(5.4)
    assert [type(event) for event in events_of(talk)][-2:] == [StopThinking, Think]
    assert talk.end_reason is None


def test_every_streamed_sentence_is_watched_for_the_callers_background() -> None:
    brief = Brief("Ask if the car is ready.", context="The customer was very rude to us last time.")
    talk, request = asked(brief)
    talk.receive_words(request, "Good day.", 1.0)
    talk.receive_words(request, "I know you were very rude to us last time.", 1.1)
    assert not any("rude" in getattr(event, "text", "") for event in events_of(talk))


def test_words_of_a_request_that_was_given_up_are_dropped() -> None:
    talk, request = asked()
    talk.receive_speech_started(1.0, 1.1)
    assert events_of(talk) == [StopThinking()]
    talk.receive_words(request, "Too late.", 1.2)
    assert events_of(talk) == []


def test_the_end_of_the_call_stops_the_thinking() -> None:
    talk, _ = asked()
    talk.receive_hang_up("contact", 2.0)
    assert StopThinking() in events_of(talk)


# voices that break off


def test_a_voice_that_breaks_off_goes_on_at_the_exact_word() -> None:
    talk, request = asked()
    talk.receive_reply(request, Decision("The repair will cost about forty dollars in all.", "cost"), 1.0)
    say = say_of(talk)
    talk.receive_clip_started(say.utterance_id, 1.1, 1.1)
    heard = say.text.index(" about")
    talk.receive_voice_failed(say.utterance_id, 5.0, heard / len(say.text), 5.0)
    assert say_of(talk).text == "about forty dollars in all."


def test_a_disclosure_the_voice_broke_off_in_is_said_again_whole() -> None:
    talk, request = asked()
    talk.receive_reply(request, Decision("Good day."), 1.0)
    talk.receive_clip_started(1, 1.1, 1.1)
    talk.receive_voice_failed(1, 2.0, 0.3, 2.0)
    assert [event.text for event in events_of(talk) if isinstance(event, Say)][
        -1
    ] == f"{DISCLOSURE} Good day."


def test_three_voices_in_a_row_of_which_nothing_was_heard_end_the_call() -> None:
    talk, request = asked()
    talk.receive_reply(request, Decision("Good day."), 1.0)
    for number in (1, 2, 3):
        assert talk.end_reason is None
        talk.receive_voice_failed(number, 1.0 + number, 0.0, 1.0 + number)
    assert talk.end_reason == "voice_failed"


def test_a_voice_that_breaks_off_while_they_speak_waits_for_them() -> None:
    talk, request = asked()
    talk.receive_reply(request, Decision("Good day to you all."), 1.0)
    talk.receive_clip_started(1, 1.1, 1.1)
    events_of(talk)
    talk.receive_speech_started(3.0, 3.1)
    talk.receive_voice_failed(1, 3.2, 0.5, 3.2)
    assert not any(isinstance(event, Say) for event in events_of(talk))


@pytest.mark.parametrize("word", range(1, 12))
def test_the_cut_word_is_found_where_words_are_uneven(word: int) -> None:
    """Speech takes its time by characters: "a" is not as long as "internationalisation"."""
    text = "A internationalisation is a b c responsibility of extraordinarily I a o uncharacteristically long"
    words = text.split()
    share = len(" ".join(words[:word])) / len(text)
    assert Utterance(1, text, Words(text)).words_played(share) == word
    assert abs(Utterance(1, text, Words(text)).words_played(share - 0.02) - word) <= 1


@pytest.mark.parametrize(("language", "sound"), [("de", "Ja."), ("fr", "Oui, d'accord."), ("es", "Ajá.")])
def test_a_listeners_sound_takes_the_word_away_in_no_language(language: str, sound: str) -> None:
    brief = replace(README, language=language)
    line = call(
        brief,
        "Ja?",
        interruptions=[Interruption(1, 6.0, sound, heard_as=sound)],
        mind=lambda s: (
            Decision("Eins zwei drei vier. Fünf sechs sieben.") if s.occasion == "opening" else BYE
        ),
    )
    assert [s.occasion for s in line.situations] == ["opening", "silence"]
    assert line.words_of("agent").endswith("Eins zwei drei vier. Fünf sechs sieben.")


def test_a_sound_before_ours_began_keeps_the_words_for_later() -> None:
    talk, request = asked()
    talk.receive_words(request, "Good day.", 1.0)
    talk.receive_words(request, "All well?", 1.0)
    events_of(talk)
    talk.receive_speech_started(1.05, 1.15)
    assert events_of(talk) == [StopSpeaking()]
    talk.receive_clip_ended(1, 1.2, 0.0, 1.2)
    talk.receive_speech_stopped(1.05, 1.2, 1.4)
    talk.receive_text("", 0.0, 1.05, 1.2, 1.5)
    talk.handle_deadline(2.5)
    assert [event.text for event in events_of(talk) if isinstance(event, Say)] == [f"{DISCLOSURE} Good day."]


def restless(dice: random.Random) -> ScriptedMind:
    """A scripted mind that streams anything at any speed."""

    def reply(situation: Situation) -> Decision | Streamed:
        if dice.random() < 0.3:
            return decide(situation)
        then: Literal["listen", "hang_up"] = "hang_up" if dice.random() < 0.3 else "listen"
        sentences = ("Good.", "It is about your visit.", "Does that work?")
        parts = tuple((dice.uniform(0, 4), dice.choice(sentences)) for _ in range(dice.randint(0, 4)))
        return Streamed(parts, Decision(dice.choice(["", "Right."]), then=then), dice.uniform(0, 5))

    return reply


@pytest.mark.parametrize("seed", range(60))
def test_any_mixture_of_streams_interruptions_and_delays_keeps_the_transcript_in_order(seed: int) -> None:
    """The scripted line itself asserts that never two utterances are under way."""
    dice = random.Random(seed)
    said = ("uh huh", "yes", "wait who is this", "no", "call me after five", "sorry what", "hold on", "")
    brief = replace(
        README, must_say=("Calls may be recorded.",), must_ask=("Any questions?",), max_duration_s=120
    )
    cuts = [
        Interruption(n, dice.uniform(0.1, 6), dice.choice(said[:-1]))
        for n in range(1, 12)
        if dice.random() < 0.4
    ]
    pace = Pace(lambda: dice.uniform(0, 3), lambda: dice.uniform(0, 2), lambda: dice.uniform(0, 3))
    script = [Line(dice.choice(said)) for _ in range(12)]
    line = ScriptedLine(brief, script, cuts, mind=restless(dice), pace=pace).run()
    starts = [turn.start_ms for turn in line.turns]
    assert starts == sorted(starts)
    assert [turn.index for turn in line.turns] == list(range(len(line.turns)))
    assert line.conversation.end_reason in END_REASONS
    assert line.ended_at is not None
    assert line.ended_at <= 120.1
