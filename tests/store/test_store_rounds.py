"""The rounds as they run by themselves: real tasks and a real database, a receiver that takes its time."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from byourside_server.clock import ManualClock, Onward
from byourside_server.store import courier, rounds
from byourside_server.store.outbox import claim, free
from byourside_server.webhooks.schedule import TryAgain
from byourside_server.webhooks.sender import Attempt
from tests.store.rig import Rig, ScriptedSender, request

CALLS = 150
# Only the bound of a wait, and less than a round that is not nudged here.
PATIENCE_S = 50.0


class SlowSender(ScriptedSender):
    """Answers after a while, each after another."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        await asyncio.sleep(random.random() * 0.03)
        return await super().send(url, headers, body)


def test_what_many_calls_let_leave_arrives_once_each_and_is_written_down(url: str, tmp_path: Path) -> None:
    """Sends end while others are concluded: none may be lost between the two."""

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account(calls_per_minute=10_000, minute_allowance=100_000)
            sender = SlowSender()
            rig.switchboard._courier._sender = sender
            walking = asyncio.create_task(rig.switchboard._rounds.run())
            later = rig.clock.epoch() + 3600
            for _ in range(CALLS):
                await rig.switchboard.place(account, key, request(scheduled_at=later))
            async with asyncio.timeout(PATIENCE_S):
                while (await rig.switchboard.backlog()).webhooks:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert set(Counter(sent.headers["webhook-id"] for sent in sender.sent).values()) == {1}
            assert len(sender.sent) == CALLS
            walking.cancel()
            await asyncio.wait([walking])

    asyncio.run(story())


def test_what_is_put_off_leaves_when_it_is_due_and_not_at_the_next_look(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "judge", lambda attempt, *_: TryAgain(0.05) if attempt < 3 else TryAgain(60))
    monkeypatch.setattr(rounds, "LOOK_EVERY_S", 60.0)

    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            # The house's own clock stands still, as at virtual time.
            rig.switchboard._courier.due_clock = Ticking(rig.clock)
            walking = asyncio.create_task(rig.switchboard._rounds.run())
            await rig.switchboard.place(account, key, request(scheduled_at=rig.clock.epoch() + 3600))
            async with asyncio.timeout(PATIENCE_S):
                while len(rig.sender.sent) < 4:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            walking.cancel()
            await asyncio.wait([walking])

    asyncio.run(story())


def test_what_a_dead_worker_held_is_due_at_once_and_what_a_live_one_holds_is_left(
    url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with Rig(url, tmp_path) as rig:
            account, key = await rig.account()
            await rig.switchboard.place(account, key, request(scheduled_at=rig.clock.epoch() + 3600))
            now = rig.clock.epoch()
            assert len(await rig.db.write(claim, "worker-dead", 64, now)) == 1
            assert await rig.db.write(claim, "worker-other", 64, now) == [], "held"
            await rig.db.write(free, ["worker-dead"], now)
            assert await rig.switchboard._rounds.walk() == [], "its holder lives"
            await rig.db.write(free, ["worker-test"], now)
            assert len(await rig.switchboard._rounds.walk()) == 1

    asyncio.run(story())


def test_a_clock_that_stands_still_is_outrun_and_one_that_leaps_is_followed() -> None:
    house = ManualClock(1000.0)
    onward = Onward(house)
    house._monotonic += 5
    assert onward.epoch() == 1005.0
    house._epoch += 60
    assert onward.epoch() == 1060.0


class Ticking(ManualClock):
    """Goes on in real time from where another stands."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock.epoch())
        self._began = time.monotonic()

    def epoch(self) -> float:
        return self._epoch + time.monotonic() - self._began
