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
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import agent_keys, calls, usage

# States in which a call may still use minutes.
RESERVING_STATES = frozenset(lifecycle.STATES) - lifecycle.TERMINAL_STATES - {"post"}
_BUCKET = sa.select(agent_keys.c.bucket_level, agent_keys.c.bucket_at, agent_keys.c.revoked_at).where(
    agent_keys.c.id == given("key_id")
)
# FOR UPDATE is no SQLite, where it is left out.
BUCKET = Prepared(_BUCKET.with_for_update())
FILL_BUCKET = Prepared(
    agent_keys.update()
    .where(agent_keys.c.id == given("key_id"))
    .values(bucket_level=given("level"), bucket_at=given("at"))
)
RESERVED = Prepared(
    sa.select(sa.func.coalesce(sa.func.sum(calls.c.reserved_s), 0.0)).where(
        calls.c.account_id == given("account_id"), calls.c.state.in_(RESERVING_STATES)
    )
)
USED = Prepared(
    sa.select(usage.c.seconds).where(
        usage.c.account_id == given("account_id"), usage.c.month == given("month")
    )
)


def take_token(conn: sa.Connection, account: Account, key_id: str, now: float) -> None:
    """Take one call out of the key's bucket.

    Raises Refusal `rate_limited` with the wait, or `unauthorized` for a key that was revoked since it was
    shown at the door.
    """
    rate = account.calls_per_minute
    ((level, at, revoked_at),) = BUCKET.tuples(conn, key_id=key_id)
    if revoked_at is not None:
        raise Refusal("unauthorized", "The agent key is missing, unknown or revoked.")
    bucket = full_bucket(rate, now) if at is None else TokenBucket(level, at)
    bucket, wait_s = take(bucket, rate, rate, now)
    if wait_s is not None:
        raise Refusal(
            "rate_limited", f"This key may place {rate} calls a minute.", retry_after_s=max(wait_s, 0.001)
        )
    FILL_BUCKET.run(conn, key_id=key_id, level=bucket.level, at=bucket.updated_at)


def check_minutes(conn: sa.Connection, account: Account, now: float) -> None:
    """Raise Refusal `over_minute_cap` where used and reserved minutes reach the allowance."""
    if account.minute_allowance is None:
        return
    used_s = used_seconds(conn, account.id, month_of(now))
    reserved_s = float(RESERVED.value(conn, account_id=account.id))
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
    return USED.value(conn, account_id=account_id, month=month) or 0.0


def month_of(now: float) -> str:
    """The billing period: a calendar month, UTC, for example 2026-06."""
    return datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m")
