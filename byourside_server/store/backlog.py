"""What waits in the house, over all accounts: counted from indexes, however many calls are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from byourside_server.store.calls import OPEN_STATES
from byourside_server.store.schema import accounts, calls, outbox

STATES = tuple(sorted(OPEN_STATES))
_WAITING_TO_BE_DIALLED = ("queued", "claimed")


@dataclass(frozen=True)
class Backlog:
    """Calls that are not over, by state; when the oldest that waits might have been dialled; webhooks."""

    calls: Mapping[str, int]
    oldest_run_at: float | None
    webhooks: int
    """Calls whose next webhook has not been delivered yet."""


def _of_account(what: sa.ColumnElement[Any], state: str) -> sa.ScalarSelect[Any]:
    # Account by account: the index `calls_gate` begins with the account, and none with the state alone.
    found = (calls.c.account_id == accounts.c.id) & (calls.c.state == state)
    return sa.select(what).where(found).correlate(accounts).scalar_subquery()


LOOK = sa.select(
    *(sa.func.coalesce(sa.func.sum(_of_account(sa.func.count(), state)), 0) for state in STATES),
    *(sa.func.min(_of_account(sa.func.min(calls.c.run_at), state)) for state in _WAITING_TO_BE_DIALLED),
).select_from(accounts)
# Only the webhook at the head of its call's has an item that is due.
HEADS = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.item_due_at.is_not(None))


def backlog(conn: sa.Connection) -> Backlog:
    """The whole house's."""
    found = conn.execute(LOOK).one()
    counts = {state: int(count) for state, count in zip(STATES, found, strict=False)}
    moments = [float(moment) for moment in found[len(STATES) :] if moment is not None]
    return Backlog(counts, min(moments, default=None), conn.execute(HEADS).scalar_one())
