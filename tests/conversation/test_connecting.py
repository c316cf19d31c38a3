"""The way to a person: menus of two levels, queues with music, call screening, in virtual time."""

from __future__ import annotations

from dataclasses import replace

from byourside_server.conversation.mind import Decision, Situation
from tests.conversation.scripted_line import README, SILENCE, Interruption, Line, ScriptedLine, call

MAIN = "Thank you for calling. For sales press one. For appointments press two. For all else press zero."
SECOND = "For new appointments press one. To confirm or change an appointment press two."
PLEASE_HOLD = "Please hold while I transfer your call."
QUEUE = "Your call is important to us. Please stay on the line."
SPEAKING = "Speaking, how can I help?"
SCREEN = "Please state your name and why you are calling."
DISCLOSURE = "Hello, this is an automated AI assistant"
SECRET = replace(README, context="The patient owes 40 dollars from the visit in March.")


def through(line: ScriptedLine, *speeches: tuple[float, str]) -> ScriptedLine:
    """The far side speaks at these moments, whatever we do, and then by its script."""
    for at, text in speeches:
        line.speak_at(at, text)
    return line.run()


def test_two_levels_of_keys_lead_to_a_person_who_is_told_who_calls() -> None:
    line = ScriptedLine(README, [Line(MAIN), "Yes.", "No."])
    through(line, (12.0, SECOND), (22.0, PLEASE_HOLD), (30.0, SPEAKING))
    assert line.keys == "22"
    assert line.said[0].startswith(DISCLOSURE)
    assert (line.conversation.answered_by, line.conversation.end_reason) == ("human", "completed")
    assert line.report.objective_met == "yes"


def test_a_menu_is_told_nothing() -> None:
    line = ScriptedLine(README, [Line(MAIN)])
    through(line, (12.0, SECOND))
    assert line.said == []
    assert line.keys == "22"
    assert line.conversation.answered_by == "ivr"
    assert line.report.outcome == "menu_dead_end"
    assert line.report.objective_met == "no"


def test_a_menu_that_goes_round_in_circles_is_left() -> None:
    line = ScriptedLine(README, [Line(MAIN)])
    through(line, *((12.0 * n, MAIN) for n in range(1, 9)))
    assert line.conversation.end_reason == "menu_dead_end"
    assert line.ended_at is not None
    assert line.ended_at < 60
    assert line.keys == "2200"


def test_a_key_that_is_refused_is_not_pressed_again() -> None:
    line = ScriptedLine(README, [Line(MAIN)])
    through(line, (12.0, f"Sorry, that is not a valid choice. {MAIN}"))
    assert line.keys == "20"


def test_a_wrong_branch_that_says_goodbye_is_left_at_once() -> None:
    line = ScriptedLine(README, [Line(MAIN)])
    through(line, (12.0, "Our office is closed. Goodbye."))
    assert line.conversation.end_reason == "menu_dead_end"
    assert line.said == []


def test_a_menu_that_hangs_up_led_nowhere() -> None:
    line = ScriptedLine(README, [Line(MAIN)])
    line.hang_up_at(12.0)
    line.run()
    assert (line.conversation.ended_by, line.conversation.end_reason) == ("contact", "menu_dead_end")


def test_options_that_come_after_a_pause_are_waited_for() -> None:
    """Nothing of the first half fits; the second half does, before the operator's key is tried."""
    line = ScriptedLine(README, [Line("For cakes press one.")])
    through(line, (4.0, "For appointments press four."))
    assert line.keys == "4"


def test_the_model_is_told_what_was_pressed_and_that_the_menu_fell_silent() -> None:
    def presses(situation: Situation) -> Decision:
        if situation.occasion != "menu":
            return Decision("Bye.", then="hang_up", end_reason="completed")
        return Decision("", keys="2" if situation.silences else "")

    line = ScriptedLine(README, [Line(MAIN)], mind=presses)
    through(line, (16.0, SECOND), (30.0, "Hello?"))
    menus = [each for each in line.situations if each.occasion == "menu"]
    assert [each.silences for each in menus] == [0, 1, 0, 1]
    assert [[each.keys for each in situation.pressed] for situation in menus] == [[], [], ["2"], ["2"]]
    assert "appointments" in menus[0].text
    assert "sales" not in menus[-1].text


def test_a_queue_is_waited_out_without_asking_anybody() -> None:
    line = ScriptedLine(README, [Line(QUEUE), "Yes.", "No."])
    line.tone_at(8.0, "music")
    line.tone_at(60.0, "music_ended")
    line.tone_at(70.0, "music")
    line.tone_at(150.0, "music_ended")
    through(line, (61.0, QUEUE), (152.0, "Thanks for holding, how can I help you?"))
    assert line.situations[0].occasion == "opening"
    assert line.sounds[0][0] > 152.0
    assert line.said[0].startswith(DISCLOSURE)
    assert line.conversation.answered_by == "human"
    assert line.report.extracted["confirmed"] is True


def test_a_phone_that_rings_behind_a_menu_parts_the_machines_words_from_the_persons() -> None:
    """Even where the machine's were not understood in time, nobody is spoken to before somebody picks up."""
    for words, told_at in ((PLEASE_HOLD, 28.0), ("", 23.0)):
        line = ScriptedLine(README, [Line(MAIN), "Yes.", "No."])
        line.tone_at(told_at, "ringback", since=told_at - 0.5)
        through(line, (12.0, SECOND), (22.0, words), (29.0, SPEAKING))
        assert line.sounds[0][0] > 29.0
        assert line.conversation.answered_by == "human"
        assert line.report.extracted["confirmed"] is True
        spoken = [turn.text for turn in line.conversation.turns if turn.role == "contact"]
        assert "speaking how can i help" in spoken


def test_ringing_that_began_before_the_answer_means_nothing() -> None:
    """The tone's end is told a moment after the call was taken."""
    line = ScriptedLine(README, ["Hello?", "Yes.", "No."])
    line.tone_at(0.1, "ringback", since=-1.9)
    line.run()
    assert line.conversation.end_reason == "completed"
    assert line.sounds[0][0] < 4.0


def test_music_alone_is_waited_out_too() -> None:
    line = ScriptedLine(README, [SILENCE, "Yes.", "No."])
    line.tone_at(0.5, "music")
    line.tone_at(40.0, "music_ended")
    through(line, (41.0, "Hello?"))
    assert line.sounds[0][0] > 41.0
    assert line.conversation.end_reason == "completed"


def test_music_without_end_lasts_as_long_as_a_call_may() -> None:
    line = ScriptedLine(replace(README, max_duration_s=300), [Line(QUEUE)])
    line.tone_at(8.0, "music")
    line.run()
    assert line.conversation.end_reason == "max_duration"
    assert line.situations == []


def test_a_queue_that_falls_silent_for_good_is_left() -> None:
    line = call(README, QUEUE)
    assert line.conversation.end_reason == "no_response"
    assert line.situations == []
    assert line.said == []


def test_who_asks_us_to_hold_is_not_asked_into_the_music() -> None:
    line = ScriptedLine(README, [Line("Hello?"), Line("Hold on please."), SILENCE, "Yes.", "No."])
    line.tone_at(16.0, "music")
    line.tone_at(80.0, "music_ended")
    through(line, (40.0, QUEUE), (82.0, "Hello, sorry for the wait. How can I help you?"))
    held = [situation for situation in line.situations if situation.silences > 0]
    assert held == []
    back = line.said[2]
    assert back.startswith("This is an automated AI assistant calling on behalf of Acme Dental.")
    assert "Does that still work for you?" in back
    assert "[unintelligible]" not in line.words_of("contact")
    assert line.report.extracted["confirmed"] is True


def test_an_announcement_is_no_miss_of_the_open_question() -> None:
    line = ScriptedLine(README, [Line("Hello?"), SILENCE])
    busy = "All our agents are busy."
    through(line, (14.0, busy), (18.0, QUEUE), (24.0, QUEUE), (30.0, "Yes, that works."))
    assert line.report.extracted["confirmed"] is True
    assert [situation.occasion for situation in line.situations[:2]] == ["opening", "heard"]
    assert line.situations[1].is_back


def test_sound_without_words_in_the_music_is_neither_answered_nor_written_down() -> None:
    line = ScriptedLine(README, [Line("Hold on please."), SILENCE, "Yes.", "No."])
    line.tone_at(6.0, "music")
    line._speak("la la la", 20.0, "")
    line.tone_at(40.0, "music_ended")
    through(line, (42.0, "Okay, I'm back."))
    assert "[unintelligible]" not in line.words_of("contact")
    assert [situation.occasion for situation in line.situations[:2]] == ["opening", "heard"]


def test_a_voice_nobody_understood_after_a_hold_is_asked_whether_it_is_there() -> None:
    line = ScriptedLine(README, [Line("Hold on please."), SILENCE])
    line._speak("mumble mumble", 12.0, "")
    line.run()
    second = line.sounds[1]
    assert "Are you still there?" in second[2]
    assert second[0] < 22.0


def test_call_screening_is_told_name_and_purpose_and_nothing_of_the_background() -> None:
    thanks = Line("Thank you. Please stay on the line.")
    line = ScriptedLine(SECRET, [Line(SCREEN), thanks, SILENCE, "Yes.", "No."])
    through(line, (30.0, "Hello?"))
    assert line.said[0].startswith(f"{DISCLOSURE} calling on behalf of Acme Dental.")
    assert "appointment" in line.said[0]
    assert line.said[1].startswith(DISCLOSURE)
    assert "40" not in line.words_of("agent")
    assert line.conversation.answered_by == "human"
    assert line.report.objective_met == "yes"


def test_call_screening_that_asks_again_is_told_again_with_the_name_and_not_for_ever() -> None:
    again = f"Sorry, I did not get that. {SCREEN}"
    line = call(README, SCREEN, again, again, again, again)
    assert len(line.said) == 3
    assert all("on behalf of Acme Dental" in said and "appointment" in said for said in line.said)
    assert (line.conversation.answered_by, line.conversation.end_reason) == ("screening", "screened_out")


def test_call_screening_that_turns_us_away_is_believed() -> None:
    line = call(README, SCREEN, "The person you are calling is not accepting this call.")
    assert line.conversation.end_reason == "screened_out"
    assert (line.report.outcome, line.report.objective_met) == ("screened_out", "no")


def test_a_silent_line_is_asked_twice_and_left() -> None:
    line = call(README, SILENCE)
    assert line.said[0].startswith(DISCLOSURE)
    assert line.said[-1].startswith("I can't hear you")
    assert (line.conversation.answered_by, line.conversation.end_reason) == ("unknown", "no_response")


def test_a_company_s_welcome_is_given_a_moment_for_its_menu() -> None:
    line = ScriptedLine(README, [Line("Thank you for calling Acme.")])
    through(line, (3.2, MAIN))
    assert line.keys == "2"
    assert line.said == []


def test_a_company_s_welcome_with_nothing_behind_it_is_answered() -> None:
    line = call(README, "Thank you for calling Acme.", "Yes.", "No.")
    assert line.said[0].startswith(DISCLOSURE)
    assert line.report.extracted["confirmed"] is True


def test_words_of_a_menu_that_come_while_it_is_read_again_are_used() -> None:
    """Recognition took so long that the menu began anew: its key is pressed in the middle of it."""
    line = ScriptedLine(README, [SILENCE], [Interruption(99, 0.0, "")])
    talk = line.conversation
    line._at(0.5, lambda now: talk.receive_speech_started(0.4, now))
    line._at(7.0, lambda now: talk.receive_speech_stopped(0.4, 6.8, now))
    line._at(10.0, lambda now: talk.receive_speech_started(9.9, now))
    line._at(12.0, lambda now: talk.receive_text(MAIN.lower(), 0.9, 0.4, 6.8, now))
    line.run()
    assert line.keys == "2"
    assert line.said == []


def test_a_voice_nobody_understood_after_a_queue_is_spoken_to() -> None:
    """Rather an opening into the queue than a person who waits for a word."""
    line = ScriptedLine(README, [Line(QUEUE), "Yes.", "No."])
    line.tone_at(8.0, "music")
    line.tone_at(40.0, "music_ended")
    line._speak("mumble mumble", 42.0, "")
    line.run()
    assert 42.0 < line.sounds[0][0] < 52.0
    assert line.said[0].startswith(DISCLOSURE)
    assert line.report.extracted["confirmed"] is True
