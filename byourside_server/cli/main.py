"""The command line's grammar, and its one way out for what went wrong."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from byourside_server import __version__
from byourside_server.cli import doctor, keeping, serving, tracing
from byourside_server.cli.archive import DEFAULT_ACCOUNT
from byourside_server.cli.terminal import complain
from byourside_server.config import DEFAULT_DATA_DIR, Config, load_config
from byourside_server.errors import ConfigError, Refusal

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

Command = Callable[[Config, argparse.Namespace], int]
# Flags that are settings too, by setting name.
FLAGS = (
    "data_dir",
    "host",
    "port",
    "public_url",
    "database_url",
    "log_level",
    "allow_local_webhooks",
    "speed",
)
EPILOG = """\
Settings come from flags, then BYOURSIDE_… variables, then config.toml in the data directory;
docs/operating.md lists them. Exit status: 0 done, 1 a check failed, 2 something to mend, said in one line.

Start:   byourside-server serve --data-dir ./data
Look:    byourside-server doctor --data-dir ./data
Show:    byourside-server demo
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = make_parser().parse_args(argv)
    try:
        config = load_config({name: getattr(given, name, None) for name in FLAGS}, os.environ)
        command: Command = given.command
        return command(config, given)
    except (ConfigError, Refusal) as trouble:
        complain(str(trouble))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our lines has had enough, as `head` does; nothing more may be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands and their flags."""
    parser = argparse.ArgumentParser(
        prog="byourside-server",
        description="The self-hosted phone for AI agents: one POST, and a real phone rings.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"byourside-server {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serving(commands)
    _add_keys(commands)
    _add_accounts(commands)
    _add_numbers(commands)
    _add_webhooks(commands)
    _add_dashboard(commands)
    _add_tracing(commands)
    _add(
        commands,
        "doctor",
        "check this machine, the data directory and the speech engines",
        doctor.doctor,
        _listening,
    )
    _add(
        commands, "migrate", "bring the tables up to this edition; serve does it too", keeping.migrate_tables
    )
    return parser


def _add(
    commands: Commands,
    name: str,
    words: str,
    command: Command,
    *more: Callable[[argparse.ArgumentParser], None],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.set_defaults(command=command)
    parser.add_argument(
        "--data-dir", metavar="DIR", help=f"where database and recordings lie (default {DEFAULT_DATA_DIR})"
    )
    parser.add_argument("--database-url", metavar="URL", help="a PostgreSQL database in place of the file")
    for add in more:
        add(parser)
    return parser


def _add_group(commands: Commands, name: str, words: str) -> Commands:
    group = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    return group.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _listening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="H", help="address the API listens on (default 127.0.0.1)")
    parser.add_argument("--port", metavar="P", help="port the API listens on (default 8080)")


def _one_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account", metavar="NAME", default=DEFAULT_ACCOUNT, help=f"whose (default {DEFAULT_ACCOUNT!r})"
    )


def _any_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", metavar="NAME", help="only this account's (default: everybody's)")


def _add_serving(commands: Commands) -> None:
    serve = _add(commands, "serve", "serve the API and make the calls", serving.serve, _listening)
    serve.add_argument("--public-url", metavar="URL", help="how callers reach the API (default http://H:P)")
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (default info)")
    serve.add_argument(
        "--allow-local-webhooks",
        action="store_const",
        const="true",
        help="for development: webhooks may go to http://localhost, too",
    )
    serve.add_argument(
        "--virtual-time",
        dest="speed",
        action="store_const",
        const="virtual",
        help="sandbox only: a call takes as long as it is computed, a second or less",
    )
    demo = _add(commands, "demo", "place the README's call, from POST to webhook", serving.demo)
    demo.add_argument("--virtual", action="store_true", help="at virtual time: the same call in a second")


def _add_keys(commands: Commands) -> None:
    group = _add_group(commands, "keys", "agent keys: create, list, revoke")
    create = _add(
        group, "create", "make a key and print it once, as the last line", keeping.keys_create, _one_account
    )
    create.add_argument("--name", default="unnamed", help="what to call it in lists")
    _add(group, "list", "show keys by id and last four characters", keeping.keys_list, _any_account)
    revoke = _add(group, "revoke", "stop a key from working, at once", keeping.keys_revoke, _any_account)
    revoke.add_argument("key", metavar="KEY", help="its id (key_…) from `keys list`, or the key itself")


def _add_accounts(commands: Commands) -> None:
    group = _add_group(commands, "accounts", "accounts: create, list, limits")
    create = _add(
        group, "create", "make an account: its own calls, numbers and keys", keeping.accounts_create
    )
    create.add_argument("name", metavar="NAME")
    _add(group, "list", "show accounts and their limits", keeping.accounts_list)
    limits = _add(group, "limits", "change an account's limits", keeping.accounts_limits)
    limits.add_argument("name", metavar="NAME")
    limits.add_argument("--per-minute", type=_whole, metavar="N", help="calls one key may place in a minute")
    limits.add_argument(
        "--minutes", type=_minutes, metavar="N", help="outbound minutes per calendar month, or unlimited"
    )
    limits.add_argument("--at-once", type=_whole, metavar="N", help="calls on the line at once")


def _add_numbers(commands: Commands) -> None:
    group = _add_group(commands, "numbers", "caller IDs: add, list")
    add = _add(group, "add", "put a number on an account", keeping.numbers_add, _one_account)
    add.add_argument("number", metavar="NUMBER", help="E.164, for example +14155550100")
    add.add_argument("--default", action="store_true", help="make it the account's default caller ID")
    _add(group, "list", "show numbers and whose they are", keeping.numbers_list, _any_account)


def _add_webhooks(commands: Commands) -> None:
    group = _add_group(commands, "webhooks", "webhook secrets: secret, rotate")
    _add(
        group,
        "secret",
        "print the secret that signs an account's webhooks",
        keeping.webhooks_secret,
        _one_account,
    )
    _add(
        group,
        "rotate",
        "make a new secret; the old one signs too for a day",
        keeping.webhooks_rotate,
        _one_account,
    )


def _add_dashboard(commands: Commands) -> None:
    group = _add_group(commands, "dashboard", "the dashboard: password")
    _add(
        group,
        "password",
        "make a new password and print it once, as the last line; every browser is signed out",
        keeping.dashboard_password,
    )


def _add_tracing(commands: Commands) -> None:
    trace = _add(
        commands, "sip-trace", "show the SIP messages of a call, sent and received", tracing.sip_trace
    )
    trace.add_argument("call_id", metavar="CALL_ID")
    trace.add_argument("--pcap", metavar="FILE", help="write a capture file for Wireshark instead")
    trace.add_argument(
        "--hide-numbers", action="store_true", help="hide telephone numbers, to show it to others"
    )


def _minutes(text: str) -> float:
    return math.inf if text == "unlimited" else _whole(text)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
