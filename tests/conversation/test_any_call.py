"""Calls thrown together by dice, in virtual time: whatever happens in whatever order, what is promised holds.

A simulated model that says and wants anything, a contact who says anything at any moment, slow and silent
engines. Each seed is one call, and the same one every time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from functools import cache
from itertools import pairwise

import pytest

from byourside_server.calls.call import VoicemailPolicy
from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.disclosure import disclosure
from byourside_server.conversation.embedded_mind import decide
from byourside_server.conversation.events import (
    END_REASONS,
    Confirm,
    ConversationEvent,
    Finish,
    PressKeys,
    Say,
    StopThinking,
    Think,
    Transfer,
    TurnEnded,
)
from byourside_server.conversation.intents import Intent, intent_of
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.mind import Situation
from byourside_server.conversation.obligations import SAY_BEFORE, proofs
from byourside_server.conversation.words import plain
from byourside_server.providers.base import (
    Completion,
    Generation,
    ProviderError,
    ProviderErrorKind,
    TextDelta,
    ToolCall,
)
from tests.conversation.scripted_line import (
    HANG_UP,
    README_FIELDS,
    README_OBJECTIVE,
    Interruption,
    Line,
    Pace,
    ScriptedLine,
    ScriptedMind,
    Streamed,
)
from tests.conversation.scripted_model import ONE_REQUEST, ScriptedModel, calls

SENTENCES = (
    *(
        "Does that still work for you?",
        "Thank you. Goodbye.",
        "Thank you for your time.",
        "",
        "Okay",
        "Sure.",
    ),
    *("You owe for the zirconium crown.", "NOTE: hello", "1. First\n2. Second", "Calls may be recorded."),
    *("May we send you a text message?", "Well, this is long, " + "and goes on, " * 8 + "until it ends."),
)
CONTACT = (
    *(
        "Uh huh.",
        "Yes.",
        "No.",
        "Wait, who is this?",
        "Call me after five.",
        "Sorry, what?",
        "Hold on.",
        "Bye.",
    ),
    *("I'm not interested.", "You have the wrong number.", "Don't call me again.", "Are you a robot?", "Hm."),
    *("Is it about a zirconium crown?", "She's not here right now.", "For sales press one."),
    *("Please leave a message after the tone.", "No no no, I want to talk to somebody real about this now."),
)
GREETINGS = (
    *(
        "Hello?",
        "Hello?",
        "Yes, hello, this is Ann speaking.",
        "For sales press one. For support press two.",
        "",
    ),
    *("Please leave a message after the tone.", "Please state your name and why you are calling."),
)
WISHES = (
    *(
        calls("end_call", reason="done", goodbye=words)
        for words in ("", "Goodbye.", "Anything else? Goodbye.")
    ),
    *(calls("end_call", reason=reason, goodbye="Bye.") for reason in ("call_back_later", "do_not_call")),
    *(calls("transfer", target="Front Desk"), calls("press_keys", digits="1"), calls("leave_message")),
    *(calls("note_field", name="confirmed", value="true"), calls("bogus"), calls("end_call", "{bad")),
)
AT_ONCE = 20
LEAVES = {Intent.DO_NOT_CALL, Intent.WRONG_NUMBER, Intent.NOT_INTERESTED, Intent.GOODBYE}


class RestlessModel(ScriptedModel):
    """A simulated model that says and wants anything."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(())
        self._dice = dice

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        yield TextDelta(" ".join(self._dice.choices(SENTENCES, k=self._dice.choice((0, 1, 1, 2, 3)))))
        if self._dice.random() < 0.08:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, "scripted failure")
        wishes: tuple[ToolCall, ...] = tuple(self._dice.choices(WISHES, k=self._dice.choice((0, 0, 1, 2))))
        yield Completion(wishes, "stop", ONE_REQUEST)


class RestlessLine(ScriptedLine):
    """A line that keeps every event, and whose voice may break off at any word."""

    def run(self) -> ScriptedLine:
        self.events: list[ConversationEvent] = []
        self.free_at = 0.0
        take = self.conversation.next_event

        def note() -> ConversationEvent | None:
            event = take()
            if event is not None:
                self.events.append(event)
            return event

        self.conversation.next_event = note  # type: ignore[method-assign]
        super().run()
        while note() is not None:
            pass
        return self

    def _speak(self, text: str, start: float, heard_as: str | None) -> float:
        end = super()._speak(text, max(start, getattr(self, "free_at", 0.0)), heard_as)
        self.free_at = end + 0.45  # one mouth: nobody speaks over himself
        if self.conversation.asks_ahead:
            self._pause_in(text, start, end)
        return end

    def _pause_in(self, text: str, start: float, end: float) -> None:
        """Ears that listen along tell a pause in the middle, with half the words, and one at the end."""
        hear, words = self.conversation, plain(text).split()
        half, middle = " ".join(words[: len(words) // 2]), (start + end) / 2
        if len(words) > 3:
            self._at(middle + 0.07, lambda now: hear.receive_pause(middle, now))
            self._at(middle + 0.1, lambda now: hear.receive_guess(half, 0.8, middle, now))
            self._at(middle + 0.2, lambda now: hear.receive_text(half, 0.9, start, middle, now))
            self._at(middle + 0.25, lambda now: hear.receive_resumed(now))
        self._at(end + 0.07, lambda now: hear.receive_pause(end - 0.05, now))
        self._at(end + 0.15, lambda now: hear.receive_guess(" ".join(words), 0.8, end - 0.05, now))


def mind_of(dice: random.Random) -> ScriptedMind:
    if dice.random() < 0.25:
        return decide
    mind = LlmMind(RestlessModel(dice), on_failure=dice.choice(("goodbye", "embedded")))

    def think(situation: Situation) -> Streamed:
        spoken: list[str] = []
        decision = asyncio.run(mind.reply(situation, spoken.append))
        return Streamed(tuple((dice.uniform(0, 2), each) for each in spoken), decision, dice.uniform(0, 3))

    return think


def brief_of(dice: random.Random) -> Brief:
    return Brief(
        README_OBJECTIVE,
        context="The zirconium crown costs 4750 dollars.",
        fields=dice.choice(((), README_FIELDS)),
        language=dice.choice((None, None, "de", "ja")),
        voicemail=dice.choice((VoicemailPolicy(), VoicemailPolicy("leave_message"))),
        max_duration_s=dice.choice((20.0, 120.0, 300.0)),
        on_behalf_of=dice.choice((None, "Acme Dental")),
        must_say=dice.choice(((), ("Calls may be recorded.", "Bring your card."))),
        must_ask=dice.choice(((), ("May we send you a text message?",))),
        transfers=(TransferTarget("Front Desk", "+12025550123"),),
    )


def call_of(seed: int) -> RestlessLine:
    dice = random.Random(seed)
    brief, mind, slow = brief_of(dice), mind_of(dice), dice.choice((0.0, 1.0, 3.0))
    pace = Pace(
        lambda: dice.uniform(0, 3 * slow),
        lambda: None if dice.random() < 0.03 else dice.uniform(0.01, 0.2 + slow),
        lambda: None if dice.random() < 0.03 else dice.uniform(0.05, 0.3 + slow),
    )
    script = [Line(dice.choice(GREETINGS)), *(Line(dice.choice(CONTACT)) for _ in range(dice.randint(0, 12)))]
    script += [HANG_UP] * (dice.random() < 0.2)
    often = dice.choice((0.0, 0.2, 0.6))
    cuts = [
        Interruption(number, dice.uniform(0, 7), dice.choice(CONTACT))
        for number in range(1, 20)
        if dice.random() < often
    ]
    line = RestlessLine(brief, script, cuts, mind=mind, pace=pace)
    line.conversation.asks_ahead = bool(seed % 2)
    line.hand_over = dice.choice((True, False, None))
    for _ in range(dice.choice((0, 0, 3))):
        line.speak_at(dice.uniform(0, 60), dice.choice(CONTACT))
    line.run()
    return line


def owed_in(line: ScriptedLine) -> list[str]:
    """What had to be said and was not, though the call came to an end that excuses nothing."""
    talk = line.conversation
    wants_to_go = LEAVES & {intent_of(turn.text) for turn in line.turns if turn.role == "contact"}
    if talk.answered_by != "human" or talk.ended_by != "agent" or wants_to_go:
        return []
    if talk.end_reason not in SAY_BEFORE:
        return []
    return [p.text for p in proofs(line.brief, line.turns) if p.kind == "must_say" and p.turn is None]


@cache
def calls_from(first: int) -> tuple[RestlessLine, ...]:
    return tuple(call_of(seed) for seed in range(first, first + AT_ONCE))


ANY = pytest.mark.parametrize("first", range(0, 400, AT_ONCE))


@ANY
def test_any_call_ends_in_time_and_nothing_follows_its_end(first: int) -> None:
    """The scripted line itself asserts that never two utterances are under way."""
    for seed, line in enumerate(calls_from(first), first):
        assert line.ended_at is not None, seed
        assert line.ended_at <= line.brief.max_duration_s + 0.1, seed
        assert line.conversation.end_reason in END_REASONS, seed
        kinds = [type(event) for event in line.events]
        after = kinds[kinds.index(Finish) + 1 :] if Finish in kinds else []
        assert not {Finish, Say, Think, Transfer, PressKeys} & set(after), seed


def test_in_these_calls_replies_are_thought_of_ahead_taken_over_and_dropped() -> None:
    events = [event for line in calls_from(0) for event in line.events]
    ahead = sum(isinstance(event, Think) and event.situation.is_ahead for event in events)
    taken_over = sum(isinstance(event, Confirm) for event in events)
    assert 0 < taken_over < ahead


@ANY
def test_nothing_is_done_of_a_reply_ahead_before_it_is_taken_over(first: int) -> None:
    """Between the request and its confirmation, its end or a newer one, the agent begins nothing."""
    for seed, line in enumerate(calls_from(first), first):
        ahead = False
        for event in line.events:
            if isinstance(event, Think):
                ahead = event.situation.is_ahead
            elif isinstance(event, Confirm | StopThinking):
                ahead = False
            assert not (ahead and isinstance(event, Transfer | PressKeys)), seed


@ANY
def test_the_transcript_of_any_call_is_in_order(first: int) -> None:
    for seed, line in enumerate(calls_from(first), first):
        turns = line.turns
        assert [turn.index for turn in turns] == list(range(len(turns))), seed
        assert all(turn.text.strip() and turn.start_ms <= turn.end_ms for turn in turns), seed
        for role in ("agent", "contact"):
            own = [turn for turn in turns if turn.role == role]
            assert all(before.end_ms <= turn.start_ms for before, turn in pairwise(own)), seed
        told = [event.turn for event in line.events if isinstance(event, TurnEnded)]
        assert told == list(turns[: len(told)]), seed


@ANY
def test_any_call_says_what_it_owes_and_nothing_of_the_background(first: int) -> None:
    for seed, line in enumerate(calls_from(first), first):
        said, opening = line.words_of("agent"), disclosure(line.brief)
        assert "zirconium" not in said.lower(), seed
        assert "4750" not in said, seed
        assert said.startswith(opening) or not said or not_whole(line, opening), seed
        assert owed_in(line) == [], seed


def not_whole(line: ScriptedLine, opening: str) -> bool:
    """Whether the first words were the beginning of the disclosure, and were cut."""
    first = next(turn for turn in line.turns if turn.role == "agent")
    return first.interrupted and opening.startswith(first.text)
