"""The desk behind the desk: what an administrator sees and changes, over all accounts.

Each method is one transaction. Passwords are compared on a thread, one at a time: each takes 16 MiB.
"""

from __future__ import annotations

import asyncio
import secrets

import sqlalchemy as sa

from byourside_server.accounts.account import Account, AgentKey, Number
from byourside_server.accounts.key import hash_key, last4, make_key
from byourside_server.accounts.password import hash_password, make_password, password_matches
from byourside_server.clock import Clock
from byourside_server.errors import ConfigError, Refusal
from byourside_server.store import accounts, events, figures, keys, numbers, sessions
from byourside_server.store.database import Database
from byourside_server.store.figures import Allowance, Figures
from byourside_server.store.outbox import states_of
from byourside_server.store.schema import agent_keys
from byourside_server.store.sessions import Session

PROLONG_EVERY_S = 300.0
TOKEN_BYTES = 32


class Office:
    """Made by the switchboard; used by the dashboard."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._comparing = asyncio.Semaphore(1)
        # What is compared with where no password has been made: costs the same and never matches.
        self._nobody = ""

    async def sign_in(self, password: str) -> str | None:
        """The token of a new session, None where the password is wrong."""
        kept = await self._db.read(sessions.password_hash)
        async with self._comparing:
            if kept is None and not self._nobody:
                self._nobody = await asyncio.to_thread(hash_password, make_password())
            right = await asyncio.to_thread(password_matches, password, kept or self._nobody)
        if not right or kept is None:
            return None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        begun = await self._db.write(sessions.begin_session, token, kept, self._clock.epoch())
        return token if begun else None

    async def session(self, token: str) -> Session | None:
        """Whose browser this is; asked afresh every time, so a session that is ended stops at once."""
        now = self._clock.epoch()
        session = await self._db.read(sessions.find_session, token, now)
        if session is not None and session.expires_at < now + sessions.IDLE_S - PROLONG_EVERY_S:
            await self._db.write(sessions.prolong_session, session, now)
        return session

    async def sign_out(self, session: Session) -> None:
        """End one session."""
        await self._db.write(sessions.end_session, session)

    async def sign_out_everywhere(self) -> None:
        """End all sessions."""
        await self._db.write(sessions.end_all_sessions)

    async def look_at(self, session: Session, account_id: str) -> None:
        """Show another account. Raises Refusal `not_found`."""
        if await self._db.read(accounts.load_account, account_id) is None:
            raise Refusal("not_found", "There is no such account.")
        await self._db.write(sessions.look_at, session, account_id)

    async def accounts(self) -> list[Account]:
        """All accounts, oldest first."""
        return await self._db.read(accounts.list_accounts)

    async def figures(self, account: Account, since: float, slot_s: float, count: int) -> Figures:
        """How the account's calls have gone since a moment."""
        return await self._db.read(figures.figures, account.id, since, slot_s, count)

    async def allowance(self, account: Account) -> Allowance:
        """The account's minutes of this month."""
        return await self._db.read(figures.allowance, account, self._clock.epoch())

    async def newest_event(self, account: Account) -> int:
        """The number of the account's latest event, 0 where there is none."""
        return await self._db.read(events.newest_event, account.id)

    async def webhook_states(self, account: Account, call_id: str) -> dict[str, str]:
        """What has become of each webhook of a call, by event id: head, wait, sent, dead or gone."""
        return await self._db.read(states_of, account.id, call_id)

    async def keys(self, account: Account) -> list[AgentKey]:
        """The account's keys that somebody may hold, oldest first."""
        own = _own_key_id(account.id)
        return [key for key in await self._db.read(keys.list_keys, account.id) if key.id != own]

    async def create_key(self, account: Account, name: str) -> str:
        """Make a key and return its secret, which can't be had again."""
        made = await self._db.write(keys.create_key, account.id, name, self._clock.epoch())
        return made[1]

    async def revoke_key(self, account: Account, key_id: str) -> None:
        """Stop a key of the account. Raises Refusal `not_found`."""
        known = {key.id for key in await self.keys(account)}
        if key_id not in known or not await self._db.write(keys.revoke_key, key_id, self._clock.epoch()):
            raise Refusal("not_found", "There is no active key of that id on this account.")

    async def own_key(self, account: Account) -> AgentKey:
        """The key under which the dashboard places calls; nobody has ever seen its secret."""
        return await self._db.write(_own_key, account.id, self._clock.epoch())

    async def numbers(self, account: Account) -> list[Number]:
        """The account's numbers, oldest first."""
        return await self._db.read(numbers.list_numbers, account.id)

    async def set_default_caller_id(self, account: Account, e164: str) -> None:
        """Show this number where a call names none. Raises Refusal `caller_id_not_owned`."""
        try:
            await self._db.write(numbers.set_default_caller_id, account.id, e164)
        except ConfigError:
            raise Refusal("caller_id_not_owned", "That number is not on this account.") from None


def _own_key_id(account_id: str) -> str:
    return f"key_dashboard_{account_id}"


def _own_key(conn: sa.Connection, account_id: str, now: float) -> AgentKey:
    accounts.lock_account(conn, account_id)
    key_id = _own_key_id(account_id)
    known = next((key for key in keys.list_keys(conn, account_id) if key.id == key_id), None)
    if known is not None:
        return known
    secret = make_key()
    made = AgentKey(key_id, account_id, "dashboard", last4(secret), hash_key(secret), now)
    conn.execute(
        agent_keys.insert().values(
            id=made.id,
            account_id=made.account_id,
            name=made.name,
            last4=made.last4,
            hash=made.hash,
            created_at=made.created_at,
        )
    )
    return made
