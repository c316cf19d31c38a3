"""Sound both ways with a phone that nobody here wrote: tones by spectrum, words by recogniser and likeness.

baresip says a tone and then a sentence to whoever calls; we do the same; each writes down what it heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from byourside_server.media.g711 import encode_ulaw
from byourside_server.media.messages import DigitHeard
from byourside_server.providers.base import Expectation, SpeechToText
from byourside_server.providers.registry import open_speech_to_text
from byourside_server.sandbox.clips import Clip, all_clips
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.sdp_crypto import SrtpPolicy
from tests.media.bank_kit import silence, tone
from tests.peers.baresip import HOST, Baresip, baresip
from tests.peers.office import RATE_HZ, Office, Placed, Sound, likeness, share_of_tone, wave_of

OURS_HZ, THEIRS_HZ, TONE_S = 1000.0, 440.0, 1.0
PURE, ALIKE = 0.95, 0.9
OUR_WORDS, THEIR_WORDS = "Yes, that works for me.", "Hello, this is John."


def clip_of(text: str) -> Clip:
    return next(clip for clip in all_clips() if clip.text == text)


@pytest.fixture(scope="module")
def ears(office: Office) -> Iterator[SpeechToText]:
    async def open_ears() -> SpeechToText:
        return open_speech_to_text("embedded")

    ears = office.run(open_ears)
    yield ears
    office.run(ears.close)


def bare(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ")


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baresip]:
    said = tone(TONE_S, THEIRS_HZ) + silence(0.3) + clip_of(THEIR_WORDS).ulaw
    with baresip(tmp_path_factory.mktemp("baresip"), wave_of(said)) as phone:
        yield phone


async def call(office: Office, phone: Baresip, user: str, srtp: SrtpPolicy = "off") -> Placed:
    """Ring one of its accounts."""
    await asyncio.to_thread(phone.forget, user)
    return await office.place(TrunkAddress((HOST, phone.port), HOST), user, srtp=srtp)


# baresip 1.0 opens the way through a NAT with one RTCP packet (APP, "PING") in the clear.
MOST_REJECTED = 1


@dataclass(frozen=True)
class Talk:
    """How the two sides speak with each other."""

    user: str
    codec: str = "PCMU"
    srtp: SrtpPolicy = "off"
    suite: str = ""


TALKS = {
    "PCMU": Talk("bob"),
    "PCMA": Talk("erin", "PCMA"),
    "SRTP required": Talk("dave", srtp="required", suite="AES_CM_128_HMAC_SHA1_80"),
    "SRTP offered": Talk("dave", srtp="optional", suite="AES_CM_128_HMAC_SHA1_80"),
    "SRTP offered to a phone without": Talk("bob", srtp="optional"),
}


# The embedded recogniser takes its time: in the clear and encrypted will do.
RECOGNISED = ("PCMU", "SRTP required")


@pytest.mark.parametrize("name", TALKS)
def test_both_sides_hear_each_others_tone_and_words(
    office: Office, phone: Baresip, ears: SpeechToText, name: str
) -> None:
    talk = TALKS[name]

    async def story() -> Placed:
        placed = await call(office, phone, talk.user, talk.srtp)
        answered = await placed.answered()
        assert sdp.chosen(sdp.parse(answered.sdp)).codec == talk.codec
        placed.say(tone(TONE_S, OURS_HZ) + silence(0.3) + clip_of(OUR_WORDS).ulaw)
        await asyncio.sleep(TONE_S + 0.5 + clip_of(OUR_WORDS).duration_s)
        stats = await placed.end()
        assert (stats.packets_lost, stats.srtp) == (0, talk.suite)
        assert stats.packets_rejected <= (MOST_REJECTED if talk.suite else 0)
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        return placed

    placed = office.run(story)
    theirs, ours = wave_of(placed.heard), phone.heard
    for heard, hz, words in ((theirs, THEIRS_HZ, THEIR_WORDS), (ours, OURS_HZ, OUR_WORDS)):
        assert tone_share(heard, hz) > PURE
        assert likeness(heard, wave_of(clip_of(words).ulaw)) > ALIKE
    if name in RECOGNISED:
        spoken_at = round((TONE_S + 0.2) * RATE_HZ)

        async def recognise() -> list[str]:
            sounds = placed.heard[spoken_at:], ulaw_of(ours[spoken_at:])
            return [(await ears.transcribe(sound, Expectation())).text for sound in sounds]

        assert [bare(text) for text in office.run(recognise)] == [bare(THEIR_WORDS), bare(OUR_WORDS)]


def tone_share(heard: Sound, hz: float) -> float:
    """In the middle of the second that begins with the first loud sample."""
    start = int(np.argmax(np.abs(heard) > 1000))
    return share_of_tone(heard[start + RATE_HZ // 5 : start + RATE_HZ * 4 // 5], hz)


def ulaw_of(sound: Sound) -> bytes:
    return encode_ulaw(sound.astype(np.int16)).tobytes()


def test_a_phone_that_holds_and_resumes_keeps_the_call(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "bob")
        await placed.answered()
        for nth, command in enumerate(("hold", "resume"), 1):
            await asyncio.to_thread(phone.command, command)
            await placed.wait_for(sip.Reinvited, nth)
            await asyncio.sleep(0.2)
        await placed.end()
        return placed

    placed = office.run(story)
    held, resumed = (sdp.parse(event.sdp).audio for event in placed.all(sip.Reinvited))
    assert held is not None
    assert resumed is not None
    assert (held.direction, resumed.direction) == ("sendonly", "sendrecv")
    assert directions_answered(office, placed) == ["recvonly", "sendrecv"]
    assert placed.sent() == ["INVITE", "ACK", "200 INVITE", "200 INVITE", "BYE"]


def directions_answered(office: Office, placed: Placed) -> list[str]:
    """What we said to each of their re-INVITEs."""
    ours = [m for way, m in office.messages if way == "sent" and m.call_id == placed.call.sip_call_id]
    answers = [sdp.parse(m.sdp).audio for m in ours if m.cseq[1] == "INVITE" and m.sdp][1:]
    return [answer.direction for answer in answers if answer is not None]


def test_keys_pressed_on_either_side_are_heard_on_the_other(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "bob")
        await placed.answered()
        office.media.send_dtmf(placed.line_id, "40#")
        await asyncio.to_thread(phone.wait_for, "CALL_DTMF_END", 3)
        for key in "7*":
            await asyncio.to_thread(phone.command, "sndcode", key)
            await asyncio.sleep(0.3)
        await placed.wait_for(DigitHeard, 2)
        await placed.end()
        return placed

    placed = office.run(story)
    pressed = [event["param"] for event in phone.events if event.get("type") == "CALL_DTMF_START"]
    assert pressed == ["4", "0", "#"]
    assert [event.digit for event in placed.all(DigitHeard)] == ["7", "*"]


def test_a_phone_that_rings_is_picked_up_by_hand(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "carol")
        await placed.wait_for(sip.Progress)
        await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(phone.command, "accept")
        await placed.answered()
        await placed.end()
        return placed

    placed = office.run(story)
    assert placed.moment_of(sip.Answered) - placed.moment_of(sip.Progress) > 0.5


def test_a_phone_that_rings_and_is_put_down_is_busy(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "carol")
        await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
        await asyncio.to_thread(phone.command, "hangup")
        await placed.wait_for(sip.Refused)
        await placed.close()
        return placed

    placed = office.run(story)
    assert [(event.status, event.local) for event in placed.all(sip.Refused)] == [(486, False)]
    assert placed.sent() == ["INVITE", "ACK"]


def test_a_phone_that_rings_hears_that_we_gave_up(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "carol")
        await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
        placed.hang_up()
        await placed.wait_for(sip.Cancelled)
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        await placed.close()
        return placed

    assert office.run(story).sent() == ["INVITE", "CANCEL", "ACK"]


def test_nobody_of_that_name_is_404(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "nobody")
        await placed.wait_for(sip.Refused)
        await placed.close()
        return placed

    assert [event.status for event in office.run(story).all(sip.Refused)] == [404]


def test_a_phone_that_hangs_up_ends_the_call(office: Office, phone: Baresip) -> None:
    async def story() -> Placed:
        placed = await call(office, phone, "bob")
        await placed.answered()
        await asyncio.sleep(0.3)
        await asyncio.to_thread(phone.command, "hangup")
        await placed.wait_for(sip.HungUp)
        await placed.close()
        return placed

    placed = office.run(story)
    assert [event.by for event in placed.all(sip.HungUp)] == ["remote"]
    assert placed.sent() == ["INVITE", "ACK", "200 BYE"]


def test_srtp_that_is_required_is_not_talked_out_of(office: Office, phone: Baresip) -> None:
    """A phone without SRTP refuses the offer; nothing is said in the clear."""

    async def story() -> Placed:
        placed = await call(office, phone, "bob", "required")
        await placed.wait_for(sip.Refused)
        await placed.close()
        return placed

    assert [event.status for event in office.run(story).all(sip.Refused)] == [488]
