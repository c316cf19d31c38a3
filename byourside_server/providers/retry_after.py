"""How long a vendor asks to be left alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from byourside_server.clock import SystemClock


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to be left alone, where it does: `retry-after-ms`, seconds, or an HTTP date.

    RFC 9110 §10.2.3. A date counts from the server's own `Date`, so that our clock need not agree.
    """
    in_ms = _number(headers.get("retry-after-ms"))
    if in_ms is not None:
        return in_ms / 1000
    wish = headers.get("retry-after")
    seconds, moment = _number(wish), _moment(wish)
    if seconds is not None or moment is None:
        return seconds
    now = _moment(headers.get("date")) or datetime.fromtimestamp(SystemClock().epoch(), UTC)
    return max(0.0, (moment - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
