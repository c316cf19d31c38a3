"""The bench of turns judges what was said and heard rightly: moments are made up, so the truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.turns.judged import Said, after_interjection, answer_s, cut_off_s, percentiles, stop_s
from bench.turns.phone import Log
from bench.turns.scores import of_dictation, of_turns, repeated_beginnings, stages

TURN = Said("turn", "t01", 10.0, 12.0)
LATER = 20.0
LONG_S = 5.0


def test_an_answer_is_timed_from_the_last_voiced_sample_to_the_agents_first() -> None:
    assert answer_s(TURN, [(5.0, 9.0), (12.75, 14.0), (15.0, 16.0)], LATER) == pytest.approx(0.75)


def test_an_answer_that_began_before_the_end_is_none_in_order() -> None:
    assert answer_s(TURN, [(11.5, 13.0), (14.0, 15.0)], LATER) is None


def test_an_agent_that_was_heard_and_gone_within_the_turn_may_still_answer_it() -> None:
    assert answer_s(TURN, [(10.5, 10.8), (12.5, 13.0)], LATER) == pytest.approx(0.5)


def test_what_begins_after_something_else_was_said_answers_that() -> None:
    assert answer_s(TURN, [(20.5, 21.0)], LATER) is None


def test_cut_off_is_who_is_spoken_into_between_first_and_last_voice() -> None:
    assert cut_off_s(TURN, [(11.25, 11.4), (12.6, 13.0)]) == pytest.approx(0.75)
    assert cut_off_s(TURN, [(9.0, 9.9), (12.01, 13.0)]) is None
    assert cut_off_s(TURN, [(9.0, 10.5), (12.3, 13.0)]) is None


OVER = Said("barge", "b01", 101.0, 103.0, LONG_S)


def test_stopping_is_timed_from_the_onset_to_the_agents_last_voiced_sample() -> None:
    assert stop_s(OVER, [(100.0, 101.2), (103.8, 104.5)]) == pytest.approx(0.2)


def test_a_short_hole_in_the_agents_speech_is_no_stop() -> None:
    assert stop_s(OVER, [(100.0, 101.2), (101.35, 102.0), (103.8, 104.5)]) == pytest.approx(1.0)


def test_who_stops_at_once_and_goes_on_into_the_interruption_did_not_stop_so_soon() -> None:
    assert stop_s(OVER, [(100.0, 101.1), (101.9, 102.4), (103.8, 104.5)]) == pytest.approx(1.4)


def test_an_agent_that_said_all_it_had_to_say_did_not_stop() -> None:
    assert stop_s(OVER, [(100.0, 105.0)]) is None


def test_who_is_silent_cannot_be_interrupted() -> None:
    assert stop_s(OVER, [(99.0, 100.5), (104.0, 105.0)]) is None


def test_a_reply_with_a_hole_between_its_sentences_began_before_the_hole() -> None:
    """It says 3.9 of its 5 s, with 0.2 s of silence in between."""
    sounds = [(98.6, 100.0), (100.2, 102.7), (104.0, 105.0)]
    over = replace(OVER, reply_begin=98.6)
    assert stop_s(over, sounds) == pytest.approx(1.7)
    assert stop_s(replace(over, reply_s=3.9), sounds) is None, "it said all it had to say"
    yeah = replace(YEAH, reply_begin=98.6)
    assert after_interjection(yeah, [(98.6, 99.4), (100.2, 101.4), (102.0, 105.0)], 110.0) == "paused"
    assert after_interjection(yeah, [(98.6, 99.4), (100.2, 101.4), (102.0, 104.3)], 110.0) == "stopped"


def test_who_is_interrupted_in_a_short_hole_between_two_sentences_has_to_stop_as_well() -> None:
    assert stop_s(OVER, [(99.5, 100.9), (101.05, 101.1), (103.5, 104.0)]) == pytest.approx(0.1)
    assert stop_s(OVER, [(99.5, 100.9), (101.25, 102.0)]) is None, "that silence was no hole"


YEAH = Said("backchannel", "k03", 101.2, 101.5, LONG_S)


@pytest.mark.parametrize(
    ("sounds", "became"),
    [
        ([(100.0, 105.0)], "unmoved"),
        ([(100.0, 101.5), (101.6, 105.1)], "unmoved"),
        ([(100.0, 101.3), (102.0, 105.7)], "paused"),
        ([(100.0, 101.3), (102.5, 103.4)], "stopped"),
        ([(100.0, 101.3)], "stopped"),
        ([(100.0, 105.0), (106.0, 107.0)], "unmoved"),
        ([(99.0, 101.0)], None),
    ],
)
def test_an_interjection_leaves_the_agent_unmoved_or_makes_it_pause_or_stop(
    sounds: list[tuple[float, float]], became: str | None
) -> None:
    assert after_interjection(YEAH, sounds, 110.0) == became


def test_what_comes_after_the_next_word_of_the_caller_is_not_counted_as_going_on() -> None:
    assert after_interjection(YEAH, [(100.0, 101.3), (104.0, 108.0)], 103.9) == "stopped"


def test_percentiles_lie_between_their_neighbours_and_nothing_has_none() -> None:
    assert percentiles([0.1, 0.2, 0.3, 0.4, 0.5]) == {"p50": 0.3, "p95": 0.48, "p99": 0.496}
    assert percentiles([]) is None


def test_a_log_becomes_counts_that_add_up() -> None:
    log = Log(
        said=[TURN, Said("tell", "l01", 20.0, 21.0), Said("barge", "b01", 23.0, 24.0, LONG_S)],
        sounds=[(12.5, 14.0), (21.9, 23.15), (24.6, 25.0)],
    )
    found = of_turns([log])
    assert (found["turns"], found["not_answered_in_order"]) == (2, 0)
    assert found["samples"]["answer_s"] == [["t01", 0.5], ["l01", 0.9]]
    assert (found["interruptions"], found["not_stopped"]) == (1, 0)
    assert found["stop_s"]["p50"] == pytest.approx(0.15)


def test_patience_is_told_beside_those_it_keeps_waiting() -> None:
    log = Log(
        said=[
            Said("paused", "d01", 0.0, 4.0),
            Said("paused", "d02", 10.0, 14.0),
            Said("complete", "c01", 20.0, 21.0),
        ],
        sounds=[(2.0, 3.0), (16.0, 17.0), (21.5, 22.0)],
    )
    found = of_dictation([log])
    assert found["paused"]["cut_off"] == 1
    assert found["paused"]["cut_off_share"] == 0.5
    assert found["paused"]["answer_s"]["p50"] == 2.0
    assert found["complete"] == {
        "cases": 1,
        "cut_off": 0,
        "cut_off_share": 0.0,
        "answer_s": {"p50": 0.5, "p95": 0.5, "p99": 0.5},
    }
    assert found["cut_off_by_question"] == {"phone": [1, 2]}


def test_our_ledgers_give_the_median_moment_of_each_stage() -> None:
    turns = [{"at": {"quietMs": 200, "wordsMs": None}}, {"at": {"quietMs": 240, "wordsMs": 360}}]
    assert stages([{"latency": {"turns": turns}}, {"latency": None}]) == {"quiet": 220, "words": 360}


def test_held_out_cases_are_scored_as_the_first_corpus_is() -> None:
    log = Log(
        said=[Said("paused", "y41", 0.0, 4.0), Said("complete", "z17", 10.0, 11.0)], sounds=[(1.0, 2.0)]
    )
    found = of_dictation([log])
    assert found["cut_off_by_question"] == {"card": [1, 1]}
    assert found["complete"]["answer_s"] is None


def test_turns_of_ours_that_begin_as_an_earlier_one_of_the_same_call_are_counted() -> None:
    """The first sentence is what a kept sound would spare the voice; other calls have other shelves."""

    def record(*said: str) -> dict[str, object]:
        return {"turns": [{"role": "agent", "text": text} for text in said]}

    once = record("That is point 1. What else?", "That is point 2. What else?", "Sorry?")
    twice = record("I see. What else?", "That is point 3.", "i see. Go on.")
    twice["turns"] += [{"role": "contact", "text": "I see."}]  # type: ignore[operator]
    assert repeated_beginnings([once, record("That is point 1. What else?")]) == 0
    assert repeated_beginnings([once, twice]) == 1
