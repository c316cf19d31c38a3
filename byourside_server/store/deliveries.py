"""The log of attempts: what was sent when, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.store.outbox import Parcel
from byourside_server.store.prepared import Prepared, insert_of
from byourside_server.store.schema import deliveries
from byourside_server.webhooks.schedule import Verdict
from byourside_server.webhooks.sender import Attempt

LOG = Prepared(
    insert_of(
        deliveries,
        *("event_id", "account_id", "call_id", "attempt", "replay"),
        *("at", "status", "took_ms", "error", "excerpt"),
    ).inline()
)


@dataclass(frozen=True)
class Delivery:
    """One attempt to hand an event over; `attempt` counts from 1, `status` None is no answer."""

    id: int
    event_id: str
    call_id: str
    attempt: int
    replay: bool
    at: float
    status: int | None
    took_ms: int
    error: str | None
    excerpt: str | None


@dataclass(frozen=True)
class Carried:
    """What came of one attempt, and what follows from it: nothing where it was a replay out of its turn."""

    parcel: Parcel
    attempt: Attempt
    at: float
    verdict: Verdict | None


def log_deliveries(conn: sa.Connection, carried: Sequence[Carried], *, replay: bool) -> None:
    """Keep what came of attempts."""
    LOG.run_each(
        conn,
        [
            {
                "event_id": each.parcel.event_id,
                "account_id": each.parcel.account.id,
                "call_id": each.parcel.call_id,
                "attempt": each.parcel.attempts + 1,
                "replay": int(replay),
                "at": each.at,
                "status": each.attempt.status,
                "took_ms": each.attempt.took_ms,
                "error": each.attempt.error,
                "excerpt": each.attempt.excerpt,
            }
            for each in carried
        ],
    )


def list_deliveries(conn: sa.Connection, account_id: str, call_id: str) -> list[Delivery]:
    """Every attempt for the account's call, oldest first."""
    query = sa.select(deliveries).where(
        deliveries.c.call_id == call_id, deliveries.c.account_id == account_id
    )
    return [
        Delivery(
            id=row.id,
            event_id=row.event_id,
            call_id=row.call_id,
            attempt=row.attempt,
            replay=bool(row.replay),
            at=row.at,
            status=row.status,
            took_ms=row.took_ms,
            error=row.error,
            excerpt=row.excerpt,
        )
        for row in conn.execute(query.order_by(deliveries.c.id))
    ]
