"""Which prefixes are open, which are closed, and why?

Knows the CSV files in `data/` and how to find the longest matching row; decides nothing by itself.

A prefix is digits without the plus. `x` stands for any digit (1xxx976 is exchange 976 in every area code),
and a final `$` means that the number ends there (44118xxx$ is directory enquiries, not Reading).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

COLUMNS = ("prefix", "country", "kind", "reason", "source", "source_date")
ALLOWED_FILE = "allowed.csv"
FICTIONAL_FILE = "fictional.csv"
BLOCKED_FILES = ("international.csv", "services.csv", "territories.csv")

_PREFIX = re.compile(r"[1-9][0-9x]*\$?")


@dataclass(frozen=True, slots=True)
class PrefixRow:
    """One line of a CSV file in `data/`."""

    prefix: str
    """Digits, `x` for any digit, a final `$` where the number must end."""
    countries: tuple[str, ...]
    """ISO 3166 alpha-2 codes; 001 is the world, for codes that belong to no country."""
    kind: str
    """`country`, `fictional`, or the sort of trouble: `premium`, `satellite`, `territory` and so on."""
    reason: str
    """Why the row is there, in words a caller may read."""
    source: str
    """Who says so."""
    source_date: date
    """The source's own date where it has one, else the day it was read."""


class PrefixTable:
    """Rows by prefix: the longest match wins."""

    def __init__(self, rows: Iterable[PrefixRow]) -> None:
        self.rows = tuple(rows)
        self._plain: dict[str, PrefixRow] = {}
        patterns: list[PrefixRow] = []
        seen: set[str] = set()
        for row in self.rows:
            if row.prefix in seen:
                raise ValueError(f"prefix {row.prefix} is listed twice")
            seen.add(row.prefix)
            if row.prefix.isdigit():
                self._plain[row.prefix] = row
            else:
                patterns.append(row)
        self._patterns = sorted(patterns, key=lambda row: -_length(row))
        # One expression of all, longest first: the number of the group that matched is the row.
        shapes = (f"({row.prefix.replace('x', '[0-9]')})" for row in self._patterns)
        self._pattern = re.compile("|".join(shapes))
        self.countries = frozenset(country for row in self.rows for country in row.countries)
        self._longest = max(map(len, self._plain), default=0)

    def lookup(self, e164: str) -> PrefixRow | None:
        """Return the row with the longest prefix of this number, or None; a plain prefix wins a tie."""
        digits = e164.removeprefix("+")
        plain = self._plain_match(digits)
        found = self._pattern.match(digits) if self._patterns else None
        pattern = self._patterns[found.lastindex - 1] if found and found.lastindex else None
        if plain is None or pattern is None:
            return plain or pattern
        return pattern if _length(pattern) > _length(plain) else plain

    def _plain_match(self, digits: str) -> PrefixRow | None:
        for length in range(min(self._longest, len(digits)), 0, -1):
            row = self._plain.get(digits[:length])
            if row is not None:
                return row
        return None


@dataclass(frozen=True, slots=True)
class DestinationTables:
    """The three tables that `check_destination` reads, in its order."""

    blocked: PrefixTable
    """A match here ends the matter, however long a match the other tables have."""
    allowed: PrefixTable
    """Country codes that are open; everything else is closed."""
    fictional: PrefixTable
    """Numbers reserved for drama: no one's, and yet accepted."""

    def blocking(self, rows: Iterable[PrefixRow]) -> DestinationTables:
        """Return tables that block these rows too; a prefix that is blocked already stays as it is."""
        listed = {row.prefix for row in self.blocked.rows}
        added = [row for row in rows if row.prefix not in listed]
        return DestinationTables(PrefixTable([*self.blocked.rows, *added]), self.allowed, self.fictional)

    def countries(self) -> frozenset[str]:
        """Return the ISO codes of the countries that may be called."""
        return self.allowed.countries


def rows_from_csv(text: str, name: str) -> tuple[PrefixRow, ...]:
    """Read the rows of one CSV text; raise ValueError naming `name` and the first wrong line."""
    reader = csv.reader(text.splitlines())
    if tuple(next(reader, ())) != COLUMNS:
        raise ValueError(f"{name}: the first line must be {','.join(COLUMNS)}")
    rows = []
    for cells in reader:
        try:
            rows.append(_row(cells))
        except ValueError as error:
            raise ValueError(f"{name} line {reader.line_num}: {error}") from error
    return tuple(rows)


def packaged_rows(name: str) -> tuple[PrefixRow, ...]:
    """Read one of the CSV files that ship with the server."""
    text = files("byourside_server.guardrails").joinpath("data", name).read_text(encoding="utf-8")
    return rows_from_csv(text, name)


@cache
def packaged_tables() -> DestinationTables:
    """Return the tables that ship with the server, read once."""
    blocked = [row for name in BLOCKED_FILES for row in packaged_rows(name)]
    return DestinationTables(
        PrefixTable(blocked),
        PrefixTable(packaged_rows(ALLOWED_FILE)),
        PrefixTable(packaged_rows(FICTIONAL_FILE)),
    )


def _row(cells: list[str]) -> PrefixRow:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} columns instead of {len(COLUMNS)}")
    prefix, country, kind, reason, source, source_date = cells
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} is no prefix")
    for column, value in zip(COLUMNS, cells, strict=True):
        if not value.strip():
            raise ValueError(f"{column} is empty")
    return PrefixRow(prefix, tuple(country.split()), kind, reason, source, date.fromisoformat(source_date))


def _length(row: PrefixRow) -> int:
    return len(row.prefix.removesuffix("$"))
