"""A contact who puts us on hold is not silent, and nothing is said into the music; in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byourside_server.conversation.events import Finish
from byourside_server.conversation.timers import Timers
from tests.conversation.scripted_line import README, Line, Pace, ScriptedLine

LONG_S = 200.0


class HeldLine(ScriptedLine):
    """A contact who holds us for a while, and says nothing to us meanwhile."""

    hold: tuple[float, float] = (0.0, 0.0)

    def _speak(self, text: str, start: float, heard_as: str | None) -> float:
        since, until = self.hold
        return super()._speak(text, until + 1.0 if since <= start < until else start, heard_as)


def held_at(at: float, for_s: float, *script: Line | str, pace: Pace | None = None) -> HeldLine:
    """Such a call, not run yet."""
    line = HeldLine(README, script, pace=pace)
    hold = line.conversation.hold
    line.hold = at, at + for_s
    line._at(at, lambda now: hold.receive(True, now))
    line._at(at + for_s, lambda now: hold.receive(False, now))
    return line


def sounds_between(line: ScriptedLine, start: float, end: float) -> list[str]:
    return [text for began, _, text in line.sounds if start < began < end]


def test_a_hold_of_minutes_does_not_end_the_call_as_silence_would() -> None:
    """The same call without the hold: four times nothing, and no_response."""
    silent = ScriptedLine(README, ["Hello?", Line()]).run()
    assert silent.conversation.end_reason == "no_response"
    held = held_at(14.0, LONG_S, "Hello?", Line()).run()
    assert held.conversation.end_reason == "no_response"
    assert held.ended_at is not None
    assert silent.ended_at is not None
    assert sounds_between(held, 14.0, 14.0 + LONG_S) == []
    assert held.ended_at >= silent.ended_at + LONG_S - 14, "all the patience there was, after the hold"


@pytest.mark.parametrize("at", [0.2, 1.0, 2.5, 4.0, 6.0, 9.0, 12.0])
def test_whenever_it_comes_nothing_is_said_on_hold_and_the_talk_goes_on_after_it(at: float) -> None:
    line = held_at(at, 60.0, "Hello?", "Yes, that works.", "No, thank you.", "Bye.").run()
    assert sounds_between(line, at, at + 60.0) == []
    assert [text for began, _, text in line.sounds if began >= at + 60.0]
    assert line.conversation.end_reason == "completed"
    assert line.report.extracted["confirmed"] is True


def test_what_the_hold_cut_off_is_said_on() -> None:
    line = held_at(4.0, 30.0, "Hello?", "Yes, that works.", "No.").run()
    cut = next(turn for turn in line.turns if turn.interrupted)
    assert cut.role == "agent"
    spoken = line.words_of("agent")
    assert spoken.count("tomorrow at 2 p.m.") == 1
    assert "still there" not in spoken, "the question has its patience anew"


def test_a_slow_mind_speaks_after_the_hold() -> None:
    pace = Pace(mind=lambda: 5.0)
    line = held_at(2.5, 40.0, "Hello?", "Yes.", "No.", pace=pace).run()
    assert sounds_between(line, 2.5, 42.5) == []
    assert line.conversation.end_reason == "completed"
    assert all(end - start < 10 for start, end, _ in line.conversation.dead_air), "no debt of silence on hold"


def test_the_longest_duration_counts_on() -> None:
    brief = replace(README, max_duration_s=60.0)
    line = ScriptedLine(brief, ["Hello?"])
    line._at(10.0, lambda now: line.conversation.hold.receive(True, now))
    line.run()
    assert (line.conversation.end_reason, line.ended_at) == ("max_duration", 60.0)
    assert sounds_between(line, 10.0, 61.0) == []


def test_told_twice_is_told_once() -> None:
    line = ScriptedLine(README, ["Hello?", Line()])
    for at, held in ((14.0, True), (20.0, True), (30.0, False), (31.0, False)):
        line._at(at, lambda now, held=held: line.conversation.hold.receive(held, now))  # type: ignore[misc]
    line.run()
    assert sounds_between(line, 14.0, 30.0) == []
    assert line.conversation.end_reason == "no_response"


def test_a_hang_up_on_hold_ends_the_call() -> None:
    line = held_at(5.0, 100.0, "Hello?")
    line.hang_up_at(20.0)
    line.run()
    assert (line.conversation.end_reason, line.ended_at) == ("hung_up", 20.0)
    assert not isinstance(line.conversation.next_event(), Finish)


def test_time_that_stands_still_moves_what_was_set_before_it() -> None:
    timers = Timers()
    timers.set("silence", 10.0)
    timers.set("maximum", 30.0)
    timers.stop_time(8.0, going_on=frozenset({"maximum"}))
    assert timers.next_at == 30.0
    assert timers.pop_due(29.0) is None
    timers.set("turn", 9.0)
    timers.go_on(20.0)
    assert [timers.pop_due(25.0), timers.pop_due(25.0)] == [("turn", 20.0), ("silence", 22.0)]
    assert timers.next_at == 30.0
    timers.go_on(40.0)
    assert timers.next_at == 30.0, "it goes on already"
