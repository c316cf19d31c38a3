"""May this number be called, and may that number be shown?

The order is the point: shape, then what is blocked, then what is open, and only then whether anyone could
own the number. A premium number that its plan no longer assigns is still `destination_blocked`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from byourside_server.errors import Refusal
from byourside_server.guardrails.destinations import DestinationTables, PrefixRow, packaged_tables
from byourside_server.guardrails.numbers import assignable, is_e164

# A second lock behind the tables: what the library calls these is never dialled, listed or not.
CLOSED_KINDS = frozenset({"premium", "personal", "pager", "voicemail", "unknown"})

_SHAPE = "`to` must be E.164: a plus, the country code, and 7 to 15 digits in all, for example +14155550123."
_NO_DEFAULT = "The account has no default caller ID of its own: set one, or pass `callerId`."


@dataclass(frozen=True, slots=True)
class Destination:
    """A number that may be called."""

    e164: str
    """As given, for example +14155550123."""
    country: str
    """ISO 3166 alpha-2; a toll-free +1 number counts as US."""
    kind: str
    """`fictional`, or what the library calls it: `mobile`, `fixed_line`, `toll_free`, `voip` and so on."""


def check_destination(to: object, tables: DestinationTables | None = None) -> Destination:
    """Return the destination, or raise Refusal `invalid_number` or `destination_blocked`."""
    tables = tables or packaged_tables()
    if not is_e164(to):
        raise Refusal("invalid_number", _SHAPE)
    _refuse_blocked(to, tables)
    fiction = tables.fictional.lookup(to)
    if fiction is not None and len(fiction.countries) == 1:
        return Destination(to, fiction.countries[0], "fictional")
    found = assignable(to)
    if found is None:
        raise Refusal("invalid_number", f"`to` {to} is not a number its country's numbering plan can assign.")
    if found.country not in tables.countries():
        raise _country_refusal(to, tables)
    if found.kind in CLOSED_KINDS:
        raise Refusal(
            "destination_blocked", f"`to` {to} is a {found.kind} number, and those are never called."
        )
    return Destination(to, found.country, "fictional" if fiction else found.kind)


def check_caller_id(value: object, owned: Collection[str], default: str | None) -> str:
    """Return the number to show: `value`, or the account's default where `value` is None.

    Raises Refusal `invalid_caller_id` (no string, or no E.164) or `caller_id_not_owned`.
    """
    if value is None:
        if default is None or default not in owned:
            raise Refusal("caller_id_not_owned", _NO_DEFAULT)
        return default
    if not is_e164(value):
        raise Refusal("invalid_caller_id", "`callerId` must be a string in E.164, for example +12134932550.")
    if value not in owned:
        raise Refusal(
            "caller_id_not_owned",
            f"`callerId` {value} is not a number on your account: leave it out for the"
            " account's default, or have the operator add it (`byourside-server numbers add`).",
        )
    return value


def _refuse_blocked(e164: str, tables: DestinationTables) -> None:
    row = tables.blocked.lookup(e164)
    if row is not None:
        raise Refusal("destination_blocked", _sentence(e164, row))
    if tables.allowed.lookup(e164) is None:
        raise _country_refusal(e164, tables)


def _sentence(e164: str, row: PrefixRow) -> str:
    return f"`to` {e164} may not be called ({row.kind.replace('_', ' ')}): {row.reason}."


def _country_refusal(e164: str, tables: DestinationTables) -> Refusal:
    countries = ", ".join(sorted(tables.countries()))
    return Refusal(
        "destination_blocked", f"`to` {e164} is in a country that is closed; open are {countries}."
    )
