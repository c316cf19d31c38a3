"""Who is signed in to the dashboard: the password's hash, and a row for every browser that has shown it.

Tokens and the password itself are never kept. Deleting a row ends a session at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from byourside_server.accounts.key import hash_key
from byourside_server.store.schema import dashboard_password, dashboard_sessions

# An idle browser is signed out after the first, a busy one after the second.
IDLE_S = 12 * 3600.0
LONGEST_S = 7 * 24 * 3600.0
MAX_SESSIONS = 1_000


@dataclass(frozen=True)
class Session:
    """One signed-in browser; `account_id` is the account it looks at, None the first."""

    hash: str
    account_id: str | None
    created_at: float
    expires_at: float


def set_password(conn: sa.Connection, password_hash: str, now: float) -> None:
    """Keep a new password's hash; every browser is signed out."""
    conn.execute(dashboard_password.delete())
    conn.execute(dashboard_password.insert().values(id=1, hash=password_hash, changed_at=now))
    conn.execute(dashboard_sessions.delete())


def password_hash(conn: sa.Connection) -> str | None:
    """The hash of the password, None where none has been made."""
    found = conn.execute(sa.select(dashboard_password.c.hash)).scalar()
    return None if found is None else str(found)


def begin_session(conn: sa.Connection, token: str, proven_hash: str, now: float) -> bool:
    """Sign a browser in; False where the password it proved is no longer the password."""
    if password_hash(conn) != proven_hash:
        return False
    conn.execute(dashboard_sessions.delete().where(dashboard_sessions.c.expires_at <= now))
    oldest = (
        sa.select(dashboard_sessions.c.hash)
        .order_by(dashboard_sessions.c.created_at.desc())
        .offset(MAX_SESSIONS - 1)
        .limit(MAX_SESSIONS)
    )
    conn.execute(dashboard_sessions.delete().where(dashboard_sessions.c.hash.in_(oldest)))
    conn.execute(
        dashboard_sessions.insert().values(
            hash=hash_key(token), account_id=None, created_at=now, expires_at=now + IDLE_S
        )
    )
    return True


def find_session(conn: sa.Connection, token: str, now: float) -> Session | None:
    """The session of that token, None where it has ended or never was."""
    query = sa.select(dashboard_sessions).where(
        dashboard_sessions.c.hash == hash_key(token), dashboard_sessions.c.expires_at > now
    )
    row = conn.execute(query).one_or_none()
    return Session(row.hash, row.account_id, row.created_at, row.expires_at) if row else None


def prolong_session(conn: sa.Connection, session: Session, now: float) -> None:
    """Count the idle time from now on, up to the longest a session may be."""
    until = min(now + IDLE_S, session.created_at + LONGEST_S)
    conn.execute(_of(session).values(expires_at=until))


def look_at(conn: sa.Connection, session: Session, account_id: str) -> None:
    """Show this account to this browser from now on."""
    conn.execute(_of(session).values(account_id=account_id))


def end_session(conn: sa.Connection, session: Session) -> None:
    """Sign one browser out."""
    conn.execute(dashboard_sessions.delete().where(dashboard_sessions.c.hash == session.hash))


def end_all_sessions(conn: sa.Connection) -> None:
    """Sign every browser out."""
    conn.execute(dashboard_sessions.delete())


def _of(session: Session) -> sa.Update:
    return dashboard_sessions.update().where(dashboard_sessions.c.hash == session.hash)
