"""The event log: append-only, numbered per call and over the whole house.

An event's body is the record as it was at that moment; it is stored once and both the log and the webhooks
tell it unchanged. The account's row is locked by whoever appends, so that within an account the numbers
become visible in their order and a reader of `after=` misses none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.accounts.key import make_id
from byourside_server.calls.call import Call
from byourside_server.calls.wire import Json, event_body
from byourside_server.store import outbox
from byourside_server.store.call_rows import dumps
from byourside_server.store.engine import House
from byourside_server.store.prepared import Prepared, insert_of
from byourside_server.store.schema import events

APPEND = Prepared(
    insert_of(events, "event_id", "account_id", "call_id", "sequence", "type", "at", "body").inline()
)

# Calls at virtual time tell each its own time, so that the last event need not be the latest.
_LAST_EVENTS = 500


@dataclass(frozen=True)
class Event:
    """Something that happened to a call. `id` grows over the whole house: the cursor of `after=`."""

    id: int
    event_id: str
    call_id: str
    type: str
    at: float
    sequence: int
    body: Json


def append(conn: sa.Connection, house: House, call: Call, event_type: str, at: float) -> None:
    """Write the event, and its webhook if the call wants any; `call.sequence` is the event's number."""
    event_id = make_id("evt")
    body = dumps(event_body(house.record_of(call), event_id, event_type, at, call.sequence))
    APPEND.run(
        conn,
        event_id=event_id,
        account_id=call.account_id,
        call_id=call.id,
        sequence=call.sequence,
        type=event_type,
        at=at,
        body=body,
    )
    if call.request.webhook_url is not None:
        outbox.add(conn, house, call, event_id, call.request.webhook_url, at)


def read_events(
    conn: sa.Connection, account_id: str, after: int, limit: int, call_id: str | None = None
) -> list[Event]:
    """The account's events numbered above `after`, oldest first; of one call where it is named."""
    query = sa.select(events).where(events.c.account_id == account_id, events.c.id > after)
    if call_id is not None:
        query = query.where(events.c.call_id == call_id)
    rows = conn.execute(query.order_by(events.c.id).limit(limit)).mappings()
    return [_event_of(row) for row in rows]


def newest_event(conn: sa.Connection, account_id: str) -> int:
    """The number of the account's latest event, 0 where there is none."""
    query = sa.select(sa.func.max(events.c.id)).where(events.c.account_id == account_id)
    return conn.execute(query).scalar() or 0


def latest_moment(conn: sa.Connection) -> float:
    """The latest moment that any of the last events tells, epoch seconds; 0 where there is none."""
    last = sa.select(events.c.at).order_by(events.c.id.desc()).limit(_LAST_EVENTS).subquery()
    return conn.execute(sa.select(sa.func.max(last.c.at))).scalar() or 0.0


def _event_of(row: sa.RowMapping) -> Event:
    return Event(
        id=row["id"],
        event_id=row["event_id"],
        call_id=row["call_id"],
        type=row["type"],
        at=row["at"],
        sequence=row["sequence"],
        body=json.loads(row["body"]),
    )
