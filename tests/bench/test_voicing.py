"""First and last voiced samples, what is played when, and the corpus's pauses: to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from bench.turns.corpus import HELDOUT, cases, joined, lines
from bench.turns.played import Played
from bench.turns.talk import QUESTIONS
from bench.turns.voicing import FRAME, QUIET, companded, first_voiced, last_voiced, linear, plain


def tone(samples: int, level: int = 4000) -> bytes:
    return companded(np.where(np.arange(samples) % 2, level, -level).astype(np.int32))


def test_the_first_and_last_voiced_samples_are_found_to_the_sample() -> None:
    sound = QUIET * 250 + tone(1000) + QUIET * 350
    assert (first_voiced(sound), last_voiced(sound)) == (250, 1249)


def test_quiet_noise_is_no_voice() -> None:
    assert first_voiced(tone(800, 100)) is None
    assert last_voiced(QUIET * 800) is None


def test_all_256_bytes_survive_the_way_through_samples_but_the_second_zero() -> None:
    every = bytes(range(256))
    assert companded(linear(every)) == plain(every)


def test_sound_is_heard_from_when_it_came() -> None:
    played = Played()
    played.take(QUIET * 40 + tone(120), 5.0)
    assert np.allclose(played.sounds, [(5.005, 5.02)])


def test_sound_that_comes_faster_than_speech_waits_and_is_thrown_away_by_clear() -> None:
    played = Played()
    played.take(tone(FRAME * 50), 1.0)
    played.take(tone(FRAME * 50), 1.1)
    assert played.until == pytest.approx(3.0)
    played.clear(1.5)
    assert np.allclose(played.sounds, [(1.0, 1.5)])


def test_packets_a_little_late_make_no_hole_and_a_real_pause_does() -> None:
    played = Played()
    for at in (1.0, 1.02, 1.055, 1.06, 1.3):
        played.take(tone(FRAME), at)
    assert [round(begin, 3) for begin, _ in played.sounds] == [1.0, 1.3]


def test_parts_have_exactly_the_pauses_of_the_recipe_between_their_voices() -> None:
    parts = [
        ("one two", QUIET * 33 + tone(1600) + QUIET * 287),
        ("three", QUIET * 7 + tone(880) + QUIET * 73),
    ]
    sound, words = joined(parts, [0.5])
    voice = np.flatnonzero(np.abs(linear(sound)) > 300)
    assert max(np.diff(voice)) - 1 == 4000
    assert [word.text for word in words] == ["one", "two", "three"]
    assert words[1].end == FRAME + 1600
    assert words[2].end == FRAME + 1600 + 4000 + 880
    assert len(sound) % FRAME == 0


def test_the_corpus_is_as_large_as_it_says_and_every_question_is_known() -> None:
    paused = [case for case in cases() if case.kind == "paused"]
    complete = [case for case in cases() if case.kind == "complete"]
    assert len(paused) >= 60
    assert len(complete) >= 20
    assert all(case.pauses_s for case in paused)
    assert not any(case.pauses_s for case in complete)
    assert all(0.3 <= pause <= 1.6 for case in paused for pause in case.pauses_s)
    assert {case.question for case in [*cases(), *cases(HELDOUT)]} == set(QUESTIONS)
    cues = {line.text for line in lines() if line.kind == "cue"}
    assert cues == {f"now the {question} question" for question in QUESTIONS}
    ids = [line.id for line in lines()] + [case.id for case in [*cases(), *cases(HELDOUT)]]
    assert len(ids) == len(set(ids))


def test_the_held_out_corpus_is_as_large_as_it_says_and_repeats_nothing_of_the_first() -> None:
    paused = [case for case in cases(HELDOUT) if case.kind == "paused"]
    complete = [case for case in cases(HELDOUT) if case.kind == "complete"]
    assert (len(paused), len(complete)) == (44, 20)
    assert all(case.pauses_s for case in paused)
    assert not any(case.pauses_s for case in complete)
    assert all(0.3 <= pause <= 1.6 for case in paused for pause in case.pauses_s)
    said = {" ".join(case.texts) for case in cases()}
    assert not [case.id for case in [*paused, *complete] if " ".join(case.texts) in said]
