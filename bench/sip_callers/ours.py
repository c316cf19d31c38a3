"""Our user agent on its socket, as the server runs it, calling at a rate."""

from __future__ import annotations

import asyncio
import cProfile
import time

import uvloop
from load import GOODBYES_S, HOLD_S, OFFER, PATIENCE_S, Load, arguments

from byourside_server.lines.memory import search_seldom
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.sip.endpoint import TrunkAddress
from byourside_server.sip.events import Answered, HungUp, Progress, SipEvent


async def call(load: Load, callee: int) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    dialled_at: dict[object, float] = {}

    def on_event(event: SipEvent) -> None:
        if isinstance(event, Answered):
            load.setups_s.append(time.monotonic() - dialled_at.pop(event.call))
            loop.call_later(HOLD_S, hang_up, event.call)
        elif isinstance(event, HungUp):
            load.ended += 1
        elif not isinstance(event, Progress):
            load.failed += 1
        if load.over:
            over.set()

    def hang_up(call: object) -> None:
        sip.do(lambda now: call.hang_up(now))  # type: ignore[attr-defined]

    sip = SipSocket(on_event, user_agent="By Your Side")
    await sip.open("127.0.0.1")
    trunk = TrunkAddress(("127.0.0.1", callee), "127.0.0.1")
    offer = OFFER.encode()

    def dial_due() -> None:
        for _ in range(load.due()):
            load.dialled += 1
            at = time.monotonic()
            placed = sip.do(
                lambda now: sip.endpoint.invite(
                    trunk, to_user="+14155550123", from_user="+14155550100", sdp=offer, now=now
                )
            )
            dialled_at[placed] = at
        if load.dialled < load.total:
            next_at = load.began_at + load.dialled / load.rate
            # A millisecond more than uvloop rounds away, so that it is not woken early to do nothing.
            loop.call_later(max(next_at - time.monotonic(), 0) + 0.001, dial_due)

    search_seldom()  # as the server does
    load.begin()
    dial_due()
    try:
        await asyncio.wait_for(over.wait(), load.seconds + PATIENCE_S)
    except TimeoutError:
        pass
    await asyncio.sleep(GOODBYES_S)
    print(load.report(), flush=True)
    await sip.close()


def main() -> None:
    given = arguments()
    profile = cProfile.Profile() if given.profile else None
    if profile:
        profile.enable()
    uvloop.run(call(Load(given.rate, given.seconds), given.callee))
    if profile:
        profile.disable()
        profile.dump_stats(given.profile)


main()
