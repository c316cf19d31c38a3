"""One line from the INVITE to its end, in virtual time: what goes wrong on it, what is kept all the same."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from byourside_server.conversation.mind import Decision
from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from tests.lines.rehearsal import (
    PHONE,
    WORDS_S,
    Ears,
    Rehearsal,
    Voice,
    play,
    rehearsal,
    until,
)

ASK = Decision("Does that work?", asks="confirmed")
BYE = Decision("Goodbye.", then="hang_up")
DOWN = ProviderError(ProviderErrorKind.UNAVAILABLE, "down")


# --- the plain course ---------------------------------------------------------------------------------


def test_a_call_is_dialled_talked_and_closed(tmp_path: Path) -> None:
    async def story() -> None:
        ears = Ears([(0.05, "hello"), (0.05, "yes")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await running
            said = [line.split(": ")[1] for line in stage.transcript]
            assert said[0] == "hello"
            assert said[1].endswith("Does that work?")
            assert said[2:] == ["yes", "Goodbye."]
            assert (stage.ended.state, stage.ended.ended_by, stage.ended.end_reason) == (
                "post",
                "agent",
                "completed",
            )
            recording = (tmp_path / "call-1.wav").read_bytes()
            assert stage.ended.recording_ms == (len(recording) - 58) // 16
            assert struct.unpack("<I", recording[4:8])[0] + 8 == len(recording)
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)))

    play(story)


# --- engines that fail --------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [DOWN, RuntimeError("a fault in the engine's driver")])
def test_a_voice_that_fails_ends_the_call_and_does_not_hold_the_phone(
    tmp_path: Path, failure: Exception
) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 9, voice=Voice(fails=failure)) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await asyncio.wait_for(running, 60)
            assert (stage.ended.state, stage.ended.end_reason) == ("post", "voice_failed")
            assert all(line.startswith("contact") for line in stage.transcript)

    play(story)


@pytest.mark.parametrize("failure", [DOWN, RuntimeError("a fault in the engine's driver")])
def test_ears_that_fail_leave_a_turn_without_words(tmp_path: Path, failure: Exception) -> None:
    async def story() -> None:
        ears = Ears([(0.05, failure), (0.05, "yes")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await asyncio.wait_for(running, 60)
            assert [line.split(": ")[1] for line in stage.transcript][::2] == ["[unintelligible]", "yes"]
            assert stage.ended.end_reason == "completed"

    play(story)


def test_a_mind_that_breaks_says_goodbye_and_puts_the_phone_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK, ValueError("no such step")]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await asyncio.wait_for(running, 60)
            assert (stage.ended.state, stage.ended.ended_by, stage.ended.end_reason) == (
                "post",
                "agent",
                "mind_failed",
            )
            assert "technical problem" in stage.transcript[-1]
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)
            assert await stage.near.open("call-1", lambda event: None), "the row is free again"

    play(story)
    (record,) = [record for record in caplog.records if record.message == "a mind broke"]
    assert record.exc_info is not None
    assert "no such step" in str(record.exc_info[1])


def test_a_fault_of_our_own_puts_the_phone_down_and_is_not_hidden(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK]) as stage:

            def break_down(*_: object) -> None:
                raise ZeroDivisionError("a fault of our own")

            stage.line._conversation.receive_speech_stopped = break_down  # type: ignore[assignment,method-assign]
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(running, 60)
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)

    play(story)


def test_a_line_cut_from_outside_leaves_no_phone_off_the_hook(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            await asyncio.sleep(1)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)
            assert await stage.near.open("call-1", lambda event: None), "the row is free again"

    play(story)


# --- words that come late -----------------------------------------------------------------------------


def test_what_is_superseded_is_taken_back_and_never_believed(tmp_path: Path) -> None:
    """A pause cuts the turn; the words of its first half are out of date once the whole is asked for."""

    async def story() -> None:
        ears = Ears([(0.05, "hello"), (20.0, "no"), (0.05, "no that is wrong it works")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await until(lambda: ears.asked == 2)
            stage.say()
            await until(lambda: ears.asked == 3)
            assert ears.taken_back == 1
            await running
            assert "contact: no that is wrong it works" in stage.transcript
            assert "contact: no" not in stage.transcript

    play(story)


def test_words_that_come_after_their_turn_are_not_waited_for(tmp_path: Path) -> None:
    """Recognition queues, and what nobody waits for must not hold up the other calls."""

    async def story() -> None:
        ears = Ears([(0.05, "hello"), (8.0, "yes")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await until(lambda: len(stage.transcript) >= 3)
            assert stage.transcript[2] == "contact: [unintelligible]"
            await until(lambda: ears.taken_back == 1, 0.1)
            await running
            assert "contact: yes" not in stage.transcript

    play(story)


def test_a_voice_raised_before_our_words_have_begun_keeps_them_back(tmp_path: Path) -> None:
    """The sound of what was withdrawn comes out of the engine two seconds later, and is not played."""

    async def story() -> None:
        ears = Ears([(0.05, "hello"), (0.05, "wait a moment please")])
        other = Decision("What is it?", asks="confirmed")
        voice = Voice(takes_s=3.0)
        async with rehearsal(tmp_path, decisions=[ASK, other, BYE], ears=ears, voice=voice) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.mind.situations) == 1)
            await asyncio.sleep(0.5)
            stage.say()
            await until(lambda: len(stage.mind.situations) == 2)
            await until(lambda: bool(stage.clips_begun))
            assert 1 not in stage.clips_begun
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    play(story)


# --- the end, at any time -----------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.9, WORDS_S + 0.05], ids=["in the middle", "right behind"])
def test_words_under_way_at_the_hang_up_are_in_the_transcript(tmp_path: Path, after_s: float) -> None:
    """People say "yes, bye" and put the phone down: voice activity has not noticed the end by then."""

    async def story() -> None:
        ears = Ears([(0.05, "hello"), (0.5, "yes goodbye")])
        async with rehearsal(tmp_path, decisions=[ASK], ears=ears) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await asyncio.sleep(after_s)
            stage.hang_up()
            await running
            assert stage.transcript[-1] == "contact: yes goodbye"
            assert stage.ended.turns[-1].text == "yes goodbye"
            assert (stage.ended.ended_by, stage.ended.state) == ("contact", "post")

    play(story)


def test_calling_off_while_nobody_answers_the_invite(tmp_path: Path) -> None:
    """RFC 3261 §9.1: no CANCEL before a provisional; the line is given up all the same."""

    async def story() -> None:
        async with rehearsal(tmp_path) as stage:
            stage.phone.endpoint.receive_datagram = lambda *_: None  # type: ignore[method-assign]
            running = asyncio.create_task(stage.line.run())
            await asyncio.sleep(1)
            stage.cancelled.set()
            await asyncio.wait_for(running, 10)
            assert (stage.ended.state, stage.ended.ended_by) == ("canceled", "api")

    play(story)


def test_calling_off_while_it_rings(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            stage.cancelled.set()
            await asyncio.wait_for(running, 1)
            assert (stage.ended.state, stage.ended.ended_by) == ("canceled", "api")
            assert len(stage.heard_by_phone(sip.Cancelled)) == 1

    play(story)


def test_calling_off_in_the_talk_keeps_what_was_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.cancelled.set()
            await asyncio.wait_for(running, 1)
            assert (stage.ended.state, stage.ended.ended_by, stage.ended.end_reason) == (
                "post",
                "api",
                "canceled",
            )
            assert len(stage.ended.turns) == 2
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)

    play(story)


def test_calling_off_in_the_goodbye_ends_it_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[BYE]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: bool(stage.clips_begun))
            await asyncio.sleep(1)
            stage.cancelled.set()
            await asyncio.wait_for(running, 1)
            assert stage.ended.ended_by == "api"
            assert stage.ended.turns[-1].role == "agent"
            assert len(stage.heard_by_phone(sip.HungUp)) <= 1

    play(story)


def test_a_phone_that_rings_too_long_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, ring_timeout_s=5.0) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            await asyncio.wait_for(running, 6)
            assert (stage.ended.state, stage.ended.sip.status) == ("no_answer", 487)
            assert stage.ended.sip.ring_s == pytest.approx(5.0, abs=0.1)

    play(story)


# --- media that goes, and sound that moves ------------------------------------------------------------


def test_without_media_a_call_fails_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path) as stage:
            stage.near.die()
            await asyncio.wait_for(stage.line.run(), 0.1)
            assert (stage.ended.state, stage.ended.error) == ("failed", "media_lost")
            assert not stage.phone_events

    play(story)


def test_media_lost_while_it_rings_fails_the_call_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            stage.near.die()
            await asyncio.wait_for(running, 0.5)
            assert (stage.ended.state, stage.ended.error) == ("failed", "media_lost")
            assert stage.heard_by_phone(sip.Cancelled)

    play(story)


def test_media_lost_in_the_talk_keeps_the_turns(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.near.die()
            await asyncio.wait_for(running, 0.5)
            assert (stage.ended.state, stage.ended.error) == ("failed", "media_lost")
            assert len(stage.ended.turns) == 2

    play(story)


def reinvite(stage: Rehearsal, host: str, port: int, direction: sdp.Direction) -> None:
    """What a carrier's gateway sends when it moves the sound, or holds the call."""
    call = stage.incoming.call
    body = sdp.offer(host, port, (sdp.PCMU,), direction=direction, version=port).encode()
    stage.phone.do(lambda now: call.reoffer(body, now))


def test_a_reinvite_moves_the_sound_and_a_hold_to_nowhere_does_not(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            await asyncio.sleep(0.2)
            elsewhere: list[bytes] = []
            stage.near.wire.listen((PHONE, 7000), lambda data, _: elsewhere.append(data))
            reinvite(stage, PHONE, 7000, "sendrecv")
            await asyncio.sleep(0.2)
            moved = len(elsewhere)
            assert moved >= 8
            reinvite(stage, "0.0.0.0", 7000, "inactive")
            await asyncio.sleep(0.2)
            assert len(elsewhere) >= moved + 8, "the last address is kept for when the hold is over"
            stage.hang_up()
            await running
            assert stage.ended.state == "post"

    play(story)


def test_an_answer_given_with_the_183_counts_where_the_200_has_none(tmp_path: Path) -> None:
    """RFC 3261 §13.2.1: the first description that comes is the answer."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK]) as stage:
            running = asyncio.create_task(stage.line.run())
            await until(lambda: bool(stage.phone_events))
            port = await stage.far.open("phone", stage.phone_heard.append)
            answer = sdp.answer(sdp.parse(stage.incoming.sdp), PHONE, port).encode()
            stage.phone.do(lambda now: stage.incoming.call.ring(now, 183, answer))
            await asyncio.sleep(0.5)
            stage.phone.do(lambda now: stage.incoming.call.answer(b"", now))
            await until(lambda: len(stage.transcript) >= 1)
            stage.hang_up()
            await running
            assert stage.ended.state == "post"
            assert stage.ended.sip.early_media

    play(story)
