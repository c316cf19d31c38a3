"""The words of the command line: which commands there are and what each may be told.

Parses only; what a command does is `command.py`.
"""

import argparse
from typing import Dict, Optional

from .client import DEFAULT_BASE_URL
from .records import Field

FIELD_TYPES = ("string", "boolean", "number")
KEY_VARIABLES = ("BYOURSIDE_API_KEY", "VOXPLO_API_KEY")
BASE_URL_VARIABLES = ("BYOURSIDE_BASE_URL", "VOXPLO_BASE_URL")

EXIT_CODES = (
    "Exit codes: 0 completed, 1 the call ended otherwise, 2 mistake or refusal, "
    "3 no network or out of time, 130 interrupted."
)

# Options of `call` that are passed on as they are.
TEXT_OPTIONS: Dict[str, str] = {
    "--context": "background for the AI, never told to the other side",
    "--caller-id": "one of your account's numbers",
    "--webhook-url": "https URL for signed events",
    "--language": "language tag, for example en-US",
    "--leave-message": "what to say to a voicemail (default: hang up)",
    "--scheduled-at": "ISO 8601 time to call at",
    "--idempotency-key": "the command repeated with the same key places no second call",
}

# Commands that take a call id and little else.
COMMANDS_OF_ONE_CALL: Dict[str, str] = {
    "watch": "follow a call to its end",
    "listen": "hear a call live: each turn as it is spoken",
    "get": "show a call",
    "cancel": "take back a waiting call, or hang up",
    "recording": "save a call's recording",
}


def parser(prog: Optional[str]) -> argparse.ArgumentParser:
    """The whole command line; the parsed `command` is the command's name."""
    shared = _shared()
    patience = _patience()
    whole = argparse.ArgumentParser(
        prog=prog,
        description=f"Have an AI make a telephone call for you. The API key is read from {KEY_VARIABLES[0]}.",
        epilog=EXIT_CODES,
    )
    commands = whole.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    about = "place a call and follow it to its end"
    _add_call_options(commands.add_parser("call", help=about, description=about, parents=[shared, patience]))
    for name, about in COMMANDS_OF_ONE_CALL.items():
        parents = [shared, patience] if name == "watch" else [shared]
        command = commands.add_parser(name, help=about, description=about, parents=parents)
        command.add_argument("call_id", metavar="CALL_ID")
        if name == "recording":
            command.add_argument("path", nargs="?", help="file to write (default: CALL_ID.wav)")
    about = "list recent calls"
    listing = commands.add_parser("list", help=about, description=about, parents=[shared])
    listing.add_argument("--limit", type=int, default=20, help="how many at most (20)")
    listing.add_argument("--before", metavar="CURSOR", help="only calls older than this one")
    listing.add_argument("--status", help="only calls of this status")
    return whole


def field(text: str) -> Field:
    """NAME, NAME:TYPE or NAME:TYPE:DESCRIPTION."""
    name, _, rest = text.partition(":")
    kind, _, description = rest.partition(":")
    if not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} has no name; write for example confirmed:boolean")
    if kind and kind not in FIELD_TYPES:
        raise argparse.ArgumentTypeError(f"{kind!r} is no field type; choose from {', '.join(FIELD_TYPES)}")
    found: Field = {"name": name}
    if kind:
        found["type"] = kind
    if description:
        found["description"] = description
    return found


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    default = f"default: {BASE_URL_VARIABLES[0]}, or {DEFAULT_BASE_URL}"
    shared.add_argument("--base-url", metavar="URL", help=f"the server ({default})")
    shared.add_argument("--json", action="store_true", help="print JSON on standard output")
    return shared


def _patience() -> argparse.ArgumentParser:
    patience = argparse.ArgumentParser(add_help=False)
    for option, default, about in (
        ("--timeout", 900.0, "longest wait"),
        ("--interval", 1.0, "between looks"),
    ):
        help_text = f"{about} ({default:g})"
        patience.add_argument(option, type=float, default=default, metavar="SECONDS", help=help_text)
    return patience


def _add_call_options(call: argparse.ArgumentParser) -> None:
    call.add_argument("to", help="number in E.164 form, for example +14155550123")
    call.add_argument("objective", help="what the call should accomplish")
    call.add_argument(
        "--field",
        type=field,
        action="append",
        metavar="NAME[:TYPE[:DESCRIPTION]]",
        help="a value to learn; may be given several times",
    )
    for option, about in TEXT_OPTIONS.items():
        call.add_argument(option, metavar="TEXT", help=about)
    call.add_argument("--max-duration", type=int, metavar="SECONDS", help="longest duration of the call")
    call.add_argument("--no-wait", action="store_true", help="print the call's id and return at once")
