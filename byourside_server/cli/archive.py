"""The store as the command line uses it: opened beside a server that may be running, and closed again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.clock import SystemClock
from byourside_server.config import Config
from byourside_server.errors import ConfigError
from byourside_server.store import sessions
from byourside_server.store.accounts import create_account, find_account, list_accounts
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.directory_lock import DirectoryLock
from byourside_server.store.keys import create_key
from byourside_server.store.migrations import migrate
from byourside_server.store.numbers import add_number

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_ACCOUNT = "default"
SANDBOX_NUMBER = "+14155550100"


def transact(
    config: Config,
    fn: Callable[Concatenate[sa.Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run one transaction on tables brought up to this edition, and return once it is durable.

    Raises ConfigError where the database can't be had or written.
    """

    async def run() -> T:
        database = Database(config.database_url)
        try:
            await database.write(migrate, now())
            return await database.write(fn, *args, **kwargs)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except StoreUnavailable as trouble:
        # The driver's first line says what is wrong; the rest is the statement and its values.
        why = (str(trouble).splitlines() or ["no reason given"])[0]
        file = config.database_file
        which, cure = ("the database", "mend database_url, or start PostgreSQL")
        if file is not None:
            which, cure = (str(file), "see whose it is and whether the disk is full, or mend --data-dir")
        raise ConfigError(f"{which} can't be used ({why}): {cure}") from None


def need_database(config: Config) -> None:
    """Raise ConfigError where there is none: a mistyped directory must not become a new, empty house."""
    file = config.database_file
    if file is not None and not file.is_file():
        raise ConfigError(
            f"{config.data_dir} holds no database: start `byourside-server serve --data-dir "
            f"{config.data_dir}` first, or mend --data-dir"
        )


def make_directories(config: Config) -> None:
    """Make the data directory, for its owner's eyes only. Raises ConfigError where it can't be used."""
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = config.data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as trouble:
        raise ConfigError(
            f"{config.data_dir} can't be written to ({trouble.strerror}): choose another with --data-dir"
        ) from None


def refuse_second_server(config: Config) -> None:
    """Raise ConfigError where another process serves this data directory."""
    if config.database_file is not None:
        lock = DirectoryLock(lock_file(config))
        lock.acquire()
        lock.release()


def is_served(config: Config) -> bool:
    """Whether another process serves this data directory; asks without making anything."""
    if config.database_file is None or not lock_file(config).exists():
        return False
    try:
        refuse_second_server(config)
    except ConfigError:
        return True
    return False


def lock_file(config: Config) -> Path:
    """The file that a server on this data directory holds locked."""
    assert config.database_file is not None
    return Path(f"{config.database_file}.lock")


def furnish(conn: sa.Connection, config: Config, at: float) -> str | None:
    """Make the first account with a sandbox number and a key; return the key, or None where one lives here.

    One transaction: of two servers that start at once, one makes it.
    """
    if list_accounts(conn):
        return None
    account = create_account(
        conn,
        DEFAULT_ACCOUNT,
        at,
        max_concurrent=config.max_concurrent,
        calls_per_minute=config.calls_per_minute,
        minute_allowance=config.minute_allowance,
    )
    add_number(conn, account.id, SANDBOX_NUMBER, at)
    return create_key(conn, account.id, "first", at)[1]


def furnish_dashboard(conn: sa.Connection, password_hash: str, at: float) -> bool:
    """Keep the dashboard's first password; False where there is one already."""
    if sessions.password_hash(conn) is not None:
        return False
    sessions.set_password(conn, password_hash, at)
    return True


def account_named(conn: sa.Connection, name: str) -> Account:
    """The account. Raises ConfigError that names those there are."""
    account = find_account(conn, name)
    if account is None:
        known = ", ".join(repr(known.name) for known in list_accounts(conn)) or "none yet"
        raise ConfigError(f"there is no account {name!r}; known are: {known}")
    return account


def now() -> float:
    return SystemClock().epoch()
