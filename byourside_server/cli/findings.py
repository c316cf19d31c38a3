"""One line of the doctor's, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from byourside_server.config import Config
from byourside_server.printable import printable

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's."""

    verdict: Verdict
    subject: str
    words: str

    def line(self) -> str:
        """As it is printed: an address that a check or a library speaks of may hold a password."""
        return f"{self.verdict:<5} {self.subject}: {printable(self.words)}"


Check = Callable[[Config], Iterator[Finding]]
