"""Who calls and who is called, spelt as one trunk wants it: numbers, From, P-Asserted-Identity, Privacy.

RFC 3323 and RFC 3325. Carriers agree on SIP and on nothing in this file.
"""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.lines.trunk import Trunk
from byourside_server.sip.grammar import escape_user

# RFC 3323 §4.1.1.3.
ANONYMOUS = "anonymous"
ANONYMOUS_ADDRESS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


@dataclass(frozen=True)
class Identity:
    """What goes into the INVITE."""

    to_user: str
    from_user: str
    # All of From, where it is not `from_user` at the trunk's domain.
    from_address: str | None
    headers: tuple[tuple[str, str], ...]


def identity(trunk: Trunk, to: str, caller_id: str) -> Identity:
    """The identity of a call from `caller_id` to `to`, both E.164."""
    calling = spelt(trunk, trunk.caller or caller_id)
    asserted = f"<sip:{escape_user(calling)}@{trunk.domain}>"
    headers: list[tuple[str, str]] = []
    if trunk.p_asserted_identity or trunk.privacy:
        headers.append(("P-Asserted-Identity", asserted))
    if trunk.privacy:
        # The carrier must still know who pays; it is asked not to tell the called party (RFC 3325 §9.3).
        headers.append(("Privacy", "id"))
        return Identity(spelt(trunk, to), ANONYMOUS, ANONYMOUS_ADDRESS, tuple(headers))
    from_user = trunk.user if trunk.from_account and trunk.user else calling
    return Identity(spelt(trunk, to), from_user, None, tuple(headers))


def spelt(trunk: Trunk, number: str) -> str:
    """An E.164 number as this trunk is dialled."""
    if trunk.number_format == "e164":
        return number
    if trunk.number_format == "national":
        if number.startswith(trunk.country_code):
            return trunk.national_lead + number.removeprefix(trunk.country_code)
        return trunk.international_lead + number.removeprefix("+")
    return number.removeprefix("+")
