"""What decides, beside the account itself, whether a call is accepted: found in one look.

The caller holds the account's lock, and every change of what is found here is made by whoever holds it; but
for a key that is revoked: that may come a moment later than the look, as it may come after the accept.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.store.idempotency import KEPT_S
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import agent_keys, idempotency, numbers, usage

_RECALLED = (
    (idempotency.c.account_id == given("account_id"))
    & (idempotency.c.key == given("idempotency_key"))
    & (idempotency.c.created_at > given("since"))
)
LOOK = Prepared(
    sa.select(
        agent_keys.c.bucket_level,
        agent_keys.c.bucket_at,
        agent_keys.c.revoked_at,
        sa.select(sa.func.aggregate_strings(numbers.c.e164, ","))
        .where(numbers.c.account_id == given("account_id"))
        .scalar_subquery(),
        sa.select(usage.c.seconds)
        .where(usage.c.account_id == given("account_id"), usage.c.month == given("month"))
        .scalar_subquery(),
        sa.select(idempotency.c.body_hash).where(_RECALLED).scalar_subquery(),
        sa.select(idempotency.c.call_id).where(_RECALLED).scalar_subquery(),
    ).where(agent_keys.c.id == given("key_id"))
)


@dataclass(frozen=True)
class Standing:
    """Of a key and its account, at one moment."""

    bucket_level: float | None
    bucket_at: float | None
    """None where no call was ever placed with the key: its bucket is full."""
    is_revoked: bool
    numbers: frozenset[str]
    used_s: float
    """Of the month's minutes, by calls that have ended."""
    recalled: tuple[str, str] | None
    """Body's hash and call of the idempotency key, where it came before."""


def look(
    conn: sa.Connection, account_id: str, key_id: str, idempotency_key: str | None, month: str, now: float
) -> Standing:
    """As it stands now."""
    ((level, at, revoked_at, owned, used_s, body_hash, call_id),) = LOOK.tuples(
        conn,
        account_id=account_id,
        key_id=key_id,
        idempotency_key=idempotency_key,
        since=now - KEPT_S,
        month=month,
    )
    return Standing(
        bucket_level=level,
        bucket_at=at,
        is_revoked=revoked_at is not None,
        numbers=frozenset(owned.split(",")) if owned else frozenset(),
        used_s=used_s or 0.0,
        recalled=None if call_id is None else (body_hash, call_id),
    )
