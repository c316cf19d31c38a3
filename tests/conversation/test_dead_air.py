"""Silences in which the agent owes words, against engines that are slow, stuck or broken, in virtual time.

Measured from outside: by the sounds that went over the scripted line, not by what the conversation says.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from byourside_server.conversation.conversation import Conversation
from byourside_server.conversation.dead_air import DeadAir
from byourside_server.conversation.disclosure import disclosure
from byourside_server.conversation.embedded_mind import decide
from byourside_server.conversation.events import Prepare, Say
from byourside_server.conversation.mind import Decision
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.timers import Timers
from tests.conversation.scripted_line import (
    README,
    Interruption,
    Line,
    Pace,
    ScriptedLine,
    Streamed,
    call,
)

ENGLISH = phrases_for("en")
FILLERS = (*ENGLISH.fillers, ENGLISH.still_here)
LONGEST_UNFILLED_S = 2.0
SEEDS = 100


def one_slow(delays: list[float | None], usually_s: float) -> Callable[[], float | None]:
    """An engine that takes so long each time it is asked, then its usual time."""
    left = list(delays)
    return lambda: left.pop(0) if left else usually_s


def up_to(longest_s: float, seed: int) -> Callable[[], float | None]:
    """An engine that takes any time up to this."""
    dice = random.Random(seed)
    return lambda: dice.uniform(0.0, longest_s)


def waits_of(line: ScriptedLine) -> list[tuple[float, float]]:
    """From the end of each stretch of the contact's voice to the next sound of ours, or of theirs."""
    beginnings = sorted([start for start, _, _ in line.sounds] + [start for start, _ in line.voices])
    waits = []
    for _, end in line.voices:
        if any(start < end < until for start, until, _ in line.sounds):
            continue
        following = next((each for each in beginnings if each >= end), line.ended_at or end)
        waits.append((end, following))
    return waits


def longest_wait_s(line: ScriptedLine) -> float:
    return max((until - since for since, until in waits_of(line)), default=0.0)


def slow_at_first(delay_s: float) -> Callable[[], float | None]:
    return one_slow([0.0, delay_s], 0.0)


def test_an_instant_mind_needs_no_filler() -> None:
    line = call(README, "Hello?", "Yes.", "No.")
    assert not any(filler in line.said for filler in FILLERS)
    assert line.conversation.dead_air == ()


def test_fillers_are_prepared_before_anything_is_said() -> None:
    talk = Conversation(README)
    talk.receive_answered(0.0)
    prepared = []
    while isinstance(event := talk.next_event(), Prepare):
        prepared.append(event.text)
    assert set(FILLERS) <= set(prepared)
    assert ENGLISH.technical_problem in prepared


def test_a_slow_mind_is_filled_over_within_two_seconds() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(mind=slow_at_first(3.0)))
    assert ENGLISH.fillers[0] in line.said
    assert longest_wait_s(line) <= 1.7
    assert line.report.extracted["confirmed"] is True
    assert line.conversation.end_reason == "completed"


def test_a_reply_that_comes_during_a_filler_is_said_right_after_it() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(mind=slow_at_first(2.0)))
    at = next(n for n, sound in enumerate(line.sounds) if sound[2] == ENGLISH.fillers[0])
    filler, reply = line.sounds[at], line.sounds[at + 1]
    assert reply[2].startswith("Great.")
    assert 0.0 <= reply[0] - filler[1] <= 0.1


def test_fillers_stand_in_the_transcript_behind_the_words_they_follow() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(ears=one_slow([0.15, 3.5], 0.15)))
    texts = [turn.text for turn in line.turns]
    at = texts.index("yes")
    assert texts[at + 1] == ENGLISH.fillers[0]
    assert [turn.index for turn in line.turns] == list(range(len(line.turns)))
    assert line.turns[at].end_ms < line.turns[at + 1].start_ms


def test_a_mind_is_not_shown_what_only_filled_a_silence() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(ears=one_slow([0.15, 3.5], 0.15)))
    shown = [turn.text for situation in line.situations for turn in situation.turns]
    assert not any(filler in text for filler in FILLERS for text in shown)
    assert line.situations[1].turns[-1].text == "yes"


def test_a_filler_is_no_reply_and_starts_no_silence() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(mind=slow_at_first(14.0)))
    assert not any("still there" in text for text in line.said)
    assert len(line.conversation.latencies_ms) == 3
    assert max(line.conversation.latencies_ms) > 14000
    assert line.conversation.end_reason == "completed"


@pytest.mark.parametrize(
    "pace",
    # Six sentences are prepared while it rings; the opening is the seventh.
    [Pace(mind=one_slow([6.0], 0.0)), Pace(voice=one_slow([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 6.0], 0.1))],
    ids=["the mind is slow", "the voice is slow"],
)
def test_a_disclosure_said_into_a_silence_is_the_beginning_of_the_answer(pace: Pace) -> None:
    """It is what whoever says hello must hear first, no pretext: the answer counts from its first sound."""
    line = call(README, "Hello?", "Yes.", "No.", pace=pace)
    opening = next(sound for sound in line.sounds if sound[2] == disclosure(README))
    greeting = max(end for _, end in line.voices if end < opening[0])
    assert line.conversation.latencies_ms[0] == round((opening[0] - greeting) * 1000) < 2000
    assert len(line.conversation.latencies_ms) == 3


def test_a_long_wait_is_filled_again_before_two_seconds_of_silence_each_time_with_something_else() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(mind=slow_at_first(13.0)))
    first, again = ENGLISH.fillers[0], ENGLISH.still_here
    fillers = [sound for sound in line.sounds if sound[2] in FILLERS]
    said = [text for _, _, text in fillers]
    assert said[:4] == [first, again, ENGLISH.fillers[1], again]
    pauses = [later[0] - earlier[1] for earlier, later in pairwise(fillers)]
    assert max(pauses) <= 1.7
    assert line.conversation.dead_air == ()


def test_the_next_wait_has_another_filler() -> None:
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(mind=one_slow([0.0, 3.0, 3.0], 0.0)))
    assert [text for text in line.said if text in FILLERS] == list(ENGLISH.fillers[:2])


def test_a_mind_that_never_answers_ends_with_an_honest_goodbye() -> None:
    line = call(README, "Hello?", "Yes.", pace=Pace(mind=one_slow([0.0, None], 0.0)))
    assert line.said[-1] == ENGLISH.technical_problem
    assert (line.conversation.ended_by, line.conversation.end_reason) == ("agent", "mind_failed")
    assert line.stopped_thinking == 1
    since, until = waits_of(line)[-1]
    assert line.sounds[-1][0] - since == pytest.approx(15.0, abs=0.2)
    assert until - since <= 1.7


def test_a_mind_that_never_answers_at_all_is_introduced_all_the_same() -> None:
    line = call(README, "Hello?", pace=Pace(mind=lambda: None))
    assert line.said[0] == "Hello, this is an automated AI assistant calling on behalf of Acme Dental."
    assert line.said[-1] == ENGLISH.technical_problem


def test_a_voice_that_is_slow_is_filled_over_with_what_was_prepared() -> None:
    known = {*FILLERS, ENGLISH.technical_problem}
    slow = one_slow([0.0] * 7, 4.0)
    line = call(README, "Hello?", "Yes.", "No.", pace=Pace(voice=slow))
    assert known & set(line.said)
    assert longest_wait_s(line) <= 1.8
    assert line.report.extracted["confirmed"] is True
    assert {cause for _, _, cause in line.conversation.dead_air} <= {"voice"}


def test_a_voice_that_never_comes_ends_the_call() -> None:
    line = call(README, "Hello?", "Yes.", pace=Pace(voice=one_slow([0.0] * 7, 1000.0)))
    assert line.conversation.end_reason == "voice_failed"
    assert line.ended_at is not None
    assert line.ended_at < 40


def test_a_contact_who_goes_on_stops_the_filler() -> None:
    line = ScriptedLine(README, [Line("Hello?"), Line("Yes.")], pace=Pace(mind=one_slow([0.0, 8.0], 0.0)))
    line.speak_at(14.0, "I can be there at two.")
    line.run()
    cut = next(sound for sound in line.sounds if sound[2] in FILLERS)
    assert cut[1] == pytest.approx(14.1)
    assert cut[1] - cut[0] < len(cut[2]) * 0.06
    assert line.stopped_thinking == 1
    assert line.situations[2].text == "i can be there at two"


def test_a_filler_over_which_they_speak_is_cut_and_not_said_on() -> None:
    cuts = [Interruption(2, 0.3, "Take your time with it.")]
    line = call(
        README, "Hello?", "Yes.", "No.", interruptions=cuts, pace=Pace(mind=one_slow([0.0, 6.0], 0.0))
    )
    filler = next(sound for sound in line.sounds if sound[2] == ENGLISH.fillers[0])
    assert filler[1] - filler[0] < len(ENGLISH.fillers[0]) * 0.06
    assert not any(text.endswith("please.") and text not in FILLERS for text in line.said)


def test_holding_the_line_is_their_silence_and_not_ours() -> None:
    line = call(README, "Hello?", "Hold on.", Line("Yes, that works for me.", after_s=15.0), "No.")
    assert line.conversation.dead_air == ()
    assert not any(filler in line.said for filler in FILLERS)


def test_a_pause_in_the_middle_of_a_streamed_reply_is_filled() -> None:
    reply = Streamed(((0.2, "Let me see."), (12.0, "Your visit is at two.")), Decision("", "x"))
    line = call(README, "Hello?", mind=lambda s: reply)
    first, second = line.sounds[0], line.sounds[1]
    assert second[2] in FILLERS
    assert second[0] - first[1] == pytest.approx(1.55, abs=0.1)


def test_each_long_silence_is_known_with_its_cause() -> None:
    timers = Timers()
    air = DeadAir(timers)
    air.observe("recognition", 10.0, 10.2)
    air.observe("mind", 10.5, 10.5)
    air.observe_filler(11.5)
    air.observe_sound_end(12.5)
    air.observe("mind", 12.5, 12.5)
    air.observe(None, 16.0, 16.0)
    assert air.stretches == [(12.5, 16.0, "mind")]
    assert timers.next_at is None


@pytest.mark.parametrize("slow", ["mind", "voice", "ears"])
def test_no_wait_goes_unfilled_whatever_is_slow(slow: str) -> None:
    """A hundred calls, each request taking 0 to 20 s: from their last sound to the next of any kind."""
    unfilled = []
    for seed in range(SEEDS):
        dice = random.Random(seed)
        fast_first = one_slow([0.05] * 7 if slow == "voice" else [], 0.0)

        def delay(dice: random.Random = dice, fast: Callable[[], float | None] = fast_first) -> float:
            return fast() or dice.uniform(0.0, 20.0)

        pace = Pace(**{slow: delay})
        line = call(README, "Hello?", "Yes, that works for me.", "No thank you.", pace=pace, mind=decide)
        assert line.conversation.end_reason is not None
        unfilled += [wait for wait in waits_of(line) if wait[1] - wait[0] > LONGEST_UNFILLED_S]
    assert unfilled == []


def test_a_say_is_never_given_while_another_is_under_way() -> None:
    """The scripted line asserts it: here with everything slow at once."""
    for seed in range(20):
        pace = Pace(mind=up_to(6.0, seed), voice=up_to(3.0, seed + 1), ears=up_to(4.0, seed + 2))
        line = call(README, "Hello?", "Yes.", "Sorry, what?", "No.", pace=pace)
        assert line.conversation.end_reason is not None
        assert all(a[1] <= b[0] for a, b in pairwise(line.sounds))


def test_the_filler_is_in_the_language_of_the_call() -> None:
    german = README.__class__(README.objective, language="de-DE")
    line = call(
        german, "Hallo?", mind=lambda s: Decision("Gut.", then="hang_up"), pace=Pace(mind=lambda: 3.0)
    )
    assert line.said[0] == "Guten Tag, hier spricht ein automatischer KI-Assistent."
    talk = Conversation(german)
    talk.receive_answered(0.0)
    assert Prepare("Einen Moment, bitte.") in [talk.next_event() for _ in range(6)]
    assert not isinstance(talk.next_event(), Say)
