"""Pages of an account's calls, most recent first, at the same cost with ten calls stored or ten million.

A page is read along an index and ends with its last row: `calls_recent` without a status, and with one
`calls_status` for each state that the status covers, merged. Looking for a text reads documents, so it looks
at the newest `SEARCHED` calls below the cursor only.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import sqlalchemy as sa

from byourside_server.calls.call import Call
from byourside_server.store.call_rows import call_of
from byourside_server.store.calls import get_call
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import calls
from byourside_server.store.search import matches

# 10,000 documents are read in about 30 ms.
SEARCHED = 10_000

PLACE = Prepared(
    sa.select(calls.c.created_at, calls.c.id).where(
        calls.c.id == given("call_id"), calls.c.account_id == given("account_id")
    )
)
_BELOW = sa.tuple_(calls.c.created_at, calls.c.id) < sa.tuple_(given("below_at"), given("below_id"))
_RECENT_FIRST = (calls.c.created_at.desc(), calls.c.id.desc())


def list_calls(
    conn: sa.Connection,
    account_id: str,
    limit: int,
    before: str | None = None,
    states: Collection[str] | None = None,
    text: str | None = None,
) -> list[Call]:
    """The account's calls, most recent first, from below the call `before` on; those that `text` finds.

    A cursor that names no call of the account lists nothing.
    """
    values: dict[str, str | float] = {"account_id": account_id}
    if before is not None:
        place = PLACE.tuples(conn, call_id=before, account_id=account_id)
        if not place:
            return []
        values |= {"below_at": place[0][0], "below_id": place[0][1]}
    if text is not None:
        return _found(conn, values, limit, states, text)
    below = before is not None
    if states is None:
        rows = page_of(below).rows(conn, **values, page=limit)
    else:
        # One walk along the index for each state: a single IN would sort all calls of those states.
        page = page_of(below, one_state=True)
        rows = [row for state in states for row in page.rows(conn, **values, page=limit, state=state)]
        rows.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
    return [call_of(row) for row in rows[:limit]]


@cache
def page_of(below: bool, one_state: bool = False) -> Prepared:
    """The newest calls, below a place or from the top, of one state or of any."""
    where = (calls.c.state == given("state"),) if one_state else ()
    return Prepared(_newest(below, *where).limit(given("page")))


def _newest(below: bool, *where: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    query = sa.select(calls).where(calls.c.account_id == given("account_id"), *where)
    return (query.where(_BELOW) if below else query).order_by(*_RECENT_FIRST)


def _found(
    conn: sa.Connection,
    values: dict[str, str | float],
    limit: int,
    states: Collection[str] | None,
    text: str,
) -> list[Call]:
    """Of the newest calls those that the text finds; a whole id finds its call whatever its age."""
    named = get_call(conn, str(values["account_id"]), text.lower())
    if named is not None:
        return [named] if "below_at" not in values and (states is None or named.state in states) else []
    window = _newest("below_at" in values).limit(SEARCHED).subquery()
    query = sa.select(window).where(matches(conn, window, text))
    if states is not None:
        query = query.where(window.c.state.in_(states))
    query = query.order_by(window.c.created_at.desc(), window.c.id.desc()).limit(limit)
    return [call_of(row) for row in conn.execute(query, values).mappings()]
