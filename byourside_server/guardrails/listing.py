"""What do the tables hold? A count for people.

`python -m byourside_server.guardrails.listing` prints the table of docs/guardrails.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from byourside_server.guardrails.destinations import BLOCKED_FILES, PrefixRow, packaged_rows


def counts_table(rows: Iterable[PrefixRow]) -> str:
    """Return a Markdown table: country, kind, number of prefixes, and the shortest of them as examples."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((" ".join(row.countries), row.kind), []).append(row.prefix)
    lines = ["| country | kind | prefixes | for example |", "|---|---|---|---|"]
    for (country, kind), prefixes in sorted(groups.items()):
        examples = ", ".join(f"`+{prefix}`" for prefix in sorted(prefixes, key=lambda p: (len(p), p))[:4])
        lines.append(f"| {country} | {kind} | {len(prefixes)} | {examples} |")
    return "\n".join(lines) + "\n"


def blocked_table() -> str:
    """Return the table of every blocked prefix that ships with the server."""
    return counts_table(row for name in BLOCKED_FILES for row in packaged_rows(name))


if __name__ == "__main__":
    sys.stdout.write(blocked_table())
