"""Handing a call over: the REFER a line sends, and what its conversation is told came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byourside_server.conversation import events as talk
from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.mind import Decision
from byourside_server.sip import events as sip
from tests.lines.rehearsal import Rehearsal, play, rehearsal, until

WAIT = Decision("One moment.", patience_s=60)
FRONT_DESK = TransferTarget("front desk", "+14155550177")


async def take_referral(stage: Rehearsal, verdict: int | None) -> sip.ReferReceived:
    """Wait for the REFER at the phone, and have it tell `verdict` a second later."""
    await until(lambda: bool(stage.heard_by_phone(sip.ReferReceived)))
    referral: sip.ReferReceived = stage.heard_by_phone(sip.ReferReceived)[0]
    if verdict is not None:
        await asyncio.sleep(1.0)
        stage.phone.do(lambda now: referral.call.notify_refer(verdict, now))
    return referral


@pytest.mark.parametrize(
    ("takes", "verdict", "succeeded", "after_s"),
    [
        (True, 200, True, 2),
        (True, 486, False, 2),
        (False, None, False, 10),
        (True, None, False, 31),
    ],
    ids=["taken", "busy", "refused", "never told"],
)
def test_a_transfer_is_asked_for_and_its_outcome_told(
    tmp_path: Path, takes: bool, verdict: int | None, succeeded: bool, after_s: float
) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[WAIT] * 2, transfers=(FRONT_DESK,)) as stage:
            conversation = stage.line._conversation
            assert conversation.brief.transfers == (FRONT_DESK,)
            told: list[bool] = []
            conversation.receive_transfer = (  # type: ignore[method-assign]
                lambda succeeded, now: told.append(succeeded)
            )
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.incoming.call.takes_referrals = takes
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            conversation._events.append(talk.Transfer(FRONT_DESK))
            stage.say()
            if takes:
                referral = await take_referral(stage, verdict)
                assert referral.target == f"sip:{FRONT_DESK.number}@10.0.0.2"
            await until(lambda: bool(told), after_s)
            assert told == [succeeded]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    play(story)


def test_a_call_handed_over_is_ended_with_a_bye(tmp_path: Path) -> None:
    async def story() -> None:
        handed = Decision("I'll put you through.", then="transfer", transfer_to="front desk")
        async with rehearsal(tmp_path, decisions=[handed], transfers=(FRONT_DESK,)) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.incoming.call.takes_referrals = True
            stage.say()
            await take_referral(stage, 200)
            await asyncio.wait_for(running, 30)
            assert (stage.ended.ended_by, stage.ended.end_reason) == ("agent", "transferred")
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)

    play(story)
