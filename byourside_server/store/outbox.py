"""Webhooks on their way: per call one head, and the rest waiting behind it.

Only the head has an item with the engine, so events of a call arrive in their order however long one of
them takes, and nothing is held in memory for three days.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.calls.call import Call
from byourside_server.store.accounts import load_account, lock_account
from byourside_server.store.engine import House, Item
from byourside_server.store.prepared import Prepared, given, insert_of
from byourside_server.store.schema import events, outbox
from byourside_server.webhooks.schedule import Delivered, GiveUp, TryAgain, Verdict

# In place of an attempt's number: send once more, in its turn or not.
REPLAY = -1
# What an event finds of its call: one that is on its way before it, or one that was answered with 410. Never
# both, since a 410 takes with it all that wait.
BEFORE = Prepared(
    sa.select(outbox.c.state)
    .where(outbox.c.call_id == given("call_id"), outbox.c.state.in_(("head", "wait", "gone")))
    .limit(1)
)
# What was found → what the event becomes.
STATES = {None: "head", "head": "wait", "wait": "wait", "gone": "dead"}
ADD = Prepared(insert_of(outbox, *outbox.c.keys()))


@dataclass(frozen=True)
class Parcel:
    """One webhook as it is to be sent."""

    event_id: str
    call_id: str
    account: Account
    url: str
    body: bytes
    state: str
    attempts: int


def add(conn: sa.Connection, house: House, call: Call, event_id: str, url: str, now: float) -> None:
    """Queue an event's webhook behind the call's others, or nowhere after a 410.

    The caller holds the account's lock.
    """
    # Nothing is ahead of a call's first event.
    state = "head" if call.sequence == 1 else STATES[BEFORE.value(conn, call_id=call.id)]
    first = state == "head"
    item = delivery_item(event_id, 0)
    ADD.run(
        conn,
        event_id=event_id,
        account_id=call.account_id,
        call_id=call.id,
        sequence=call.sequence,
        url=url,
        state=state,
        attempts=0,
        created_at=now,
        item_key=item.key if first else None,
        item_due_at=now if first else None,
    )
    if first:
        house.put(conn, item)


def load_parcel(conn: sa.Connection, event_id: str) -> Parcel | None:
    """The webhook of that event, with the account whose secrets sign it."""
    query = sa.select(outbox, events.c.body).join(events, events.c.event_id == outbox.c.event_id)
    row = conn.execute(query.where(outbox.c.event_id == event_id)).mappings().one_or_none()
    account = load_account(conn, row["account_id"]) if row else None
    if row is None or account is None:
        return None
    return Parcel(
        event_id=row["event_id"],
        call_id=row["call_id"],
        account=account,
        url=row["url"],
        body=row["body"].encode(),
        state=row["state"],
        attempts=row["attempts"],
    )


def settle(conn: sa.Connection, house: House, parcel: Parcel, verdict: Verdict, now: float) -> bool:
    """Apply what came of a head's attempt; False where somebody else's attempt has been settled first."""
    # Else an event added meanwhile would wait behind a head that is just leaving.
    lock_account(conn, parcel.account.id)
    match verdict:
        case TryAgain(delay_s):
            return _try_again(conn, house, parcel, delay_s, now)
        case Delivered():
            state = "sent"
        case GiveUp(gone):
            state = "gone" if gone else "dead"
    done = conn.execute(
        outbox.update()
        .where(
            outbox.c.event_id == parcel.event_id,
            outbox.c.state == "head",
            outbox.c.attempts == parcel.attempts,
        )
        .values(state=state, attempts=parcel.attempts + 1, item_key=None, item_due_at=None)
        .returning(outbox.c.call_id)
    ).one_or_none()
    if done is None:
        return False
    waiting = (outbox.c.call_id == parcel.call_id) & (outbox.c.state == "wait")
    if state == "gone":
        conn.execute(outbox.update().where(waiting).values(state="dead"))
        return True
    following = sa.select(outbox.c.event_id).where(waiting).order_by(outbox.c.sequence).limit(1)
    next_id = conn.execute(following).scalar()
    if next_id is not None:
        _promote(conn, house, next_id, now)
    return True


def replay_item(conn: sa.Connection, account_id: str, event_id: str, now: float) -> Item | None:
    """The item that sends an event's webhook once more; None where the account has no such webhook.

    One still waiting for its turn gets none: it will be sent anyway, in its order.
    """
    query = sa.select(outbox.c.state).where(outbox.c.event_id == event_id, outbox.c.account_id == account_id)
    if conn.execute(query).scalar() in (None, "wait"):
        return None
    return Item("deliver", f"{event_id}:replay:{now:.6f}", (event_id, REPLAY))


def exists(conn: sa.Connection, account_id: str, event_id: str) -> bool:
    """True where the account has a webhook of that event."""
    query = sa.select(outbox.c.state).where(outbox.c.event_id == event_id, outbox.c.account_id == account_id)
    return conn.execute(query).scalar() is not None


def states_of(conn: sa.Connection, account_id: str, call_id: str) -> dict[str, str]:
    """What has become of each webhook of the account's call, by event id."""
    query = sa.select(outbox.c.event_id, outbox.c.state).where(
        outbox.c.call_id == call_id, outbox.c.account_id == account_id
    )
    return {str(event_id): str(state) for event_id, state in conn.execute(query)}


def _try_again(conn: sa.Connection, house: House, parcel: Parcel, delay_s: float, now: float) -> bool:
    attempts = parcel.attempts + 1
    item = delivery_item(parcel.event_id, attempts, delay_s)
    row = conn.execute(
        outbox.update()
        .where(
            outbox.c.event_id == parcel.event_id,
            outbox.c.state == "head",
            outbox.c.attempts == parcel.attempts,
        )
        .values(attempts=attempts, item_key=item.key, item_due_at=now + delay_s)
        .returning(outbox.c.event_id)
    ).one_or_none()
    if row is not None:
        house.put(conn, item)
    return row is not None


def _promote(conn: sa.Connection, house: House, event_id: str, now: float) -> None:
    item = delivery_item(event_id, 0)
    conn.execute(
        outbox.update()
        .where(outbox.c.event_id == event_id)
        .values(state="head", item_key=item.key, item_due_at=now)
    )
    house.put(conn, item)


def delivery_item(event_id: str, attempts: int, delay_s: float = 0.0) -> Item:
    """The item for attempt number `attempts`, counted from 0."""
    return Item("deliver", f"{event_id}:{attempts}", (event_id, attempts), delay_s=delay_s)
