"""Work that overlaps on a whole line: words settled in a pause, a reply and its sound made ahead, fast stops.

Engines take their time (words 150 ms, first sentence 250, first sound 120), all else is real but the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.mind import Decision
from byourside_server.media.g711 import ULAW_DECODE
from byourside_server.media.messages import ClipStarted, SpeechStarted
from byourside_server.providers.base import (
    Completion,
    Expectation,
    Generation,
    Recognition,
    SettlingStream,
    TextDelta,
    Usage,
)
from tests.lines.rehearsal import (
    OFFICE,
    TICK_S,
    AlongStream,
    Aloud,
    EarsAlong,
    Mind,
    PiecewiseVoice,
    Rehearsal,
    Voice,
    play,
    rehearsal,
    until,
)
from tests.media.bank_kit import speech

WORDS_TAKE_S, MIND_TAKES_S, VOICE_TAKES_S = 0.15, 0.25, 0.12
VENDORS_MS = round(1000 * (WORDS_TAKE_S + MIND_TAKES_S + VOICE_TAKES_S))
ASK = Decision("Does that work?", asks="confirmed")
BYE = Decision("Goodbye.", then="hang_up")
WHOLE = "yes that works for me"


@dataclass
class MindAhead(Mind):
    """May be asked ahead."""

    confirmed: int = 0

    def confirm(self) -> None:
        self.confirmed += 1


@dataclass
class SettlingAlong(AlongStream):
    """Gives what the script says for each pause; the last of that are the stretch's own words."""

    ears: SettlingEars
    last: str = ""

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        self.last = self.ears.early.pop(0) if self.ears.early else self.last
        await asyncio.sleep(WORDS_TAKE_S)
        yield Recognition(self.last, 0.9)

    async def finish(self, expect: Expectation) -> Recognition:
        return Recognition(self.last, 0.9)


@dataclass
class SettlingEars(EarsAlong):
    """Ears whose stream tells its words in a pause."""

    early: list[str] = field(default_factory=list)

    async def open_stream(self, *, language: str = "en-US") -> SettlingAlong:
        stream = SettlingAlong(self)
        self.streams.append(stream)
        return stream


def aloud(text: str, then: Decision) -> Aloud:
    return Aloud(((MIND_TAKES_S, text),), then)


def test_the_scripted_stream_settles() -> None:
    assert isinstance(SettlingAlong(SettlingEars()), SettlingStream)


def test_an_answer_costs_little_more_than_its_engines(tmp_path: Path) -> None:
    """Words, mind and voice one after the other, begun on the first short silence."""

    async def story() -> None:
        ears = SettlingEars(early=["hello", "hello", "hello this is maria", WHOLE])
        mind = MindAhead([ASK, aloud("Thank you.", ASK), BYE])
        async with rehearsal(tmp_path, ears=ears, mind=mind, voice=Voice(VOICE_TAKES_S)) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            ears.early = ["hello this is maria", WHOLE]
            stage.say()
            await until(lambda: len(stage.transcript) == 4)
            stage.hang_up()
            await running
            assert mind.confirmed == 1
            turn = stage.ended.latency.turns[-1]
            assert VENDORS_MS <= turn.total_ms < VENDORS_MS + 150
            # The book stays true where stages run under each other.
            assert turn.mind_asked_ms is not None
            assert turn.decided_ms is not None
            assert turn.first_token_ms is not None
            assert turn.mind_asked_ms < turn.decided_ms, "asked ahead"
            assert abs((turn.first_token_took_ms or 0) - 1000 * MIND_TAKES_S) <= 5
            assert abs((turn.stt_took_ms or 0) - 1000 * WORDS_TAKE_S) <= 25
            assert (turn.first_audio_ms or 0) - (turn.voice_asked_ms or 0) >= 1000 * VOICE_TAKES_S - 5
            assert (turn.voice_asked_ms or 0) <= (turn.said_ms or 0)
            assert turn.total_ms == stage.line._conversation.latencies_ms[-1]

    play(story)


def test_what_was_thought_of_in_a_pause_is_never_said_and_its_sound_not_made_further(tmp_path: Path) -> None:
    async def story() -> None:
        ears = SettlingEars(early=["hello"])
        dropped = Aloud(((MIND_TAKES_S, "Thank you, Maria."),), BYE, after_s=1.0)
        mind = MindAhead([ASK, dropped, aloud("Very well.", ASK), BYE])
        voice = PiecewiseVoice([(0.05, 0.5), (0.5, 0.5)])
        async with rehearsal(tmp_path, ears=ears, mind=mind, voice=voice) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.far.play("phone", 1, speech())
            await until(lambda: len(stage.transcript) == 2)
            ears.early = ["maria is calling back"]
            halves = speech()[:14_400], speech()[20_000:]
            stage.far.play("phone", 2, halves[0] + b"\xff" * 3_200)
            await until(lambda: mind.thinking == 1)
            ears.early = [WHOLE]
            stage.far.play("phone", 3, halves[1])
            await until(lambda: len(stage.transcript) == 4)
            stage.hang_up()
            await running
            assert mind.called_off == 1
            assert voice.called_off[0] == "Thank you, Maria."
            assert mind.confirmed == 1
            said = " ".join(stage.transcript)
            assert "Maria." not in said
            assert "Very well." in said
            assert stage.ended.end_reason == "hung_up", "the goodbye thought of ahead was not"

    play(story)


class SlowModel:
    """Opens the call at once; every later answer takes its time and comes to no end."""

    name = "scripted"

    def __init__(self) -> None:
        self.requests = 0

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        self.requests += 1
        if self.requests == 1:
            yield TextDelta("Does tomorrow at two work for you?")
            yield Completion(usage=Usage(requests=1, prompt_tokens=400, completion_tokens=9, models=("m",)))
            return
        await asyncio.sleep(MIND_TAKES_S)
        yield TextDelta("Thank you. And")
        await asyncio.Event().wait()

    async def close(self) -> None: ...


def test_a_reply_ahead_that_a_hang_up_calls_off_is_on_the_calls_bill(tmp_path: Path) -> None:
    """It is called off in the moment in which the bill is read."""

    async def story() -> None:
        ears, model = SettlingEars(early=["hello", "hello"]), SlowModel()
        mind = LlmMind(model)
        async with rehearsal(tmp_path, ears=ears, mind=cast(Mind, mind), voice=Voice(VOICE_TAKES_S)) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.far.play("phone", 1, speech())
            await until(lambda: len(stage.transcript) == 2)
            assert mind.usage.ahead is None, "the opening is not asked ahead"
            ears.early = ["maria is calling back"]
            stage.far.play("phone", 2, speech()[:14_400])
            await until(lambda: model.requests == 2)
            stage.hang_up()
            await running
            used = stage.ended.usage
            assert used.ahead is not None
            assert (used.ahead.asked, used.ahead.taken_over, used.ahead.dropped) == (1, 0, 1)
            assert (used.requests, used.failures) == (1, 1)
            assert 350 < used.ahead.dropped_usage.prompt_tokens < 450, "as long a prompt as the opening's"
            assert used.prompt_tokens == 400 + used.ahead.dropped_usage.prompt_tokens

    play(story)


@dataclass
class Wire:
    """When our side sent sound that can be heard, by the loop's clock."""

    sounding: list[float] = field(default_factory=list)


def tap(stage: Rehearsal) -> Wire:
    wire, send = Wire(), stage.near.wire.send

    def watched(data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        if (
            source[0] == OFFICE
            and len(data) == 172
            and np.any(ULAW_DECODE[np.frombuffer(data[12:], np.uint8)])
        ):
            wire.sounding.append(asyncio.get_running_loop().time())
        send(data, source, target)

    stage.near.wire.send = watched  # type: ignore[method-assign]
    return wire


def test_the_agent_falls_silent_within_seven_ticks_of_a_voice_over_it(tmp_path: Path) -> None:
    """140 ms, from the packet that brings the voice to our last: jitter buffer, network and decision."""

    async def story() -> None:
        ears = SettlingEars(early=["hello"])
        mind = MindAhead([Decision("I have a long story for you."), BYE])
        voice = PiecewiseVoice([(0.05, 8.0)])
        async with rehearsal(tmp_path, ears=ears, mind=mind, voice=voice) as stage:
            wire = tap(stage)
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: bool(stage.clips_begun))
            await asyncio.sleep(1.5)
            ears.early = ["wait a moment please"]
            begun = len([event for event in stage.phone_heard if isinstance(event, ClipStarted)])
            stage.far.play("phone", 99, speech()[1600:])  # its voice begins at once
            await until(
                lambda: len([event for event in stage.phone_heard if isinstance(event, ClipStarted)]) > begun
            )
            onset = asyncio.get_running_loop().time()
            await asyncio.sleep(1.0)
            last = max(at for at in wire.sounding if at <= onset + 1.0)
            assert last - onset <= 7 * TICK_S + 1e-6
            assert any(isinstance(event, SpeechStarted) for event in stage.near.told)
            stage.hang_up()
            await running

    play(story)


def test_an_uh_huh_into_our_words_holds_them_up_and_they_are_said_to_their_end(tmp_path: Path) -> None:
    async def story() -> None:
        ears = SettlingEars(early=["hello"])
        mind = MindAhead([Decision("I have a long story for you and it goes on and on."), BYE])
        voice = PiecewiseVoice([(0.05, 4.0)])
        async with rehearsal(tmp_path, ears=ears, mind=mind, voice=voice) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: bool(stage.clips_begun))
            await asyncio.sleep(2.0)
            ears.early = ["uh huh"] * 3
            stage.far.play("phone", 99, speech()[1600:6000])
            await until(lambda: len(stage.clips_begun) == 2, 3.0)
            assert len(mind.situations) == 1, "nobody was asked what to make of it"
            await until(lambda: any("on and on" in line for line in stage.transcript))
            stage.hang_up()
            await running
            said = [line.removeprefix("agent: ") for line in stage.transcript if line.startswith("agent")]
            assert " ".join(said).endswith("I have a long story for you and it goes on and on.")

    play(story)
