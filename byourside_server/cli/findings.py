"""One line of the doctor's, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from byourside_server.config import Config

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's."""

    verdict: Verdict
    subject: str
    words: str


Check = Callable[[Config], Iterator[Finding]]
