"""The same request sent twice is one call: keys of the header `Idempotency-Key`, kept for a day."""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.errors import Refusal
from byourside_server.store.prepared import Prepared
from byourside_server.store.schema import idempotency

KEPT_S = 24 * 3600.0
# Only one that is too old to be recalled can be there already.
REMEMBER = Prepared(
    sa.text(
        'INSERT INTO idempotency (account_id, "key", body_hash, call_id, created_at)'
        " VALUES (:account_id, :key, :body_hash, :call_id, :created_at)"
        ' ON CONFLICT (account_id, "key") DO UPDATE SET body_hash = excluded.body_hash,'
        " call_id = excluded.call_id, created_at = excluded.created_at"
    )
)


def placed_by(recalled: tuple[str, str] | None, body_hash: str) -> str | None:
    """The id of the call that a key has placed, by what `standing` recalls of it; None where it is new.

    Raises Refusal `idempotency_mismatch` where it came with another body. Who looked held the account's
    lock, so whoever is second waits for the first to commit.
    """
    if recalled is None:
        return None
    first_hash, call_id = recalled
    if first_hash != body_hash:
        raise Refusal(
            "idempotency_mismatch",
            "This Idempotency-Key came with another body before: use a new key for a new request.",
        )
    return call_id


def remember(
    conn: sa.Connection, account_id: str, key: str, body_hash: str, call_id: str, now: float
) -> None:
    """Keep what the key has placed."""
    REMEMBER.run(
        conn, account_id=account_id, key=key, body_hash=body_hash, call_id=call_id, created_at=now
    )


def forget_old(conn: sa.Connection, now: float) -> None:
    """Drop keys older than a day."""
    conn.execute(idempotency.delete().where(idempotency.c.created_at <= now - KEPT_S))
