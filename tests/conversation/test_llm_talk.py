"""Whole calls in virtual time: a simulated model behind the mind, a scripted contact at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from byourside_server.calls.call import Field
from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.mind import Situation
from byourside_server.conversation.phrases import phrases_for
from tests.conversation.scripted_line import SILENCE, Line, ScriptedLine, Streamed
from tests.conversation.scripted_model import ScriptedAnswer, ScriptedModel, calls, fails, model, says

BRIEF = Brief(
    "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    fields=(Field("confirmed", "boolean"), Field("new_time")),
    on_behalf_of="Acme Dental",
)
DISCLOSURE = "Hello, this is an automated AI assistant calling on behalf of Acme Dental."
OPENING = "I'm calling about your appointment tomorrow at two. Does that still work for you?"
ENDS = calls("end_call", reason="done", goodbye="Thank you. Goodbye.")


def thinking(scripted: ScriptedModel) -> Callable[[Situation], Streamed]:
    """The mind at work; each sentence comes 0.2 s after the one before."""
    mind = LlmMind(scripted)

    def think(situation: Situation) -> Streamed:
        spoken: list[str] = []
        decision = asyncio.run(mind.reply(situation, spoken.append))
        return Streamed(tuple((0.2, sentence) for sentence in spoken), decision, 0.2)

    return think


def talk(scripted: ScriptedModel, *script: Line | str, brief: Brief = BRIEF) -> ScriptedLine:
    """One whole call."""
    return ScriptedLine(brief, script, mind=thinking(scripted)).run()


def call_of(*answers: ScriptedAnswer | str) -> ScriptedModel:
    return model(OPENING, *answers)


def test_a_whole_call_goes_from_the_disclosure_to_the_goodbye() -> None:
    line = talk(
        call_of(
            says("Great. Do you need to reschedule?", calls("note_field", name="confirmed", value="true")),
            says("", ENDS),
        ),
        "Hello?",
        "Yes, that works for me.",
        "No thank you.",
    )
    assert line.transcript == [
        "contact: hello",
        f"agent: {DISCLOSURE} {OPENING}",
        "contact: yes that works for me",
        "agent: Great. Do you need to reschedule?",
        "contact: no thank you",
        "agent: Thank you. Goodbye.",
    ]
    assert [turn.asks for turn in line.turns if turn.role == "agent"] == ["field:confirmed", "ask:2", None]
    assert (line.conversation.ended_by, line.conversation.end_reason) == ("agent", "completed")
    assert line.report.extracted == {"confirmed": True, "new_time": None}


def test_a_model_that_is_gone_in_mid_call_ends_it_honestly() -> None:
    line = talk(
        call_of("Great. Do you need to reschedule?", fails()),
        "Hello?",
        "Yes, that works for me.",
        "No thank you.",
    )
    assert line.turns[-1].text == phrases_for("en").technical_problem
    assert line.conversation.end_reason == "mind_failed"


def test_a_model_that_is_gone_from_the_start_leaves_the_call_to_the_rules() -> None:
    line = talk(model(fails()), "Hello?", "Yes, that works for me.", "No thank you.")
    assert line.report.extracted == {"confirmed": True, "new_time": None}
    assert line.conversation.end_reason == "completed"


def test_a_goodbye_without_its_tool_still_ends_the_call() -> None:
    line = talk(call_of("Thank you. Goodbye."), "Hello?", "Yes, that works for me.", SILENCE)
    assert line.turns[-1].text == "Thank you. Goodbye."
    assert line.conversation.end_reason == "completed"


def test_a_silent_line_is_left_after_a_while() -> None:
    line = talk(call_of("Are you still there?", "Hello, can you hear me?"), "Hello?")
    assert line.turns[-1].text == phrases_for("en").cannot_hear
    assert line.conversation.end_reason == "no_response"


def test_what_the_caller_demands_is_asked_whatever_the_model_does() -> None:
    brief = replace(BRIEF, must_ask=("May we send you a text message?",))
    line = talk(call_of(says("", ENDS)), "Hello?", "Yes.", "Yes, you may.", brief=brief)
    assert "May we send you a text message?" in line.words_of("agent")
    assert line.turns[-1].text.endswith("Goodbye.")


def test_a_secret_is_not_said_however_often_the_model_tries() -> None:
    leak = "You owe 40 dollars from the visit in March."
    brief = replace(BRIEF, context="The patient owes 40 dollars from the visit in March.")
    line = talk(
        call_of(leak, leak, says("", ENDS)), "Hello?", "What did they tell you?", "All right.", brief=brief
    )
    assert "40" not in line.words_of("agent")
    assert phrases_for("en").refusal in line.words_of("agent")


def test_a_call_is_handed_over_where_the_model_wants_it() -> None:
    brief = replace(BRIEF, transfers=(TransferTarget("Front Desk", "+12025550123"),))
    scripted = call_of(says("I'll put you through.", calls("transfer", target="front desk")))
    line = ScriptedLine(brief, ["Hello?", "Can I talk to somebody?"], mind=thinking(scripted))
    line.hand_over = True
    line.run()
    assert line.transfers == ["+12025550123"]
    assert line.conversation.end_reason == "transferred"


def test_a_menu_is_answered_with_the_key_the_model_chooses() -> None:
    scripted = model(says("", calls("press_keys", digits="2")), OPENING, says("", ENDS))
    line = talk(
        scripted, "For sales press one. For appointments press two.", Line("Hello, this is Ann.", 3.0), "Yes."
    )
    assert line.keys == "2"
    assert OPENING in line.words_of("agent")
