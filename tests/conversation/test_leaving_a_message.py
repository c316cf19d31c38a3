"""The message on a machine: after its last beep, whole, and begun again where the greeting was not over."""

from __future__ import annotations

import pytest

from tests.conversation.scripted_line import Line, ScriptedLine, brief_with_message

MESSAGE = "Please call Anna back on the number you see, at any time until Friday evening."
GREETING = "You have reached Laura. Please leave a message after the tone."
GREETED_S = 0.3 + 0.06 * len(GREETING)
SPOKEN = f"Hello, this is an automated AI assistant. {MESSAGE}"


def machine(*beeps: float) -> ScriptedLine:
    """A greeting that ends at GREETED_S, and beeps so long after it."""
    line = ScriptedLine(brief_with_message(MESSAGE), [Line(GREETING)])
    for after_s in beeps:
        line.beep_at(GREETED_S + after_s)
    return line


def whole_messages(line: ScriptedLine) -> list[float]:
    """Where a message began that was played to its end."""
    return [
        turn.start_ms / 1000
        for turn in line.turns
        if turn.role == "agent" and turn.text == SPOKEN and not turn.interrupted
    ]


def test_the_message_comes_after_the_beep_and_is_on_the_record() -> None:
    line = machine(1.0).run()
    (begun_at,) = whole_messages(line)
    assert begun_at == pytest.approx(GREETED_S + 1.0 + 0.35, abs=0.1)
    assert line.report.outcome == "voicemail_left"
    assert (line.conversation.answered_by, line.conversation.end_reason) == ("voicemail", "voicemail")


def test_of_several_beeps_the_last_counts() -> None:
    (begun_at,) = whole_messages(machine(1.0, 1.2, 1.4).run())
    assert begun_at >= GREETED_S + 1.4


def test_a_beep_in_the_message_begins_it_again() -> None:
    line = machine(1.0, 3.0).run()
    (begun_at,) = whole_messages(line)
    assert begun_at == pytest.approx(GREETED_S + 3.35, abs=0.1)
    assert line.report.outcome == "voicemail_left"


def test_a_greeting_that_goes_on_after_a_false_beep_is_waited_out() -> None:
    line = machine(0.5)
    line.speak_at(GREETED_S + 0.7, "When you are done, you may hang up or press pound.")
    line.beep_at(GREETED_S + 5.0)
    (begun_at,) = whole_messages(line.run())
    assert begun_at == pytest.approx(GREETED_S + 5.35, abs=0.1)


def test_a_voice_after_the_beep_without_another_beep_is_not_waited_for_for_ever() -> None:
    line = machine(0.5)
    line.speak_at(GREETED_S + 0.7, "Record now.")
    (begun_at,) = whole_messages(line.run())
    assert GREETED_S + 1.4 < begun_at < GREETED_S + 8.0


def test_a_greeting_that_goes_on_over_the_message_has_it_begun_again() -> None:
    line = machine(0.5)
    line.speak_at(GREETED_S + 2.0, "And if this is urgent, please call my colleague instead.")
    line.beep_at(GREETED_S + 6.5)
    line.run()
    (begun_at,) = whole_messages(line)
    assert begun_at == pytest.approx(GREETED_S + 6.85, abs=0.1)
    assert sum(turn.interrupted for turn in line.turns if turn.role == "agent") == 1


def test_a_noise_over_the_message_does_not_stop_it() -> None:
    line = machine(0.5)
    line.speak_at(GREETED_S + 2.0, "Click.")
    (begun_at,) = whole_messages(line.run())
    assert begun_at == pytest.approx(GREETED_S + 0.85, abs=0.1)


def test_a_machine_that_always_beeps_gets_the_message_in_the_end() -> None:
    line = machine(*(1.0 + 2.5 * count for count in range(20))).run()
    assert len(whole_messages(line)) == 1
    assert len([turn for turn in line.turns if turn.role == "agent"]) == 3


def test_a_message_that_is_cut_by_the_end_of_the_tape_was_not_left() -> None:
    line = machine(0.5)
    line.hang_up_at(GREETED_S + 2.0)
    line.run()
    assert whole_messages(line) == []
    assert line.report.outcome == "voicemail_not_left"
    assert line.conversation.answered_by == "voicemail"
