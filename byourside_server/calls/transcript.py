"""Who said what, and when.

Times are milliseconds of the recording (0 = the moment of answer), so a turn can be heard at its place.
The transcript holds only what was played out or heard, never what was merely intended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["agent", "contact"]

SPEAKER_LABEL: dict[Role, str] = {"agent": "Agent", "contact": "Contact"}


@dataclass(frozen=True)
class Turn:
    """One stretch of speech of one side.

    `asks` is the step of the conversation an agent's turn puts as a question (for example
    "field:confirmed"), None where it asks nothing; it lets the report read answers against questions.
    `interrupted` is True where the other side cut it short; `text` is then only what was heard of it.
    """

    index: int
    role: Role
    text: str
    start_ms: int
    end_ms: int
    interrupted: bool = False
    asks: str | None = None
    confidence: float | None = None


def as_text(turns: Iterable[Turn]) -> str:
    """The transcript as plain lines, `Agent: …` and `Contact: …`, in order of speaking."""
    return "\n".join(f"{SPEAKER_LABEL[turn.role]}: {turn.text}" for turn in turns)
