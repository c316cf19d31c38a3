"""Limits applied inside the accepting transaction; the arithmetic is `guardrails.limits`.

The caller holds the account's lock. A refusal raised here rolls the transaction back, so what is refused
never counts against anything.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from byourside_server.accounts.account import Account
from byourside_server.calls import lifecycle
from byourside_server.errors import Refusal
from byourside_server.guardrails.limits import TokenBucket, full_bucket, is_over_minute_cap, take
from byourside_server.store.schema import agent_keys, calls, usage

# States in which a call may still use minutes.
RESERVING_STATES = frozenset(lifecycle.STATES) - lifecycle.TERMINAL_STATES - {"post"}


def take_token(conn: sa.Connection, account: Account, key_id: str, now: float) -> None:
    """Take one call out of the key's bucket. Raises Refusal `rate_limited` with the wait."""
    rate = account.calls_per_minute
    query = sa.select(agent_keys.c.bucket_level, agent_keys.c.bucket_at).where(agent_keys.c.id == key_id)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update()
    kept = conn.execute(query).one()
    bucket = full_bucket(rate, now) if kept.bucket_at is None else TokenBucket(*kept)
    bucket, wait_s = take(bucket, rate, rate, now)
    if wait_s is not None:
        raise Refusal(
            "rate_limited", f"This key may place {rate} calls a minute.", retry_after_s=max(wait_s, 0.001)
        )
    conn.execute(
        agent_keys.update()
        .where(agent_keys.c.id == key_id)
        .values(bucket_level=bucket.level, bucket_at=bucket.updated_at)
    )


def check_minutes(conn: sa.Connection, account: Account, now: float) -> None:
    """Raise Refusal `over_minute_cap` where used and reserved minutes reach the allowance."""
    if account.minute_allowance is None:
        return
    used_s = used_seconds(conn, account.id, month_of(now))
    reserved_s = conn.execute(
        sa.select(sa.func.coalesce(sa.func.sum(calls.c.reserved_s), 0.0)).where(
            calls.c.account_id == account.id, calls.c.state.in_(RESERVING_STATES)
        )
    ).scalar_one()
    if is_over_minute_cap(account.minute_allowance, used_s + reserved_s, 0, 0.0):
        raise Refusal(
            "over_minute_cap",
            f"The {account.minute_allowance:g} minutes of this month are used or held by calls in flight.",
        )


def add_usage(conn: sa.Connection, account_id: str, seconds: float, now: float) -> None:
    """Count the seconds of a call that has ended."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    conn.execute(
        insert(usage)
        .values(account_id=account_id, month=month_of(now), seconds=seconds)
        .on_conflict_do_update(
            index_elements=["account_id", "month"], set_={"seconds": usage.c.seconds + seconds}
        )
    )


def used_seconds(conn: sa.Connection, account_id: str, month: str) -> float:
    """Seconds of the month's calls that have ended."""
    query = sa.select(usage.c.seconds).where(usage.c.account_id == account_id, usage.c.month == month)
    return conn.execute(query).scalar() or 0.0


def month_of(now: float) -> str:
    """The billing period: a calendar month, UTC, for example 2026-06."""
    return datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m")
