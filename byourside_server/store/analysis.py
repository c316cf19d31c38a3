"""The time after the hang-up: summary and fields are made, tried again, or given up."""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.calls.call import Call, Report
from byourside_server.store.call_rows import Column, report_text
from byourside_server.store.calls import change, load
from byourside_server.store.engine import House, Item
from byourside_server.store.schema import calls

# Seconds to wait after the first, second … failed attempt; after the last the call ends without.
RETRY_DELAYS_S = (2.0, 15.0, 60.0)


def analysis_item(call_id: str, attempt: int, delay_s: float = 0.0) -> Item:
    """The item that asks for attempt number `attempt`, counted from 0."""
    return Item("analyse", f"{call_id}:analyse:{attempt}", (call_id, attempt), delay_s=delay_s)


def analysis_due(conn: sa.Connection, call_id: str, attempt: int) -> Call | None:
    """The call, if it still waits for that attempt of its analysis."""
    query = sa.select(calls.c.analysis_attempts).where(calls.c.id == call_id, calls.c.state == "post")
    return load(conn, call_id) if conn.execute(query).scalar() == attempt else None


def finish(conn: sa.Connection, house: House, call_id: str, report: Report | None, now: float) -> Call | None:
    """End the call with its report, or without where the analysis has finally failed."""
    call = load(conn, call_id)
    if call is None:
        return None
    values: dict[str, Column] = {
        "analysis": "done" if report else "failed",
        "report": report_text(report) if report else None,
    }
    onward = "voicemail" if call.answered_by == "voicemail" else "completed"
    return change(conn, house, call_id, onward, now, values=values)


def analyse_again(conn: sa.Connection, house: House, call_id: str, attempt: int, now: float) -> Call | None:
    """After attempt number `attempt` has failed: try again later, or end the call without a report."""
    if attempt >= len(RETRY_DELAYS_S):
        return finish(conn, house, call_id, None, now)
    item = analysis_item(call_id, attempt + 1, RETRY_DELAYS_S[attempt])
    row = conn.execute(
        calls.update()
        .where(calls.c.id == call_id, calls.c.state == "post", calls.c.analysis_attempts == attempt)
        .values(analysis_attempts=attempt + 1, item_key=item.key, item_due_at=now + RETRY_DELAYS_S[attempt])
        .returning(calls.c.id)
    ).one_or_none()
    if row is not None:
        house.put(conn, item)
    return None
