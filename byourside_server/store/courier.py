"""Takes webhooks from the outbox to their receivers: the handler of `deliver` items."""

from __future__ import annotations

import random
from collections.abc import Callable

import sqlalchemy as sa

from byourside_server.clock import Clock
from byourside_server.store.database import Database
from byourside_server.store.deliveries import log_delivery
from byourside_server.store.engine import House
from byourside_server.store.outbox import REPLAY, Parcel, load_parcel, settle
from byourside_server.webhooks.schedule import judge
from byourside_server.webhooks.sender import Attempt, Sender
from byourside_server.webhooks.sign import signature_headers


class Courier:
    """Sends a head, logs the attempt, and settles what follows from it."""

    def __init__(
        self,
        db: Database,
        house: House,
        sender: Sender,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        *,
        receivers_clock: Clock | None = None,
    ) -> None:
        """`receivers_clock` is what a signature's time is compared with, where the house keeps its own."""
        self._db = db
        self._house = house
        self._sender = sender
        self._clock = clock
        self._jitter = jitter
        self._receivers_clock = receivers_clock or clock

    async def deliver(self, event_id: str, attempt_number: int) -> None:
        """Send one webhook now, if it is the head's turn for that attempt or a REPLAY."""
        parcel = await self._db.read(load_parcel, event_id)
        if parcel is None:
            return
        replay = attempt_number == REPLAY
        if not replay and (parcel.state, parcel.attempts) != ("head", attempt_number):
            return
        at = self._clock.epoch()
        secrets = parcel.account.signing_secrets(at)
        headers = signature_headers(secrets, parcel.event_id, int(self._receivers_clock.epoch()), parcel.body)
        attempt = await self._sender.send(parcel.url, headers, parcel.body)
        await self._db.write(self._conclude, parcel, attempt, at, replay)

    def _conclude(
        self, conn: sa.Connection, parcel: Parcel, attempt: Attempt, at: float, replay: bool
    ) -> None:
        log_delivery(conn, parcel, attempt, at, replay=replay)
        # A replay of the head itself is an attempt like any other.
        if parcel.state == "head":
            verdict = judge(parcel.attempts, attempt.status, attempt.retry_after_s, self._jitter())
            settle(conn, self._house, parcel, verdict, self._clock.epoch())
