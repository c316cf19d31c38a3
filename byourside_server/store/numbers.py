"""Telephone numbers as owned: each has one account, and an account may have a default."""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.accounts.account import Number
from byourside_server.errors import ConfigError
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import accounts, numbers

OWNED = Prepared(sa.select(numbers.c.e164).where(numbers.c.account_id == given("account_id")))


def add_number(conn: sa.Connection, account_id: str, e164: str, now: float) -> Number:
    """Put a number on an account; its first becomes the default caller ID.

    Raises ConfigError where the number is somebody's already.
    """
    owner = conn.execute(sa.select(numbers.c.account_id).where(numbers.c.e164 == e164)).scalar()
    if owner is not None:
        whose = "this account" if owner == account_id else "another account"
        raise ConfigError(f"{e164} is on {whose} already")
    conn.execute(numbers.insert().values(e164=e164, account_id=account_id, created_at=now))
    conn.execute(
        accounts.update()
        .where(accounts.c.id == account_id, accounts.c.default_caller_id.is_(None))
        .values(default_caller_id=e164)
    )
    return Number(e164, account_id, now)


def list_numbers(conn: sa.Connection, account_id: str | None = None) -> list[Number]:
    """The account's numbers, or everybody's, oldest first."""
    query = sa.select(numbers).order_by(numbers.c.created_at, numbers.c.e164)
    if account_id is not None:
        query = query.where(numbers.c.account_id == account_id)
    return [Number(row.e164, row.account_id, row.created_at) for row in conn.execute(query)]


def set_default_caller_id(conn: sa.Connection, account_id: str, e164: str) -> None:
    """Show this number where a call names none. Raises ConfigError where the account does not own it."""
    if e164 not in owned_numbers(conn, account_id):
        raise ConfigError(f"{e164} is not on this account")
    conn.execute(accounts.update().where(accounts.c.id == account_id).values(default_caller_id=e164))


def owned_numbers(conn: sa.Connection, account_id: str) -> frozenset[str]:
    return frozenset(row[0] for row in OWNED.tuples(conn, account_id=account_id))
