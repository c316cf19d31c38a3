"""Where may a 3xx send us? Only on to the same number at the same carrier (docs/sip-dialogs.md).

A trunk must not make us dial elsewhere: another host would see our calls, and another number was not
checked by the guardrails, which is how toll fraud by forwarding works.
"""

from __future__ import annotations

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import parse_sip_uri

MOST_REDIRECTIONS = 2
# 305 would move the proxy (RFC 3261 §8.1.3.4 leaves it to the user) and 380 offers something else than a
# call: both are refusals.
FOLLOWED = frozenset({300, 301, 302})


def next_target(
    status: int, contacts: tuple[str, ...], *, dialled: str, hosts: frozenset[str], tried: frozenset[str]
) -> str | None:
    """The first contact that may be dialled instead; None where the 3xx stands as a refusal."""
    if status not in FOLLOWED or len(tried) > MOST_REDIRECTIONS:
        return None
    return next(
        (uri for uri in contacts if uri not in tried and _is_ours(uri, dialled, hosts)),
        None,
    )


def _is_ours(uri: str, dialled: str, hosts: frozenset[str]) -> bool:
    try:
        target = parse_sip_uri(uri)
        host, _ = target.hop
        number = target.number or ""
    except SipParseError:
        return False
    named = {target.host.strip("[]").lower(), host.lower()}
    return named <= hosts and not target.headers and number.lstrip("+") == dialled.lstrip("+")
