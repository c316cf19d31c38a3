"""The stub ear that all contenders share: interim words, its own finals, and Finalize, each in its time."""

from __future__ import annotations

import numpy as np
import pytest

from bench.turns.ear import Ear, Result
from bench.turns.sayings import Saying, Sayings, Word
from bench.turns.talk import LONG, LONG_S, OPENING, QUESTIONS, SHORT, StubMind, length_s, matter_of
from bench.turns.voicing import FRAME, QUIET, companded
from byourside_server.conversation.draft import SHORTEST_REPEAT
from byourside_server.conversation.sentences import sentences_of

DELAY_S = 0.15
WORD = 4000


def noise(seed: int, samples: int) -> bytes:
    return companded((np.random.default_rng(seed).standard_normal(samples) * 3000).astype(np.int32))


def saying(saying_id: str, text: str, begin: int) -> Saying:
    words = tuple(Word(word, (number + 1) * WORD) for number, word in enumerate(text.split()))
    return Saying(saying_id, text, begin, len(words) * WORD, 0, len(words) * WORD - 1, words)


HELLO, NUMBER = saying("a", "hello there", 0), saying("b", "four one five", 2 * WORD)
SAYINGS = Sayings([HELLO, NUMBER], noise(1, 5 * WORD))


def heard(ear: Ear, sound: bytes, at: float = 0.0, step: int = FRAME) -> list[Result]:
    """Everything the ear tells while this sound comes in, in real time."""
    told = []
    for place in range(0, len(sound), step):
        at += step / 8000
        ear.hear(sound[place : place + step], at)
        told += ear.take(at)
    return told


def test_words_are_interim_while_they_are_spoken_and_late_by_the_delay() -> None:
    told = heard(Ear(SAYINGS, DELAY_S), SAYINGS.sound_of("b"))
    assert [result.text for result in told] == ["four", "four one"]
    assert not any(result.is_final for result in told)
    assert told[0].due == pytest.approx(0.5 + DELAY_S, abs=0.11)


def test_a_voice_that_ends_makes_its_words_final_the_delay_after_its_end() -> None:
    told = heard(Ear(SAYINGS, DELAY_S), SAYINGS.sound_of("b") + QUIET * 4000)
    [final] = [result for result in told if result.is_final]
    assert (final.text, final.is_asked) == ("four one five", False)
    assert final.due == pytest.approx(1.5 + DELAY_S)


def test_who_asks_gets_what_is_not_final_yet_after_the_delay() -> None:
    ear = Ear(SAYINGS, DELAY_S)
    heard(ear, SAYINGS.sound_of("a"))
    ear.ask(1.02)
    [*_, asked] = ear.take(2.0)
    assert (asked.text, asked.is_final, asked.is_asked) == ("hello there", True, True)
    assert asked.due == pytest.approx(1.17)


def test_asking_after_the_words_were_final_brings_an_empty_answer() -> None:
    ear = Ear(SAYINGS, DELAY_S)
    heard(ear, SAYINGS.sound_of("a") + QUIET * 3200)
    ear.ask(1.5)
    assert [(result.text, result.is_asked) for result in ear.take(2.0)] == [("", True)]


def test_the_words_after_a_pause_are_told_alone() -> None:
    sound = SAYINGS.sound_of("b")
    paused = sound[: 2 * WORD] + QUIET * 4000 + sound[2 * WORD :] + QUIET * 4000
    finals = [result.text for result in heard(Ear(SAYINGS, DELAY_S), paused) if result.is_final]
    assert finals == ["four one", "five"]


def test_pieces_that_are_cut_anywhere_are_recognised_all_the_same() -> None:
    ear = Ear(SAYINGS, DELAY_S)
    sound = QUIET * 333 + SAYINGS.sound_of("b") + QUIET * 3000 + SAYINGS.sound_of("a") + QUIET * 3000
    finals = [result.text for result in heard(ear, sound, step=801) if result.is_final]
    assert finals == ["four one five", "hello there"]


def test_a_stranger_is_not_understood() -> None:
    assert heard(Ear(SAYINGS, DELAY_S), noise(9, 8000) + QUIET * 4000) == []


def test_the_mind_asks_by_the_cue_and_speaks_long_where_it_is_told_to_tell() -> None:
    assert matter_of("now the phone question", 1) == QUESTIONS["phone"]
    assert matter_of("Tell me what happens next.", 7) == LONG.format(7)
    assert matter_of("Hello?", 1) == OPENING
    assert matter_of("four one five", 1) == SHORT


def test_the_mind_never_says_the_same_twice_so_that_kept_sound_helps_nobody() -> None:
    mind = StubMind()
    first, second = mind.reply_to("yes"), mind.reply_to("yes")
    assert first != second
    assert first.endswith(SHORT)


def test_no_sentence_that_our_agent_would_refuse_to_repeat_is_said_twice() -> None:
    """It asks its model anew for such a one, and the bench would take the shorter reply for a broken one."""
    mind = StubMind()
    replies = [mind.reply_to("tell me what happens next") for _ in range(12)]
    sentences = [sentence for reply in replies for sentence in sentences_of(reply)]
    said = [sentence for sentence in sentences if len(sentence) >= SHORTEST_REPEAT]
    assert len(said) >= 12
    assert len(set(said)) == len(said)
    assert {length_s(reply) for reply in replies} == {LONG_S}, "all of them take as long"
