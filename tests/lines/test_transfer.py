"""Handing a call over: the REFER a line sends, and what its conversation is told came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byourside_server.conversation import events as talk
from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.mind import Decision
from byourside_server.sip import endpoint
from byourside_server.sip import events as sip
from byourside_server.sip.core import ALLOWED_METHODS
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.message import Request
from byourside_server.sip.transaction import ServerTransaction
from tests.lines.rehearsal import Rehearsal, play, rehearsal, until

WAIT = Decision("One moment.", patience_s=60)
FRONT_DESK = TransferTarget("front desk", "+14155550177")


@pytest.fixture(autouse=True)
def a_phone_that_takes_referrals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours refuse them; the simulated far side shall not."""
    monkeypatch.setattr(endpoint, "ALLOWED_METHODS", (*ALLOWED_METHODS, "REFER"))


def take_referrals(stage: Rehearsal, status: int, verdict: bytes | None) -> list[Request]:
    """Have the phone answer a REFER with `status`, and say `verdict` in a NOTIFY a second later."""
    call = stage.incoming.call
    referrals: list[Request] = []
    receive = call.receive_request

    def take(transaction: ServerTransaction, now: float) -> None:
        if transaction.request.method != "REFER":
            receive(transaction, now)
            return
        referrals.append(transaction.request)
        assert call._dialog is not None
        call._dialog.takes_cseq(transaction.request.cseq[0])
        call._core.reply(transaction, status, now)
        if verdict is not None:
            asyncio.get_running_loop().call_later(1.0, notify, stage, call, verdict)

    call.receive_request = take  # type: ignore[method-assign]
    return referrals


def notify(stage: Rehearsal, call: IncomingCall, verdict: bytes) -> None:
    headers = [("Event", "refer"), ("Subscription-State", "terminated"), ("Content-Type", "message/sipfrag")]
    assert call._dialog is not None
    dialog = call._dialog
    stage.phone.do(
        lambda now: call._request(dialog, "NOTIFY", now, lambda response, at: None, headers, verdict)
    )


@pytest.mark.parametrize(
    ("status", "verdict", "succeeded", "after_s"),
    [
        (202, b"SIP/2.0 200 OK\r\n", True, 2),
        (202, b"SIP/2.0 486 Busy Here\r\n", False, 2),
        (603, None, False, 1),
        (202, None, False, 31),
    ],
    ids=["taken", "busy", "refused", "never told"],
)
def test_a_transfer_is_asked_for_and_its_outcome_told(
    tmp_path: Path, status: int, verdict: bytes | None, succeeded: bool, after_s: float
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
            referrals = take_referrals(stage, status, verdict)
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            conversation._events.append(talk.Transfer(FRONT_DESK))
            stage.say()
            await until(lambda: bool(referrals))
            assert referrals[0].headers.get("Refer-To") == f"<sip:{FRONT_DESK.number}@10.0.0.2>"
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
            take_referrals(stage, 202, b"SIP/2.0 200 OK\r\n")
            stage.say()
            await asyncio.wait_for(running, 30)
            assert (stage.ended.ended_by, stage.ended.end_reason) == ("agent", "transferred")
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)

    play(story)
