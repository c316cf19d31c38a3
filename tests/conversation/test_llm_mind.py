"""The mind behind a language model, against a simulated model that answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import pytest

from byourside_server.calls.call import Field
from byourside_server.calls.transcript import Turn
from byourside_server.conversation import expectations
from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.draft import MAX_CHARACTERS
from byourside_server.conversation.embedded_mind import HOLD_PATIENCE_S
from byourside_server.conversation.llm_mind import LlmMind, OnFailure
from byourside_server.conversation.mind import (
    DEFAULT_PATIENCE_S,
    Decision,
    ForesightedMind,
    Mind,
    Occasion,
    Situation,
)
from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.plan import plan_of
from byourside_server.conversation.policy import allowed
from byourside_server.conversation.replying import (
    BROKE_OFF,
    GAVE_NOTHING,
    GOODBYE_PATIENCE_S,
    LEAKED,
    MAX_REQUESTS,
    REPEATED,
)
from byourside_server.providers.base import (
    Completion,
    Generation,
    ProviderErrorKind,
    TextDelta,
    Usage,
)
from tests.conversation.scripted_model import (
    ONE_REQUEST,
    ScriptedAnswer,
    ScriptedModel,
    calls,
    fails,
    model,
    says,
)

BRIEF = Brief(
    "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    fields=(Field("confirmed", "boolean"), Field("new_time")),
    language="en-US",
    on_behalf_of="Acme Dental",
)
SECRET = replace(BRIEF, context="The patient owes 40 dollars from the visit in March.")
QUESTION = "Does tomorrow at two still work for you?"
OPENED = ("hello", f"I'm calling about your appointment. {QUESTION}")
LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "nl")


def situation(*lines: str, brief: Brief = BRIEF, occasion: Occasion = "heard", **rest: object) -> Situation:
    """Contact and agent by turns, the contact first."""
    turns = tuple(
        Turn(index, "agent" if index % 2 else "contact", line, index * 1000, index * 1000 + 900)
        for index, line in enumerate(lines)
    )
    text = lines[-1] if len(lines) % 2 else ""
    return Situation(brief, turns, occasion, text, 0.9, **rest)  # type: ignore[arg-type]


@dataclass
class Replied:
    """One reply, and what was given to `speak` on the way."""

    decision: Decision
    spoken: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join([*self.spoken, self.decision.say]).strip()


def reply_of(mind: LlmMind, asked: Situation) -> Replied:
    spoken: list[str] = []
    return Replied(asyncio.run(mind.reply(asked, spoken.append)), spoken)


def reply(
    scripted: ScriptedModel, asked: Situation | None = None, on_failure: OnFailure = "embedded"
) -> Replied:
    mind = LlmMind(scripted, on_failure=on_failure)
    return reply_of(mind, asked or situation(*OPENED, "yes that works"))


# talking


def test_it_is_a_mind_and_bears_the_name_of_its_model() -> None:
    mind: Mind = LlmMind(model())
    assert mind.name == "llm:scripted"
    assert LlmMind(model(), name="llm:x").name == "llm:x"


def test_each_whole_sentence_is_spoken_at_once_and_the_last_stays_in_the_decision() -> None:
    replied = reply(model("Great, thank you. Do you need to reschedule?"))
    assert replied.spoken == ["Great, thank you."]
    assert replied.decision.say == "Do you need to reschedule?"
    assert replied.decision.then == "listen"


def test_a_sentence_is_spoken_before_the_model_has_written_the_next() -> None:
    scripted = model(says("One thing. " + "And a long second sentence " * 4 + "ends.", piece_length=1))
    heard_after: list[int] = []
    mind = LlmMind(scripted)
    asyncio.run(mind.reply(situation(*OPENED, "yes"), lambda _: heard_after.append(scripted.pieces_given)))
    assert heard_after[0] == len("One thing. ")


def test_a_long_first_sentence_begins_at_a_clause() -> None:
    start = "I'm calling about the appointment that you have tomorrow at two with Doctor Jones,"
    replied = reply(model(f"{start} and I would like to know if that still suits you."))
    assert replied.spoken == [start]


def test_marks_for_the_eye_are_not_spoken() -> None:
    assert reply(model("**Great!** 😀 *smiles* See you then.")).words == "Great! See you then."


def test_a_question_of_the_plan_is_known_and_its_answer_expected() -> None:
    decision = reply(model("Great. Do you need to reschedule?")).decision
    step = plan_of(BRIEF).step("ask:2")
    assert step is not None
    assert decision.asks == "ask:2"
    assert decision.expectation == expectations.for_step(plan_of(BRIEF), step)


def test_an_open_question_gets_the_usual_patience_and_a_contact_who_looks_something_up_more() -> None:
    asked = situation(*OPENED, "hold on let me check")
    assert reply(model("Of course, take your time."), asked).decision.patience_s == HOLD_PATIENCE_S
    assert reply(model("Does it work?"), asked).decision.patience_s == DEFAULT_PATIENCE_S


def test_the_model_is_asked_with_the_tools_that_policy_allows() -> None:
    scripted = model("I see.")
    reply(scripted)
    assert [tool.name for tool in scripted.requests[0].tools] == ["end_call", "leave_message", "note_field"]


def test_words_written_for_the_other_side_are_not_spoken() -> None:
    scripted = model('Is that all right? CONTACT: "Yes." NOTE: Go on.\nThank you. Goodbye.')
    assert reply(scripted).words == "Is that all right?"


# tools


def test_end_call_ends_with_its_goodbye() -> None:
    replied = reply(model(says("", calls("end_call", reason="not_interested", goodbye="I see. Goodbye."))))
    assert replied.words == "I see. Goodbye."
    assert (replied.decision.then, replied.decision.end_reason) == ("hang_up", "not_interested")
    assert replied.decision.expectation == expectations.CLOSING


def test_a_goodbye_said_already_is_not_said_again() -> None:
    scripted = model(says("Thank you. Goodbye.", calls("end_call", reason="done", goodbye="Thanks! Bye!")))
    assert reply(scripted).words == "Thank you. Goodbye."


def test_words_before_the_goodbye_are_kept() -> None:
    scripted = model(says("You're all set.", calls("end_call", reason="done", goodbye="Goodbye.")))
    assert reply(scripted).words == "You're all set. Goodbye."


@pytest.mark.parametrize("language", LANGUAGES)
def test_end_call_without_words_is_given_a_goodbye_in_the_language(language: str) -> None:
    asked = situation(*OPENED, "ok", brief=replace(BRIEF, language=language))
    replied = reply(model(says("", calls("end_call", reason="done", goodbye=""))), asked)
    assert replied.words == phrases_for(language).goodbye
    assert replied.decision.end_reason == "completed"


def test_a_call_is_not_ended_on_a_question() -> None:
    scripted = model(says("Do you need to reschedule?", calls("end_call", reason="done", goodbye="Bye.")))
    replied = reply(scripted)
    assert (replied.decision.then, replied.words) == ("listen", "Do you need to reschedule?")


def test_keys_are_pressed_in_a_menu() -> None:
    asked = situation("for sales press one", occasion="menu")
    scripted = model(says("", calls("press_keys", digits="1")))
    decision = reply(scripted, asked).decision
    assert (decision.keys, decision.say, decision.then) == ("1", "", "listen")
    assert "press_keys" in [tool.name for tool in scripted.requests[0].tools]
    assert allowed(decision, BRIEF, in_menu=True) == decision


def test_silence_in_a_menu_is_an_answer() -> None:
    scripted = model("")
    decision = reply(scripted, situation("please listen", occasion="menu")).decision
    assert (decision.say, decision.then, len(scripted.requests)) == ("", "listen", 1)


def test_keys_outside_a_menu_are_refused_and_the_model_told() -> None:
    scripted = model(says("", calls("press_keys", digits="1")), "Does that work?")
    replied = reply(scripted)
    assert (replied.decision.keys, replied.words) == ("", "Does that work?")
    told = scripted.requests[1].messages[-1]
    assert (told.role, told.tool_call_id) == ("tool", "call_press_keys")
    assert "only be pressed while a recorded menu is listening" in told.text


def test_a_machine_is_reported_without_words() -> None:
    decision = reply(model(says("", calls("leave_message", ""))), situation("leave a message")).decision
    assert (decision.then, decision.say) == ("leave_message", "")


def test_a_transfer_goes_to_its_target_with_words_of_our_own_where_there_are_none() -> None:
    brief = replace(BRIEF, transfers=(TransferTarget("Front Desk", "+12025550123"),))
    asked = situation(*OPENED, "can I talk to somebody", brief=brief)
    decision = reply(model(says("", calls("transfer", target="front desk"))), asked).decision
    assert (decision.then, decision.transfer_to) == ("transfer", "Front Desk")
    assert decision.say == phrases_for("en").fillers[0]
    spoken = model(says("I'll put you through.", calls("transfer", target="front desk")))
    assert reply(spoken, asked).words == "I'll put you through."


def test_a_transfer_to_nobody_known_is_refused_and_the_model_told() -> None:
    scripted = model(says("", calls("transfer", target="+19005550123")), "I can't put you through. Sorry?")
    assert reply(scripted).decision.then == "listen"
    assert scripted.requests[1].messages[-1].text == "The call can't be handed over to that. Targets: none."


def test_a_note_beside_a_question_needs_no_second_request_and_is_told_the_next_time() -> None:
    scripted = model(
        says("Great. Do you need to reschedule?", calls("note_field", name="confirmed", value="true")),
        "Thank you.",
    )
    mind = LlmMind(scripted)
    reply_of(mind, situation(*OPENED, "yes"))
    assert len(scripted.requests) == 1
    reply_of(mind, situation(*OPENED, "yes", "Great. Do you need to reschedule?", "no"))
    assert 'confirmed = "true"' in scripted.last_note


def test_a_note_without_words_is_answered_and_the_model_goes_on_in_the_same_reply() -> None:
    note = calls("note_field", name="confirmed", value="true")
    scripted = model(says("", note), "Great. Do you need to reschedule?")
    assert reply(scripted).words == "Great. Do you need to reschedule?"
    asked, told = scripted.requests[1].messages[-2:]
    assert (asked.role, asked.tool_calls) == ("assistant", (note,))
    assert (told.role, told.tool_call_id) == ("tool", note.id)


def test_a_note_beside_a_mere_thank_you_speaks_that_and_goes_on() -> None:
    scripted = model(
        says("Thank you.", calls("note_field", name="confirmed", value="true")),
        "Thank you. Do you need to reschedule?",
    )
    replied = reply(scripted)
    assert replied.spoken == ["Thank you."]
    assert replied.decision.say == "Do you need to reschedule?"
    assert replied.decision.asks == "ask:2"


def test_a_question_with_words_behind_it_needs_no_second_request_either() -> None:
    note = calls("note_field", name="confirmed", value="true")
    scripted = model(says("Great. Do you need to reschedule? Take your time.", note))
    assert reply(scripted).decision.asks == "ask:2"
    assert len(scripted.requests) == 1


def test_a_model_that_only_takes_notes_is_stopped_and_the_question_put_again() -> None:
    scripted = model(*[says("", calls("note_field", name="confirmed", value="true"))] * 10)
    replied = reply(scripted)
    assert len(scripted.requests) == 4
    assert replied.words == f"{phrases_for('en').not_caught} {QUESTION}"


def test_malformed_arguments_are_told_back_and_a_second_request_made() -> None:
    scripted = model(
        says("", calls("end_call", "{'reason': 'done'}")),
        says("", calls("end_call", reason="done", goodbye="Goodbye.")),
    )
    replied = reply(scripted)
    assert (replied.decision.then, replied.words) == ("hang_up", "Goodbye.")
    assert scripted.requests[1].messages[-1].text.startswith("The arguments were not valid JSON: ")


def test_a_goodbye_whose_end_call_stays_malformed_ends_the_call_all_the_same() -> None:
    broken = calls("end_call", "{'reason'")
    replied = reply(model(says("Thank you. Goodbye.", broken), *[says("", broken)] * 5))
    assert (replied.decision.then, replied.decision.end_reason) == ("hang_up", "completed")
    assert replied.words == "Thank you. Goodbye."


def test_unknown_tools_are_told_back_and_the_rounds_are_bounded() -> None:
    scripted = model(*[says("", calls("send_email", to="x"))] * 20)
    replied = reply(scripted)
    assert replied.decision.say
    assert len(scripted.requests) <= MAX_REQUESTS
    assert "There is no such tool" in scripted.requests[1].messages[-1].text


# nothing, repetition, secrets


def test_a_model_that_gives_nothing_is_asked_again_and_then_the_open_question_is_put() -> None:
    scripted = model("", "(pauses)")
    replied = reply(scripted)
    assert replied.words == f"{phrases_for('en').not_caught} {QUESTION}"
    assert replied.decision.asks == "field:confirmed"
    assert scripted.last_note == f"NOTE: {GAVE_NOTHING}"


def test_a_model_that_goes_on_giving_nothing_asks_whether_there_is_anything_else() -> None:
    said = f"{phrases_for('en').not_caught} {QUESTION}"
    replied = reply(model("", ""), situation(*OPENED, "yes", said, "yes I said"))
    assert replied.words == phrases_for("en").anything_else


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_for_lack_of_any_are_in_the_language(language: str) -> None:
    asked = situation("hallo", "Passt das.", "ja", brief=replace(BRIEF, language=language))
    assert reply(model("", ""), asked).words == phrases_for(language).not_caught
    silent = replace(asked, occasion="silence", silences=1)
    assert reply(model("", ""), silent).words == phrases_for(language).are_you_there


def test_an_opening_that_does_not_come_is_that_of_the_plan() -> None:
    replied = reply(model("", ""), situation("who is this", occasion="opening"))
    assert replied.words == plan_of(BRIEF).main.spoken


def test_a_sentence_said_just_before_is_asked_for_anew_and_then_dropped() -> None:
    again = reply(model(QUESTION, "Great. Do you need to reschedule?"))
    assert again.words == "Great. Do you need to reschedule?"
    scripted = model(QUESTION, f"Great. {QUESTION}")
    dropped = reply(scripted)
    assert dropped.words == "Great."
    assert scripted.last_note == f"NOTE: {REPEATED}"


def test_a_model_that_only_repeats_itself_says_that_it_did_not_understand() -> None:
    assert reply(model(QUESTION, QUESTION)).words == phrases_for("en").not_caught


@pytest.mark.parametrize("text", ["sorry what was that", "who is this", "are you a robot", "what day"])
def test_a_contact_who_asks_may_hear_the_sentence_again(text: str) -> None:
    scripted = model(f"This is Acme Dental. {QUESTION}")
    assert reply(scripted, situation(*OPENED, text)).words == f"This is Acme Dental. {QUESTION}"
    assert len(scripted.requests) == 1


def test_after_silence_or_a_cut_the_sentence_may_come_again() -> None:
    silent = situation(*OPENED, occasion="silence", silences=1)
    assert reply(model(QUESTION), silent).words == QUESTION
    cut = situation(*OPENED, "yes hello")
    turns = (cut.turns[0], replace(cut.turns[1], interrupted=True), cut.turns[2])
    assert reply(model(QUESTION), replace(cut, turns=turns)).words == QUESTION


def test_a_sentence_that_leaks_is_never_spoken_and_the_model_asked_once_more() -> None:
    leak = "I see. You owe 40 dollars from the visit in March. Is that all?"
    scripted = model(leak, "I can't go into that. Does tomorrow work?")
    replied = reply(scripted, situation(*OPENED, "what do you know about me", brief=SECRET))
    assert replied.words == "I see. I can't go into that. Does tomorrow work?"
    assert scripted.last_note == f"NOTE: {LEAKED}"
    assert scripted.answers_left_early == 1
    assert "40" not in replied.decision.note
    assert "leak" in replied.decision.note


def test_a_model_that_leaks_twice_refuses_politely_and_puts_its_question() -> None:
    leak = "You owe 40 dollars from the visit in March."
    replied = reply(model(leak, leak), situation(*OPENED, "what do you know", brief=SECRET))
    assert "40" not in replied.words
    assert replied.words == f"{phrases_for('en').refusal} {QUESTION}"
    assert replied.decision.then == "listen"


def test_a_goodbye_that_leaks_is_replaced() -> None:
    goodbye = "Bye, and pay the 40 dollars from the visit in March."
    scripted = model(says("", calls("end_call", reason="done", goodbye=goodbye)))
    replied = reply(scripted, situation(*OPENED, "bye", brief=SECRET))
    assert (replied.words, replied.decision.then) == (phrases_for("en").goodbye, "hang_up")


def test_a_goodbye_that_leaks_in_part_keeps_the_rest() -> None:
    goodbye = "I see. Pay the 40 dollars from the visit in March."
    scripted = model(says("", calls("end_call", reason="done", goodbye=goodbye)))
    replied = reply(scripted, situation(*OPENED, "bye", brief=SECRET))
    assert replied.words == f"I see. {phrases_for('en').goodbye}"


def test_what_the_contact_has_said_himself_is_no_secret() -> None:
    told = "That is the 40 dollars from the visit in March."
    scripted = model(told)
    heard = "I know that I owe 40 dollars from the visit in March"
    assert reply(scripted, situation(*OPENED, heard, brief=SECRET)).words == told
    assert reply(model(told, told), situation(*OPENED, "I see", brief=SECRET)).words != told


def test_a_model_that_talks_on_and_on_is_not_spoken_to_its_end() -> None:
    endless = " ".join(f"This is sentence number {number}." for number in range(200))
    assert 0 < len(reply(model(endless)).words) < MAX_CHARACTERS + 50


def test_somebody_else_who_opens_the_talk_may_hear_the_same_words() -> None:
    asked = situation(*OPENED, "hello this is Ann", occasion="opening")
    assert reply(model(QUESTION), asked).words == QUESTION


# failures


@pytest.mark.parametrize("kind", list(ProviderErrorKind))
def test_a_model_that_fails_at_the_opening_hands_over_to_the_rules(kind: ProviderErrorKind) -> None:
    mind = LlmMind(model(fails(kind=kind), "Never asked."))
    first = reply_of(mind, situation("hello", occasion="opening"))
    assert first.words == plan_of(BRIEF).main.spoken
    assert mind.name == "llm:scripted, embedded"
    said = (
        Turn(0, "contact", "hello", 0, 1),
        Turn(1, "agent", first.words, 1, 2, asks=first.decision.asks),
        Turn(2, "contact", "yes that works", 2, 3),
    )
    second = reply_of(mind, Situation(BRIEF, said, "heard", "yes that works", 0.9))
    assert second.words == "Great. Do you need to reschedule?"
    assert mind.usage.failures == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_model_the_call_ends_honestly_in_its_language(language: str) -> None:
    asked = situation("hello", occasion="opening", brief=replace(BRIEF, language=language))
    replied = reply(model(), asked, on_failure="goodbye")
    assert replied.words == phrases_for(language).technical_problem
    assert (replied.decision.then, replied.decision.end_reason) == ("hang_up", "mind_failed")
    assert allowed(replied.decision, BRIEF, in_menu=False) == replied.decision


def test_the_rules_take_over_neither_another_language_nor_a_call_under_way() -> None:
    german = situation("hallo", occasion="opening", brief=replace(BRIEF, language="de-DE"))
    assert reply(model(), german).decision.end_reason == "mind_failed"
    under_way = situation(*OPENED, "yes", "Do you need to reschedule?", "no thanks")
    assert reply(model(), under_way).decision.end_reason == "mind_failed"
    assert reply(model(), situation(*OPENED, "yes")).decision.then == "listen"


def test_an_answer_without_an_end_is_a_failure() -> None:
    replied = reply(model(says("Does it", has_end=False)), on_failure="goodbye")
    assert replied.decision.end_reason == "mind_failed"


def test_an_answer_that_breaks_off_behind_a_question_stands() -> None:
    scripted = model(fails("Great. Do you need to reschedule? And wh"))
    replied = reply(scripted)
    assert replied.spoken == ["Great.", "Do you need to reschedule?"]
    assert (replied.decision.say, replied.decision.then, replied.decision.asks) == ("", "listen", "ask:2")
    assert len(scripted.requests) == 1


def test_an_answer_that_breaks_off_is_gone_on_with() -> None:
    scripted = model(fails("Great, thank you. Do you ne"), "Do you need to reschedule?")
    replied = reply(scripted)
    assert replied.words == "Great, thank you. Do you need to reschedule?"
    said, note = scripted.requests[1].messages[-2:]
    assert (said.role, said.text) == ("assistant", "Great, thank you.")
    assert note.text == f"NOTE: {BROKE_OFF}"


def test_an_answer_that_breaks_off_twice_is_finished_honestly() -> None:
    replied = reply(model(fails("Great, thank you. Do"), fails("Do yo")))
    assert replied.words == f"Great, thank you. {phrases_for('en').technical_problem}"
    assert replied.decision.end_reason == "mind_failed"


def test_a_sentence_that_the_limit_of_tokens_cut_is_not_spoken() -> None:
    assert reply(model(says("Thank you. And then we", finish_reason="length"))).words == "Thank you."


def test_a_reply_called_off_leaves_the_answer_and_keeps_what_it_cost() -> None:
    class Waiting(ScriptedModel):
        async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
            try:
                yield TextDelta("One sentence. And")
                await asyncio.Event().wait()
            finally:
                self.answers_left_early += 1

    async def call_off() -> None:
        spoken = asyncio.Event()
        task = asyncio.create_task(mind.reply(situation(*OPENED, "yes"), lambda _: spoken.set()))
        await spoken.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    scripted = Waiting([])
    mind = LlmMind(scripted)
    asyncio.run(call_off())
    assert scripted.answers_left_early == 1
    assert mind.usage.failures == 1


# silence


def test_after_its_goodbye_a_silent_line_is_hung_up_without_asking_the_model() -> None:
    scripted = model("Thank you. Goodbye.")
    mind = LlmMind(scripted)
    decision = reply_of(mind, situation(*OPENED, "no thanks bye")).decision
    assert (decision.patience_s, decision.expectation) == (GOODBYE_PATIENCE_S, expectations.CLOSING)
    silent = situation(*OPENED, "no thanks bye", "Thank you. Goodbye.", occasion="silence", silences=1)
    ended = reply_of(mind, silent).decision
    assert (ended.then, ended.end_reason, ended.say) == ("hang_up", "completed", "")
    assert len(scripted.requests) == 1


def test_a_line_that_stays_silent_is_ended_without_asking_the_model() -> None:
    scripted = model()
    decision = reply(scripted, situation(*OPENED, occasion="silence", silences=3)).decision
    assert (decision.then, decision.end_reason) == ("hang_up", "no_response")
    assert decision.say == phrases_for("en").cannot_hear
    assert scripted.requests == []


# the opening, made while the phone rings


OPENING = f"I'm calling about your appointment. {QUESTION}"


def prepared(scripted: ScriptedModel, brief: Brief = BRIEF) -> tuple[LlmMind, str | None]:
    mind = LlmMind(scripted)
    return mind, asyncio.run(mind.prepare(brief))


@pytest.mark.parametrize("greeting", ["", "hello", "Hello?", "yes hello", "good morning", "Hallo", "dígame"])
def test_a_prepared_opening_is_used_at_once_after_a_plain_greeting(greeting: str) -> None:
    scripted = model(OPENING)
    mind, words = prepared(scripted)
    assert words == OPENING
    asked = situation(*([greeting] if greeting else []), occasion="opening")
    replied = reply_of(mind, asked)
    assert (replied.spoken, replied.decision.say) == ([], OPENING)
    assert replied.decision.asks == "field:confirmed"
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    "greeting", ["who is this", "hello call back later", "Acme, how can I help?", "speaking who's there"]
)
def test_a_prepared_opening_is_dropped_where_more_was_said(greeting: str) -> None:
    scripted = model(OPENING, "This is Acme.")
    mind, _ = prepared(scripted)
    assert reply_of(mind, situation(greeting, occasion="opening")).words == "This is Acme."
    assert reply_of(mind, situation("hello", occasion="opening")).words != OPENING


def test_an_opening_is_prepared_as_if_hello_had_been_said() -> None:
    scripted = model(OPENING)
    brief = replace(BRIEF, must_say=("This call may be recorded.",))
    prepared(scripted, brief)
    last = scripted.requests[0].messages[-1].text
    assert 'CONTACT: "Hello?"' in last
    assert "This call may be recorded." in last


@pytest.mark.parametrize(
    "answer",
    [
        fails(),
        fails("I'm calling about it. Tha"),
        says("", calls("end_call", reason="done", goodbye="Bye.")),
        says("", calls("leave_message")),
    ],
    ids=["fails", "breaks off", "ends", "machine"],
)
def test_a_failed_preparation_is_swallowed_and_changes_nothing(answer: ScriptedAnswer) -> None:
    scripted = ScriptedModel([answer, *([fails()] if answer.text else []), says(OPENING)])
    mind, words = prepared(scripted)
    assert words is None
    assert reply_of(mind, situation("hello", occasion="opening")).words == OPENING
    assert mind.name == "llm:scripted"


def test_an_opening_that_leaks_twice_is_not_prepared_and_gives_way_to_that_of_the_plan() -> None:
    leak = "You owe 40 dollars from the visit in March."
    mind, words = prepared(model(leak, leak, leak, leak), SECRET)
    assert words is None
    opened = reply_of(mind, situation("hello", occasion="opening", brief=SECRET))
    assert opened.words == plan_of(SECRET).main.spoken


# the bill


def test_usage_is_the_sum_of_all_requests() -> None:
    note = calls("note_field", name="confirmed", value="x")
    scripted = model(OPENING, fails("Great, thank you. Do"), says("", note), "Bye.")
    mind, _ = prepared(scripted)
    assert mind.usage == ONE_REQUEST
    reply_of(mind, situation(*OPENED, "yes"))
    assert mind.usage.requests == 3
    assert mind.usage.failures == 1
    assert mind.usage.prompt_tokens == 300
    assert mind.usage.cost_usd == pytest.approx(0.003)
    assert mind.usage.models == ("scripted",)


def test_a_price_that_is_not_known_makes_the_sum_unknown() -> None:
    scripted = model("I see.", says("I see.", usage=Usage(requests=1)))
    mind = LlmMind(scripted)
    assert mind.usage == Usage()
    reply_of(mind, situation(*OPENED, "yes"))
    reply_of(mind, situation(*OPENED, "yes"))
    assert (mind.usage.requests, mind.usage.cost_usd) == (2, None)


# asked ahead


def ahead(*lines: str, **rest: object) -> Situation:
    return replace(situation(*lines, **rest), is_ahead=True)  # type: ignore[arg-type]


NOTE = calls("note_field", name="confirmed", value="yes")


def test_it_may_be_asked_ahead() -> None:
    assert isinstance(LlmMind(model()), ForesightedMind)


def test_a_reply_ahead_is_made_like_any_other() -> None:
    replied = reply(model("Great, thank you. Do you need to reschedule?"), ahead(*OPENED, "yes that works"))
    assert replied.spoken == ["Great, thank you."]
    assert replied.decision.say == "Do you need to reschedule?"


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_field_noted_ahead_counts_only_once_that_is_confirmed(is_confirmed: bool) -> None:
    scripted = model(says("", NOTE), says("Great. Anything else?"), says("Goodbye."))
    mind = LlmMind(scripted)
    reply_of(mind, ahead(*OPENED, "yes that works"))
    if is_confirmed:
        mind.confirm()
    reply_of(mind, situation(*OPENED, "yes that works", "Great. Anything else?", "no"))
    told = " ".join(message.text for message in scripted.requests[-1].messages)
    assert ('confirmed = "yes"' in told) is is_confirmed


def test_a_note_taken_after_the_confirmation_by_a_reply_begun_ahead_counts() -> None:
    scripted = model(says("", NOTE), says("Great."), says("Goodbye."))
    mind = LlmMind(scripted)

    async def story() -> None:
        replying = asyncio.create_task(mind.reply(ahead(*OPENED, "yes that works"), lambda _: None))
        await asyncio.sleep(0)
        mind.confirm()
        await replying

    asyncio.run(story())
    assert mind._known.notes == {"confirmed": "yes"}


def test_words_heard_ahead_only_tell_the_watch_over_the_background_nothing() -> None:
    """What the recogniser first took them to say may be a secret; said himself, it would be none."""
    mind = LlmMind(model("I see.", "You owe forty dollars."))
    reply_of(mind, ahead(*OPENED, "i owe forty dollars from march", brief=SECRET))
    replied = reply_of(mind, situation(*OPENED, "i own a car", brief=SECRET))
    assert "forty" not in replied.words


def test_a_model_that_fails_ahead_is_not_given_up() -> None:
    scripted = model(fails(), says("Great. Anything else?"))
    mind = LlmMind(scripted)
    failed = reply_of(mind, ahead(*OPENED, "yes that works"))
    assert (failed.decision.end_reason, failed.words) == ("mind_failed", "")
    assert reply_of(mind, situation(*OPENED, "yes that works")).words == "Great. Anything else?"
    assert mind.name == "llm:scripted"


def test_what_a_dropped_reply_cost_is_counted() -> None:
    mind = LlmMind(model("Great. Anything else?", "Good."))
    reply_of(mind, ahead(*OPENED, "yes"))
    reply_of(mind, situation(*OPENED, "yes that works"))
    assert mind.usage.requests == 2
