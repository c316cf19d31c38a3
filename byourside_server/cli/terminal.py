"""Lines for people, on standard output, at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from byourside_server.printable import printable


def say(line: str = "") -> None:
    """Print a line, and flush: it may be read by a pipe that waits for it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Print what is wrong to standard error."""
    sys.stderr.write(f"byourside-server: {printable(line)}\n")


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    for row in (heads, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def day(epoch: float) -> str:
    """A moment as people write it, UTC."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d %H:%M")
