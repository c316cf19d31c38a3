"""The book of response times: which moment belongs to which answer, also where stages overlap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.transcript import Turn
from byourside_server.conversation import events as talk
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.mind import Decision, Occasion, Situation
from byourside_server.lines.inbound import Replied, Spoke, Transcribed, VoicePiece
from byourside_server.lines.ledger import Ledger
from byourside_server.media import messages as sound
from byourside_server.providers.base import Recognition
from tests.lines.rehearsal import Aloud, Ears, Voice, play, rehearsal, until

BRIEF = Brief("Confirm.", today=None, on_behalf_of="Dr. Lee")  # type: ignore[arg-type]
ASK = Decision("Does that work?", asks="confirmed")
BYE = Decision("Goodbye.", then="hang_up")


def think(request_id: int, occasion: Occasion = "heard") -> talk.Think:
    return talk.Think(request_id, Situation(BRIEF, (), occasion))


def heard(ledger: Ledger, start: float, end: float, *, words_at: float, number: int = 1) -> None:
    """They spoke from `start` to `end`; quiet is noticed 0.2 s later."""
    ledger.receive(sound.SpeechStarted("c", round(start * 1000), early=False), start + 0.1)
    ledger.receive(
        sound.SpeechStopped("c", round(start * 1000), round(end * 1000), 0, b"", early=False), end + 0.2
    )
    ledger.receive(Transcribed(number, Recognition("yes", 0.9)), words_at)


def decided(ledger: Ledger, start: float, end: float, now: float) -> None:
    turn = Turn(0, "contact", "yes", round(start * 1000), round(end * 1000))
    ledger.carry_out(talk.TurnEnded(turn), now)


def spoken(ledger: Ledger, number: int, at: float) -> None:
    ledger.receive(sound.ClipStarted("c", number, round(at * 1000), early=False), at)


def only_turn(ledger: Ledger) -> TurnLatency:
    (turn,) = ledger.facts((), ()).turns
    return turn


def test_each_stage_is_a_moment_after_the_last_voiced_one_and_a_duration_of_its_own() -> None:
    ledger = Ledger()
    heard(ledger, 3.0, 4.0, words_at=4.35)
    decided(ledger, 3.0, 4.0, 4.5)
    ledger.carry_out(think(7), 4.5)
    ledger.receive(Spoke(7, "Fine."), 4.8)
    ledger.carry_out(talk.Say(2, "Fine.", True, 4.0), 4.8)
    ledger.receive(VoicePiece(2, b"\xff", last=False), 4.9)
    ledger.receive(VoicePiece(2, b"\xff", last=True), 5.0)
    spoken(ledger, 2, 4.92)
    turn = only_turn(ledger)
    assert turn == TurnLatency(920, None, 200, 350, 500, 500, 800, 800, 800, 900)
    assert (turn.endpoint_took_ms, turn.stt_took_ms, turn.first_token_took_ms) == (500, 150, 300)
    assert (turn.first_audio_took_ms, turn.first_packet_took_ms, turn.total_ms) == (100, 20, 920)


def test_what_was_begun_ahead_of_the_decision_belongs_to_the_answer_it_ends_up_in() -> None:
    ledger = Ledger()
    heard(ledger, 3.0, 4.0, words_at=4.25)
    ledger.carry_out(think(1), 4.26)
    ledger.receive(Replied(1, ASK), 4.3)
    ledger.carry_out(talk.Prepare("Fine."), 4.3)
    decided(ledger, 3.0, 4.0, 4.6)
    ledger.carry_out(talk.Say(1, "Fine.", True, 4.0), 4.6)
    ledger.receive(VoicePiece(1, b"\xff", last=True), 4.6)
    spoken(ledger, 1, 4.62)
    turn = only_turn(ledger)
    assert (turn.mind_asked_ms, turn.first_token_ms, turn.voice_asked_ms) == (260, 300, 300)
    assert (turn.decided_ms, turn.said_ms, turn.first_audio_took_ms) == (600, 600, 0)


def test_what_was_begun_ahead_and_taken_back_belongs_to_no_answer() -> None:
    ledger = Ledger()
    heard(ledger, 3.0, 4.0, words_at=4.25)
    ledger.carry_out(think(1), 4.26)
    ledger.receive(Spoke(1, "Well"), 4.3)
    ledger.carry_out(talk.StopThinking(), 4.4)
    heard(ledger, 4.3, 5.0, words_at=5.3, number=2)
    decided(ledger, 3.0, 5.0, 5.5)
    ledger.receive(Spoke(1, "too late"), 5.5)
    ledger.carry_out(talk.Say(1, "Goodbye.", True, 5.0), 5.5)
    spoken(ledger, 1, 5.6)
    turn = only_turn(ledger)
    assert (turn.mind_asked_ms, turn.first_token_ms) == (None, None)
    assert (turn.quiet_ms, turn.words_ms) == (200, 300)


@pytest.mark.parametrize("occasion", ["silence", "opening"])
def test_a_mind_that_was_asked_before_they_spoke_is_not_waited_for_by_their_turn(occasion: Occasion) -> None:
    ledger = Ledger()
    ledger.carry_out(think(1, occasion), 1.0)
    heard(ledger, 3.0, 4.0, words_at=4.25)
    decided(ledger, 3.0, 4.0, 4.5)
    ledger.carry_out(talk.Say(1, "Goodbye.", True, 4.0), 4.5)
    spoken(ledger, 1, 4.6)
    assert only_turn(ledger).mind_asked_ms is None


def test_the_words_of_a_turn_that_went_on_are_not_its_last() -> None:
    ledger = Ledger()
    heard(ledger, 3.0, 4.0, words_at=4.25)
    ledger.receive(sound.SpeechStarted("c", 4300, early=False), 4.4)
    decided(ledger, 3.0, 4.0, 6.0)
    ledger.carry_out(talk.Say(1, "Sorry?", True, 4.0), 6.0)
    spoken(ledger, 1, 6.1)
    turn = only_turn(ledger)
    assert (turn.words_ms, turn.stt_took_ms) == (None, None)


def test_words_kept_back_by_a_filler_count_from_when_they_are_said_again() -> None:
    ledger = Ledger()
    heard(ledger, 3.0, 4.0, words_at=4.25)
    decided(ledger, 3.0, 4.0, 4.5)
    ledger.carry_out(talk.Say(1, "Fine.", True, 4.0), 4.6)
    ledger.carry_out(talk.StopSpeaking(), 5.7)
    ledger.carry_out(talk.Say(2, "One moment.", True), 5.7)
    spoken(ledger, 1, 5.8)  # its sound was under way when it was withdrawn
    spoken(ledger, 2, 5.9)
    ledger.carry_out(talk.Say(3, "Fine.", True, 4.0), 6.5)
    ledger.receive(VoicePiece(3, b"\xff", last=True), 6.6)
    spoken(ledger, 3, 6.7)
    turn = only_turn(ledger)
    assert (turn.total_ms, turn.voice_asked_ms, turn.said_ms, turn.first_audio_ms) == (2700, 600, 2500, 2600)


def test_an_answer_finds_its_turn_on_the_record_also_behind_a_filler() -> None:
    ledger = Ledger()
    for number, at in ((1, 2.0), (2, 9.0), (3, 20.0)):
        ledger.carry_out(talk.Say(number, "Fine.", True, at - 0.5), at - 0.1)
        spoken(ledger, number, at)
    turns = (
        Turn(0, "contact", "hello", 1000, 1500),
        Turn(1, "agent", "Hello.", 2000, 3000),
        Turn(2, "contact", "yes", 7000, 8500),
        Turn(3, "agent", "One moment. Fine.", 8700, 10000),
    )
    facts = ledger.facts(turns, [(4.0, 7.25, "mind")])
    assert [turn.turn for turn in facts.turns] == [1, 3, None]
    assert facts.turns_ms == (500, 500, 500)
    assert facts.silences == (Silence(4000, 7250, "mind"),)


def paused(ledger: Ledger, start: float, still: float, *, words_at: float) -> None:
    """They speak from `start`; that they are still is told 0.1 s later, and early words come."""
    ledger.receive(sound.SpeechStarted("c", round(start * 1000), early=False), start + 0.1)
    ledger.receive(sound.SpeechPaused("c", round(still * 1000), early=False), still + 0.1)
    ledger.receive(Transcribed(1, Recognition("yes", 0.9), still), words_at)


def test_the_wait_for_words_begins_with_the_pause_in_which_they_were_asked_for() -> None:
    """Voice activity is sure of the end later, and the same words come once more then."""
    ledger = Ledger()
    paused(ledger, 3.0, 4.0, words_at=4.25)
    ledger.receive(sound.SpeechStopped("c", 3000, 4090, 0, b"", early=False), 4.3)
    ledger.receive(Transcribed(2, Recognition("yes", 0.9)), 4.45)
    ledger.carry_out(think(1), 4.5)
    decided(ledger, 3.0, 4.0, 4.5)
    ledger.carry_out(talk.Say(1, "Fine.", True, 4.0), 4.6)
    spoken(ledger, 1, 4.7)
    turn = only_turn(ledger)
    assert (turn.quiet_ms, turn.words_ms, turn.stt_took_ms) == (100, 250, 150)


def test_other_words_at_the_end_count_from_when_they_came() -> None:
    ledger = Ledger()
    paused(ledger, 3.0, 4.0, words_at=4.25)
    ledger.receive(sound.SpeechStopped("c", 3000, 4090, 0, b"", early=False), 4.3)
    ledger.receive(Transcribed(2, Recognition("yes it does", 0.9)), 4.45)
    decided(ledger, 3.0, 4.0, 4.5)
    ledger.carry_out(talk.Say(1, "Fine.", True, 4.0), 4.6)
    spoken(ledger, 1, 4.7)
    assert only_turn(ledger).words_ms == 450


def test_a_pause_that_was_none_counts_nowhere() -> None:
    ledger = Ledger()
    paused(ledger, 2.0, 3.0, words_at=3.25)
    ledger.carry_out(think(1), 3.25)
    ledger.carry_out(talk.Prepare("Fine."), 3.3)
    ledger.receive(sound.SpeechResumed("c", 3400, early=False), 3.4)
    ledger.carry_out(talk.StopThinking(), 3.4)
    ledger.carry_out(talk.Discard("Fine."), 3.4)
    ledger.receive(sound.SpeechPaused("c", 4000, early=False), 4.1)
    ledger.receive(Transcribed(2, Recognition("yes it does", 0.9), 4.0), 4.25)
    ledger.carry_out(think(2), 4.25)
    ledger.receive(Replied(2, ASK), 4.4)
    ledger.carry_out(talk.Prepare("Fine."), 4.4)
    decided(ledger, 2.0, 4.0, 4.5)
    ledger.carry_out(talk.Confirm(2), 4.5)
    ledger.carry_out(talk.Say(1, "Fine.", True, 4.0), 4.5)
    ledger.receive(VoicePiece(1, b"\xff", last=True), 4.51)
    spoken(ledger, 1, 4.52)
    turn = only_turn(ledger)
    assert (turn.quiet_ms, turn.words_ms, turn.mind_asked_ms, turn.first_token_ms) == (100, 250, 250, 400)
    assert (turn.voice_asked_ms, turn.decided_ms, turn.said_ms) == (400, 500, 500)
    assert (turn.first_audio_took_ms, turn.total_ms) == (10, 520)


# --- on a whole line ----------------------------------------------------------------------------------


def booked(tmp_path: Path, ears: Ears, voice: Voice, *decisions: Decision | Aloud) -> LatencyFacts:
    """The book of a call in which the contact speaks twice."""
    found: list[LatencyFacts] = []

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=decisions, ears=ears, voice=voice) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await running
            assert [
                turn.total_ms for turn in stage.ended.latency.turns
            ] == stage.line._conversation.latencies_ms
            found.append(stage.ended.latency)

    play(story)
    return found[0]


def test_the_line_books_what_recogniser_mind_and_voice_took(tmp_path: Path) -> None:
    ears = Ears([(0.05, "hello"), (0.31, "yes")])
    slow = Aloud(((0.4, "Thank you."),), BYE)
    first, turn = booked(tmp_path, ears, Voice(takes_s=0.23), ASK, slow).turns
    assert (first.turn, turn.turn) == (1, 3)
    assert turn.stt_took_ms == pytest.approx(310, abs=5)
    assert turn.first_token_took_ms == pytest.approx(400, abs=5)
    assert turn.first_audio_took_ms == pytest.approx(230, abs=5)
    assert turn.first_packet_took_ms in range(46)
    assert [turn.words_ms, turn.decided_ms, turn.mind_asked_ms] == sorted(
        moment for moment in (turn.words_ms, turn.decided_ms, turn.mind_asked_ms) if moment is not None
    )
