"""The tables as SQLAlchemy Core sees them: the truth about every call.

One description for SQLite and PostgreSQL. The tables themselves are made by `migrations/`, never from
here; a test keeps the two equal. Moments (`…_at`) are epoch seconds. Documents are JSON text.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, CheckConstraint, Column, Double, Integer, MetaData, Table, Text

metadata = MetaData()

# SQLite gives row numbers of their own only to a column whose type is spelled INTEGER.
SERIAL = BigInteger().with_variant(Integer(), "sqlite")

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("applied_at", Double, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("max_concurrent", Integer, nullable=False),
    Column("calls_per_minute", Integer, nullable=False),
    # None is no cap.
    Column("minute_allowance", Double),
    Column("default_caller_id", Text),
    Column("webhook_secret", Text, nullable=False),
    # The secret before the last rotation, still signed with until it expires.
    Column("webhook_secret_previous", Text),
    Column("previous_secret_expires_at", Double),
    # When the gate must look again: the earliest scheduled call still queued.
    Column("next_due_at", Double),
    # Seconds of the minute allowance that open calls hold together: the sum of their `reserved_s`.
    Column("reserved_s", Double, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
)

agent_keys = Table(
    "agent_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Column("last4", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
    # The token bucket of calls per minute: what was in it, and when.
    Column("bucket_level", Double),
    Column("bucket_at", Double),
)

numbers = Table(
    "numbers",
    metadata,
    Column("e164", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("account_id", Text, primary_key=True),
    # Calendar month, UTC, "2026-06".
    Column("month", Text, primary_key=True),
    Column("seconds", Double, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("key_id", Text),
    Column("state", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("webhook_url", Text),
    Column("caller_id", Text, nullable=False),
    # Seconds of the minute allowance that the call holds until it ends.
    Column("reserved_s", Double, nullable=False),
    Column("run_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("attempt", Integer, nullable=False),
    # The worker that consumed the dial token, for as long as the line is up.
    Column("owner", Text),
    Column("dialing_at", Double),
    Column("ringing_at", Double),
    Column("answered_at", Double),
    # The last sign of life of the line: what a lost call is said to have ended at.
    Column("touched_at", Double),
    Column("ended_at", Double),
    Column("finished_at", Double),
    Column("answered_by", Text),
    Column("ended_by", Text),
    Column("end_reason", Text),
    Column("error", Text),
    Column("sip", Text),
    Column("turns", Text),
    Column("report", Text),
    Column("analysis", Text),
    Column("analysis_attempts", Integer, nullable=False),
    Column("recording_ms", Integer),
    Column("latency", Text),
    Column("media", Text),
    Column("mind", Text),
    Column("usage", Text),
    Column("cancel_requested_at", Double),
    # The verdict on who answered, JSON.
    Column("answering", Text),
    # How many events have told of this call.
    Column("sequence", Integer, nullable=False),
    # The engine's item that moves this call on, and when it should have run.
    Column("item_key", Text),
    Column("item_due_at", Double),
)

events = Table(
    "events",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("account_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("url", Text, nullable=False),
    # head: being delivered; wait: behind a head; sent; dead: given up; gone: answered with 410, so that
    # whatever the call still has to tell is dead.
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    # Of a head, what servers of an edition whose engine carried webhooks know its next attempt by.
    Column("item_key", Text),
    # Of a head: when its next attempt is due, or until when whoever holds it is given time for it.
    Column("item_due_at", Double),
    # The worker that is sending it.
    Column("held_by", Text),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("replay", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("status", Integer),
    Column("took_ms", Integer, nullable=False),
    Column("error", Text),
    Column("excerpt", Text),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beat_at", Double, nullable=False),
    Column("dead", Integer, nullable=False),
)

# One row: the dashboard has one administrator.
dashboard_password = Table(
    "dashboard_password",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
)

dashboard_sessions = Table(
    "dashboard_sessions",
    metadata,
    # SHA-256 of the cookie's token.
    Column("hash", Text, primary_key=True),
    # The account being looked at; None is the first.
    Column("account_id", Text),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)


def now_of_database(conn: sa.Connection) -> sa.ColumnElement[float]:
    """The database's own clock, epoch seconds: workers on several machines agree on no other."""
    if conn.dialect.name == "postgresql":
        return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), Double)
    return (sa.func.julianday("now") - 2440587.5) * 86400.0
