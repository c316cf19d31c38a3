"""Which queued call goes next, and which must wait for one of its account's to end?

The only way from `queued` to `claimed`. Called in every transaction that adds a call or frees a place.
"""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.calls import lifecycle
from byourside_server.store.accounts import lock_account
from byourside_server.store.calls import change
from byourside_server.store.engine import House, Item
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import accounts, calls

ACCOUNTS_AT_ONCE = 50
_MINE = calls.c.account_id == accounts.c.id
_QUEUED = _MINE & (calls.c.state == "queued")
# The account's limit and note, its active calls (never more than the limit), its oldest due call, and when
# the first queued one may run: each from the index `calls_gate`, however many calls there are.
LOOK = Prepared(
    sa.select(
        accounts.c.max_concurrent,
        accounts.c.next_due_at,
        sa.select(sa.func.count())
        .where(_MINE, calls.c.state.in_(sorted(lifecycle.ACTIVE_STATES)))
        .correlate(accounts)
        .scalar_subquery(),
        sa.select(calls.c.id)
        .where(_QUEUED, calls.c.run_at <= given("now"))
        .order_by(calls.c.run_at, calls.c.id)
        .limit(1)
        .correlate(accounts)
        .scalar_subquery(),
        sa.select(sa.func.min(calls.c.run_at)).where(_QUEUED).correlate(accounts).scalar_subquery(),
    ).where(accounts.c.id == given("account_id"))
)


def open_gate(conn: sa.Connection, house: House, account_id: str, now: float) -> None:
    """Claim the account's oldest due calls while it is under its limit of simultaneous calls.

    An item's priority is how many calls its account has already: the engine then serves accounts fairly.
    """
    lock_account(conn, account_id)
    # Its own statement after the lock: PostgreSQL shows a waiting statement what was before its wait.
    look_at_gate(conn, house, account_id, now)


def look_at_gate(conn: sa.Connection, house: House, account_id: str, now: float) -> None:
    """The same for a caller who holds the account's lock."""
    ((limit, noted_due_at, active, call_id, first_run_at),) = LOOK.tuples(
        conn, account_id=account_id, now=now
    )
    while active < limit and call_id is not None:
        item = Item("dial", f"{call_id}:dial", (call_id,), priority=1 + active)
        claimed = change(
            conn, house, call_id, "claimed", now, values={"item_key": item.key, "item_due_at": now}
        )
        assert claimed is not None, "a queued call can be claimed by whoever holds the account"
        house.put(conn, item)
        ((limit, noted_due_at, active, call_id, first_run_at),) = LOOK.tuples(
            conn, account_id=account_id, now=now
        )
    next_due_at = first_run_at if active < limit else None
    if next_due_at != noted_due_at:
        conn.execute(accounts.update().where(accounts.c.id == account_id).values(next_due_at=next_due_at))


def accounts_due(conn: sa.Connection, now: float) -> list[str]:
    """Accounts with a scheduled call whose time has come."""
    query = sa.select(accounts.c.id).where(accounts.c.next_due_at <= now)
    return list(conn.execute(query.order_by(accounts.c.next_due_at).limit(ACCOUNTS_AT_ONCE)).scalars())
