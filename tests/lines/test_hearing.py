"""Ears that listen along: what they are told while somebody speaks, and what happens where they fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from byourside_server.conversation.mind import Decision
from byourside_server.lines.hearing import Hearing
from byourside_server.lines.inbound import Inbound, Transcribed
from byourside_server.media.messages import ListenAlong, SpeechStopped
from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SettlingStream,
    StreamingSpeechToText,
)
from tests.lines.rehearsal import WORDS_S, AlongStream, Ears, EarsAlong, Rehearsal, play, rehearsal, until

ASK = Decision("Does that work?", asks="confirmed")
BYE = Decision("Goodbye.", then="hang_up")
DOWN = ProviderError(ProviderErrorKind.UNAVAILABLE, "down")


def stretches_of(stage: Rehearsal) -> list[bytes]:
    return [event.ulaw for event in stage.near.told if isinstance(event, SpeechStopped)]


def listening_asked(stage: Rehearsal) -> list[bool]:
    return [each.enabled for each in stage.near.asked if isinstance(each, ListenAlong)]


def contact_said(stage: Rehearsal) -> list[str]:
    return [line.split(": ")[1] for line in stage.transcript if line.startswith("contact")]


def test_the_scripted_ears_are_of_the_kinds_they_say() -> None:
    assert isinstance(EarsAlong(), StreamingSpeechToText)
    assert not isinstance(Ears(), StreamingSpeechToText)


def test_ears_that_listen_along_have_heard_each_stretch_when_it_ends(tmp_path: Path) -> None:
    async def story() -> None:
        ears = EarsAlong(along=[(0.02, "hello"), (0.02, "yes")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await asyncio.sleep(WORDS_S / 2)
            assert len(ears.streams[0].unfinished) > 0.3 * WORDS_S * 8000, "told while it goes on"
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await running
            assert contact_said(stage) == ["hello", "yes"]
            assert ears.stretches == stretches_of(stage)
            assert ears.asked == 0, "nothing was recognised afterwards"
            assert len(ears.streams) == 1, "one for the whole call"
            await until(lambda: ears.streams[0].is_closed, 0.1)

    play(story)


def test_ears_that_listen_along_are_told_what_is_expected(tmp_path: Path) -> None:
    """Whoever stands in for them hears a yes or a no far better then."""

    async def story() -> None:
        yes_no = Expectation(frozenset({"yes_no"}))
        ears = EarsAlong(along=[(0.02, "hello"), (0.02, "yes")])
        asking = Decision("Does that work?", asks="confirmed", expectation=yes_no)
        async with rehearsal(tmp_path, decisions=[asking, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await running
            assert "greeting" in ears.expected[0].kinds
            assert ears.expected[1:] == [yes_no]

    play(story)


def test_ears_of_the_other_kind_are_told_nothing_while_it_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[BYE], ears=Ears([(0.05, "hello")])) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await running
            assert listening_asked(stage) == []

    play(story)


def test_the_stretches_of_one_turn_are_put_together(tmp_path: Path) -> None:
    async def story() -> None:
        ears = EarsAlong(along=[(0.05, "hello"), (0.4, "five five five"), (0.05, ""), (0.05, "zero one")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            for stretches in (2, 3, 4):
                stage.say()
                await until(lambda count=stretches: len(ears.stretches) == count)  # type: ignore[misc]
            await running
            assert contact_said(stage) == ["hello", "five five five zero one"]

    play(story)


@pytest.mark.parametrize(
    "failing",
    [(0.05, DOWN), (0.05, RuntimeError("a fault")), (9.0, "late")],
    ids=["cut off", "broken", "late"],
)
def test_where_listening_along_fails_the_whole_turn_is_recognised(
    tmp_path: Path, failing: tuple[float, str | Exception]
) -> None:
    async def story() -> None:
        ears = EarsAlong([(0.05, "yes it does")], along=[(0.05, "hello"), failing, (0.05, "thank you")])
        async with rehearsal(tmp_path, decisions=[ASK, ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            for turns in (2, 4):
                stage.say()
                await until(lambda count=turns: len(stage.transcript) == count)  # type: ignore[misc]
            stage.say()
            await running
            assert contact_said(stage) == ["hello", "yes it does", "thank you"]
            assert ears.asked == 1

    play(story)


def test_ears_that_fail_twice_running_are_not_listened_with_any_more(tmp_path: Path) -> None:
    async def story() -> None:
        ears = EarsAlong([(0.05, "hello"), (0.05, "yes"), (0.05, "fine")], along=[(0.05, DOWN)] * 2)
        async with rehearsal(tmp_path, decisions=[ASK, ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            for turns in (2, 4):
                stage.say()
                await until(lambda count=turns: len(stage.transcript) == count)  # type: ignore[misc]
            stage.say()
            await running
            assert contact_said(stage) == ["hello", "yes", "fine"]
            assert listening_asked(stage) == [True, False]
            assert ears.streams[0].is_closed

    play(story)


@pytest.mark.parametrize("failure", [DOWN, RuntimeError("a fault in the driver")])
def test_a_stream_that_does_not_open_costs_nothing_but_its_speed(tmp_path: Path, failure: Exception) -> None:
    async def story() -> None:
        ears = EarsAlong([(0.05, "hello")], opening=failure)
        async with rehearsal(tmp_path, decisions=[BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await running
            assert contact_said(stage) == ["hello"]
            assert listening_asked(stage) == []

    play(story)


def test_a_stream_that_opens_in_mid_speech_is_told_it_from_its_beginning(tmp_path: Path) -> None:
    async def story() -> None:
        ears = EarsAlong(along=[(0.05, "hello")], opening=2.5)
        async with rehearsal(tmp_path, decisions=[BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            await asyncio.sleep(0.3)
            stage.say()
            await running
            assert ears.stretches == stretches_of(stage)
            assert contact_said(stage) == ["hello"]

    play(story)


def test_a_call_nobody_answers_closes_its_stream(tmp_path: Path) -> None:
    async def story() -> None:
        ears = EarsAlong()
        async with rehearsal(tmp_path, ears=ears, ring_timeout_s=5.0) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            await running
            await until(lambda: ears.streams[0].is_closed, 0.1)
            assert listening_asked(stage) == [], "a phone that rings is not listened to"

    play(story)


def test_words_under_way_at_the_hang_up_are_heard_along_too(tmp_path: Path) -> None:
    async def story() -> None:
        ears = EarsAlong(along=[(0.05, "hello"), (0.5, "yes goodbye")])
        async with rehearsal(tmp_path, decisions=[ASK], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await asyncio.sleep(0.95)
            stage.hang_up()
            await running
            assert stage.transcript[-1] == "contact: yes goodbye"
            assert ears.stretches == stretches_of(stage)

    play(story)


def test_a_stream_that_closes_badly_disturbs_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        ears = EarsAlong(along=[(0.05, "hello")])
        async with rehearsal(tmp_path, decisions=[BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()

            async def close() -> None:
                raise OSError("connection reset")

            ears.streams[0].close = close  # type: ignore[method-assign]
            stage.say()
            await running
            assert stage.ended.end_reason == "completed"
            await asyncio.sleep(0.1)

    play(story)
    assert "a speech stream did not close in order" in caplog.text


@dataclass
class NothingEarly(AlongStream):
    """May be asked in a pause and knows nothing then, like a chain whose first engine rests."""

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        told: list[Recognition] = []
        for each in told:
            yield each


@dataclass
class EarsOfNothingEarly(EarsAlong):
    async def open_stream(self, *, language: str = "en-US") -> NothingEarly:
        return NothingEarly(self)


def test_a_pause_calls_off_no_words_that_are_still_being_recognised() -> None:
    """A menu is read out and, while it is recognised, once more: its words come all the same."""

    async def story() -> None:
        came: list[Inbound] = []
        ears = EarsOfNothingEarly(along=[(0.5, "press one"), (0.1, "press one")])
        hearing = Hearing("call", "en-US", ears, lambda enabled: None, came.append)
        assert isinstance(await ears.open_stream(), SettlingStream)
        hearing.prepare(Expectation())
        await asyncio.sleep(0.01)
        hearing.push(b"\x91" * 800)
        hearing.add(b"\x91" * 800, 1.0, 2.0, None, Expectation())
        hearing.recognise(Expectation())
        hearing.push(b"\x91" * 800)
        hearing.pause(2.4, 1.0, Expectation())
        await asyncio.sleep(1.0)
        assert came == [Transcribed(1, Recognition("press one", 0.9))]
        assert isinstance(came[0], Transcribed)
        assert hearing.is_latest(came[0])
        hearing.close()

    play(story)
