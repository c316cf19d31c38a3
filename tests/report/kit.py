"""Short calls written in a line or two, for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence

from byourside_server.calls.call import FieldValue
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.report.extraction import Claim, ClaimedObjective, Extraction, Met


def talk(*lines: str, asks: dict[int, str] | None = None) -> tuple[Turn, ...]:
    """ "A: words" for the agent and "C: words" for the contact, a second each; `asks` by turn number."""
    return tuple(
        Turn(
            index,
            "agent" if line.startswith("A:") else "contact",
            line[2:].strip(),
            index * 1000,
            index * 1000 + 800,
            asks=(asks or {}).get(index),
        )
        for index, line in enumerate(lines)
    )


def claimed(
    brief: Brief,
    claims: dict[str, tuple[FieldValue, int | None, str | None]],
    *,
    met: Met = "unknown",
    proof: tuple[int, str] | None = None,
    outcome: str | None = None,
) -> Extraction:
    """A model's answer: by field name (value, turn, quote); fields left out are null."""
    turn, quote = proof or (None, None)
    return Extraction(
        "What the model wrote.",
        {field.name: Claim(*claims.get(field.name, (None, None, None))) for field in brief.fields},
        outcome,
        ClaimedObjective(met, "What the model thinks.", turn, quote),
    )


def words(turns: Sequence[Turn], index: int) -> str:
    return turns[index].text
