"""What a client says in its headers: who it is, and which attempt this is.

Reads values only; whether a key is known is the switchboard's question.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from byourside_server.calls.trace_context import parse_traceparent
from byourside_server.errors import Refusal

# RFC 6750 §2.1 with the scheme in any case (RFC 9110 §11.1); the token in visible ASCII.
BEARER = re.compile(r"bearer +([\x21-\x7e]{1,512})", re.IGNORECASE)
# The header's own field value: 1 to 255 visible ASCII characters.
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def bearer_of(headers: Headers) -> str:
    """The agent key in the Authorization header. Raises Refusal `unauthorized` where there is none."""
    given = headers.getlist("authorization")
    if not given:
        raise Refusal("unauthorized", "Send your agent key: `Authorization: Bearer bys_ak_…`.")
    found = BEARER.fullmatch(given[0].strip(" \t"))
    if len(given) > 1 or found is None:
        raise Refusal("unauthorized", "The Authorization header must be given once, as `Bearer bys_ak_…`.")
    return found[1]


def challenge(headers: Headers) -> str:
    """WWW-Authenticate for a refused visitor; RFC 6750 §3 wants an error code only if a key was shown."""
    shown = "authorization" in headers
    return 'Bearer realm="byourside", error="invalid_token"' if shown else 'Bearer realm="byourside"'


def traceparent_of(headers: Headers) -> str | None:
    """The caller's place in a trace; None where there is none, or none that can be read."""
    given = headers.getlist("traceparent")
    return given[0] if len(given) == 1 and parse_traceparent(given[0]) is not None else None


def idempotency_key_of(headers: Headers) -> str | None:
    """The Idempotency-Key, or None. Raises Refusal `invalid_idempotency_key`."""
    given = headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not IDEMPOTENCY_KEY.fullmatch(given[0]):
        raise Refusal(
            "invalid_idempotency_key",
            "`Idempotency-Key` must be given once, 1 to 255 visible ASCII characters without spaces.",
        )
    return given[0]
