"""The mind beside the talk: asked, superseded, called off, handed words of; and what it has cost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from byourside_server.calls.call import Field
from byourside_server.calls.latency import Silence
from byourside_server.conversation import events as talk
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.mind import Decision, Situation
from byourside_server.lines.inbound import Inbound, MindFailed, Replied, Spoke
from byourside_server.lines.thoughts import Thoughts
from byourside_server.providers.base import ProviderError, ProviderErrorKind
from tests.conversation.scripted_model import calls, model, says
from tests.lines.rehearsal import Aloud, Ears, Mind, play, rehearsal, until

ASK = Decision("Does that work?", asks="confirmed")
BYE = Decision("Goodbye.", then="hang_up")


def thinking(*script: Decision | Exception | Aloud) -> tuple[Thoughts, Mind, list[Inbound]]:
    heard: list[Inbound] = []
    mind = Mind(list(script))
    return Thoughts("call-1", mind, heard.append), mind, heard


def a_wish(number: int) -> talk.Think:
    return talk.Think(number, Situation(Brief("Ask."), (), "opening"))


def test_sentences_come_as_they_are_made_and_the_decision_last() -> None:
    async def story() -> None:
        thoughts, _, heard = thinking(
            Aloud(
                (
                    (0.2, "Hello."),
                    (0.3, "One more."),
                ),
                ASK,
                0.5,
            )
        )
        thoughts.think(a_wish(7))
        await asyncio.sleep(0.25)
        assert heard == [Spoke(7, "Hello.")]
        await asyncio.sleep(1)
        assert heard[1:] == [Spoke(7, "One more."), Replied(7, ASK)]

    play(story)


def test_a_newer_thought_calls_the_older_off() -> None:
    async def story() -> None:
        thoughts, mind, heard = thinking(Aloud(((1.0, "Too late."),), ASK), BYE)
        thoughts.think(a_wish(1))
        await asyncio.sleep(0.1)
        thoughts.think(a_wish(2))
        await asyncio.sleep(2)
        assert heard == [Replied(2, BYE)]
        assert mind.called_off == 1

    play(story)


def test_what_is_not_wanted_any_more_is_called_off() -> None:
    async def story() -> None:
        thoughts, mind, heard = thinking(Aloud(((1.0, "Too late."),), ASK))
        thoughts.think(a_wish(1))
        await asyncio.sleep(0.1)
        thoughts.stop()
        thoughts.stop()
        await asyncio.sleep(2)
        assert (heard, mind.called_off) == ([], 1)

    play(story)


def test_a_mind_that_breaks_in_mid_answer_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        thoughts, _, heard = thinking(Aloud(((0.1, "Well,"),), ValueError("no such step")))
        thoughts.think(a_wish(4))
        await asyncio.sleep(1)
        assert heard == [Spoke(4, "Well,"), MindFailed(4)]

    play(story)
    assert "a mind broke" in caplog.text


@pytest.mark.parametrize(
    ("failure", "logged"),
    [
        (ProviderError(ProviderErrorKind.UNAVAILABLE, "down"), False),
        (ValueError("no such word"), True),
    ],
)
def test_a_mind_that_cannot_get_ready_is_asked_all_the_same(
    failure: Exception, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        class Unready(Mind):
            async def prepare(self, brief: object) -> str | None:
                raise failure

        heard: list[Inbound] = []
        thoughts = Thoughts("call-1", Unready([BYE]), heard.append)
        wish = a_wish(1)
        expected: list[str] = []
        thoughts.prepare(wish.situation.brief, expected.append)
        await asyncio.sleep(0.1)
        thoughts.think(wish)
        await asyncio.sleep(0.1)
        assert (heard, expected) == ([Replied(1, BYE)], [])

    play(story)
    assert ("a mind broke in its preparation" in caplog.text) == logged


def test_a_reply_taken_over_at_the_moment_it_was_asked_is_not_taken_for_one_that_was_dropped() -> None:
    """A machine that stalled for a second finds both due at once: to ask ahead, and the end of the turn."""
    scripted = model(says("", calls("note_field", name="confirmed", value="wrong")), "Fine.", "Great.")
    mind = LlmMind(scripted)
    said = Situation(Brief("Ask.", fields=(Field("confirmed"),)), (), "heard", "well", is_ahead=True)

    async def story() -> None:
        thoughts = Thoughts("call-1", mind, lambda _: None)
        thoughts.think(talk.Think(1, said))
        await asyncio.sleep(1)
        thoughts.stop()
        thoughts.think(talk.Think(2, replace(said, text="well yes")))
        await thoughts.confirm()
        await asyncio.sleep(1)

    play(story)
    assert len(scripted.requests) == 3
    assert mind._known.notes == {}


# --- on a line ----------------------------------------------------------------------------------------


def test_a_line_hands_words_on_and_calls_thoughts_off(tmp_path: Path) -> None:
    async def story() -> None:
        reply = Aloud(((0.1, "Well,"), (30.0, "never said")), ASK)
        async with rehearsal(tmp_path, decisions=[reply], ears=Ears([(0.05, "hello")])) as stage:
            conversation = stage.line._conversation
            words: list[tuple[int, str]] = []

            def note(request_id: int, text: str, now: float) -> None:
                words.append((request_id, text))
                conversation._events.append(talk.StopThinking())

            conversation.receive_words = note  # type: ignore[method-assign]
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: bool(words))
            assert words == [(1, "Well,")]
            await until(lambda: stage.mind.called_off == 1, 0.1)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    play(story)


def test_the_end_of_a_line_says_who_thought_and_what_it_cost(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK, BYE]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.mind.name = "the second of the chain"
            stage.say()
            await running
            assert stage.ended.mind == "the second of the chain"
            assert stage.ended.usage == stage.mind.usage
            assert stage.ended.usage.requests == 2

    play(story)


def test_dead_air_is_told_once_each_at_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[BYE]) as stage:
            kind = type(stage.line._conversation)
            silences = ((4.0, 7.25, "mind"), (20.0, 22.5, "voice"))
            stage.line._conversation.__class__ = type(
                "Silent", (kind,), {"dead_air": property(lambda self: silences)}
            )
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await running
            assert stage.ended.latency.silences == (
                Silence(4000, 7250, "mind"),
                Silence(20_000, 22_500, "voice"),
            )

    play(story)
    told = [vars(record) for record in caplog.records if record.message == "dead air"]
    assert [(each["call_id"], each["start"], each["end"], each["cause"]) for each in told] == [
        ("call-1", 4.0, 7.25, "mind"),
        ("call-1", 20.0, 22.5, "voice"),
    ]
