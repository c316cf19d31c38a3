"""The log of attempts: what was sent when, and what came back."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.store.outbox import Parcel
from byourside_server.store.schema import deliveries
from byourside_server.webhooks.sender import Attempt


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


def log_delivery(conn: sa.Connection, parcel: Parcel, attempt: Attempt, at: float, *, replay: bool) -> None:
    """Keep what came of an attempt."""
    conn.execute(
        deliveries.insert().values(
            event_id=parcel.event_id,
            account_id=parcel.account.id,
            call_id=parcel.call_id,
            attempt=parcel.attempts + 1,
            replay=int(replay),
            at=at,
            status=attempt.status,
            took_ms=attempt.took_ms,
            error=attempt.error,
            excerpt=attempt.excerpt,
        )
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
