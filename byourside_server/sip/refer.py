"""Handing a call over: what a REFER asks for and what its NOTIFYs tell (RFC 3515, RFC 3892).

Knows header values and message bodies; sends nothing and keeps no time.
"""

from __future__ import annotations

import re

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import parse_name_addr, parse_sip_uri
from byourside_server.sip.message import Headers, Request

# How long we wait for the last word on a REFER that was accepted: the other phone may ring so long.
VERDICT_TIMEOUT_S = 30.0
# RFC 3420 §2: a body of this type begins with a status line.
_STATUS_LINE = re.compile(rb"\s*SIP/2\.0 ([1-6]\d\d)(?:[ \r\n]|$)", re.IGNORECASE)


# How long the far side may go on telling (RFC 3515 §2.4.4 leaves it to us).
SUBSCRIPTION_S = 60
SIPFRAG_TYPE = "message/sipfrag;version=2.0"


def refer_headers(target_uri: str, referred_by: str, *, subscribe: bool = True) -> list[tuple[str, str]]:
    """Whom they shall call, and on whose word; both are SIP URIs."""
    lines = [("Refer-To", f"<{target_uri}>"), ("Referred-By", f"<{referred_by}>")]
    return lines if subscribe else [*lines, ("Refer-Sub", "false"), ("Supported", "norefersub")]


def wants_no_notify(headers: Headers) -> bool:
    """`Refer-Sub: false` (RFC 4488 §4): asked for in a REFER, granted in its 2xx."""
    return (headers.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"


def target_of(request: Request) -> str:
    """The one SIP URI that a REFER names (RFC 3515 §2.4.2). Raises SipParseError."""
    values = request.headers.values("Refer-To")
    if len(values) != 1:
        raise SipParseError("REFER does not name one Refer-To")
    uri = parse_name_addr(values[0]).uri
    parse_sip_uri(uri)
    return uri


def notify_headers(status: int, number: int | None) -> list[tuple[str, str]]:
    """Event and Subscription-State of a NOTIFY that reports `status`."""
    event = "refer" if number is None else f"refer;id={number}"
    state = f"active;expires={SUBSCRIPTION_S}" if status < 200 else "terminated;reason=noresource"
    return [("Event", event), ("Subscription-State", state)]


def is_about_refer(request: Request) -> bool:
    """Whether a NOTIFY speaks of a REFER of ours (RFC 3515 §2.4.4)."""
    event = (request.headers.get("Event") or "").partition(";")[0]
    return event.strip().lower() == "refer"


def final_status(request: Request) -> int | None:
    """The final status that a NOTIFY reports; None where it still rings, or the body says nothing.

    A subscription that is terminated without a final status has come to nothing (RFC 3515 §2.4.7): 500.
    """
    told = _STATUS_LINE.match(request.body)
    status = int(told.group(1)) if told else None
    if status is not None and status >= 200:
        return status
    state = (request.headers.get("Subscription-State") or "").partition(";")[0]
    return 500 if state.strip().lower() == "terminated" else None
