"""Which queued call goes next, and which must wait for one of its account's to end?

The only way from `queued` to `claimed`. Called in every transaction that adds a call or frees a place.
"""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.calls import lifecycle
from byourside_server.store.accounts import lock_account
from byourside_server.store.calls import change
from byourside_server.store.engine import House, Item
from byourside_server.store.schema import accounts, calls

ACCOUNTS_AT_ONCE = 50


def open_gate(conn: sa.Connection, house: House, account_id: str, now: float) -> None:
    """Claim the account's oldest due calls while it is under its limit of simultaneous calls.

    An item's priority is how many calls its account has already: the engine then serves accounts fairly.
    """
    lock_account(conn, account_id)
    limit, noted_due_at = conn.execute(
        sa.select(accounts.c.max_concurrent, accounts.c.next_due_at).where(accounts.c.id == account_id)
    ).one()
    active = conn.execute(
        sa.select(sa.func.count()).where(
            calls.c.account_id == account_id, calls.c.state.in_(lifecycle.ACTIVE_STATES)
        )
    ).scalar_one()
    queued = (calls.c.account_id == account_id) & (calls.c.state == "queued")
    while active < limit:
        oldest = sa.select(calls.c.id).where(queued, calls.c.run_at <= now)
        call_id = conn.execute(oldest.order_by(calls.c.run_at, calls.c.id).limit(1)).scalar()
        if call_id is None:
            break
        item = Item("dial", f"{call_id}:dial", (call_id,), priority=1 + active)
        claimed = change(
            conn, house, call_id, "claimed", now, values={"item_key": item.key, "item_due_at": now}
        )
        assert claimed is not None, "a queued call can be claimed by whoever holds the account"
        house.put(conn, item)
        active += 1
    next_due_at = None
    if active < limit:
        next_due_at = conn.execute(sa.select(sa.func.min(calls.c.run_at)).where(queued)).scalar()
    if next_due_at != noted_due_at:
        conn.execute(accounts.update().where(accounts.c.id == account_id).values(next_due_at=next_due_at))


def accounts_due(conn: sa.Connection, now: float) -> list[str]:
    """Accounts with a scheduled call whose time has come."""
    query = sa.select(accounts.c.id).where(accounts.c.next_due_at <= now)
    return list(conn.execute(query.order_by(accounts.c.next_due_at).limit(ACCOUNTS_AT_ONCE)).scalars())
