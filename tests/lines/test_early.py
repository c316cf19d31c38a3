"""Ears before the answer: tones that the network plays instead of a status, a mailbox that begins early."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from byourside_server.conversation.mind import Decision
from byourside_server.lines.early import EarlyEars
from byourside_server.media.messages import LineEvent, SpeechStarted, SpeechStopped, ToneHeard
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from tests.lines.rehearsal import PHONE, Ears, Rehearsal, play, rehearsal, until
from tests.media.bank_kit import Exchange, silence, speech, tone

RINGBACK = tone(2, 440, 480) + silence(4)
BUSY = tone(0.5, 480, 620) + silence(0.5)
CONGESTION = tone(0.25, 480, 620) + silence(0.25)
NOT_IN_SERVICE = tone(0.38, 985.2) + tone(0.276, 1428.5) + tone(0.38, 1776.7) + silence(0.3) + speech()
FAX = tone(2.6, 2100)


@contextlib.asynccontextmanager
async def early_media(tmp_path: Path, sound: bytes, ears: Ears | None = None) -> AsyncIterator[Rehearsal]:
    """The phone does not ring: the network sends a 183 and plays this."""
    async with rehearsal(tmp_path, ring_timeout_s=30.0, ears=ears) as stage:
        running = asyncio.create_task(stage.line.run())
        await until(lambda: bool(stage.heard_by_phone(sip.InviteReceived)))
        stage.phone_port = await stage.far.open("phone", stage.phone_heard.append)
        offer = sdp.parse(stage.incoming.sdp)
        far = sdp.chosen(offer)
        stage.far.connect("phone", far.host, far.port)
        answer = sdp.answer(offer, PHONE, stage.phone_port).encode()
        stage.phone.do(lambda now: stage.incoming.call.ring(now, 183, answer))
        stage.far.play("phone", 99, sound)
        yield stage
        await asyncio.wait_for(running, 120)


@pytest.mark.parametrize(
    ("sound", "state", "reason", "error", "within_s"),
    [
        (BUSY * 6, "declined", "busy", None, 5.0),
        (CONGESTION * 12, "failed", "congestion", "placement_failed", 4.0),
        (NOT_IN_SERVICE, "failed", "unallocated_number", "unallocated_number", 9.0),
        (FAX, "failed", "fax", "fax_answered", 5.0),
    ],
    ids=["busy", "congestion", "not in service", "fax"],
)
def test_a_tone_without_a_status_ends_the_attempt(
    tmp_path: Path, sound: bytes, state: str, reason: str, error: str | None, within_s: float
) -> None:
    async def story() -> None:
        began = asyncio.get_running_loop().time()
        async with early_media(tmp_path, sound) as stage:
            await until(lambda: bool(stage.heard_by_phone(sip.Cancelled)))
            assert asyncio.get_running_loop().time() - began < within_s
        ended = stage.ended
        assert (ended.state, ended.end_reason, ended.error) == (state, reason, error)
        assert (ended.ended_by, ended.answered_by, ended.answering) == ("network", None, None)
        assert ended.sip.early_media

    play(story)


def test_a_status_that_follows_the_tone_counts(tmp_path: Path) -> None:
    async def story() -> None:
        async with early_media(tmp_path, NOT_IN_SERVICE) as stage:
            await asyncio.sleep(4.0)
            stage.phone.do(lambda now: stage.incoming.call.refuse(404, "Not Found", now))
        assert (stage.ended.state, stage.ended.sip.status) == ("failed", 404)

    play(story)


def test_ringing_that_is_played_is_ringing(tmp_path: Path) -> None:
    async def story() -> None:
        async with early_media(tmp_path, RINGBACK * 6) as stage:
            pass
        assert (stage.ended.state, stage.ended.end_reason) == ("no_answer", "no_answer")
        assert stage.ended.sip.ring_s == pytest.approx(30.0, abs=0.2)

    play(story)


def test_a_mailbox_that_begins_before_the_answer_is_known_by_it(tmp_path: Path) -> None:
    async def story() -> None:
        ears = Ears([(0.05, "hello this is laura")])
        async with early_media(tmp_path, silence(0.5) + speech(), ears) as stage:
            await asyncio.sleep(2.2)
            stage.phone.do(lambda now: stage.incoming.call.answer(b"", now))
        ended = stage.ended
        assert (ended.state, ended.answered_by, ended.end_reason) == ("post", "voicemail", "voicemail")
        assert ended.answering is not None
        assert ended.answering.by == "early_media"
        assert ended.turns[0].start_ms == 0

    play(story)


def test_a_fax_that_answers_ends_the_call_as_failed(tmp_path: Path) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[Decision("Does that work?", asks="confirmed")]) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.far.play("phone", 99, silence(0.4) + FAX)
            await asyncio.wait_for(running, 10)
        ended = stage.ended
        assert (ended.state, ended.end_reason, ended.error) == ("failed", "fax", "fax_answered")
        assert ended.answering is not None
        assert (ended.answered_by, ended.answering.by) == ("fax", "fax_tone")
        assert 900 <= ended.answering.time_ms < 1200

    play(story)


def heard(sound: bytes) -> EarlyEars:
    """What the ears have made of this sound, as the media engine tells it."""
    exchange, ears = Exchange(), EarlyEars()
    exchange.open("a")
    exchange.say("a", sound + silence(0.5))
    for event in exchange.events:
        ears.hear(event, 1.0)
    return ears


def reason_of(sound: bytes) -> str | None:
    verdict = heard(sound).verdict
    return None if verdict is None else verdict.end_reason


def test_busy_after_which_it_rings_is_a_call_passed_on() -> None:
    assert reason_of(BUSY * 4) == "busy"
    assert reason_of(BUSY * 4 + RINGBACK) is None


def test_two_busy_tones_prove_nothing() -> None:
    assert reason_of(BUSY * 2) is None


def test_a_ringing_tone_in_pieces_is_no_busy_tone() -> None:
    """Europe's 425 Hz is both: what a lost packet cut belongs together."""
    pieces = tone(0.3, 425) + silence(0.06) + tone(0.3, 425) + silence(0.06) + tone(0.28, 425)
    assert reason_of((pieces + silence(4)) * 2) is None
    busy_in_pieces = tone(0.24, 425) + silence(0.06) + tone(0.2, 425) + silence(0.5)
    assert reason_of(busy_in_pieces * 4) == "busy"


def test_a_voice_before_the_answer_is_remembered_while_it_lasts() -> None:
    ears = EarlyEars()
    events: tuple[LineEvent, ...] = (
        SpeechStarted("a", 500, early=True),
        ToneHeard("a", "beep", 1000, 400, 300, early=True),
    )
    for event in events:
        ears.hear(event, 7.0)
    assert ears.voice_since == pytest.approx(6.7)
    ears.hear(SpeechStopped("a", 500, 900, 300, b"", early=True), 8.0)
    assert ears.voice_since is None
