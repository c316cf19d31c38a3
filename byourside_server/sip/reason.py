"""Why a call ended, in the words of the network: the Reason field (RFC 3326) with its Q.850 cause."""

from __future__ import annotations

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import is_number, parse_parameters, quote
from byourside_server.sip.message import Headers

# ITU-T Q.850: normal call clearing.
NORMAL_CLEARING = 16
MAX_CAUSE = 127


def q850_cause(headers: Headers) -> int | None:
    """The cause of the first `Reason: Q.850;cause=17` that can be read."""
    for protocol, parameters in _reasons(headers):
        cause = parameters.get("cause") or ""
        if protocol == "q.850" and is_number(cause) and len(cause) <= 3 and int(cause) <= MAX_CAUSE:
            return int(cause)
    return None


def reason_text(headers: Headers) -> str | None:
    """The first text any Reason gives."""
    return next((parameters["text"] for _, parameters in _reasons(headers) if parameters.get("text")), None)


def encode_reason(text: str) -> str:
    """The Reason we send when we end a call."""
    return f"Q.850;cause={NORMAL_CLEARING};text={quote(text)}"


def _reasons(headers: Headers) -> list[tuple[str, dict[str, str | None]]]:
    try:
        values = headers.values("Reason")
        split = [value.partition(";") for value in values]
        return [(protocol.strip().lower(), parse_parameters(tail)) for protocol, _, tail in split]
    except SipParseError:
        return []


def retry_after_s(headers: Headers) -> int | None:
    """Seconds from Retry-After; its comment and parameters (§20.33) are passed over."""
    text = (headers.get("Retry-After") or "").split(";", 1)[0].split("(", 1)[0].strip()
    return int(text) if is_number(text) and len(text) <= 9 else None
