"""Where a call belongs in its caller's trace: the header `traceparent` of W3C Trace Context (level 2).

Reads text only. What can't be read is no error: the trace then begins with the call (§4.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


@dataclass(frozen=True)
class TraceParent:
    """The caller's span. `sampled` False: nobody keeps that trace, so nothing need be sent for it."""

    trace_id: int
    span_id: int
    sampled: bool


def parse_traceparent(text: str) -> TraceParent | None:
    """The header's value read, None where it is none (§3.2.2)."""
    found = _TRACEPARENT.fullmatch(text) if len(text) <= 128 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    # Version 255 is forbidden; later versions may say more after a dash, version 0 may not.
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & _SAMPLED))
