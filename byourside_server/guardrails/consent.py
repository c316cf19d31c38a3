"""Has this person asked not to be called again?

Knows one number and one list, which may be a set or a look-up in the store; keeps neither.
"""

from __future__ import annotations

from typing import Protocol

from byourside_server.errors import Refusal


class DoNotCallList(Protocol):
    """The door to the numbers whose owners asked not to be called again: any set of E.164 will do."""

    def __contains__(self, e164: object, /) -> bool: ...


def has_opted_out(e164: str, do_not_call: DoNotCallList) -> bool:
    """True where the owner of this number asked not to be called again."""
    return e164 in do_not_call


def check_consent(e164: str, do_not_call: DoNotCallList) -> None:
    """Raise Refusal `destination_blocked` for a number whose owner asked not to be called again."""
    if has_opted_out(e164, do_not_call):
        raise Refusal("destination_blocked", f"`to` {e164} asked this account not to call again.")
