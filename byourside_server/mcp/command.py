"""`byourside-mcp`: the tools over standard input and output, for clients that start a program.

Settings come from the environment handed in; what is wrong with them is said in one line on standard error,
since standard output belongs to the protocol.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlsplit

import anyio

from byourside_server import __version__
from byourside_server.errors import ConfigError
from byourside_server.mcp.http_door import AGENT_KEY, open_http_door
from byourside_server.mcp.server import make_phone_server
from byourside_server.mcp.surroundings import Confirm, Surroundings
from byourside_server.printable import printable_address

KEY_VARIABLES = ("BYOURSIDE_API_KEY", "VOXPLO_API_KEY")
URL_VARIABLES = ("BYOURSIDE_BASE_URL", "VOXPLO_BASE_URL")
CONFIRM_VARIABLES = ("BYOURSIDE_MCP_CONFIRM",)
DEFAULT_BASE_URL = "http://127.0.0.1:8080"
EPILOG = f"""\
Variables: {KEY_VARIABLES[0]} (required) the agent key; {URL_VARIABLES[0]} the server (default
{DEFAULT_BASE_URL}); {CONFIRM_VARIABLES[0]} ask, strict or never: whether the user is asked before a phone
rings (default ask). {KEY_VARIABLES[1]} and {URL_VARIABLES[1]} are read, too.
"""


@dataclass(frozen=True)
class CommandSettings:
    """Where to call from, and how careful to be."""

    agent_key: str
    base_url: str = DEFAULT_BASE_URL
    confirm: Confirm = "ask"


def main(argv: Sequence[str] | None, environment: Mapping[str, str]) -> int:
    """Serve until standard input ends; 2 where a setting can't be used."""
    parser = argparse.ArgumentParser(
        prog="byourside-mcp",
        description="Phone calls as tools for language models (Model Context Protocol over stdio).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"byourside-mcp {__version__}")
    parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        settings = settings_of(environment)
    except ConfigError as trouble:
        sys.stderr.write(f"byourside-mcp: {trouble}\n")
        return 2
    try:
        anyio.run(serve, settings)
    except KeyboardInterrupt:
        return 130
    return 0


async def serve(settings: CommandSettings) -> None:
    """Answer on standard output what comes in on standard input, until that ends."""
    async with open_http_door(settings.base_url, settings.agent_key) as door:
        surroundings = Surroundings(lambda _: door, settings.confirm)
        await make_phone_server(surroundings, version=__version__).run_stdio_async()


def settings_of(environment: Mapping[str, str]) -> CommandSettings:
    """The settings in an environment. Raises ConfigError that names the variable, never the key."""
    agent_key = _first(environment, KEY_VARIABLES)
    if not agent_key:
        raise ConfigError(f"set {KEY_VARIABLES[0]} to an agent key (byourside-server keys create)")
    if not AGENT_KEY.fullmatch(agent_key):
        raise ConfigError(f"{KEY_VARIABLES[0]} is not an agent key: it holds characters that no key has")
    base_url = (_first(environment, URL_VARIABLES) or DEFAULT_BASE_URL).rstrip("/")
    if not _is_http(base_url):
        given = printable_address(base_url)
        raise ConfigError(
            f"{URL_VARIABLES[0]} must be an http:// or https:// URL without a user, not {given!r}"
        )
    given = _first(environment, CONFIRM_VARIABLES) or "ask"
    for choice in get_args(Confirm):
        if choice == given:
            return CommandSettings(agent_key, base_url, choice)
    raise ConfigError(f"{CONFIRM_VARIABLES[0]} must be {', '.join(get_args(Confirm))}, not {given!r}")


def _first(environment: Mapping[str, str], names: Sequence[str]) -> str:
    return next((environment[name].strip() for name in names if environment.get(name, "").strip()), "")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
