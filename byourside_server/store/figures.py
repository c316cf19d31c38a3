"""How have calls gone of late? Counts and times over a stretch of an account's calls.

Counting is the database's work; only response times are brought home, of the latest calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Double, Integer

from byourside_server.accounts.account import Account
from byourside_server.calls import lifecycle
from byourside_server.store.call_rows import latency_of
from byourside_server.store.limits import month_of, used_seconds
from byourside_server.store.schema import accounts, calls
from byourside_server.store.search import member_of

# Response times are taken from this many of the latest answered calls.
LATENCY_CALLS = 2_000


@dataclass(frozen=True)
class Figures:
    """What became of the calls accepted since a moment."""

    since: float
    """Epoch seconds: where the first slot begins."""
    slot_s: float
    """How long a slot is."""
    slots: Sequence[Mapping[str, int]]
    """Per slot, oldest first: calls by public status."""
    dialed: int
    """Calls that were dialled and are over."""
    answered_by: Mapping[str, int]
    """Of these, the answered ones by who answered; `unknown` where nobody could tell."""
    objectives: Mapping[str, int]
    """Calls with a report, by whether the objective was met: yes, no, unknown."""
    latencies_ms: Sequence[int]
    """Response times of the agent's turns, ascending, of the latest calls."""


@dataclass(frozen=True)
class Allowance:
    """Minutes of the calendar month: used by calls that have ended, held by calls under way, allowed."""

    used_s: float
    held_s: float
    allowed_s: float | None


def figures(conn: sa.Connection, account_id: str, since: float, slot_s: float, count: int) -> Figures:
    """The account's figures in `count` slots of `slot_s` seconds from `since` on."""
    mine = (calls.c.account_id == account_id) & (calls.c.created_at >= since)
    slots: list[dict[str, int]] = [{} for _ in range(count)]
    slot = _whole(conn, (calls.c.created_at - since) / slot_s)
    query = sa.select(slot, calls.c.state, sa.func.count()).where(mine).group_by(slot, calls.c.state)
    for place, state, number in conn.execute(query):
        counts = slots[min(int(place), count - 1)]
        status = lifecycle.PUBLIC_STATUS[state]
        counts[status] = counts.get(status, 0) + number
    over = mine & calls.c.dialing_at.is_not(None) & calls.c.ended_at.is_not(None)
    answered = over & calls.c.answered_at.is_not(None)
    return Figures(
        since=since,
        slot_s=slot_s,
        slots=slots,
        dialed=conn.execute(sa.select(sa.func.count()).where(over)).scalar_one(),
        answered_by=_counted(conn, sa.func.coalesce(calls.c.answered_by, "unknown"), answered),
        objectives=_counted(
            conn, member_of(conn, calls.c.report, "objective_met"), mine & calls.c.report.is_not(None)
        ),
        latencies_ms=_latencies(conn, answered),
    )


def allowance(conn: sa.Connection, account: Account, now: float) -> Allowance:
    """The account's minutes of this month."""
    held_s = conn.execute(sa.select(accounts.c.reserved_s).where(accounts.c.id == account.id)).scalar_one()
    allowed_s = None if account.minute_allowance is None else account.minute_allowance * 60.0
    return Allowance(used_seconds(conn, account.id, month_of(now)), held_s, allowed_s)


def _counted(
    conn: sa.Connection, what: sa.ColumnElement[str], where: sa.ColumnElement[bool]
) -> dict[str, int]:
    rows = conn.execute(sa.select(what, sa.func.count()).where(where).group_by(what))
    return {str(name): number for name, number in rows}


def _latencies(conn: sa.Connection, answered: sa.ColumnElement[bool]) -> list[int]:
    query = sa.select(calls.c.latency).where(answered, calls.c.latency.is_not(None))
    rows = conn.execute(query.order_by(calls.c.created_at.desc()).limit(LATENCY_CALLS)).scalars()
    return sorted(time_ms for row in rows for time_ms in latency_of(json.loads(str(row))).turns_ms)


def _whole(conn: sa.Connection, value: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The whole part of a positive number: a cast rounds on PostgreSQL, and not every SQLite has floor()."""
    if conn.dialect.name == "postgresql":
        return sa.cast(sa.func.floor(value, type_=Double), Integer)
    return sa.cast(value, Integer)
