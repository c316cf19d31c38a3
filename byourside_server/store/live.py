"""What a line does to its call, from the dial token to the hang-up.

The token is consumed before the first packet: a call is dialled once or not at all. Everything after it
asks that the line still be the caller's own (`owner`), so a worker that has been given up changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call
from byourside_server.calls.happened import Answered, LineEnded, Ringing
from byourside_server.calls.transcript import Turn
from byourside_server.store import events
from byourside_server.store.accounts import lock_account
from byourside_server.store.analysis import analysis_item
from byourside_server.store.call_rows import (
    Column,
    answering_text,
    call_of,
    latency_text,
    media_text,
    sip_text,
    turns_text,
    usage_text,
)
from byourside_server.store.calls import change
from byourside_server.store.engine import House
from byourside_server.store.gate import open_gate
from byourside_server.store.limits import add_usage
from byourside_server.store.schema import calls
from byourside_server.store.workers import is_alive


def take_dial_token(conn: sa.Connection, house: House, call_id: str, owner: str, now: float) -> Call | None:
    """Consume the call's one permission to be dialled; None where it is not there to be had."""
    if not is_alive(conn, owner):
        return None
    values: dict[str, Column] = {
        "owner": owner,
        "dialing_at": now,
        "touched_at": now,
        "attempt": 1,
        "item_key": None,
        "item_due_at": None,
    }
    return change(conn, house, call_id, "dialing", now, values=values)


def note_ringing(
    conn: sa.Connection, house: House, call_id: str, owner: str, ringing: Ringing
) -> Call | None:
    """The far phone rings: told once, and only before the answer."""
    account_id = conn.execute(sa.select(calls.c.account_id).where(calls.c.id == call_id)).scalar()
    if account_id is None:
        return None
    lock_account(conn, account_id)
    row = (
        conn.execute(
            calls.update()
            .where(
                calls.c.id == call_id,
                calls.c.owner == owner,
                calls.c.state == "dialing",
                calls.c.ringing_at.is_(None),
            )
            .values(ringing_at=ringing.at, touched_at=ringing.at, sequence=calls.c.sequence + 1)
            .returning(*calls.c)
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    call = call_of(row)
    events.append(conn, house, call, "call.ringing", ringing.at)
    return call


def note_answered(
    conn: sa.Connection, house: House, call_id: str, owner: str, answered: Answered
) -> Call | None:
    """Somebody or something picked up."""
    values: dict[str, Column] = {"answered_at": answered.at, "touched_at": answered.at}
    return change(conn, house, call_id, "in_progress", answered.at, owner=owner, values=values)


def save_turns(conn: sa.Connection, call_id: str, owner: str, turns: tuple[Turn, ...], now: float) -> bool:
    """Keep what has been said so far; False where the line is no longer this owner's."""
    kept = conn.execute(
        calls.update()
        .where(
            calls.c.id == call_id,
            calls.c.owner == owner,
            calls.c.state.in_(lifecycle.LIVE_STATES),
        )
        .values(turns=turns_text(turns), touched_at=now)
        .returning(calls.c.id)
    )
    return kept.one_or_none() is not None


def end_line(
    conn: sa.Connection, house: House, call_id: str, owner: str, ended: LineEnded, now: float
) -> Call | None:
    """The line is over: keep all it tells, go on to the analysis or the end, and free its place.

    A line that says something the lifecycle does not have (an unanswered call gone to `post`, say) ends
    its call as failed. None where the line is no longer this owner's.
    """
    values = _values_of(ended)
    if ended.state == "canceled":
        values["error"] = ended.error or "canceled"
    if ended.state == "post":
        item = analysis_item(call_id, 0)
        values |= {"analysis": "pending", "item_key": item.key, "item_due_at": now}
        call = change(conn, house, call_id, "post", now, owner=owner, values=values)
        if call is not None:
            house.put(conn, item)
    else:
        call = change(conn, house, call_id, ended.state, now, owner=owner, values=values)
    if call is None:
        odd = _values_of(ended) | {"error": ended.error or "internal_error"}
        call = change(conn, house, call_id, "failed", now, owner=owner, values=odd)
    if call is not None:
        _settle(conn, house, call, now)
    return call


def lose_lines(conn: sa.Connection, house: House, alive: Collection[str], now: float) -> list[Call]:
    """End every live call whose worker is not among `alive`: it was dialled, so it is never dialled again.

    What was heard is kept. The moment of the end is the line's last sign of life, in the tables or in its
    recording.
    """
    orphans = conn.execute(
        sa.select(calls.c.id, calls.c.account_id, calls.c.touched_at, calls.c.answered_at, calls.c.owner)
        # "is not null" for the index, which "not in" alone does not lead to.
        .where(
            calls.c.owner.is_not(None), calls.c.state.in_(lifecycle.LIVE_STATES), calls.c.owner.not_in(alive)
        )
    ).all()
    # In the order in which everybody locks accounts. Sorted here: asked to sort, SQLite walks all calls
    # there are along an index that is sorted already.
    orphans = sorted(orphans, key=lambda orphan: (orphan.account_id, orphan.id))
    lost = []
    for orphan in orphans:
        values: dict[str, Column] = {
            "error": "worker_lost",
            "end_reason": "worker_lost",
            "ended_by": "server",
            "ended_at": max(orphan.touched_at, (orphan.answered_at or 0.0) + house.recorded_s(orphan.id)),
        }
        call = change(conn, house, orphan.id, "failed", now, owner=orphan.owner, values=values)
        if call is not None:
            _settle(conn, house, call, now)
            lost.append(call)
    return lost


def canceled_lines(conn: sa.Connection, owner: str) -> list[str]:
    """The owner's live calls that somebody wants hung up."""
    query = sa.select(calls.c.id).where(
        calls.c.owner == owner,
        calls.c.state.in_(lifecycle.LIVE_STATES),
        calls.c.cancel_requested_at.is_not(None),
    )
    return list(conn.execute(query).scalars())


def _values_of(ended: LineEnded) -> dict[str, Column]:
    return {
        "ended_at": ended.at,
        "ended_by": ended.ended_by,
        "end_reason": ended.end_reason,
        "error": ended.error,
        "answered_by": ended.answered_by,
        "answering": answering_text(ended.answering),
        "sip": sip_text(ended.sip),
        "turns": turns_text(ended.turns),
        "recording_ms": ended.recording_ms,
        "latency": latency_text(ended.latency),
        "media": media_text(ended.media),
        "mind": ended.mind,
        "usage": usage_text(ended.usage),
    }


def _settle(conn: sa.Connection, house: House, call: Call, now: float) -> None:
    if call.answered_at is not None and call.ended_at is not None:
        add_usage(conn, call.account_id, max(0.0, call.ended_at - call.answered_at), now)
    open_gate(conn, house, call.account_id, now)
