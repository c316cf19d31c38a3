"""Takes webhooks from the outbox to their receivers: the handler of `deliver` items."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.clock import Clock
from byourside_server.measures.book import Book
from byourside_server.measures.table import DELIVERIES, DELIVERY_TIME
from byourside_server.store.database import Database
from byourside_server.store.deliveries import log_delivery
from byourside_server.store.engine import House
from byourside_server.store.outbox import REPLAY, Parcel, load_parcel, settle
from byourside_server.webhooks.schedule import Delivered, GiveUp, TryAgain, Verdict, judge
from byourside_server.webhooks.sender import Attempt, Sender
from byourside_server.webhooks.sign import signature_headers

# What follows from an attempt; None is a replay of what was settled before.
RESULT_OF_VERDICT: dict[type[Verdict] | type[None], str] = {
    Delivered: "delivered",
    TryAgain: "retried",
    GiveUp: "gave_up",
    type(None): "replayed",
}


@dataclass(frozen=True)
class Sent:
    """One attempt, for those who look on. `number` counts from 1; `result` is one of RESULT_OF_VERDICT."""

    call_id: str
    event_id: str
    number: int
    at: float
    attempt: Attempt
    result: str

    @property
    def answer(self) -> str:
        """The receiver's status by its class, or the token of why there is none."""
        status = self.attempt.status
        return f"{status // 100}xx" if status is not None else self.attempt.error or "no_answer"


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
        book: Book | None = None,
    ) -> None:
        """`receivers_clock` is what a signature's time is compared with, where the house keeps its own."""
        self._db = db
        self._house = house
        self._sender = sender
        self._clock = clock
        self._jitter = jitter
        self._receivers_clock = receivers_clock or clock
        self._book = book or Book()
        # Told of every attempt, once it has been settled; must neither wait nor raise.
        self.on_sent: Callable[[Sent], None] = lambda sent: None

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
        verdict = await self._db.write(self._conclude, parcel, attempt, at, replay)
        result = RESULT_OF_VERDICT[type(verdict)]
        sent = Sent(parcel.call_id, parcel.event_id, parcel.attempts + 1, at, attempt, result)
        self._book.count(DELIVERIES, result, sent.answer)
        self._book.observe(DELIVERY_TIME, attempt.took_ms / 1000, result)
        self.on_sent(sent)

    def _conclude(
        self, conn: sa.Connection, parcel: Parcel, attempt: Attempt, at: float, replay: bool
    ) -> Verdict | None:
        log_delivery(conn, parcel, attempt, at, replay=replay)
        # A replay of the head itself is an attempt like any other.
        if parcel.state != "head":
            return None
        verdict = judge(parcel.attempts, attempt.status, attempt.retry_after_s, self._jitter())
        settle(conn, self._house, parcel, verdict, self._clock.epoch())
        return verdict
