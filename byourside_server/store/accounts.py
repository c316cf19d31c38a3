"""Accounts as kept: made, found, and their webhook secrets turned over."""

from __future__ import annotations

import math

import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.accounts.key import make_id, make_webhook_secret
from byourside_server.errors import ConfigError
from byourside_server.store.prepared import Prepared, Row, given
from byourside_server.store.schema import accounts

LOAD = Prepared(sa.select(accounts).where(accounts.c.id == given("account_id")))
# FOR UPDATE is no SQLite, where it is left out.
LOAD_LOCKED = Prepared(sa.select(accounts).where(accounts.c.id == given("account_id")).with_for_update())
RESERVE = Prepared(
    accounts.update()
    .where(accounts.c.id == given("account_id"))
    .values(reserved_s=accounts.c.reserved_s + given("seconds"))
)
LOCK = sa.select(accounts.c.id).where(accounts.c.id == given("account_id")).with_for_update()
MAX_CONCURRENT = 10
CALLS_PER_MINUTE = 60
MINUTE_ALLOWANCE = 1_000.0


def lock_account(conn: sa.Connection, account_id: str) -> None:
    """Hold the account's row to the end of the transaction: the one lock everything is ordered by.

    SQLite has a single writer and needs none.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(LOCK, {"account_id": account_id})


def create_account(
    conn: sa.Connection,
    name: str,
    now: float,
    *,
    max_concurrent: int = MAX_CONCURRENT,
    calls_per_minute: int = CALLS_PER_MINUTE,
    minute_allowance: float | None = MINUTE_ALLOWANCE,
) -> Account:
    """Make an account. Raises ConfigError where the name is taken or blank."""
    if not name.strip():
        raise ConfigError("an account needs a name")
    if find_account(conn, name) is not None:
        raise ConfigError(f"there is an account {name!r} already")
    account = Account(
        id=make_id("acct"),
        name=name,
        calls_per_minute=calls_per_minute,
        minute_allowance=minute_allowance,
        max_concurrent=max_concurrent,
        default_caller_id=None,
        webhook_secret=make_webhook_secret(),
        created_at=now,
    )
    conn.execute(
        accounts.insert().values(
            id=account.id,
            name=account.name,
            max_concurrent=account.max_concurrent,
            calls_per_minute=account.calls_per_minute,
            minute_allowance=account.minute_allowance,
            webhook_secret=account.webhook_secret,
            created_at=account.created_at,
        )
    )
    return account


def find_account(conn: sa.Connection, name: str) -> Account | None:
    """The account of that name."""
    row = conn.execute(sa.select(accounts).where(accounts.c.name == name)).mappings().one_or_none()
    return account_of(row) if row else None


def load_account(conn: sa.Connection, account_id: str) -> Account | None:
    """The account of that id, as it is now."""
    row = LOAD.row(conn, account_id=account_id)
    return account_of(row) if row else None


def load_locked(conn: sa.Connection, account_id: str) -> tuple[Account, float] | None:
    """The account of that id and the seconds its open calls hold, locked as by `lock_account`."""
    row = LOAD_LOCKED.row(conn, account_id=account_id)
    return (account_of(row), row["reserved_s"]) if row else None


def reserve(conn: sa.Connection, account_id: str, seconds: float) -> None:
    """Add to what the account's open calls hold, or take from it. The caller holds its lock."""
    RESERVE.run(conn, account_id=account_id, seconds=seconds)


def list_accounts(conn: sa.Connection) -> list[Account]:
    """All accounts, oldest first."""
    rows = conn.execute(sa.select(accounts).order_by(accounts.c.created_at, accounts.c.id)).mappings()
    return [account_of(row) for row in rows]


def set_limits(
    conn: sa.Connection,
    account_id: str,
    *,
    max_concurrent: int | None = None,
    calls_per_minute: int | None = None,
    minute_allowance: float | None = None,
) -> None:
    """Change those limits that are given; `minute_allowance` in minutes, infinite for no cap.

    A raised `max_concurrent` lets waiting calls go within a second.
    """
    given = {
        "max_concurrent": max_concurrent,
        "calls_per_minute": calls_per_minute,
        "minute_allowance": minute_allowance,
    }
    changed: dict[str, float | None] = {name: value for name, value in given.items() if value is not None}
    if minute_allowance == math.inf:
        changed["minute_allowance"] = None  # as the table has it: no cap
    if max_concurrent is not None:
        # Due since ever: the house looks at the account's gate in its next round, whoever changed the limit.
        changed["next_due_at"] = 0.0
    if changed:
        conn.execute(accounts.update().where(accounts.c.id == account_id).values(changed))


def rotate_webhook_secret(conn: sa.Connection, account_id: str, now: float, overlap_s: float) -> str:
    """Give the account a new secret; webhooks are signed with the old one too until `overlap_s` is over."""
    lock_account(conn, account_id)
    secret = make_webhook_secret()
    conn.execute(
        accounts.update()
        .where(accounts.c.id == account_id)
        .values(
            webhook_secret=secret,
            webhook_secret_previous=accounts.c.webhook_secret,
            previous_secret_expires_at=now + overlap_s,
        )
    )
    return secret


def account_of(row: Row | sa.RowMapping) -> Account:
    """The account that a row of `accounts` tells of."""
    return Account(
        id=row["id"],
        name=row["name"],
        calls_per_minute=row["calls_per_minute"],
        minute_allowance=row["minute_allowance"],
        max_concurrent=row["max_concurrent"],
        default_caller_id=row["default_caller_id"],
        webhook_secret=row["webhook_secret"],
        created_at=row["created_at"],
        webhook_secret_previous=row["webhook_secret_previous"],
        previous_secret_expires_at=row["previous_secret_expires_at"],
    )
