"""Agent keys as kept: hashes only. The secret itself passes through once, when it is made."""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.accounts.key import hash_key, last4, make_id, make_key
from byourside_server.store.accounts import account_of
from byourside_server.store.prepared import Prepared, given
from byourside_server.store.schema import accounts, agent_keys

# The account's columns by their own names, the key's with a prefix: both have an id and a name.
BY_HASH = Prepared(
    sa.select(accounts, *(column.label(f"key_{column.name}") for column in agent_keys.c))
    .join(agent_keys, agent_keys.c.account_id == accounts.c.id)
    .where(agent_keys.c.hash == given("hash"), agent_keys.c.revoked_at.is_(None))
)


def create_key(conn: sa.Connection, account_id: str, name: str, now: float) -> tuple[AgentKey, str]:
    """Make a key and return it with its secret, which can't be had again."""
    secret = make_key()
    key = AgentKey(
        id=make_id("key"),
        account_id=account_id,
        name=name,
        last4=last4(secret),
        hash=hash_key(secret),
        created_at=now,
    )
    conn.execute(
        agent_keys.insert().values(
            id=key.id,
            account_id=key.account_id,
            name=key.name,
            last4=key.last4,
            hash=key.hash,
            created_at=key.created_at,
        )
    )
    return key, secret


def list_keys(conn: sa.Connection, account_id: str | None = None) -> list[AgentKey]:
    """The account's keys, or everybody's, oldest first; revoked ones too."""
    query = sa.select(agent_keys).order_by(agent_keys.c.created_at, agent_keys.c.id)
    if account_id is not None:
        query = query.where(agent_keys.c.account_id == account_id)
    return [_key_of(row) for row in conn.execute(query).mappings()]


def revoke_key(conn: sa.Connection, key_id: str, now: float) -> bool:
    """Stop a key from working, at once and for good. False where no active key has that id."""
    revoked = conn.execute(
        agent_keys.update()
        .where(agent_keys.c.id == key_id, agent_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(agent_keys.c.id)
    )
    return revoked.one_or_none() is not None


def authenticate(conn: sa.Connection, secret: str) -> tuple[Account, AgentKey] | None:
    """Whose secret this is; None where it is nobody's or revoked."""
    row = BY_HASH.row(conn, hash=hash_key(secret))
    if row is None:
        return None
    key = AgentKey(
        id=row["key_id"],
        account_id=row["id"],
        name=row["key_name"],
        last4=row["key_last4"],
        hash=row["key_hash"],
        created_at=row["key_created_at"],
    )
    return account_of(row), key


def _key_of(row: sa.RowMapping) -> AgentKey:
    return AgentKey(
        id=row["id"],
        account_id=row["account_id"],
        name=row["name"],
        last4=row["last4"],
        hash=row["hash"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
