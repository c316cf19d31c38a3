"""What must be said and asked is, whatever the mind does, and can be proved from the transcript."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.conversation.obligations import owed, proofs
from byourside_server.conversation.voicemail import message_of
from tests.conversation.scripted_line import (
    README,
    Interruption,
    Line,
    ScriptedLine,
    Streamed,
    brief_with_message,
    call,
)

NOTICE = "This call may be recorded for training."
QUESTION = "How did you hear about us?"
BRIEF = replace(README, must_say=(NOTICE,), must_ask=(QUESTION, "Is parking needed?"))


def bye(reason: str = "completed", say: str = "Thank you. Goodbye.") -> Decision:
    return Decision(say, then="hang_up", end_reason=reason)


def careless(situation: Situation) -> Decision:
    """A scripted mind that asks once and hangs up."""
    return Decision("Is two o'clock fine?", asks="x") if situation.occasion == "opening" else bye()


def test_a_mind_that_forgets_is_held_back_until_all_is_said_and_asked() -> None:
    line = call(BRIEF, "Hello?", "Yes.", "From a friend.", "No, thanks.", mind=careless)
    texts = [turn.text for turn in line.turns]
    assert texts[3:7] == [f"{NOTICE} {QUESTION}", "from a friend", "Is parking needed?", "no thanks"]
    assert texts[7:] == ["Thank you. Goodbye."]
    assert len(line.situations) == 2
    assert line.conversation.end_reason == "completed"


def test_each_step_is_proved_with_its_place_and_answer() -> None:
    line = call(BRIEF, "Hello?", "Yes.", "From a friend.", "No, thanks.", mind=careless)
    disclosed, said, asked, parking = proofs(BRIEF, line.turns)
    assert (disclosed.kind, disclosed.turn) == ("disclosure", 1)
    assert said.turn is not None
    assert NOTICE in line.turns[said.turn].text
    assert (said.start_ms, said.end_ms) == (line.turns[said.turn].start_ms, line.turns[said.turn].end_ms)
    assert asked.answer == "from a friend"
    assert asked.answer_turn is not None
    assert line.turns[asked.answer_turn].role == "contact"
    assert parking.answer == "no thanks"


def test_a_mind_that_does_it_itself_is_not_repeated() -> None:
    def careful(situation: Situation) -> Decision:
        if situation.occasion == "opening":
            return Decision(f"{NOTICE} {QUESTION}", asks="x")
        return (
            Decision("Is parking needed?", asks="y")
            if QUESTION in situation.turns[1].text and len(situation.turns) < 4
            else bye()
        )

    line = call(BRIEF, "Hello?", "From a friend.", "No.", mind=careful)
    spoken = line.words_of("agent")
    assert spoken.count(NOTICE) == spoken.count(QUESTION) == 1
    assert [proof.answer for proof in proofs(BRIEF, line.turns)[2:]] == ["from a friend", "no"]


@pytest.mark.parametrize("reason", ["do_not_call", "wrong_number", "no_response", "mind_failed"])
def test_who_wants_no_call_or_is_not_there_is_not_asked_any_more(reason: str) -> None:
    line = call(BRIEF, "Hello?", "No.", mind=lambda s: bye(reason, "Goodbye."))
    assert NOTICE not in line.words_of("agent")
    assert QUESTION not in line.words_of("agent")
    assert line.conversation.end_reason == reason


def test_who_is_not_interested_is_told_but_not_asked() -> None:
    line = call(BRIEF, "Hello?", "No.", mind=lambda s: bye("not_interested", "Goodbye."))
    assert NOTICE in line.words_of("agent")
    assert QUESTION not in line.words_of("agent")
    assert line.turns[-1].text.endswith("Goodbye.")


def test_a_contact_who_asks_for_no_more_calls_is_let_go() -> None:
    line = call(BRIEF, "Hello?", "Yes.", "Stop calling me.", mind=careless)
    assert "Is parking needed?" not in line.words_of("agent")
    assert line.turns[-1].text == "Thank you. Goodbye."


def test_a_question_is_put_again_to_who_asks_for_it() -> None:
    line = call(BRIEF, "Hello?", "Yes.", "Sorry, what did you say?", "A friend.", "No.", mind=careless)
    assert line.words_of("agent").count(QUESTION) == 2
    assert [proof.answer for proof in proofs(BRIEF, line.turns)[2:]] == ["a friend", "no"]


def test_nobody_is_asked_for_ever() -> None:
    line = call(BRIEF, "Hello?", "Yes.", mind=careless)
    assert line.words_of("agent").count(QUESTION) == 1
    assert line.conversation.end_reason == "completed"


def test_a_demanded_sentence_cannot_be_cut() -> None:
    cuts = [Interruption(3, 0.5, "Yes yes, I know all of that already.")]
    brief = replace(BRIEF, must_ask=())
    line = call(brief, "Hello?", "Yes.", interruptions=cuts, mind=careless)
    assert NOTICE in line.words_of("agent")
    assert proofs(brief, line.turns)[1].turn is not None


def test_a_goodbye_that_was_streamed_is_said_again_at_the_end() -> None:
    reply = Streamed(((0.1, "Thank you."), (0.1, "Goodbye.")), bye(say=""), 0.1)
    brief = replace(BRIEF, must_ask=())
    line = call(brief, "Hello?", "Yes.", mind=lambda s: careless(s) if s.occasion == "opening" else reply)
    assert line.turns[-1].text == f"Thank you. Goodbye. {NOTICE} Thank you. Goodbye."


def test_a_sentence_on_its_way_is_not_owed() -> None:
    reply = Streamed(((0.1, NOTICE), (0.1, "Goodbye.")), bye(say=""), 0.1)
    brief = replace(BRIEF, must_ask=())
    line = call(brief, "Hello?", mind=lambda s: reply)
    assert line.words_of("agent").count(NOTICE) == 1


def test_a_sentence_that_was_cut_is_owed_still() -> None:
    turns = (Turn(0, "agent", "Hello. This call may be", 0, 900, interrupted=True),)
    assert owed(BRIEF, turns) == (NOTICE, QUESTION, "Is parking needed?")
    assert proofs(BRIEF, turns)[1].turn is None


def test_what_is_owed_is_in_the_situation() -> None:
    line = ScriptedLine(BRIEF, [Line("Hello?"), Line("Yes.")], mind=careless).run()
    assert line.situations[0].owed == (NOTICE, QUESTION, "Is parking needed?")


def test_case_and_marks_make_no_difference_and_other_words_do() -> None:
    brief = Brief("Say hello.", must_say=("Größe: 5 m², OK?",))
    assert owed(brief, (Turn(0, "agent", "so, GRÖSSE 5 m2 ok", 0, 1),)) == ()
    assert owed(brief, (Turn(0, "agent", "Größe 6 m², ok", 0, 1),)) != ()


def test_a_message_on_a_machine_holds_what_must_be_said() -> None:
    brief = replace(brief_with_message(), must_say=(NOTICE,))
    line = call(brief, Line("Please leave a message after the tone.", beep=True))
    assert NOTICE in line.said[0]
    own = replace(brief_with_message("Call Anna back."), must_say=(NOTICE,))
    assert message_of(own) == f"Call Anna back. {NOTICE}"
    assert line.report.outcome == "voicemail_left"


def test_the_embedded_mind_weaves_it_in() -> None:
    line = call(BRIEF, "Hello?", "Yes.", "No.", "From a friend.", "No.")
    assert f"Acme Dental. {NOTICE} I'm calling" in line.said[0]
    assert "2 p.m. Does that still work for you?" in line.said[0]
    assert line.said[2] == QUESTION
    assert line.said[-1] == "Thank you. Goodbye."
    assert all(proof.turn is not None for proof in proofs(BRIEF, line.turns))
    assert line.report.extracted == {"confirmed": True, "new_time": None}
