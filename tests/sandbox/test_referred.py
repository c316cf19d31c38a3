"""A simulated phone that is referred elsewhere: the transfer whole, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.mind import Decision
from byourside_server.sandbox.persona import phone_of
from byourside_server.sandbox.simulated_call import SimulatedCall
from byourside_server.sip import events as sip
from tests.lines.rehearsal import play, rehearsal, until

FRONT_DESK = TransferTarget("front desk", "+14155550177")
HANDED = Decision("I'll put you through.", then="transfer", transfer_to="front desk")


def test_a_simulated_phone_takes_a_referral_and_hangs_up(tmp_path: Path) -> None:
    """RFC 3515: 202, NOTIFY 100, NOTIFY 200, BYE; the record says transferred."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[HANDED], transfers=(FRONT_DESK,)) as stage:
            heard: list[sip.SipEvent] = []

            def dispatch(event: sip.SipEvent) -> None:
                heard.append(event)
                stage.phone_events.append(event)
                if callable(event.call.handle):
                    event.call.handle(event)

            stage.phone._on_event = dispatch
            running = asyncio.create_task(stage.line.run())
            await until(lambda: bool(stage.heard_by_phone(sip.InviteReceived)))
            invite = stage.incoming
            simulated = SimulatedCall(
                invite,
                phone_of(invite.to_user),
                "sandbox-1",
                socket=stage.phone,
                media=stage.far,
                note_key=lambda key: None,
            )
            await asyncio.gather(simulated.run(), asyncio.wait_for(running, 60))
            assert [event.target for event in heard if isinstance(event, sip.ReferReceived)] == [
                f"sip:{FRONT_DESK.number}@10.0.0.2"
            ]
            assert (stage.ended.ended_by, stage.ended.end_reason) == ("agent", "transferred")

    play(story)
