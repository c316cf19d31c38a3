"""Calls in the store: kept, found, and changed by one function only.

`change` is the sole writer of `state`: a compare-and-set against `lifecycle.TRANSITIONS` that tells its
event in the same transaction. Everything is asked per account, so a stranger's call does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from byourside_server.calls import lifecycle
from byourside_server.calls.call import DEFAULT_MAX_DURATION_S, Call
from byourside_server.store import events
from byourside_server.store.accounts import lock_account, reserve
from byourside_server.store.call_rows import Column, call_of, request_text
from byourside_server.store.engine import House
from byourside_server.store.prepared import Prepared, given, insert_of
from byourside_server.store.schema import calls

OPEN_STATES = frozenset(lifecycle.STATES) - lifecycle.TERMINAL_STATES
# In which a call may still use minutes: it holds those it may last.
RESERVING_STATES = OPEN_STATES - {"post"}
INSERT = Prepared(
    insert_of(
        calls,
        "id",
        "account_id",
        "key_id",
        "state",
        "request",
        "webhook_url",
        "caller_id",
        "reserved_s",
        "run_at",
        "created_at",
        "attempt",
        "analysis_attempts",
        "sequence",
    )
)
ONE = Prepared(
    sa.select(calls).where(
        calls.c.id == given("call_id"), calls.c.account_id == given("account_id")
    )
)
STATE = Prepared(sa.select(calls.c.state).where(calls.c.id == given("call_id")))
SEQUENCE = Prepared(sa.select(calls.c.sequence).where(calls.c.id == given("call_id")))


def insert_call(conn: sa.Connection, house: House, call: Call, run_at: float) -> Call:
    """Keep a new call and tell that it is queued. The caller holds the account's lock."""
    reserved_s = float(call.request.max_duration_s or DEFAULT_MAX_DURATION_S)
    reserve(conn, call.account_id, reserved_s)
    INSERT.run(
        conn,
        id=call.id,
        account_id=call.account_id,
        key_id=call.key_id,
        state=call.state,
        request=request_text(call.request),
        webhook_url=call.request.webhook_url,
        caller_id=call.caller_id,
        reserved_s=reserved_s,
        run_at=run_at,
        created_at=call.created_at,
        attempt=0,
        analysis_attempts=0,
        sequence=1,
    )
    kept = replace(call, sequence=1)
    events.append(conn, house, kept, lifecycle.EVENT_OF_STATE[call.state], call.created_at)
    return kept


def change(
    conn: sa.Connection,
    house: House,
    call_id: str,
    onward: str,
    now: float,
    *,
    owner: str | None = None,
    values: Mapping[str, Column] | None = None,
) -> Call | None:
    """Move the call onward, set `values` with it, and tell the event of the state reached.

    None, and nothing changed, where the table has no arrow from the state the call is in, or where
    `owner` is given and the line is another's.
    """
    account_id = conn.execute(sa.select(calls.c.account_id).where(calls.c.id == call_id)).scalar()
    if account_id is None:
        return None
    lock_account(conn, account_id)
    before = STATE.value(conn, call_id=call_id)
    event_type = lifecycle.EVENT_OF_STATE.get(onward)
    columns: dict[str, object] = {**(values or {}), "state": onward}
    if event_type is not None:
        columns["sequence"] = calls.c.sequence + 1
    if onward in lifecycle.TERMINAL_STATES:
        columns |= {"finished_at": now, "owner": None, "item_key": None, "item_due_at": None}
    update = (
        calls.update()
        .where(calls.c.id == call_id, calls.c.state.in_(lifecycle.sources_of(onward)))
        .values(columns)
        .returning(*calls.c)
    )
    if owner is not None:
        update = update.where(calls.c.owner == owner)
    row = conn.execute(update).mappings().one_or_none()
    if row is None:
        return None
    if before in RESERVING_STATES and onward not in RESERVING_STATES:
        reserve(conn, account_id, -row["reserved_s"])
    call = call_of(row)
    if event_type is not None:
        events.append(conn, house, call, event_type, now)
    return call


def get_call(conn: sa.Connection, account_id: str, call_id: str) -> Call | None:
    """The account's call of that id, or None: there is no other way to ask."""
    row = ONE.row(conn, call_id=call_id, account_id=account_id)
    return call_of(row) if row else None


def load(conn: sa.Connection, call_id: str) -> Call | None:
    """The call of that id, whoever's it is: for the house's own work."""
    row = conn.execute(sa.select(calls).where(calls.c.id == call_id)).mappings().one_or_none()
    return call_of(row) if row else None


def sequence_of(conn: sa.Connection, call_id: str) -> int:
    """How many events have told of the call, 0 where there is none."""
    return SEQUENCE.value(conn, call_id=call_id) or 0
