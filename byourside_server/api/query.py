"""Numbers and names out of a query string, never refused for being odd: clamped, or the default."""

from __future__ import annotations

import re

from starlette.datastructures import QueryParams

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_AFTER = 2**63 - 1
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
WORD = re.compile(r"[\x21-\x7e]{1,512}")


def limit_of(query: QueryParams, default: int = DEFAULT_LIMIT) -> int:
    """`limit`, clamped to 1..100; the default where it is absent or no number."""
    given = query.get("limit", "").strip()
    if not NUMBER.fullmatch(given):
        return default
    # A float, since Python refuses to make an int of more than 4300 digits.
    return int(min(max(float(given), 1.0), float(MAX_LIMIT)))


def after_of(query: QueryParams) -> int:
    """`after`, a place in the event log; 0 (the beginning) where it is absent or no number."""
    given = query.get("after", "").strip()
    if not given.isascii() or not given.isdecimal() or len(given) > 19:
        return 0
    return min(int(given), MAX_AFTER)


def word_of(query: QueryParams, name: str) -> str | None:
    """A cursor or a status as given; None where it is absent or empty.

    What holds other than visible ASCII can't be one of ours: it becomes "?", which matches nothing.
    """
    given = query.get(name, "")
    if not given:
        return None
    return given if WORD.fullmatch(given) else "?"
