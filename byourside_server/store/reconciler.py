"""Puts right what the engine has lost: calls whose item is overdue and no longer there get another.

An item may be lost to a handler that failed, an engine that was replaced, or a database brought back from
a copy. Handlers ask the tables first, so an item too many does no harm.
And what accounts hold of their minutes, where a server of an edition that keeps no sum has been at work: one
that still ran while the tables were migrated.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.store import idempotency, workers
from byourside_server.store.accounts import lock_account
from byourside_server.store.calls import RESERVING_STATES
from byourside_server.store.database import Database
from byourside_server.store.engine import Engine, House, Item
from byourside_server.store.schema import accounts, calls

OVERDUE_S = 60.0
ROWS_AT_ONCE = 500
ITEMS_KEPT_S = 3600.0
_HELD = (
    sa.select(sa.func.coalesce(sa.func.sum(calls.c.reserved_s), 0.0))
    .where(calls.c.account_id == accounts.c.id, calls.c.state.in_(sorted(RESERVING_STATES)))
    .correlate(accounts)
    .scalar_subquery()
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Overdue:
    """A call that should have moved by now: the item it last had, and one to follow it."""

    call_id: str
    last_key: str
    again: Item


def find_overdue(conn: sa.Connection, before: float, now: float) -> list[Overdue]:
    """Calls whose item was due before that moment."""
    found = []
    open_calls = sa.select(calls.c.id, calls.c.state, calls.c.item_key, calls.c.analysis_attempts).where(
        calls.c.state.in_(("claimed", "post")), calls.c.item_due_at < before
    )
    for row in conn.execute(open_calls.limit(ROWS_AT_ONCE)):
        key = f"{row.id}:again:{now:.3f}"
        item = (
            Item("dial", key, (row.id,))
            if row.state == "claimed"
            else Item("analyse", key, (row.id, row.analysis_attempts))
        )
        found.append(Overdue(row.id, row.item_key, item))
    return found


def put_again(conn: sa.Connection, house: House, lost: list[Overdue], now: float) -> int:
    """Give calls a new item, unless they have moved meanwhile; says how many got one."""
    count = 0
    for overdue in lost:
        row = conn.execute(
            calls.update()
            .where(calls.c.id == overdue.call_id, calls.c.item_key == overdue.last_key)
            .values(item_key=overdue.again.key, item_due_at=now)
            .returning(calls.c.id)
        ).one_or_none()
        if row is not None:
            house.put(conn, overdue.again)
            count += 1
    return count


def find_wrong_sums(conn: sa.Connection) -> list[str]:
    """Accounts whose running sum is not what their open calls hold."""
    query = sa.select(accounts.c.id).where(accounts.c.reserved_s != _HELD)
    return list(conn.execute(query.order_by(accounts.c.id)).scalars())


def sum_up(conn: sa.Connection, account_id: str) -> None:
    """Add up what the account's open calls hold."""
    lock_account(conn, account_id)
    # Its own statement after the lock: PostgreSQL shows a waiting statement what was before its wait.
    conn.execute(accounts.update().where(accounts.c.id == account_id).values(reserved_s=_HELD))


async def right_sums(db: Database) -> None:
    """Look once over all accounts, and add up anew what is wrong."""
    for account_id in await db.read(find_wrong_sums):
        log.warning("held minutes were summed up wrong", extra={"account_id": account_id})
        await db.write(sum_up, account_id)


async def reconcile(
    db: Database, engine: Engine, house: House, now: float, overdue_s: float = OVERDUE_S
) -> int:
    """Look once over all that is overdue and say how many rows got a new item."""
    await right_sums(db)
    overdue = await db.read(find_overdue, now - overdue_s, now)
    outstanding = await engine.outstanding([row.last_key for row in overdue])
    lost = [row for row in overdue if row.last_key not in outstanding]
    return await db.write(put_again, house, lost, now) if lost else 0


async def tidy(db: Database, engine: Engine, now: float) -> None:
    """Forget what nobody asks for any more."""
    await db.write(idempotency.forget_old, now)
    await db.write(workers.forget_dead)
    await engine.purge(ITEMS_KEPT_S)
