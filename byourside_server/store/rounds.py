"""The rounds of the courier: claims webhooks as they fall due, has them sent, and concludes many at once.

The outbox says itself when each is due, so nothing is put for it and no engine carries it. Claimed and
concluded by the batch, a webhook costs a share of two short transactions. After a commit that lets one
leave the rounds are nudged; else they go when the next is due, and look once a second for what other
servers on the same database have let leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from byourside_server.store.courier import Courier
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.deliveries import Carried
from byourside_server.store.outbox import Parcel, claim, free, next_due

# Sent at once by one process. Each has 10 s, and other calls' must not wait for one that hangs.
AT_ONCE = 64
LOOK_EVERY_S = 1.0
# What falls due or ends within so short a time goes together.
COMPANY_S = 0.01
FIRST_RETRY_S = 0.05
LAST_RETRY_S = 5.0

log = logging.getLogger(__name__)


class WebhookRounds:
    """Whatever is due is sent, by this worker or another; what is not concluded is due again."""

    def __init__(self, db: Database, courier: Courier, worker_id: str) -> None:
        self._db = db
        self._courier = courier
        self._worker_id = worker_id
        self._nudged = asyncio.Event()
        # By event: what this process has in its hands, until it is written down.
        self._carrying: dict[str, asyncio.Task[None]] = {}
        self._carried: list[Carried] = []
        self._has_carried = asyncio.Event()

    def nudge(self) -> None:
        """A webhook may leave, or another may be the first that is due. On the house's loop."""
        self._nudged.set()

    async def free(self, alive: Collection[str]) -> None:
        """Make due what dead workers held."""
        await self._db.write(free, alive, self._courier.due_clock.epoch())
        self.nudge()

    async def walk(self) -> list[str]:
        """Send what is due now, and what falls due behind it, and name it."""
        sent: list[str] = []
        while parcels := await self._claim(AT_ONCE):
            carried = await asyncio.gather(*(self._courier.carry(parcel) for parcel in parcels))
            await self._db.write(self._courier.conclude, carried)
            for each in carried:
                self._courier.tell(each)
            sent += [parcel.event_id for parcel in parcels]
        return sent

    async def run(self) -> None:
        """Send what is due until called off; what is in hand then is due again after the next start."""
        clerk = asyncio.create_task(self._conclude_for_ever())
        try:
            while True:
                await self._wait_for_work(await self._begin_what_is_due())
        finally:
            clerk.cancel()
            for task in self._carrying.values():
                task.cancel()

    async def _begin_what_is_due(self) -> bool:
        """True where more may be due than there was room for."""
        room = AT_ONCE - len(self._carrying)
        # Before the look: what is told of from now on gets another.
        self._nudged.clear()
        if room <= 0:
            return True
        try:
            parcels = await self._claim(room)
        except StoreUnavailable as trouble:
            log.warning("webhooks wait for the store", extra={"why": trouble.why})
            await asyncio.sleep(LOOK_EVERY_S)
            return False
        except Exception:
            log.exception("webhooks can't be claimed")
            await asyncio.sleep(LOOK_EVERY_S)
            return False
        for parcel in parcels:
            # Held again, where the store was away for longer than a hold; it is still in our hands.
            if parcel.event_id not in self._carrying:
                self._carrying[parcel.event_id] = asyncio.create_task(self._carry(parcel))
        return len(parcels) == room

    async def _wait_for_work(self, more: bool) -> None:
        """Until there is room, where that is what is missing; else until something is due."""
        try:
            if not more:
                async with asyncio.timeout(await self._idle_s()):
                    await self._nudged.wait()
            elif len(self._carrying) >= AT_ONCE:
                await self._nudged.wait()
        except TimeoutError:
            return
        await asyncio.sleep(COMPANY_S)

    async def _idle_s(self) -> float:
        if self._nudged.is_set():
            return 0.0
        try:
            due_at = await self._db.glance(next_due)
        except StoreUnavailable:
            return LOOK_EVERY_S
        if due_at is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.0, due_at - self._courier.due_clock.epoch()))

    async def _claim(self, most: int) -> list[Parcel]:
        return await self._db.write(claim, self._worker_id, most, self._courier.due_clock.epoch())

    async def _carry(self, parcel: Parcel) -> None:
        try:
            carried = await self._courier.carry(parcel)
            # Looked up only now: while it was under way the clerk has taken the list away.
            self._carried.append(carried)
            self._has_carried.set()
        except Exception:
            # Due again when the hold is over.
            log.exception("webhook not sent", extra={"event_id": parcel.event_id})
            del self._carrying[parcel.event_id]
            self.nudge()

    async def _conclude_for_ever(self) -> None:
        while True:
            await self._has_carried.wait()
            await asyncio.sleep(COMPANY_S)
            self._has_carried.clear()
            carried, self._carried = self._carried, []
            try:
                await self._insist(carried)
                for each in carried:
                    self._courier.tell(each)
            except Exception:
                log.exception("webhooks not concluded", extra={"count": len(carried)})
            for each in carried:
                self._carrying.pop(each.parcel.event_id, None)
            # There is room again.
            self.nudge()

    async def _insist(self, carried: list[Carried]) -> None:
        """Write down again and again while the store refuses: what was sent should not be sent twice."""
        delay_s = FIRST_RETRY_S
        while True:
            try:
                return await self._db.write(self._courier.conclude, carried)
            except StoreUnavailable as trouble:
                log.warning("store refuses", extra={"why": trouble.why})
                await asyncio.sleep(delay_s)
                delay_s = min(LAST_RETRY_S, 2 * delay_s)
