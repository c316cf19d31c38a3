"""Limits applied inside the accepting transaction; the arithmetic is `guardrails.limits`.

The caller holds the account's lock. A refusal raised here rolls the transaction back, so what is refused
never counts against anything.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from byourside_server.accounts.account import Account
from byourside_server.errors import UNKNOWN_KEY, Refusal
from byourside_server.guardrails.limits import TokenBucket, full_bucket, is_over_minute_cap, take
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import agent_keys, usage
from byourside_server.store.standing import Standing

FILL_BUCKET = Prepared(
    agent_keys.update()
    .where(agent_keys.c.id == given("key_id"))
    .values(bucket_level=given("level"), bucket_at=given("filled_at"))
)
USED = Prepared(
    sa.select(usage.c.seconds).where(
        usage.c.account_id == given("account_id"), usage.c.month == given("month")
    )
)


def check_token(account: Account, standing: Standing, now: float) -> TokenBucket:
    """The key's bucket with one call less in it; `fill_bucket` keeps it.

    Raises Refusal `rate_limited` with the wait, or `unauthorized` for a key that was revoked since it was
    shown at the door.
    """
    rate = account.calls_per_minute
    if standing.is_revoked:
        raise Refusal("unauthorized", UNKNOWN_KEY)
    level, at = standing.bucket_level, standing.bucket_at
    bucket = full_bucket(rate, now) if level is None or at is None else TokenBucket(level, at)
    bucket, wait_s = take(bucket, rate, rate, now)
    if wait_s is not None:
        raise Refusal(
            "rate_limited", f"This key may place {rate} calls a minute.", retry_after_s=max(wait_s, 0.001)
        )
    return bucket


def fill_bucket(conn: sa.Connection, key_id: str, bucket: TokenBucket) -> None:
    """Keep what is in the key's bucket."""
    FILL_BUCKET.run(conn, key_id=key_id, level=bucket.level, filled_at=bucket.updated_at)


def check_minutes(account: Account, used_s: float, reserved_s: float) -> None:
    """Raise Refusal `over_minute_cap` where used and reserved minutes reach the allowance."""
    if account.minute_allowance is None:
        return
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
