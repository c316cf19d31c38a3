"""SRTP of a whole line: what is offered, what is taken, and what ends a call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byourside_server.conversation.mind import Decision
from byourside_server.lines.encryption import Encryption
from byourside_server.media.messages import PLAIN, Connect
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.sdp_crypto import CryptoError, SrtpPolicy
from tests.lines.rehearsal import PHONE, Ears, Rehearsal, play, rehearsal, until

ASK = Decision("Does that work?", asks="confirmed")
BYE = Decision("Goodbye.", then="hang_up")


async def answered(stage: Rehearsal, policy: SrtpPolicy) -> None:
    """The phone rings and is picked up, encrypted as its policy says."""
    await stage.ring()
    offer = sdp.parse(stage.incoming.sdp)
    stage.phone_port = await stage.far.open("phone", stage.phone_heard.append)
    theirs, far = Encryption(policy), sdp.chosen(offer)
    keys = theirs.for_offer(far.crypto)
    answer = sdp.answer(offer, PHONE, stage.phone_port, srtp=policy, crypto=keys)
    stage.far.connect("phone", far.host, far.port, srtp=theirs.accept(far))
    stage.far.start_recording("phone", str(stage.phone_file))
    stage.phone.do(lambda now: stage.incoming.call.answer(answer.encode(), now))


@pytest.mark.parametrize("policy", ["optional", "required"])
def test_a_whole_conversation_is_encrypted(tmp_path: Path, policy: SrtpPolicy) -> None:
    async def story() -> None:
        ears = Ears([(0.05, "hello"), (0.05, "yes")])
        async with rehearsal(tmp_path, decisions=[ASK, BYE], ears=ears, srtp=policy) as stage:
            running = asyncio.create_task(stage.line.run())
            await answered(stage, "optional")
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.say()
            await running
            assert stage.transcript[2] == "contact: yes"
            facts = stage.ended.media
            assert facts is not None
            assert facts.srtp == "AES_CM_128_HMAC_SHA1_80"
            assert facts.packets_received > 100
            assert facts.packets_rejected == 0

    play(story)


def test_a_phone_without_srtp_is_spoken_to_where_it_is_optional(tmp_path: Path) -> None:
    async def story() -> None:
        ears = Ears([(0.05, "hello")])
        async with rehearsal(tmp_path, decisions=[BYE], ears=ears, srtp="optional") as stage:
            running = asyncio.create_task(stage.line.run())
            await answered(stage, "off")
            stage.say()
            await running
            assert stage.ended.state == "post"
            assert stage.ended.media is not None
            assert stage.ended.media.srtp is None

    play(story)


@pytest.mark.parametrize(
    ("policy", "spoiled", "reason"),
    [
        ("required", lambda answer: b"\r\n".join(drop(answer, b"a=crypto")), "srtp_mismatch"),
        (
            "required",
            lambda answer: b"\r\n".join(drop(answer.replace(b"RTP/SAVP", b"RTP/AVP"), b"a=crypto")),
            "srtp_required",
        ),
        ("required", lambda answer: answer.replace(b"a=crypto:1 ", b"a=crypto:9 "), "srtp_mismatch"),
        ("optional", lambda answer: answer.replace(b"SHA1_80", b"SHA1_32"), "srtp_mismatch"),
    ],
    ids=["SAVP without a key", "AVP without a key", "another tag", "another suite"],
)
def test_an_answer_that_breaks_the_agreement_ends_the_call(
    tmp_path: Path, policy: SrtpPolicy, spoiled: object, reason: str
) -> None:
    """The record says why, and nothing is sent in the clear."""
    assert callable(spoiled)

    async def story() -> None:
        async with rehearsal(tmp_path, srtp=policy) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            offer = sdp.parse(stage.incoming.sdp)
            keys = Encryption("optional").for_offer(sdp.chosen(offer).crypto)
            answer = sdp.answer(offer, PHONE, 4000, srtp="optional", crypto=keys).encode()
            stage.phone.do(lambda now: stage.incoming.call.answer(spoiled(answer), now))
            await running
            ended = stage.ended
            assert (ended.state, ended.end_reason, ended.error) == ("failed", reason, "placement_failed")
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)))
            assert not [asked for asked in stage.near.asked if isinstance(asked, Connect)]

    play(story)


def drop(text: bytes, start: bytes) -> list[bytes]:
    return [line for line in text.split(b"\r\n") if not line.startswith(start)]


def test_off_offers_nothing_and_takes_nothing() -> None:
    off = Encryption("off")
    assert off.offered == ()
    secure = Encryption("required")
    offer = sdp.chosen(sdp.offer(PHONE, 4000, srtp="required", crypto=secure.offered))
    assert off.for_offer(offer.crypto) == ()
    with pytest.raises(CryptoError):
        off.accept(offer)
    plain = sdp.chosen(sdp.offer(PHONE, 4000))
    assert off.accept(plain) == off.agree(plain) == PLAIN


def test_both_sides_of_an_agreement_have_each_others_keys() -> None:
    caller, called = Encryption("required"), Encryption("optional")
    offer = sdp.offer(PHONE, 4000, srtp="required", crypto=caller.offered)
    offered = sdp.chosen(offer)
    keys = called.for_offer(offered.crypto)
    answer = sdp.answer(offer, PHONE, 5000, srtp="optional", crypto=keys)
    theirs, ours = called.accept(offered), caller.agree(sdp.chosen(answer))
    assert ours.suite == theirs.suite
    assert (ours.send_key, ours.receive_key) == (theirs.receive_key, theirs.send_key)


def test_no_two_calls_have_the_same_keys() -> None:
    first, second = Encryption("required").offered, Encryption("required").offered
    assert len({line.key for line in (*first, *second)}) == len(first) + len(second)
