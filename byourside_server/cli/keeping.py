"""Accounts, keys, numbers and webhook secrets: one function per command, each one transaction."""

from __future__ import annotations

from argparse import Namespace

import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.accounts.password import hash_password, make_password
from byourside_server.cli.archive import account_named, make_directories, need_database, now, transact
from byourside_server.cli.terminal import day, say, say_table
from byourside_server.config import Config
from byourside_server.errors import ConfigError
from byourside_server.guardrails.numbers import is_e164
from byourside_server.store import accounts, keys, numbers, sessions
from byourside_server.store.migrations import migrate

WEBHOOK_OVERLAP_S = 86_400.0


def keys_create(config: Config, given: Namespace) -> int:
    """Print a new key as the last line; it can't be shown again."""
    need_database(config)

    def make(conn: sa.Connection) -> str:
        account = account_named(conn, given.account)
        return keys.create_key(conn, account.id, given.name, now())[1]

    secret = transact(config, make)
    say(f"New agent key of account {given.account!r}, shown once:")
    say(secret)
    return 0


def keys_list(config: Config, given: Namespace) -> int:
    """Print what is known of keys: never the key."""
    need_database(config)
    owners, found = transact(
        config, lambda conn: (_names(conn), keys.list_keys(conn, _id(conn, given.account)))
    )
    rows = [
        (
            key.id,
            owners.get(key.account_id, "?"),
            key.name,
            f"…{key.last4}",
            day(key.created_at),
            "active" if key.revoked_at is None else f"revoked {day(key.revoked_at)}",
        )
        for key in found
    ]
    say_table(("KEY", "ACCOUNT", "NAME", "ENDS IN", "CREATED", "STATE"), rows)
    return 0


def keys_revoke(config: Config, given: Namespace) -> int:
    """Stop a key, named by its id or, by whoever still has it, by itself."""
    need_database(config)

    def revoke(conn: sa.Connection) -> str:
        key_id = str(given.key)
        account_id = _id(conn, given.account)
        known = {key.id: key for key in keys.list_keys(conn, account_id)}
        shown = keys.authenticate(conn, key_id)
        key_id = shown[1].id if shown else key_id
        if key_id not in known or not keys.revoke_key(conn, key_id, now()):
            raise ConfigError(f"no active key {given.key!r}: `byourside-server keys list` shows them")
        return key_id

    say(f"Revoked {transact(config, revoke)}; it stops working now.")
    return 0


def accounts_create(config: Config, given: Namespace) -> int:
    """Make an account with the configured limits, or those given."""
    make_directories(config)
    account = transact(
        config,
        lambda conn: accounts.create_account(
            conn,
            given.name,
            now(),
            max_concurrent=config.max_concurrent,
            calls_per_minute=config.calls_per_minute,
            minute_allowance=config.minute_allowance,
        ),
    )
    say(f"Made account {account.name!r} ({account.id}).")
    say(f"Next: byourside-server numbers add +1… --account {account.name}")
    return 0


def accounts_list(config: Config, given: Namespace) -> int:
    """Print accounts and their limits."""
    need_database(config)
    rows = [
        (
            account.name,
            account.id,
            account.default_caller_id or "none",
            str(account.calls_per_minute),
            "unlimited" if account.minute_allowance is None else f"{account.minute_allowance:g}",
            str(account.max_concurrent),
        )
        for account in transact(config, accounts.list_accounts)
    ]
    say_table(("ACCOUNT", "ID", "CALLER ID", "CALLS/MIN", "MINUTES/MONTH", "AT ONCE"), rows)
    return 0


def accounts_limits(config: Config, given: Namespace) -> int:
    """Change an account's limits."""
    need_database(config)
    if given.per_minute is given.minutes is given.at_once is None:
        raise ConfigError("nothing to change: give --per-minute, --minutes or --at-once")

    def change(conn: sa.Connection) -> None:
        accounts.set_limits(
            conn,
            account_named(conn, given.name).id,
            max_concurrent=given.at_once,
            calls_per_minute=given.per_minute,
            minute_allowance=given.minutes,
        )

    transact(config, change)
    return accounts_list(config, given)


def numbers_add(config: Config, given: Namespace) -> int:
    """Put a number on an account; the first becomes its default caller ID."""
    need_database(config)
    if not is_e164(given.number):
        raise ConfigError(f"{given.number!r} is not E.164: a plus and 7 to 15 digits, as in +14155550100")

    def add(conn: sa.Connection) -> Account:
        account = account_named(conn, given.account)
        numbers.add_number(conn, account.id, given.number, now())
        if given.default:
            numbers.set_default_caller_id(conn, account.id, given.number)
        return account_named(conn, given.account)

    account = transact(config, add)
    say(f"{given.number} is on account {account.name!r}; calls show {account.default_caller_id}.")
    return 0


def numbers_list(config: Config, given: Namespace) -> int:
    """Print numbers, the default of each account marked."""
    need_database(config)

    def find(conn: sa.Connection) -> list[tuple[str, str, str]]:
        known = {account.id: account for account in accounts.list_accounts(conn)}
        return [
            (
                number.e164,
                known[number.account_id].name,
                "default" if known[number.account_id].default_caller_id == number.e164 else "",
            )
            for number in numbers.list_numbers(conn, _id(conn, given.account))
        ]

    say_table(("NUMBER", "ACCOUNT", "CALLER ID"), transact(config, find))
    return 0


def webhooks_secret(config: Config, given: Namespace) -> int:
    """Print the secret that signs an account's webhooks, as the last line."""
    need_database(config)
    say(transact(config, account_named, given.account).webhook_secret)
    return 0


def webhooks_rotate(config: Config, given: Namespace) -> int:
    """Give an account a new webhook secret; the old one signs too for a day."""
    need_database(config)

    def rotate(conn: sa.Connection) -> str:
        account = account_named(conn, given.account)
        return accounts.rotate_webhook_secret(conn, account.id, now(), WEBHOOK_OVERLAP_S)

    secret = transact(config, rotate)
    say("New webhook secret; the old one signs beside it for 24 hours:")
    say(secret)
    return 0


def dashboard_password(config: Config, given: Namespace) -> int:
    """Make a new password, sign every browser out, and print the password as the last line."""
    need_database(config)
    password = make_password()
    transact(config, sessions.set_password, hash_password(password), now())
    say("New dashboard password, shown once; every browser is signed out:")
    say(password)
    return 0


def migrate_tables(config: Config, given: Namespace) -> int:
    """Bring the tables up to this edition; serving does it too."""
    make_directories(config)
    say(f"The tables are at version {transact(config, migrate, now())}.")
    return 0


def _id(conn: sa.Connection, name: str | None) -> str | None:
    return None if name is None else account_named(conn, name).id


def _names(conn: sa.Connection) -> dict[str, str]:
    return {account.id: account.name for account in accounts.list_accounts(conn)}
