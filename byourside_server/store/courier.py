"""Takes one webhook to its receiver, and concludes what follows: by one, or by many at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from byourside_server.clock import Clock, Onward
from byourside_server.measures.book import Book
from byourside_server.measures.table import DELIVERIES, DELIVERY_TIME
from byourside_server.store.database import Database
from byourside_server.store.deliveries import Carried, log_deliveries
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
    """Signs and sends, logs the attempt, and settles what follows from it."""

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
        # What is put off must not wait for a clock that stands still.
        self.due_clock: Clock = clock if receivers_clock is None else Onward(clock)
        self._book = book or Book()
        # Told of every attempt, once it has been settled; must neither wait nor raise.
        self.on_sent: Callable[[Sent], None] = lambda sent: None

    async def deliver(self, event_id: str, attempt_number: int) -> None:
        """Send one webhook now, in its turn or not: the handler of `deliver` items, each of them a REPLAY.

        Items of an edition whose engine carried every webhook are over: their rows say when they are due.
        """
        if attempt_number != REPLAY:
            return
        parcel = await self._db.read(load_parcel, event_id)
        if parcel is None:
            return
        carried = await self.carry(parcel)
        # A replay of the head itself is an attempt like any other.
        if parcel.state != "head":
            carried = replace(carried, verdict=None)
        await self._db.write(self.conclude, [carried], replay=True)
        self.tell(carried)

    async def carry(self, parcel: Parcel) -> Carried:
        """Make one attempt, signed now; nothing is written down yet."""
        at = self._clock.epoch()
        secrets = parcel.account.signing_secrets(at)
        headers = signature_headers(secrets, parcel.event_id, int(self._receivers_clock.epoch()), parcel.body)
        attempt = await self._sender.send(parcel.url, headers, parcel.body)
        verdict = judge(parcel.attempts, attempt.status, attempt.retry_after_s, self._jitter())
        return Carried(parcel, attempt, at, verdict)

    def conclude(self, conn: sa.Connection, carried: Sequence[Carried], *, replay: bool = False) -> None:
        """Write attempts down, and what follows from them."""
        log_deliveries(conn, carried, replay=replay)
        verdicts = [(each.parcel, each.verdict) for each in carried if each.verdict is not None]
        settle(conn, self._house, verdicts, self.due_clock.epoch())

    def tell(self, carried: Carried) -> None:
        """Tell those who look on, once it has been written down."""
        parcel, attempt = carried.parcel, carried.attempt
        result = RESULT_OF_VERDICT[type(carried.verdict)]
        sent = Sent(parcel.call_id, parcel.event_id, parcel.attempts + 1, carried.at, attempt, result)
        self._book.count(DELIVERIES, result, sent.answer)
        self._book.observe(DELIVERY_TIME, attempt.took_ms / 1000, result)
        self.on_sent(sent)
