"""A call is accepted, or called off, each in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

import sqlalchemy as sa

from byourside_server.calls.call import Call, CallRequest
from byourside_server.errors import Refusal
from byourside_server.guardrails.check import check_caller_id
from byourside_server.store import idempotency
from byourside_server.store.accounts import load_locked, lock_account
from byourside_server.store.call_rows import Column
from byourside_server.store.calls import change, get_call, insert_call
from byourside_server.store.engine import House
from byourside_server.store.gate import look_at_gate, open_gate
from byourside_server.store.limits import check_minutes, check_token, fill_bucket, month_of
from byourside_server.store.prepared import together
from byourside_server.store.schema import calls
from byourside_server.store.standing import look


@dataclass(frozen=True)
class Placement:
    """A request that has passed everything that can be told without the store."""

    account_id: str
    key_id: str
    request: CallRequest
    idempotency_key: str | None = None
    body_hash: str = ""


def accept(conn: sa.Connection, house: House, placement: Placement, now: float) -> Call:
    """Take a call in, all or nothing, and return it as queued.

    Raises Refusal idempotency_mismatch, invalid_caller_id, caller_id_not_owned, rate_limited or
    over_minute_cap; then nothing has changed.
    """
    account_id, request = placement.account_id, placement.request
    found = load_locked(conn, account_id)
    if found is None:
        raise Refusal("unauthorized")
    account, reserved_s = found
    # Its own statement after the lock: PostgreSQL shows a waiting statement what was before its wait.
    standing = look(conn, account_id, placement.key_id, placement.idempotency_key, month_of(now), now)
    known = idempotency.placed_by(standing.recalled, placement.body_hash)
    if known is not None:
        first = get_call(conn, account_id, known)
        assert first is not None, "calls outlive their idempotency keys"
        # The first answer again, whatever has become of the call since.
        return replace(first, state="queued")
    caller_id = check_caller_id(request.caller_id, standing.numbers, account.default_caller_id)
    bucket = check_token(account, standing, now)
    check_minutes(account, standing.used_s, reserved_s)
    call = Call(
        id=str(uuid.uuid4()),
        account_id=account_id,
        key_id=placement.key_id,
        request=request,
        caller_id=caller_id,
        state="queued",
        created_at=now,
    )
    with together(conn):
        fill_bucket(conn, placement.key_id, bucket)
        call = insert_call(conn, house, call, run_at=max(now, request.scheduled_at or now))
        if placement.idempotency_key is not None:
            idempotency.remember(
                conn, account_id, placement.idempotency_key, placement.body_hash, call.id, now
            )
    look_at_gate(conn, house, account_id, now)
    return call


def cancel(conn: sa.Connection, house: House, account_id: str, call_id: str, now: float) -> Call:
    """Call a call off: one not yet dialled is over at once, a live one is marked to be hung up.

    Raises Refusal not_found or call_ended.
    """
    lock_account(conn, account_id)
    call = get_call(conn, account_id, call_id)
    if call is None:
        raise Refusal("not_found", "There is no such call on this account.")
    if call.ended_at is not None or call.finished_at is not None:
        raise Refusal("call_ended", "The call has ended already.")
    # From `dialing` the table leads to canceled too, but only the line may say that it is over.
    if call.state in ("queued", "claimed"):
        values: dict[str, Column] = {
            "error": "canceled",
            "end_reason": "canceled",
            "ended_by": "api",
            "ended_at": now,
        }
        canceled = change(conn, house, call_id, "canceled", now, values=values)
        assert canceled is not None, "whoever holds the account may cancel"
        open_gate(conn, house, account_id, now)
        return canceled
    row = conn.execute(
        calls.update()
        .where(calls.c.id == call_id, calls.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now)
        .returning(calls.c.id)
    ).one_or_none()
    return replace(call, cancel_requested_at=now) if row else call
