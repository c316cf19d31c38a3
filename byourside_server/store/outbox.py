"""Webhooks on their way: per call one head, and the rest waiting behind it.

Only the head is due at some moment, so events of a call arrive in their order however long one of them takes,
and nothing is held in memory for three days. Who sends a head holds it for a while: whatever becomes of him,
afterwards it is due again.

Whoever appends holds the account's lock and locks the call's first row here; whoever settles locks the head
alone. So one of them waits for the other, and neither an event that waits behind a head just leaving, nor a
second head, can come of it. Where several are settled together they are locked in the order of accounts and
calls, in which everybody locks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.calls.call import Call
from byourside_server.store.accounts import account_of
from byourside_server.store.afterwards import after_commit
from byourside_server.store.call_rows import Column
from byourside_server.store.engine import House, Item
from byourside_server.store.prepared import Prepared, given, insert_of
from byourside_server.store.schema import accounts, events, outbox
from byourside_server.webhooks.schedule import Delivered, GiveUp, TryAgain, Verdict

# In place of an attempt's number: send once more, in its turn or not.
REPLAY = -1
# How long whoever claims a webhook may take: an attempt lasts 10 s, and its end must be written down.
HOLD_S = 60.0
_OF_CALL = outbox.c.call_id == given("of_call")
# What an event finds of its call: one that is on its way before it, or one that was answered with 410. Never
# both, since a 410 takes with it all that wait. The head comes first, so it is what is locked.
BEFORE = Prepared(
    sa.select(outbox.c.state)
    .where(_OF_CALL, outbox.c.state.in_(("head", "wait", "gone")))
    .order_by(outbox.c.sequence)
    .limit(1)
    .with_for_update()
)
# What was found → what the event becomes.
STATES = {None: "head", "head": "wait", "wait": "wait", "gone": "dead"}
ADD = Prepared(insert_of(outbox, *outbox.c.keys()))
ACCOUNT = tuple(column.name for column in accounts.c)
NEXT_DUE = Prepared(sa.select(sa.func.min(outbox.c.item_due_at)).where(outbox.c.item_due_at.is_not(None)))
# What somebody else is just claiming is left to him.
_DUE = (
    sa.select(outbox.c.event_id)
    .where(outbox.c.item_due_at <= given("now"))
    .order_by(outbox.c.item_due_at)
    .limit(given("most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
CLAIM = Prepared(
    outbox.update()
    .where(outbox.c.event_id.in_(sa.select(_DUE.c.event_id)))
    .values(item_due_at=given("until"), held_by=given("holder"))
    .returning(outbox.c.event_id)
)
_PARCELS = sa.select(
    outbox.c.event_id,
    outbox.c.call_id,
    outbox.c.url,
    outbox.c.state,
    outbox.c.attempts,
    events.c.body,
    *(column.label(f"account_{column.name}") for column in accounts.c),
).join_from(outbox, events, events.c.event_id == outbox.c.event_id)
_PARCELS = _PARCELS.join(accounts, accounts.c.id == outbox.c.account_id).order_by(outbox.c.item_due_at)
SETTLE = Prepared(
    outbox.update()
    .where(
        outbox.c.event_id == given("of_event"),
        outbox.c.state == "head",
        outbox.c.attempts == given("attempts_before"),
    )
    .values(
        state=given("onward"),
        attempts=given("attempts_now"),
        item_key=given("next_key"),
        item_due_at=given("next_due_at"),
        held_by=sa.null(),
    )
)
BURY = Prepared(outbox.update().where(_OF_CALL, outbox.c.state == "wait").values(state="dead"))
_WAITING = outbox.alias("waiting")
_AHEAD = outbox.alias("ahead")
# The first that waits, unless somebody else's attempt was settled first and something is ahead of it still.
PROMOTE = Prepared(
    outbox.update()
    .where(
        outbox.c.event_id
        == sa.select(_WAITING.c.event_id)
        .where(_WAITING.c.call_id == given("of_call"), _WAITING.c.state == "wait")
        .order_by(_WAITING.c.sequence)
        .limit(1)
        .scalar_subquery(),
        ~sa.exists(
            sa.select(_AHEAD.c.event_id).where(
                _AHEAD.c.call_id == given("of_call"), _AHEAD.c.state.in_(("head", "gone"))
            )
        ),
    )
    .values(state="head", item_due_at=given("due_at"), item_key=outbox.c.event_id + ":0")
)
_FREE = (
    outbox.update()
    .where(
        outbox.c.item_due_at > given("now"),
        # From the index: who holds one holds it no longer than this.
        outbox.c.item_due_at <= given("held_until"),
        outbox.c.held_by.is_not(None),
    )
    .values(item_due_at=given("now"), held_by=sa.null())
)


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
    state = "head" if call.sequence == 1 else STATES[BEFORE.value(conn, of_call=call.id)]
    first = state == "head"
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
        item_key=_key(event_id, 0) if first else None,
        item_due_at=now if first else None,
        held_by=None,
    )
    if first:
        after_commit(conn, house.webhook_due)


def next_due(conn: sa.Connection) -> float | None:
    """When the next webhook is due, None where none is on its way."""
    moment: float | None = NEXT_DUE.value(conn)
    return moment


def claim(conn: sa.Connection, holder: str, most: int, now: float) -> list[Parcel]:
    """Those that are due, the longest due first: the holder's for `HOLD_S` from now."""
    due = CLAIM.tuples(conn, now=now, most=most, until=now + HOLD_S, holder=holder)
    return _parcels(conn, [event_id for (event_id,) in due]) if due else []


def free(conn: sa.Connection, alive: Collection[str], now: float) -> None:
    """Make due what is held by workers that are no more."""
    conn.execute(_FREE.where(outbox.c.held_by.not_in(alive)), {"now": now, "held_until": now + HOLD_S})


def load_parcel(conn: sa.Connection, event_id: str) -> Parcel | None:
    """The webhook of that event, with the account whose secrets sign it."""
    found = _parcels(conn, [event_id])
    return found[0] if found else None


def settle(
    conn: sa.Connection, house: House, concluded: Sequence[tuple[Parcel, Verdict]], now: float
) -> None:
    """Apply what came of heads' attempts, but where somebody else's attempt has been settled first."""
    in_order = sorted(concluded, key=lambda each: (each[0].account.id, each[0].call_id))
    SETTLE.run_each(conn, [_settled(parcel, verdict, now) for parcel, verdict in in_order])
    gone = [parcel.call_id for parcel, verdict in in_order if verdict == GiveUp(gone=True)]
    BURY.run_each(conn, [{"of_call": call_id} for call_id in gone])
    over = {parcel.call_id for parcel, verdict in in_order if not isinstance(verdict, TryAgain)} - {*gone}
    # Its own statement after the lock: PostgreSQL shows a waiting statement what was before its wait.
    query = sa.select(outbox.c.call_id).where(outbox.c.call_id.in_(over), outbox.c.state == "wait")
    waiting = set(conn.execute(query).scalars()) if over else set()
    PROMOTE.run_each(conn, [{"of_call": call_id, "due_at": now} for call_id in sorted(waiting)])
    # Also where one is tried again: that may be the first that is due.
    after_commit(conn, house.webhook_due)


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


def _parcels(conn: sa.Connection, event_ids: list[str]) -> list[Parcel]:
    rows = conn.execute(_PARCELS.where(outbox.c.event_id.in_(event_ids))).mappings()
    return [
        Parcel(
            event_id=row["event_id"],
            call_id=row["call_id"],
            account=account_of({name: row[f"account_{name}"] for name in ACCOUNT}),
            url=row["url"],
            body=row["body"].encode(),
            state=row["state"],
            attempts=row["attempts"],
        )
        for row in rows
    ]


def _settled(parcel: Parcel, verdict: Verdict, now: float) -> dict[str, Column]:
    attempts = parcel.attempts + 1
    values: dict[str, Column] = {
        "of_event": parcel.event_id,
        "attempts_before": parcel.attempts,
        "attempts_now": attempts,
        "next_key": None,
        "next_due_at": None,
    }
    match verdict:
        case TryAgain(delay_s):
            return values | {
                "onward": "head",
                "next_key": _key(parcel.event_id, attempts),
                "next_due_at": now + delay_s,
            }
        case Delivered():
            return values | {"onward": "sent"}
        case GiveUp(gone):
            return values | {"onward": "gone" if gone else "dead"}


def _key(event_id: str, attempts: int) -> str:
    return f"{event_id}:{attempts}"
