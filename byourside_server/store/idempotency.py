"""The same request sent twice is one call: keys of the header `Idempotency-Key`, kept for a day."""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.errors import Refusal
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import idempotency

KEPT_S = 24 * 3600.0
RECALL = Prepared(
    sa.select(idempotency.c.body_hash, idempotency.c.call_id).where(
        idempotency.c.account_id == given("account_id"),
        idempotency.c.key == given("key"),
        idempotency.c.created_at > given("since"),
    )
)
# Only one that is too old to be recalled can be there already.
REMEMBER = Prepared(
    sa.text(
        'INSERT INTO idempotency (account_id, "key", body_hash, call_id, created_at)'
        " VALUES (:account_id, :key, :body_hash, :call_id, :created_at)"
        ' ON CONFLICT (account_id, "key") DO UPDATE SET body_hash = excluded.body_hash,'
        " call_id = excluded.call_id, created_at = excluded.created_at"
    )
)


def recall(conn: sa.Connection, account_id: str, key: str, body_hash: str, now: float) -> str | None:
    """The id of the call this key has placed, None where it is new or too old.

    Raises Refusal `idempotency_mismatch` where it came with another body. The caller holds the account's
    lock, so whoever is second waits for the first to commit.
    """
    row = RECALL.row(conn, account_id=account_id, key=key, since=now - KEPT_S)
    if row is None:
        return None
    if row["body_hash"] != body_hash:
        raise Refusal(
            "idempotency_mismatch",
            "This Idempotency-Key came with another body before: use a new key for a new request.",
        )
    return str(row["call_id"])


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
